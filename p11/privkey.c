/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A token's key as a GnuTLS private key: the signature schemes of TLS 1.3 (RFC 8446 section 4.2.3) as PKCS#11
 * mechanisms. Anything else, PKCS#1 v1.5 and decryption among it, is not what this key is for.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "signer.h"

/* RSA of 16384 bits; ECDSA and EdDSA need far less. */
#define SIGNATURE_MAX 2048

struct scheme {
	gnutls_sign_algorithm_t sign;
	CK_KEY_TYPE type;
	CK_MECHANISM_TYPE mechanism;
	CK_RSA_PKCS_PSS_PARAMS pss; /* the salt is as long as the hash */
};

/* GnuTLS names the ECDSA schemes twice: with and without the curve that TLS 1.3 ties to the hash. */
static const struct scheme schemes[] = {
	{ GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, CKK_RSA, CKM_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, 32 } },
	{ GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, CKK_RSA, CKM_RSA_PKCS_PSS, { CKM_SHA384, CKG_MGF1_SHA384, 48 } },
	{ GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, CKK_RSA, CKM_RSA_PKCS_PSS, { CKM_SHA512, CKG_MGF1_SHA512, 64 } },
	{ GNUTLS_SIGN_RSA_PSS_SHA256, CKK_RSA, CKM_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, 32 } },
	{ GNUTLS_SIGN_RSA_PSS_SHA384, CKK_RSA, CKM_RSA_PKCS_PSS, { CKM_SHA384, CKG_MGF1_SHA384, 48 } },
	{ GNUTLS_SIGN_RSA_PSS_SHA512, CKK_RSA, CKM_RSA_PKCS_PSS, { CKM_SHA512, CKG_MGF1_SHA512, 64 } },
	{ GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, CKK_EC, CKM_ECDSA, {} },
	{ GNUTLS_SIGN_ECDSA_SECP384R1_SHA384, CKK_EC, CKM_ECDSA, {} },
	{ GNUTLS_SIGN_ECDSA_SECP521R1_SHA512, CKK_EC, CKM_ECDSA, {} },
	{ GNUTLS_SIGN_ECDSA_SHA256, CKK_EC, CKM_ECDSA, {} },
	{ GNUTLS_SIGN_ECDSA_SHA384, CKK_EC, CKM_ECDSA, {} },
	{ GNUTLS_SIGN_ECDSA_SHA512, CKK_EC, CKM_ECDSA, {} },
	{ GNUTLS_SIGN_EDDSA_ED25519, CKK_EC_EDWARDS, CKM_EDDSA, {} },
};

static const struct scheme *scheme_for(const struct signer *signer, gnutls_sign_algorithm_t sign)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].sign == sign && schemes[i].type == signer->type)
			return &schemes[i];
	return NULL;
}

/* Whether the token does the mechanism. What a token does not tell is left to the signature itself. */
static bool token_can(const struct signer *signer, CK_MECHANISM_TYPE mechanism)
{
	const struct session *session = &signer->session;
	CK_MECHANISM_INFO info;
	CK_BBOOL sign;

	if (session->funcs->C_GetMechanismInfo(session->slot, mechanism, &info) != CKR_OK || !(info.flags & CKF_SIGN))
		return false;
	return !session_get_fixed(session, signer->key, CKA_SIGN, &sign, sizeof(sign)) || sign == CK_TRUE;
}

/* GnuTLS passes on no more than a number of its own: the rest waits here for nfstls_last_sign_error(). */
static _Thread_local int last_error;
static _Thread_local struct nfstls_diag last_diag;

static int gnutls_error_of(int error)
{
	last_error = error;
	switch (error) {
	case NFSTLS_E_MEMORY:
		return GNUTLS_E_MEMORY_ERROR;
	case NFSTLS_E_TOKEN_ABSENT:
		return GNUTLS_E_PKCS11_REQUESTED_OBJECT_NOT_AVAILBLE;
	case NFSTLS_E_TOKEN_BUSY:
		return GNUTLS_E_PKCS11_SESSION_ERROR;
	case NFSTLS_E_PIN_NEEDED:
	case NFSTLS_E_PIN_SOURCE:
	case NFSTLS_E_PIN_REFUSED:
		return GNUTLS_E_PKCS11_PIN_ERROR;
	case NFSTLS_E_PIN_LOCKED:
		return GNUTLS_E_PKCS11_PIN_LOCKED;
	case NFSTLS_E_KEY_UNUSABLE:
		return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	default:
		return GNUTLS_E_PKCS11_ERROR;
	}
}

