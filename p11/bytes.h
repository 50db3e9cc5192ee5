/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that may be a secret. */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>

#include <gnutls/gnutls.h>

/* The copy is for bytes_wipe(); empty for nothing. 0 or NFSTLS_E_MEMORY. */
int bytes_copy(const gnutls_datum_t *bytes, gnutls_datum_t *copy);

bool bytes_equal(const gnutls_datum_t *a, const gnutls_datum_t *b);

/* Wipe, release, and leave it empty. */
void bytes_wipe(gnutls_datum_t *bytes);

#endif
