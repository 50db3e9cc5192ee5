/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of an identity that a login is about, beside its certificate and handle:
 *
 *	nfs:x509:<identity>:pin		its PIN; nfstlskey(8) sets it, with a timeout
 *	nfs:x509:<identity>:latch	why nobody may log in: NFSTLS_LATCH_ID digits that name the PIN, a space, the
 *cause
 */
#ifndef KEYS_H
#define KEYS_H

#include "diag.h"

/*
 * Read the PIN key into a buffer, if it is for the token that this handle names. A PIN that does not fit has
 * *len > size. Errors: NFSTLS_E_PIN_NEEDED (none, or it has expired), NFSTLS_E_CHANGING (the identity has or is about
 * to have another handle), NFSTLS_E_KEYRING.
 */
int key_read_pin(const struct nfstls_identity *identity, const gnutls_datum_t *handle, unsigned char *pin, size_t size,
		 size_t *len, struct nfstls_diag *diag);

/*
 * Whether a latch stands against a PIN: one of the identity's own or of another one that has the same PIN of the same
 * token, or the identity's own that a person set. 0, or NFSTLS_E_PIN_LATCHED with the cause.
 */
int latch_check(const struct nfstls_identity *identity, const char *pin_id, struct nfstls_diag *diag);

/* In an agent: let go of the session keyring that it was born with. Its other keyrings are new and empty. */
void keys_leave(void);

#endif