/* ECDSA: PKCS#11 gives r and s, one after the other; TLS wants ECDSA-Sig-Value (RFC 3279 section 2.2.3). */
static int encode_signature(const struct scheme *scheme, unsigned char *raw, unsigned int size,
			    gnutls_datum_t *signature)
{
	if (scheme->type == CKK_EC) {
		const gnutls_datum_t r = { raw, size / 2 }, s = { raw + size / 2, size / 2 };

		return size > 0 && size % 2 == 0 ? gnutls_encode_rs_value(signature, &r, &s) : GNUTLS_E_PK_SIGN_FAILED;
	}
	signature->data = gnutls_malloc(size);
	if (!signature->data)
		return GNUTLS_E_MEMORY_ERROR;
	memcpy(signature->data, raw, size);
	signature->size = size;
	return 0;
}

/* gnutls_privkey_sign_hash_func, and for EdDSA, which takes the data as they are, gnutls_privkey_sign_data_func. */
static int sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *userdata, unsigned int flags,
		const gnutls_datum_t *data, gnutls_datum_t *signature)
{
	struct signer *signer = userdata;
	const struct session *session = &signer->session;
	const struct scheme *scheme = scheme_for(signer, algo);
	unsigned char raw[SIGNATURE_MAX];
	CK_ULONG size = sizeof(raw);
	CK_MECHANISM mechanism;
	CK_RV rv;

	(void)key;
	(void)flags;
	last_error = 0;
	if (!scheme)
		return gnutls_error_of(diag_set(&last_diag, NFSTLS_E_KEY_UNUSABLE, "%s: no mechanism for %s",
						session->name, gnutls_sign_get_name(algo)));
	mechanism = (CK_MECHANISM){ .mechanism = scheme->mechanism };
	if (scheme->type == CKK_RSA) {
		mechanism.pParameter = (void *)&scheme->pss;
		mechanism.ulParameterLen = sizeof(scheme->pss);
	}

	rv = session->funcs->C_SignInit(session->id, &mechanism, signer->key);
	if (rv == CKR_OK && signer->reauthenticate) {
		int ret = session_reauthenticate(session, signer->pin_source, &last_diag);

		if (ret < 0)
			return gnutls_error_of(ret);
	}
	if (rv == CKR_OK)
		rv = session->funcs->C_Sign(session->id, data->data, data->size, raw, &size);
	if (rv != CKR_OK)
		return gnutls_error_of(diag_rv(&last_diag, rv, session->name, "C_Sign"));
	return encode_signature(scheme, raw, size, signature);
}

static gnutls_pk_algorithm_t algorithm_of(CK_KEY_TYPE type)
{
	switch (type) {
	case CKK_RSA:
		return GNUTLS_PK_RSA;
	case CKK_EC:
		return GNUTLS_PK_ECDSA;
	case CKK_EC_EDWARDS:
		return GNUTLS_PK_EDDSA_ED25519;
	default:
		return GNUTLS_PK_UNKNOWN;
	}
}

/* GnuTLS fits the salt of RSA-PSS to the modulus. Of the other keys it takes the size from the certificate. */
static int bits_of(const struct signer *signer)
{
	gnutls_datum_t modulus;
	int bits;

	if (signer->type != CKK_RSA || session_get(&signer->session, signer->key, CKA_MODULUS, &modulus, NULL) < 0)
		return -1;
	bits = modulus.size * 8;
	gnutls_free(modulus.data);
	return bits;
}

static int info(gnutls_privkey_t key, unsigned int flags, void *userdata)
{
	const struct signer *signer = userdata;

	(void)key;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return algorithm_of(signer->type);
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return bits_of(signer);
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) {
		const struct scheme *scheme = scheme_for(signer, GNUTLS_FLAGS_TO_SIGN_ALGO(flags));

		return scheme && token_can(signer, scheme->mechanism);
	}
	return -1;
}

static void deinit(gnutls_privkey_t key, void *userdata)
{
	(void)key;
	signer_free(userdata);
}

int signer_import(struct signer *signer, gnutls_privkey_t key, struct nfstls_diag *diag)
{
	int ret = NFSTLS_E_KEY_UNUSABLE;

	if (algorithm_of(signer->type) == GNUTLS_PK_UNKNOWN) {
		diag_set(diag, ret, "%s: the key is neither RSA, EC nor Ed25519", signer->session.name);
	} else {
		int rc = gnutls_privkey_import_ext4(key, signer, sign, sign, NULL, deinit, info, 0);

		if (rc == 0)
			return 0;
		ret = diag_gnutls(diag, rc, NFSTLS_E_CRYPTO, "private key");
	}
	signer_free(signer);
	return ret;
}

int nfstls_last_sign_error(struct nfstls_diag *diag)
{
	return last_error ? diag_set(diag, last_error, "%s", last_diag.text) : 0;
}

int nfstls_privkey_import_handle(gnutls_privkey_t key, const gnutls_datum_t *handle, struct nfstls_diag *diag)
{
	struct signer *signer;
	P11KitUri *uri;
	int ret = uri_of_handle(handle, &uri, diag);

	if (ret < 0)
		return ret;
	ret = signer_open(uri, &signer, diag);
	p11_kit_uri_free(uri);
	return ret < 0 ? ret : signer_import(signer, key, diag);
}
