/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each call that may fail for lack of something does so once, one after the other: the library says so, in a way that
 * does not make a mount fail for good, has given out nothing, and leaks neither memory (for the sanitizer to tell) nor
 * descriptors. What is interrupted goes on.
 */
#ifndef SURVIVE_H
#define SURVIVE_H

#include "failing.h"
#include "nfstls-p11.h"

/* What is done again and again: it returns what the library returned, and releases what it got. */
typedef int operation(struct nfstls_diag *diag);

/* What may come of it: an error that time may mend, any error, or none. */
enum outcome_wanted { HONEST, ANY, WELL };

void survive(enum failing_kind kind, operation *operate, enum outcome_wanted wanted);

/* A test of that name, for an operation. */
#define WITHOUT(lack, test, operation)                                                                                 \
	{                                                                                                              \
#operation "_without_" #lack, test, NULL, NULL, operation                                              \
	}

#endif
