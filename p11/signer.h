/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A token's private key, ready to sign: a session, an object in it, and the TLS 1.3 schemes that the two can do. */
#ifndef SIGNER_H
#define SIGNER_H

#include "session.h"

struct signer {
	struct session session;
	CK_OBJECT_HANDLE key;
	CK_KEY_TYPE type;
	bool reauthenticate; /* CKA_ALWAYS_AUTHENTICATE: log in for each signature */
	bool may_sign;	     /* nothing speaks against it: CKA_SIGN is true, or is not told */
	char *pin_source;    /* or NULL */
	const struct nfstls_access *access;
	char pin_id[NFSTLS_PIN_ID + 1]; /* "" when no PIN was wanted */
};

/*
 * Open the session that a URI means, and take the one private key in it that matches: by the object attributes of the
 * URI, or by the CKA_ID of the one certificate that they match. *signer is allocated; signer_free() closes it. access
 * must outlive it.
 */
int signer_open(P11KitUri *uri, const struct nfstls_access *access, struct signer **signer, struct nfstls_diag *diag);
void signer_free(struct signer *signer);

/*
 * Sign as GnuTLS wants it: a hash for RSA-PSS and ECDSA, the data as they are for EdDSA.
 * Errors: NFSTLS_E_KEY_UNUSABLE for a scheme that is not of TLS 1.3 or not of this key, what login() and a token say.
 */
int signer_sign(const struct signer *signer, gnutls_sign_algorithm_t scheme, const gnutls_datum_t *data,
		gnutls_datum_t *signature, struct nfstls_diag *diag);

/* Whether the key is of a kind that TLS 1.3 uses; GNUTLS_PK_UNKNOWN if it is not. */
gnutls_pk_algorithm_t signer_algorithm(const struct signer *signer);

/* The bits of an RSA key, to which GnuTLS fits the salt; -1 for the others, whose size is in the certificate. */
int signer_bits(const struct signer *signer);

/* Step through the schemes that the key and the token can do, from 0 on; GNUTLS_SIGN_UNKNOWN at the end. */
gnutls_sign_algorithm_t signer_scheme(const struct signer *signer, unsigned int *next);

#endif
