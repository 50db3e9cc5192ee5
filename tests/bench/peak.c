/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To be preloaded into tlshd: each of its processes, when it ends, adds a line to the file that NFSTLS_PEAK names:
 * "agent" if it leads a process group of its own, as a PKCS#11 agent does, else "child"; the most memory that it had
 * (VmHWM), and what of its memory at the end was no file's (RssAnon), in KiB. Both count what it shares with its
 * parent.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long field(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line ? atol(line + strlen(name)) : 0;
}

static void note(void)
{
	const char *path = getenv("NFSTLS_PEAK");
	char status[8192], line[64];
	int in = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	int out = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	ssize_t size = in < 0 ? -1 : read(in, status, sizeof(status) - 1);

	if (size > 0 && out >= 0) {
		status[size] = '\0';
		size = snprintf(line, sizeof(line), "%s %ld %ld\n", getpgrp() == getpid() ? "agent" : "child",
				field(status, "VmHWM:"), field(status, "RssAnon:"));
		if (write(out, line, size) != size)
			abort();
	}
	close(in);
	close(out);
}

__attribute__((destructor)) static void end(void)
{
	note();
}

/* An agent's way out, past destructors. */
void _exit(int status)
{
	void (*real)(int) = dlsym(RTLD_NEXT, __func__);

	note();
	real(status);
	abort();
}
