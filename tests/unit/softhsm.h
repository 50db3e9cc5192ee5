/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SoftHSM2 in a folder of its own, filled through the PKCS#11 API.
 *
 * Whoever fills it does so between softhsm_open() and softhsm_close(), before the library is asked for anything: the
 * two share one loaded module, and a login of ours would spare the library its own.
 */
#ifndef SOFTHSM_H
#define SOFTHSM_H

#include <p11-kit/pkcs11.h>

#include "certs.h"
#include "scratch.h"

#define SOFTHSM_PIN "4711-unit-PIN"

struct softhsm {
	struct scratch scratch;
	const char *module;   /* path of the PKCS#11 module */
	const char *pin_file; /* holds SOFTHSM_PIN */
	CK_FUNCTION_LIST *funcs;
};

/* The module's path, or NULL where SoftHSM2 is not installed. */
const char *softhsm_module(void);

/* Skip the test where it is not. */
void softhsm_need(void);

/* An empty SoftHSM, which softhsm_select() has every later C_Initialize of the process use. */
void softhsm_make(struct softhsm *hsm);
void softhsm_select(const struct softhsm *hsm);
void softhsm_remove(struct softhsm *hsm);

void softhsm_open(struct softhsm *hsm);
void softhsm_close(struct softhsm *hsm);

/* A new token with SOFTHSM_PIN, and a session with it in which the user is logged in. */
CK_SESSION_HANDLE softhsm_token(struct softhsm *hsm, const char *label);

enum softhsm_key { KEY_RSA_2048, KEY_RSA_3072, KEY_RSA_4096, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519 };

/* Whether the module can generate such a key. */
bool softhsm_can(struct softhsm *hsm, enum softhsm_key kind);

/* What an object is called. No id where id_size is 0, no label where it is NULL */
struct softhsm_name {
	const char *id;
	CK_ULONG id_size;
	const char *label;
};

/* Generate a key pair in the token. The public key is returned for a certificate, and not left there. */
gnutls_pubkey_t softhsm_key(struct softhsm *hsm, CK_SESSION_HANDLE session, enum softhsm_key kind,
			    const struct softhsm_name *name);

/* The same, with CKA_ALWAYS_AUTHENTICATE and CKA_SIGN as given. */
gnutls_pubkey_t softhsm_special_key(struct softhsm *hsm, CK_SESSION_HANDLE session, enum softhsm_key kind,
				    const struct softhsm_name *name, CK_BBOOL always_authenticate, CK_BBOOL sign);

void softhsm_cert(struct softhsm *hsm, CK_SESSION_HANDLE session, gnutls_x509_crt_t cert,
		  const struct softhsm_name *name);

/*
 * A URI for the library: path attributes, with the module and the PIN file added. It lives as long as the SoftHSM.
 */
const char *softhsm_uri(struct softhsm *hsm, const char *attributes);

#endif
