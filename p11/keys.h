/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of an identity on the .nfs keyring, beside what nfstls-p11.h says of them. */
#ifndef KEYS_H
#define KEYS_H

#include "diag.h"

/*
 * nfstls_keyring_identity() of what keyctl_describe(3) says of a key: type;uid;gid;perm;name. A key of another type
 * than "user" is none of ours.
 */
int key_name_split(const char *description, char **identity, char **part);

/* The serial of nfs:x509:<identity>:<part>, or a negative errno value. */
int key_find(const struct nfstls_identity *identity, const char *part);

/* What that value is as an error: NFSTLS_E_KEYRING or NFSTLS_E_MEMORY. */
int key_find_error(int serial);

/* What a key holds, or the serials of a keyring. Errors: NFSTLS_E_KEYRING, with errno; NFSTLS_E_MEMORY. */
int key_read(int serial, gnutls_datum_t *payload);

/*
 * Read the identity's PIN, nfs:x509:<identity>:pin, which nfstlskey(8) sets with a timeout, into a buffer, if it is for
 * the token that this handle names. A PIN that does not fit has *len > size. Errors: NFSTLS_E_PIN_NEEDED (none, or it
 * has expired), NFSTLS_E_CHANGING (the identity has or is about to have another handle), NFSTLS_E_KEYRING.
 */
int key_read_pin(const struct nfstls_identity *identity, const gnutls_datum_t *handle, unsigned char *pin, size_t size,
		 size_t *len, struct nfstls_diag *diag);

/* In an agent: let go of the session keyring that it was born with. Its other keyrings are new and empty. False: not
 * done. */
bool keys_leave(void);

#endif
