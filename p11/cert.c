/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates: which one belongs to a key, and which lead from it towards the root. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "der.h"
#include "diag.h"

/* The scheme in which TLS 1.3 has a key sign; an EC key is tied to one hash by its curve (RFC 8446 section 4.2.3). */
static gnutls_sign_algorithm_t scheme_of(gnutls_pubkey_t pubkey)
{
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

	switch (gnutls_pubkey_get_pk_algorithm(pubkey, NULL)) {
	case GNUTLS_PK_RSA:
		return GNUTLS_SIGN_RSA_PSS_RSAE_SHA256;
	case GNUTLS_PK_RSA_PSS:
		return GNUTLS_SIGN_RSA_PSS_SHA256;
	case GNUTLS_PK_EDDSA_ED25519:
		return GNUTLS_SIGN_EDDSA_ED25519;
	case GNUTLS_PK_ECDSA:
		gnutls_pubkey_export_ecc_raw2(pubkey, &curve, NULL, NULL, 0);
		break;
	default:
		break;
	}
	switch (curve) {
	case GNUTLS_ECC_CURVE_SECP256R1:
		return GNUTLS_SIGN_ECDSA_SECP256R1_SHA256;
	case GNUTLS_ECC_CURVE_SECP384R1:
		return GNUTLS_SIGN_ECDSA_SECP384R1_SHA384;
	case GNUTLS_ECC_CURVE_SECP521R1:
		return GNUTLS_SIGN_ECDSA_SECP521R1_SHA512;
	default:
		return GNUTLS_SIGN_UNKNOWN;
	}
}

/* A proof in the making: random data, and the key's signature over them in the scheme that was wanted last. */
struct proof {
	gnutls_privkey_t key;
	unsigned char nonce[64];
	gnutls_sign_algorithm_t scheme;
	gnutls_datum_t signature;
	unsigned int no_scheme; /* how many certificates have a key that TLS 1.3 has no scheme for */
};

static int proof_sign(struct proof *proof, gnutls_sign_algorithm_t scheme, struct nfstls_diag *diag)
{
	const gnutls_datum_t data = { proof->nonce, sizeof(proof->nonce) };
	int ret, error;

	if (proof->scheme == scheme)
		return 0;
	gnutls_free(proof->signature.data);
	proof->signature = (gnutls_datum_t){ NULL, 0 };
	proof->scheme = GNUTLS_SIGN_UNKNOWN;

	ret = gnutls_privkey_sign_data2(proof->key, scheme, 0, &data, &proof->signature);
	if (ret < 0) {
		error = nfstls_last_sign_error(diag);
		return error ? error : diag_gnutls(diag, ret, NFSTLS_E_KEY_UNUSABLE, gnutls_sign_get_name(scheme));
	}
	proof->scheme = scheme;
	return 0;
}

/* Whether a certificate's public key verifies what the private key signed. 1, 0, or an error. */
static int proof_holds(struct proof *proof, gnutls_x509_crt_t cert, struct nfstls_diag *diag)
{
	const gnutls_datum_t data = { proof->nonce, sizeof(proof->nonce) };
	int algorithm = gnutls_privkey_get_pk_algorithm(proof->key, NULL);
	gnutls_sign_algorithm_t scheme;
	gnutls_pubkey_t pubkey;
	int ret;

	ret = gnutls_pubkey_init(&pubkey);
	if (ret < 0)
		return NFSTLS_E_MEMORY;
	ret = gnutls_pubkey_import_x509(pubkey, cert, 0);
	if (ret < 0) {
		ret = diag_gnutls(diag, ret, NFSTLS_E_CERT, "public key");
		goto out;
	}
	scheme = scheme_of(pubkey);
	ret = 0;
	proof->no_scheme += scheme == GNUTLS_SIGN_UNKNOWN;
	if (scheme == GNUTLS_SIGN_UNKNOWN || !gnutls_sign_supports_pk_algorithm(scheme, algorithm))
		goto out;
	ret = proof_sign(proof, scheme, diag);
	if (ret == 0)
		ret = gnutls_pubkey_verify_data2(pubkey, scheme, 0, &data, &proof->signature) >= 0;
out:
	gnutls_pubkey_deinit(pubkey);
	return ret;
}

