/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a URI to one token key, its certificate, and a URI that will find the same key again. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "key_agent.h"

/* Certificates that were read from a token. */
struct pool {
	gnutls_x509_crt_t *certs; /* those for the key's CKA_ID first */
	unsigned int count;
	unsigned int same_id;
};

static void pool_clear(struct pool *pool)
{
	for (unsigned int i = 0; i < pool->count; i++)
		gnutls_x509_crt_deinit(pool->certs[i]);
	free(pool->certs);
}

static int pool_add(struct pool *pool, const gnutls_datum_t *der, bool same_id)
{
	gnutls_x509_crt_t *grown = reallocarray(pool->certs, pool->count + 1, sizeof(*grown));
	gnutls_x509_crt_t cert;

	if (!grown)
		return NFSTLS_E_MEMORY;
	pool->certs = grown;
	if (gnutls_x509_crt_init(&cert) < 0)
		return NFSTLS_E_MEMORY;
	/* What GnuTLS cannot read is of no use, and no reason to refuse the key beside it. */
	if (gnutls_x509_crt_import(cert, der, GNUTLS_X509_FMT_DER) < 0) {
		gnutls_x509_crt_deinit(cert);
		return 0;
	}
	grown[pool->count++] = cert;
	if (same_id) {
		grown[pool->count - 1] = grown[pool->same_id];
		grown[pool->same_id++] = cert;
	}
	return 0;
}

static int pool_fill(struct pool *pool, const struct key_surroundings *surroundings)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < surroundings->ncerts; i++)
		ret = pool_add(pool, &surroundings->certs[i].der, surroundings->certs[i].same_id);
	return ret;
}

/* The leaf among the certificates, and what leads on from it. */
static int find_certificates(gnutls_privkey_t key, const gnutls_x509_crt_t *certs, unsigned int ncerts,
			     unsigned int same_id, struct nfstls_token_key *found, struct nfstls_diag *diag)
{
	unsigned int leaf;
	int ret;

	if (ncerts == 0)
		return diag_set(diag, NFSTLS_E_CERT_ABSENT, "the token holds none, name a file with --cert");
	ret = nfstls_cert_match(key, certs, same_id ? same_id : ncerts, &leaf, diag);
	if (ret < 0)
		return ret;
	if (gnutls_x509_crt_export2(certs[leaf], GNUTLS_X509_FMT_DER, &found->cert) < 0)
		return NFSTLS_E_MEMORY;
	return nfstls_chain_build(certs[leaf], certs, ncerts, &found->chain);
}

/* Everything about the key; the agent is used up. */
static int examine(struct key_agent *agent, const struct key_surroundings *surroundings, const gnutls_x509_crt_t *certs,
		   unsigned int ncerts, struct nfstls_token_key *found, struct nfstls_diag *diag)
{
	struct pool pool = { NULL, 0, 0 };
	gnutls_privkey_t key;
	int ret;

	if (gnutls_privkey_init(&key) < 0) {
		key_agent_free(agent);
		return NFSTLS_E_MEMORY;
	}
	ret = key_agent_import(agent, key, diag);
	if (ret == 0 && !certs) {
		ret = pool_fill(&pool, surroundings);
		certs = pool.certs;
		ncerts = pool.count;
	}
	if (ret == 0)
		ret = find_certificates(key, certs, ncerts, pool.same_id, found, diag);
	gnutls_privkey_deinit(key);
	pool_clear(&pool);
	return ret;
}

int nfstls_token_key_find(const char *text, const struct nfstls_access *access, const gnutls_x509_crt_t *certs,
			  unsigned int ncerts, struct nfstls_token_key *found, struct nfstls_diag *diag)
{
	struct nfstls_token_key result = { .uri = NULL };
	struct key_surroundings surroundings;
	struct key_agent *agent;
	P11KitUri *uri;
	int ret;

	ret = uri_parse(text, &uri, diag);
	if (ret < 0)
		return ret;
	ret = key_agent_open(uri, access, NULL, &surroundings, &agent, diag);
	p11_kit_uri_free(uri);
	if (ret < 0)
		return ret;

	ret = examine(agent, &surroundings, certs, ncerts, &result, diag);
	if (ret < 0) {
		nfstls_token_key_clear(&result);
	} else {
		*found = result;
		found->uri = surroundings.uri;
		found->token = surroundings.token;
		surroundings.uri = surroundings.token = NULL;
	}
	key_surroundings_clear(&surroundings);
	return ret;
}

void nfstls_token_key_clear(struct nfstls_token_key *key)
{
	free(key->uri);
	free(key->token);
	gnutls_free(key->cert.data);
	gnutls_free(key->chain.data);
	*key = (struct nfstls_token_key){ .uri = NULL };
}
