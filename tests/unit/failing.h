/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that fail when a test wants it: the linker puts failing_calls.c and its like in front of those that our code
 * makes, not of those that other libraries make (see failing_calls in local.mk).
 */
#ifndef FAILING_H
#define FAILING_H

#include <stdbool.h>

enum failing_kind {
	FAILING_MEMORY,	   /* malloc(3) and its kin, and what of GnuTLS and p11-kit fails for that reason alone */
	FAILING_SYSTEM,	   /* what the kernel refuses */
	FAILING_INTERRUPT, /* a system call ends with EINTR, and must be made again */
	FAILING_GONE,	   /* a key is not there any more */
	FAILING_TOKEN,	   /* a function of the PKCS#11 module */
	FAILING_ANSWER,	   /* what an agent answers ends early: see failing_begin() */
};

struct failing_call {
	char name[64];
	unsigned long from; /* the address behind it, as addr2line(1) of the program takes it */
};

/*
 * From now on the nth call of the kind (from 0) fails: here alone, or once here and in each process that it forks. Of
 * answers there are two, the first cut for an even number and the second for an odd one, each time further behind.
 */
void failing_begin(enum failing_kind kind, unsigned int nth, bool here_alone);

/* What a function of the module returns when it fails, an unsigned long; that the device was removed unless it is set.
 */
void failing_token_says(unsigned long rv);

/* No more. The call that failed, in whatever process, which is good until the next failing_begin(), or NULL. */
const struct failing_call *failing_end(void);

#endif