int nfstls_cert_match(gnutls_privkey_t key, const gnutls_x509_crt_t *certs, unsigned int ncerts, unsigned int *index,
		      struct nfstls_diag *diag)
{
	struct proof proof = { .key = key };
	unsigned int matches = 0, last = 0;
	int ret = 0;

	if (gnutls_rnd(GNUTLS_RND_NONCE, proof.nonce, sizeof(proof.nonce)) < 0)
		return NFSTLS_E_CRYPTO;
	for (unsigned int i = 0; i < ncerts; i++) {
		if (matches > 0 && gnutls_x509_crt_equals(certs[i], certs[last]))
			continue;
		ret = proof_holds(&proof, certs[i], diag);
		if (ret < 0)
			break;
		if (ret > 0) {
			matches++;
			last = i;
		}
	}
	gnutls_free(proof.signature.data);

	if (ret < 0)
		return ret;
	if (matches == 0 && ncerts > 0 && proof.no_scheme == ncerts)
		return diag_set(diag, NFSTLS_E_KEY_UNUSABLE,
				"its certificate has a public key that TLS 1.3 does not use");
	if (matches == 0)
		return diag_set(diag, NFSTLS_E_CERT_MISMATCH, "none of %u certificate(s) verifies what the key signs",
				ncerts);
	if (matches > 1)
		return diag_set(diag, NFSTLS_E_CERT_AMBIGUOUS, "%u different certificates are for this key", matches);
	*index = last;
	return 0;
}

static int chain_append(gnutls_x509_crt_t cert, gnutls_datum_t *chain)
{
	gnutls_datum_t der;
	unsigned char *grown;

	if (gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der) < 0)
		return NFSTLS_E_CERT;
	grown = gnutls_realloc(chain->data, chain->size + der.size);
	if (grown) {
		memcpy(grown + chain->size, der.data, der.size);
		chain->data = grown;
		chain->size += der.size;
	}
	gnutls_free(der.data);
	return grown ? 0 : NFSTLS_E_MEMORY;
}

static bool chain_has(const gnutls_datum_t *chain, gnutls_x509_crt_t cert)
{
	gnutls_datum_t rest = *chain, der;

	while (nfstls_chain_next(&rest, &der) == 0 && der.size > 0)
		if (gnutls_x509_crt_equals2(cert, &der))
			return true;
	return false;
}

/*
 * The first certificate of the pool that issued this one, has an issuer itself, and is not in the chain yet: two
 * authorities that issued each other must not make it endless.
 */
static gnutls_x509_crt_t find_issuer(gnutls_x509_crt_t cert, const gnutls_x509_crt_t *pool, unsigned int npool,
				     const gnutls_datum_t *chain)
{
	for (unsigned int i = 0; i < npool; i++)
		if (gnutls_x509_crt_check_issuer(cert, pool[i]) && !gnutls_x509_crt_check_issuer(pool[i], pool[i]) &&
		    !chain_has(chain, pool[i]))
			return pool[i];
	return NULL;
}

int nfstls_chain_build(gnutls_x509_crt_t leaf, const gnutls_x509_crt_t *pool, unsigned int npool, gnutls_datum_t *chain)
{
	gnutls_datum_t built = { NULL, 0 };
	gnutls_x509_crt_t cert = leaf;
	int ret = 0;

	while (ret == 0 && (cert = find_issuer(cert, pool, npool, &built)) != NULL)
		ret = chain_append(cert, &built);
	if (ret < 0)
		gnutls_free(built.data);
	else
		*chain = built;
	return ret;
}

int nfstls_chain_next(gnutls_datum_t *rest, gnutls_datum_t *cert)
{
	gnutls_datum_t whole = *rest, body;

	if (rest->size == 0) {
		*cert = (gnutls_datum_t){ NULL, 0 };
		return 0;
	}
	if (!der_take(rest, DER_SEQUENCE, &body))
		return NFSTLS_E_CERT;
	*cert = (gnutls_datum_t){ whole.data, whole.size - rest->size };
	return 0;
}
