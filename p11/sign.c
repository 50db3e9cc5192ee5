/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signing in the token: the schemes of TLS 1.3 (RFC 8446 section 4.2.3) as PKCS#11 mechanisms. Anything else, PKCS#1
 * v1.5 and decryption among it, is not what these keys are for.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "agent.h"
#include "login.h"
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

/* Whether the token does the mechanism. What a token that is gone does not tell is left to the signature. */
static bool token_can(const struct signer *signer, CK_MECHANISM_TYPE mechanism)
{
	const struct session *session = &signer->session;
	CK_MECHANISM_INFO info;
	CK_RV rv;

	if (!signer->may_sign)
		return false;
	rv = session->module.funcs->C_GetMechanismInfo(session->slot, mechanism, &info);
	return rv_is_breakdown(rv) || (rv == CKR_OK && (info.flags & CKF_SIGN));
}

/* ECDSA: PKCS#11 gives r and s, one after the other; TLS wants ECDSA-Sig-Value (RFC 3279 section 2.2.3). */
static int encode_signature(const struct signer *signer, unsigned char *raw, unsigned int size,
			    gnutls_datum_t *signature, struct nfstls_diag *diag)
{
	if (signer->type == CKK_EC) {
		const gnutls_datum_t r = { raw, size / 2 }, s = { raw + size / 2, size / 2 };

		if (size % 2 == 0 && gnutls_encode_rs_value(signature, &r, &s) == 0)
			return 0;
		return diag_set(diag, NFSTLS_E_TOKEN, "%s: C_Sign: no ECDSA signature", signer->session.name);
	}
	signature->data = gnutls_malloc(size);
	if (!signature->data)
		return NFSTLS_E_MEMORY;
	memcpy(signature->data, raw, size);
	signature->size = size;
	return 0;
}

static CK_MECHANISM mechanism_of(const struct scheme *scheme)
{
	/* cppcheck-suppress legacyUninitvar ; the member is another one */
	CK_MECHANISM mechanism = { .mechanism = scheme->mechanism };

	if (scheme->type == CKK_RSA) {
		mechanism.pParameter = (void *)&scheme->pss;
		mechanism.ulParameterLen = sizeof(scheme->pss);
	}
	return mechanism;
}

int signer_sign(const struct signer *signer, gnutls_sign_algorithm_t algo, const gnutls_datum_t *data,
		gnutls_datum_t *signature, struct nfstls_diag *diag)
{
	const struct session *session = &signer->session;
	const struct scheme *scheme = scheme_for(signer, algo);
	unsigned char raw[SIGNATURE_MAX];
	CK_ULONG size = sizeof(raw);
	CK_MECHANISM mechanism;
	CK_RV rv;
	int ret;

	if (!scheme)
		return diag_set(diag, NFSTLS_E_KEY_UNUSABLE, "%s: no mechanism for %s", session->name,
				gnutls_sign_get_name(algo));
	mechanism = mechanism_of(scheme);
	agent_step(session->name, "C_SignInit");
	rv = session->module.funcs->C_SignInit(session->id, &mechanism, signer->key);
	if (rv != CKR_OK)
		return diag_rv(diag, rv, session->name, "C_SignInit");
	if (signer->reauthenticate) {
		ret = login(session, CKU_CONTEXT_SPECIFIC, signer->pin_source, signer->access, NULL, diag);
		if (ret < 0)
			return ret;
	}
	agent_step(session->name, "C_Sign");
	rv = session->module.funcs->C_Sign(session->id, data->data, data->size, raw, &size);
	if (rv == CKR_OK && (size == 0 || size > sizeof(raw)))
		rv = CKR_BUFFER_TOO_SMALL;
	if (rv != CKR_OK)
		return diag_rv(diag, rv, session->name, "C_Sign");
	return encode_signature(signer, raw, size, signature, diag);
}

gnutls_sign_algorithm_t signer_scheme(const struct signer *signer, unsigned int *next)
{
	while (*next < sizeof(schemes) / sizeof(schemes[0])) {
		const struct scheme *scheme = &schemes[(*next)++];

		if (scheme->type == signer->type && token_can(signer, scheme->mechanism))
			return scheme->sign;
	}
	return GNUTLS_SIGN_UNKNOWN;
}

gnutls_pk_algorithm_t signer_algorithm(const struct signer *signer)
{
	switch (signer->type) {
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

int signer_bits(const struct signer *signer)
{
	gnutls_datum_t modulus;
	int bits;

	if (signer->type != CKK_RSA || session_get(&signer->session, signer->key, CKA_MODULUS, &modulus, NULL) < 0)
		return -1;
	bits = modulus.size * 8;
	gnutls_free(modulus.data);
	return bits;
}
