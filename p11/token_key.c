/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a URI to one token key, its certificate, and a URI that will find the same key again. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "signer.h"

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

static int pool_read(struct pool *pool, const struct session *session, const gnutls_datum_t *key_id,
		     struct nfstls_diag *diag)
{
	CK_OBJECT_HANDLE *objects;
	size_t count;
	int ret = session_find_certs(session, &objects, &count, diag);

	if (ret < 0)
		return ret;
	for (size_t i = 0; ret == 0 && i < count; i++) {
		gnutls_datum_t der = { NULL, 0 }, id = { NULL, 0 };

		ret = session_get(session, objects[i], CKA_VALUE, &der, diag);
		if (ret == 0)
			ret = session_get(session, objects[i], CKA_ID, &id, diag);
		if (ret == 0)
			ret = pool_add(pool, &der,
				       key_id->size > 0 && id.size == key_id->size &&
					       memcmp(id.data, key_id->data, id.size) == 0);
		gnutls_free(der.data);
		gnutls_free(id.data);
	}
	free(objects);
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

/* The URI that a handle will carry, with the id and label that the key itself has. */
static int describe(const struct signer *signer, const gnutls_datum_t *id, struct nfstls_token_key *found,
		    struct nfstls_diag *diag)
{
	const CK_TOKEN_INFO *token = &signer->session.token;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	gnutls_datum_t label;
	int ret;

	ret = module_check_path(signer->session.module_path, diag);
	if (ret == 0)
		ret = session_get(&signer->session, signer->key, CKA_LABEL, &label, diag);
	if (ret < 0)
		return ret;
	if (id->size == 0 && label.size == 0) {
		ret = diag_set(diag, NFSTLS_E_KEY_UNUSABLE, "%s: the key has neither id nor label to name it by",
			       signer->session.name);
	} else {
		const CK_ATTRIBUTE attrs[] = {
			{ CKA_CLASS, &class, sizeof(class) },
			{ CKA_ID, id->data, id->size },
			{ CKA_LABEL, label.data, label.size },
		};

		ret = uri_format(token, attrs, 3, signer->session.module_path, signer->pin_source, &found->uri);
	}
	gnutls_free(label.data);
	if (ret < 0)
		return ret;

	found->token = strndup((const char *)token->label, p11_kit_space_strlen(token->label, sizeof(token->label)));
	return found->token ? 0 : NFSTLS_E_MEMORY;
}

/* Everything about the key that the signer holds; the signer is used up. */
static int examine(struct signer *signer, const gnutls_x509_crt_t *certs, unsigned int ncerts,
		   struct nfstls_token_key *found, struct nfstls_diag *diag)
{
	gnutls_datum_t id = { NULL, 0 };
	gnutls_privkey_t key = NULL;
	struct pool pool = { NULL, 0, 0 };
	int ret;

	ret = session_get(&signer->session, signer->key, CKA_ID, &id, diag);
	if (ret == 0)
		ret = describe(signer, &id, found, diag);
	if (ret == 0 && !certs) {
		ret = pool_read(&pool, &signer->session, &id, diag);
		certs = pool.certs;
		ncerts = pool.count;
	}
	if (ret == 0 && gnutls_privkey_init(&key) < 0)
		ret = NFSTLS_E_MEMORY;
	if (ret < 0) {
		signer_free(signer);
		goto out;
	}
	ret = signer_import(signer, key, diag);
	if (ret == 0)
		ret = find_certificates(key, certs, ncerts, pool.same_id, found, diag);
out:
	if (key)
		gnutls_privkey_deinit(key);
	pool_clear(&pool);
	gnutls_free(id.data);
	return ret;
}

int nfstls_token_key_find(const char *text, const gnutls_x509_crt_t *certs, unsigned int ncerts,
			  struct nfstls_token_key *found, struct nfstls_diag *diag)
{
	struct nfstls_token_key result = { .uri = NULL };
	struct signer *signer;
	P11KitUri *uri;
	int ret;

	ret = uri_parse(text, &uri, diag);
	if (ret < 0)
		return ret;
	ret = signer_open(uri, &signer, diag);
	p11_kit_uri_free(uri);
	if (ret < 0)
		return ret;

	ret = examine(signer, certs, ncerts, &result, diag);
	if (ret < 0)
		nfstls_token_key_clear(&result);
	else
		*found = result;
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
