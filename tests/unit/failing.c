/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failing_wrap.h"

struct failing failing;

/* Where the program begins, for addr2line(1). */
extern const char __executable_start;

/* At the start, so that a child that begins is heard in its parent. */
static __attribute__((constructor)) void share(void)
{
	failing.failed = mmap(NULL, sizeof(*failing.failed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (failing.failed == MAP_FAILED)
		abort();
}

void failing_begin(enum failing_kind kind, unsigned int nth, bool here_alone)
{
	memset(failing.failed, 0, sizeof(*failing.failed));
	failing.kind = kind;
	failing.left = nth;
	failing.where = here_alone ? getpid() : 0;
	failing.armed = true;
}

const struct failing_call *failing_end(void)
{
	failing.armed = false;
	return failing.failed->name[0] ? failing.failed : NULL;
}

bool failing_now(enum failing_kind kind, int error, const char *name, const void *caller)
{
	if (!failing.armed || failing.kind != kind || (failing.where && failing.where != getpid()) ||
	    failing.left-- > 0)
		return false;
	failing.armed = false;
	snprintf(failing.failed->name, sizeof(failing.failed->name), "%s", name);
	failing.failed->from = (uintptr_t)caller - (uintptr_t)&__executable_start;
	errno = error;
	return true;
}
