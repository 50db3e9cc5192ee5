/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single DER elements (X.690): the little that token handles and concatenated certificates need, over libtasn1. */
#ifndef DER_H
#define DER_H

#include <stdbool.h>

#include <gnutls/gnutls.h>
#include <libtasn1.h>

#define DER_SEQUENCE (ASN1_TAG_SEQUENCE | ASN1_CLASS_STRUCTURED)

/*
 * Take the next element off *rest: *value points at its contents. Whether there was one, of that tag, of a definite
 * length that fits. A length that is longer than it need be passes; who minds encodes again and compares.
 */
bool der_take(gnutls_datum_t *rest, unsigned char tag, gnutls_datum_t *value);

/* Append one element to *out. 0 or NFSTLS_E_MEMORY. */
int der_append(unsigned char tag, const void *value, unsigned int size, gnutls_datum_t *out);

#endif
