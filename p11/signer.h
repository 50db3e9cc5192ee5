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
	char *pin_source;    /* or NULL */
};

/*
 * Open the session that a URI means, and take the one private key in it that matches: by the object attributes of the
 * URI, or by the CKA_ID of the one certificate that they match. *signer is allocated; signer_free() closes it.
 */
int signer_open(P11KitUri *uri, struct signer **signer, struct nfstls_diag *diag);
void signer_free(struct signer *signer);

/* Put a signer behind an empty gnutls_privkey_t, which owns it from then on, also when this fails. */
int signer_import(struct signer *signer, gnutls_privkey_t key, struct nfstls_diag *diag);

#endif
