/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linked into each program and library that ./dev coverage builds, and not itself measured. Hidden, so that each has its
 * own, as it has its own counts; weak, for those that have such a function already.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN __attribute__((weak, visibility("hidden")))

extern void __gcov_dump(void);

/* gcov writes what it has counted at exit(3): processes that end by this would take theirs along. */
OWN void _exit(int status)
{
	__gcov_dump();
	syscall(SYS_exit_group, status);
	__builtin_unreachable();
}

/*
 * Where a user may not write counts they are lost. gcov says so on stderr, some of it only unless it is told of another
 * place, but tests mind what is said there.
 */
static __attribute__((constructor)) void quiet(void)
{
	setenv("GCOV_ERROR_FILE", "/dev/null", 1);
}

OWN int fprintf(FILE *file, const char *format, ...)
{
	va_list args;
	int written = 0;

	va_start(args, format);
	if (strncmp(format, "profiling:", strlen("profiling:")) != 0)
		written = vfprintf(file, format, args);
	va_end(args);
	return written;
}
