/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "bytes.h"
#include "nfstls-p11.h"

int bytes_copy(const gnutls_datum_t *bytes, gnutls_datum_t *copy)
{
	gnutls_datum_t made = { NULL, bytes->size };

	if (bytes->size > 0) {
		made.data = gnutls_malloc(bytes->size);
		if (!made.data)
			return NFSTLS_E_MEMORY;
		memcpy(made.data, bytes->data, bytes->size);
	}
	*copy = made;
	return 0;
}

bool bytes_equal(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

void bytes_wipe(gnutls_datum_t *bytes)
{
	if (bytes->data)
		explicit_bzero(bytes->data, bytes->size);
	gnutls_free(bytes->data);
	*bytes = (gnutls_datum_t){ NULL, 0 };
}
