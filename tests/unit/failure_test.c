/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No memory, for what does without a token. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <keyutils.h>

#include "certs.h"
#include "latch.h"
#include "survive.h"
#include "unit.h"

#define PIN_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define URI    "pkcs11:token=lab;object=key?module-path=/usr/lib/m.so&pin-source=file:/etc/pin"

static bool no_keyring; /* containers often forbid keyctl(2) */
static struct authority root, middle, lower;
static gnutls_privkey_t leaf_key, pss_key;
static gnutls_x509_crt_t leaf, pss, second;
static gnutls_datum_t leaf_der;

static int handles(struct nfstls_diag *diag)
{
	gnutls_datum_t handle = { NULL, 0 }, pem = { NULL, 0 }, again = { NULL, 0 };
	char *uri = NULL, *token = NULL, *source = NULL, *module = NULL;
	int ret = nfstls_handle_encode(URI, &handle);

	(void)diag;
	if (ret == 0)
		ret = nfstls_handle_decode(&handle, &uri);
	if (ret == 0)
		ret = nfstls_handle_token(&handle, &token);
	if (ret == 0)
		ret = nfstls_handle_pin_source(&handle, &source);
	if (ret == 0)
		ret = nfstls_handle_module(&handle, &module);
	if (ret == 0 && gnutls_pem_base64_encode2(NFSTLS_HANDLE_PEM_LABEL, &handle, &pem) == 0)
		ret = nfstls_handle_from_pem(&pem, &again);
	if (ret == 0)
		assert_datum_equal(&again, &handle);
	else
		assert_null(again.data);
	gnutls_free(handle.data);
	gnutls_free(pem.data);
	gnutls_free(again.data);
	free(uri);
	free(token);
	free(source);
	free(module);
	return ret;
}

static int uris(struct nfstls_diag *diag)
{
	char *with_file = NULL, *path = NULL;
	int ret = nfstls_uri_with_pin_file("pkcs11:token=lab", "pin", &with_file, diag);

	if (ret == 0)
		ret = nfstls_uri_check(with_file, &path, diag);
	if (ret == 0)
		assert_int_equal(path[0], '/');
	else
		assert_null(path);
	free(with_file);
	free(path);
	return ret;
}

static int chain(struct nfstls_diag *diag)
{
	const gnutls_x509_crt_t pool[] = { root.cert, middle.cert, lower.cert, leaf };
	gnutls_datum_t built = { NULL, 0 };
	int ret = nfstls_chain_build(leaf, pool, 4, &built);

	(void)diag;
	assert_true(ret == 0 ? built.size > 0 : built.size == 0);
	gnutls_free(built.data);
	return ret;
}

static int proofs(struct nfstls_diag *diag)
{
	const gnutls_x509_crt_t certs[] = { pss, second, leaf };
	gnutls_sign_algorithm_t schemes[NFSTLS_SCHEMES_MAX];
	unsigned int index = 99, count;
	int ret = nfstls_cert_match(leaf_key, certs, 3, &index, diag);

	assert_int_equal(index, ret == 0 ? 2 : 99);
	if (ret == 0)
		ret = nfstls_cert_schemes(leaf, schemes, &count, diag);
	if (ret == 0)
		ret = nfstls_cert_prove(leaf_key, leaf, schemes[0], diag);
	if (ret == 0)
		ret = nfstls_cert_schemes(pss, schemes, &count, diag);
	if (ret == 0)
		ret = nfstls_cert_prove(pss_key, pss, GNUTLS_SIGN_RSA_PSS_SHA256, diag);
	return ret;
}

static int packs(struct nfstls_diag *diag)
{
	const struct nfstls_keys keys = { .cert = leaf_der, .privkey = leaf_der, .chain = leaf_der };
	struct nfstls_keys again = { .cert = { NULL, 0 } };
	gnutls_datum_t packed = { NULL, 0 };
	int ret = nfstls_keys_pack(&keys, &packed);

	(void)diag;
	if (ret == 0)
		ret = nfstls_keys_unpack(&packed, &again);
	if (ret == 0)
		assert_datum_equal(&again.chain, &keys.chain);
	else
		assert_null(again.cert.data);
	nfstls_keys_clear(&again);
	gnutls_free(packed.data);
	return ret;
}

