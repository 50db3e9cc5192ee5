/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A token's key as a GnuTLS private key. */
#include "config.h"

#include <stdlib.h>

#include "handle.h"
#include "key_agent.h"

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
	case NFSTLS_E_TIMEOUT:
		return GNUTLS_E_PKCS11_SESSION_ERROR;
	case NFSTLS_E_PIN_NEEDED:
	case NFSTLS_E_PIN_SOURCE:
	case NFSTLS_E_PIN_REFUSED:
		return GNUTLS_E_PKCS11_PIN_ERROR;
	case NFSTLS_E_PIN_LOCKED:
	case NFSTLS_E_PIN_LATCHED:
		return GNUTLS_E_PKCS11_PIN_LOCKED;
	case NFSTLS_E_KEY_UNUSABLE:
		return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	default:
		return GNUTLS_E_PKCS11_ERROR;
	}
}

/* gnutls_privkey_sign_hash_func, and for EdDSA, which takes the data as they are, gnutls_privkey_sign_data_func. */
static int sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *userdata, unsigned int flags,
		const gnutls_datum_t *data, gnutls_datum_t *signature)
{
	int ret;

	(void)key;
	(void)flags;
	last_error = 0;
	ret = key_agent_sign(userdata, algo, data, signature, &last_diag);
	return ret < 0 ? gnutls_error_of(ret) : 0;
}

static int info(gnutls_privkey_t privkey, unsigned int flags, void *userdata)
{
	const struct key_agent *key = userdata;

	(void)privkey;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return key->algorithm;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return key->bits;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return key_agent_can(key, GNUTLS_FLAGS_TO_SIGN_ALGO(flags));
	return -1;
}

static void deinit(gnutls_privkey_t key, void *userdata)
{
	(void)key;
	key_agent_free(userdata);
}

int key_agent_import(struct key_agent *key, gnutls_privkey_t privkey, struct nfstls_diag *diag)
{
	int ret = gnutls_privkey_import_ext4(privkey, key, sign, sign, NULL, deinit, info, 0);

	if (ret == 0)
		return 0;
	key_agent_free(key);
	return diag_gnutls(diag, ret, NFSTLS_E_CRYPTO, "private key");
}

int nfstls_last_sign_error(struct nfstls_diag *diag)
{
	return last_error ? diag_set(diag, last_error, "%s", last_diag.text) : 0;
}

int nfstls_privkey_import_handle(gnutls_privkey_t privkey, const gnutls_datum_t *handle,
				 const struct nfstls_access *access, struct nfstls_key_info *info,
				 struct nfstls_diag *diag)
{
	struct nfstls_key_info found;
	struct key_agent *key;
	P11KitUri *uri;
	int ret = uri_of_handle(handle, &uri, diag);

	if (ret < 0)
		return ret;
	ret = key_agent_open(uri, access, handle, NULL, &key, diag);
	p11_kit_uri_free(uri);
	if (ret < 0)
		return ret;
	found = key->info;
	ret = key_agent_import(key, privkey, diag);
	if (ret == 0 && info)
		*info = found;
	return ret;
}
