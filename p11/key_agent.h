/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A token's private key in an agent of its own. */
#ifndef KEY_AGENT_H
#define KEY_AGENT_H

#include "agent.h"
#include "errand.h"
#include "uri.h"

/* There are 13 names for the schemes of TLS 1.3. */
#define KEY_SCHEMES_MAX 16

struct key_agent {
	struct agent *agent;
	gnutls_pk_algorithm_t algorithm;
	int bits;					  /* of an RSA key, else -1 */
	gnutls_sign_algorithm_t schemes[KEY_SCHEMES_MAX]; /* that it can sign with, up to GNUTLS_SIGN_UNKNOWN */
	struct nfstls_key_info info;
	struct errand_owner owner; /* copies */
};

/* What the token has beside the key. */
struct key_surroundings {
	char *uri;   /* names the key, the token, the module and the pin-source */
	char *token; /* the token's label */
	struct {
		gnutls_datum_t der;
		bool same_id; /* it has the CKA_ID of the key */
	} * certs;
	unsigned int ncerts;
};

/*
 * Open the one private key that a URI means. *key is allocated; key_agent_free() lets it go.
 * @access:       for the time of the call; but access->pin must not be wiped before that
 * @handle:       that the URI comes from; NULL: none
 * @surroundings: filled in unless it is NULL; release with key_surroundings_clear()
 */
int key_agent_open(P11KitUri *uri, const struct nfstls_access *access, const gnutls_datum_t *handle,
		   struct key_surroundings *surroundings, struct key_agent **key, struct nfstls_diag *diag);
void key_agent_free(struct key_agent *key);
void key_surroundings_clear(struct key_surroundings *surroundings);

/* See signer_sign(). Errors: those, and those of agent_call(). */
int key_agent_sign(struct key_agent *key, gnutls_sign_algorithm_t scheme, const gnutls_datum_t *data,
		   gnutls_datum_t *signature, struct nfstls_diag *diag);

bool key_agent_can(const struct key_agent *key, gnutls_sign_algorithm_t scheme);

/* Put the key behind an empty gnutls_privkey_t, which owns it from then on, also when this fails. */
int key_agent_import(struct key_agent *key, gnutls_privkey_t privkey, struct nfstls_diag *diag);

#endif
