/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that fail when a test wants it: the linker puts failing.c in front of those that the library makes, not of
 * those that other libraries make (see failing_calls in local.mk).
 */
#ifndef FAILING_H
#define FAILING_H

#include <stdbool.h>

enum failing_kind {
	FAILING_MEMORY,	   /* malloc(3) and its kin, and what of GnuTLS and p11-kit fails for that reason alone */
	FAILING_SYSTEM,	   /* what the kernel refuses */
	FAILING_INTERRUPT, /* a system call ends with EINTR, and must be made again */
	FAILING_TOKEN,	   /* a function of the PKCS#11 module */
	FAILING_ANSWER,	   /* what an agent answers ends early: see failing_begin() */
};

/*
 * From now on the nth call of the kind (from 0) fails: here alone, or once here and in each process that it forks. Of
 * answers there are two, the first cut for an even number and the second for an odd one, each time further behind.
 */
void failing_begin(enum failing_kind kind, unsigned int nth, bool here_alone);

/* What a function of the module returns when it fails, an unsigned long; that the device was removed unless it is set.
 */
void failing_token_says(unsigned long rv);

/* No more. Whether there was such a call, in whatever process. */
bool failing_end(void);

#endif
