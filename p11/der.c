/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <limits.h>
#include <string.h>

#include "der.h"
#include "nfstls-p11.h"

bool der_take(gnutls_datum_t *rest, unsigned char tag, gnutls_datum_t *value)
{
	int length_size;
	long size;

	if (rest->size < 2 || rest->size > INT_MAX || rest->data[0] != tag)
		return false;
	/* negative: an indefinite length, one that does not fit, or none at all */
	size = asn1_get_length_der(rest->data + 1, rest->size - 1, &length_size);
	if (size < 0)
		return false;
	/* libtasn1 takes what there is of a length that is cut off */
	if (rest->data[1] & 0x80 && length_size != 1 + (rest->data[1] & 0x7f))
		return false;
	value->data = rest->data + 1 + length_size;
	value->size = size;
	rest->size -= 1 + length_size + size;
	rest->data = value->data + size;
	return true;
}

int der_append(unsigned char tag, const void *value, unsigned int size, gnutls_datum_t *out)
{
	unsigned char length[ASN1_MAX_LENGTH_SIZE], *grown;
	int length_size;

	asn1_length_der(size, length, &length_size);
	grown = gnutls_realloc(out->data, out->size + 1 + length_size + size);
	if (!grown)
		return NFSTLS_E_MEMORY;
	out->data = grown;
	grown += out->size;
	*grown++ = tag;
	memcpy(grown, length, length_size);
	memcpy(grown + length_size, value, size);
	out->size += 1 + length_size + size;
	return 0;
}
