/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz targets: each hands one input to what reads it in the product, and aborts where something does not hold that
 * must hold for every input. clang's libFuzzer makes up inputs for ./dev fuzz; driver.c reads those that are kept.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "nfstls-p11.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Holds for this input, or it is a finding. */
#define must_hold(condition)                                                                                           \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fuzz_finding(#condition, __FILE__, __LINE__);                                                  \
	} while (0)

_Noreturn void fuzz_finding(const char *condition, const char *file, int line);

/* The input up to its first NUL, as a string; for free(). */
char *fuzz_text(const uint8_t *data, size_t size);

/* The input as a regular file that is in no folder, and closed to others; its path, which stays the same. */
const char *fuzz_file(const void *data, size_t size);

/* From here on stderr is kept, and fuzz_said() is all that was written there since it was asked last. */
void fuzz_listen(void);
const char *fuzz_said(void);

/* One line for a person: no line end but, where it has one, the last byte; and no other control character. */
bool fuzz_is_line(const char *text);

bool fuzz_equal(const gnutls_datum_t *a, const gnutls_datum_t *b);

#endif
