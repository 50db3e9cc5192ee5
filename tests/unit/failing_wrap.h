/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the files that hold the calls which failing.h makes fail. */
#ifndef FAILING_WRAP_H
#define FAILING_WRAP_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#include "failing.h"

/* What failing_begin() has set. */
extern struct failing {
	bool armed;
	enum failing_kind kind;
	unsigned int left;
	pid_t where;		     /* 0: everywhere */
	struct failing_call *failed; /* all processes share it */
} failing;

/* Whether this is the call that fails; if so, errno is set. The name of it, and where it is called from. */
bool failing_now(enum failing_kind kind, int error, const char *name, const void *caller);

/* In the function of WRAP that stands for the call. */
#define FAILS(kind, error) failing_now((kind), (error), __func__, __builtin_return_address(0))

#define NO_MEMORY   FAILS(FAILING_MEMORY, ENOMEM)
#define REFUSED	    FAILS(FAILING_SYSTEM, EAGAIN)
#define INTERRUPTED FAILS(FAILING_INTERRUPT, EINTR)
#define EITHER	    (REFUSED || INTERRUPTED)

/* The call of this name, with a name for each parameter, or what it returns where it fails. */
#define WRAP(type, name, parameters, arguments, failure, returned)                                                     \
	type __real_##name parameters;                                                                                 \
	type __wrap_##name parameters;                                                                                 \
	type __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		return (failure) ? (returned) : __real_##name arguments;                                               \
	}

#endif
