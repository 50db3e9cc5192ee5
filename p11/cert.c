/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates: which one belongs to a key, and which lead from it towards the root. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "der.h"
#include "diag.h"

/* PSS needs room for the hash, a salt as long, and two bytes (RFC 8017 section 9.1.1). */
static bool fits(gnutls_sign_algorithm_t scheme, unsigned int bits)
{
	unsigned int hash = gnutls_hash_get_len(gnutls_sign_get_hash_algorithm(scheme));

	return (bits + 6) / 8 >= 2 * hash + 2;
}

static unsigned int rsa_schemes(unsigned int bits, gnutls_sign_algorithm_t *schemes)
{
	static const gnutls_sign_algorithm_t all[NFSTLS_SCHEMES_MAX] = {
		GNUTLS_SIGN_RSA_PSS_RSAE_SHA256,
		GNUTLS_SIGN_RSA_PSS_RSAE_SHA384,
		GNUTLS_SIGN_RSA_PSS_RSAE_SHA512,
	};
	unsigned int count = 0;

	for (size_t i = 0; i < NFSTLS_SCHEMES_MAX; i++)
		if (fits(all[i], bits))
			schemes[count++] = all[i];
	return count;
}

/* The parameters of the key, where there are any, name the one hash and the shortest salt; TLS fixes the salt. */
static unsigned int rsa_pss_schemes(gnutls_pubkey_t pubkey, unsigned int bits, gnutls_sign_algorithm_t *schemes)
{
	static const gnutls_sign_algorithm_t all[NFSTLS_SCHEMES_MAX] = {
		GNUTLS_SIGN_RSA_PSS_SHA256,
		GNUTLS_SIGN_RSA_PSS_SHA384,
		GNUTLS_SIGN_RSA_PSS_SHA512,
	};
	gnutls_digest_algorithm_t hash = GNUTLS_DIG_UNKNOWN;
	unsigned int count = 0, salt = 0;
	gnutls_x509_spki_t spki;

	if (gnutls_x509_spki_init(&spki) < 0)
		return 0;
	if (gnutls_pubkey_get_spki(pubkey, spki, 0) == 0)
		gnutls_x509_spki_get_rsa_pss_params(spki, &hash, &salt);
	gnutls_x509_spki_deinit(spki);
	for (size_t i = 0; i < NFSTLS_SCHEMES_MAX; i++) {
		gnutls_digest_algorithm_t own = gnutls_sign_get_hash_algorithm(all[i]);

		if (fits(all[i], bits) && (hash == GNUTLS_DIG_UNKNOWN || hash == own) &&
		    salt <= gnutls_hash_get_len(own))
			schemes[count++] = all[i];
	}
	return count;
}

static gnutls_sign_algorithm_t ec_scheme(gnutls_pubkey_t pubkey)
{
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

	gnutls_pubkey_export_ecc_raw2(pubkey, &curve, NULL, NULL, 0);
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

static unsigned int schemes_of(gnutls_pubkey_t pubkey, gnutls_sign_algorithm_t *schemes)
{
	unsigned int bits = 0;

	switch (gnutls_pubkey_get_pk_algorithm(pubkey, &bits)) {
	case GNUTLS_PK_RSA:
		return rsa_schemes(bits, schemes);
	case GNUTLS_PK_RSA_PSS:
		return rsa_pss_schemes(pubkey, bits, schemes);
	case GNUTLS_PK_ECDSA:
		schemes[0] = ec_scheme(pubkey);
		return schemes[0] != GNUTLS_SIGN_UNKNOWN;
	case GNUTLS_PK_EDDSA_ED25519:
		schemes[0] = GNUTLS_SIGN_EDDSA_ED25519;
		return 1;
	default:
		return 0;
	}
}

static int public_key(gnutls_x509_crt_t cert, gnutls_pubkey_t *pubkey, struct nfstls_diag *diag)
{
	int ret;

	if (gnutls_pubkey_init(pubkey) < 0)
		return NFSTLS_E_MEMORY;
	ret = gnutls_pubkey_import_x509(*pubkey, cert, 0);
	if (ret == 0)
		return 0;
	gnutls_pubkey_deinit(*pubkey);
	return diag_gnutls(diag, ret, NFSTLS_E_CERT, "public key");
}

int nfstls_cert_schemes(gnutls_x509_crt_t cert, gnutls_sign_algorithm_t schemes[NFSTLS_SCHEMES_MAX],
			unsigned int *count, struct nfstls_diag *diag)
{
	gnutls_pubkey_t pubkey;
	int ret = public_key(cert, &pubkey, diag);

	if (ret < 0)
		return ret;
	*count = schemes_of(pubkey, schemes);
	gnutls_pubkey_deinit(pubkey);
	return 0;
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
		/* what a token said last has nothing to do with a key that is in memory */
		error = gnutls_privkey_get_type(proof->key) == GNUTLS_PRIVKEY_EXT ? nfstls_last_sign_error(diag) : 0;
		return error ? error : diag_gnutls(diag, ret, NFSTLS_E_KEY_UNUSABLE, gnutls_sign_get_name(scheme));
	}
	proof->scheme = scheme;
	return 0;
}

/* Whether a public key verifies what the private key signs. 1, 0, or an error. */
static int proof_holds(struct proof *proof, gnutls_pubkey_t pubkey, gnutls_sign_algorithm_t scheme,
		       struct nfstls_diag *diag)
{
	const gnutls_datum_t data = { proof->nonce, sizeof(proof->nonce) };
	int ret;

	if (!gnutls_sign_supports_pk_algorithm(scheme, gnutls_privkey_get_pk_algorithm(proof->key, NULL)))
		return 0;
	ret = proof_sign(proof, scheme, diag);
	return ret < 0 ? ret : gnutls_pubkey_verify_data2(pubkey, scheme, 0, &data, &proof->signature) >= 0;
}

/* The same for a certificate, in the scheme that GnuTLS would take. */
static int proof_holds_for(struct proof *proof, gnutls_x509_crt_t cert, struct nfstls_diag *diag)
{
	gnutls_sign_algorithm_t schemes[NFSTLS_SCHEMES_MAX];
	gnutls_pubkey_t pubkey;
	int ret = public_key(cert, &pubkey, diag);

	if (ret < 0)
		return ret;
	if (schemes_of(pubkey, schemes) > 0)
		ret = proof_holds(proof, pubkey, schemes[0], diag);
	else
		proof->no_scheme++;
	gnutls_pubkey_deinit(pubkey);
	return ret;
}

int nfstls_cert_prove(gnutls_privkey_t key, gnutls_x509_crt_t cert, gnutls_sign_algorithm_t scheme,
		      struct nfstls_diag *diag)
{
	struct proof proof = { .key = key };
	gnutls_pubkey_t pubkey;
	int ret;

	if (gnutls_rnd(GNUTLS_RND_NONCE, proof.nonce, sizeof(proof.nonce)) < 0)
		return NFSTLS_E_CRYPTO;
	ret = public_key(cert, &pubkey, diag);
	if (ret < 0)
		return ret;
	ret = proof_holds(&proof, pubkey, scheme, diag);
	gnutls_pubkey_deinit(pubkey);
	gnutls_free(proof.signature.data);
	if (ret == 0)
		return diag_set(diag, NFSTLS_E_CERT_MISMATCH, "it does not verify what the key signs in %s",
				gnutls_sign_get_name(scheme));
	return ret < 0 ? ret : 0;
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
		ret = proof_holds_for(&proof, certs[i], diag);
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

	/* it was read, so there is nothing wrong with it */
	if (gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der) < 0)
		return NFSTLS_E_MEMORY;
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