/* --- with a keyring --- */

static int loads(struct nfstls_diag *diag)
{
	struct nfstls_keys keys = { .identity = { strdup("lab"), KEY_SPEC_SESSION_KEYRING } };
	int ret = keys.identity.name ? nfstls_keys_load(&keys) : NFSTLS_E_MEMORY;

	(void)diag;
	if (ret == 0)
		assert_datum_equal(&keys.cert, &leaf_der);
	nfstls_keys_clear(&keys);
	return ret;
}

/* With or without memory, a latch of another identity for the same PIN is never overlooked. */
static int checks_latches(struct nfstls_diag *diag)
{
	const struct nfstls_identity lab = { (char *)"lab", KEY_SPEC_SESSION_KEYRING };
	int ret = latch_check(&lab, PIN_ID, diag);

	assert_true(ret < 0);
	return ret == NFSTLS_E_PIN_LATCHED ? 0 : ret;
}

/* It is set, or there is an error, and may then be set all the same. */
static int sets_latches(struct nfstls_diag *diag)
{
	const struct nfstls_identity one = { (char *)"one", KEY_SPEC_SESSION_KEYRING };
	bool by_person = false;
	int ret = nfstls_latch_set(&one, PIN_ID, "test");

	(void)diag;
	if (ret == 0)
		ret = nfstls_latch_get(&one, &by_person);
	assert_false(by_person);
	return ret == 0 ? nfstls_latch_clear(&one, NULL) : ret;
}

/* --- the tests --- */

static void no_memory(void **state)
{
	survive(FAILING_MEMORY, *state, HONEST);
}

static void no_memory_with_keyring(void **state)
{
	if (no_keyring)
		skip_because("there is no joining a session keyring here");
	survive(FAILING_MEMORY, *state, HONEST);
}

static void make_certs(void)
{
	gnutls_privkey_t other = key_make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));

	authority_make(&root, "root", NULL);
	authority_make(&middle, "middle", &root);
	authority_make(&lower, "lower", &middle);
	leaf_key = key_make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	pss_key = key_make(GNUTLS_PK_RSA_PSS, 2048);
	leaf = cert_for("leaf", leaf_key, &lower);
	pss = cert_for("pss", pss_key, &middle);
	second = cert_for("second", other, &middle);
	leaf_der = cert_der(leaf);
	gnutls_privkey_deinit(other);
}

static void fill_keyring(void)
{
	const struct nfstls_identity other = { (char *)"other", KEY_SPEC_SESSION_KEYRING };
	key_serial_t serial;

	no_keyring = keyctl_join_session_keyring(NULL) < 0;
	if (no_keyring)
		return;
	serial = add_key("user", "nfs:x509:lab:cert", leaf_der.data, leaf_der.size, KEY_SPEC_SESSION_KEYRING);
	assert_true(serial > 0);
	assert_ok(nfstls_latch_set(&other, PIN_ID, "test"), NULL);
}

static int set_up(void **state)
{
	(void)state;
	make_certs();
	fill_keyring();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gnutls_free(leaf_der.data);
	gnutls_x509_crt_deinit(leaf);
	gnutls_x509_crt_deinit(pss);
	gnutls_x509_crt_deinit(second);
	gnutls_privkey_deinit(leaf_key);
	gnutls_privkey_deinit(pss_key);
	authority_clear(&lower);
	authority_clear(&middle);
	authority_clear(&root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITHOUT(memory, no_memory, handles),
		WITHOUT(memory, no_memory, uris),
		WITHOUT(memory, no_memory, chain),
		WITHOUT(memory, no_memory, proofs),
		WITHOUT(memory, no_memory, packs),
		WITHOUT(memory, no_memory_with_keyring, loads),
		WITHOUT(memory, no_memory_with_keyring, checks_latches),
		WITHOUT(memory, no_memory_with_keyring, sets_latches),
	};

	return run_group(tests, set_up, tear_down);
}
