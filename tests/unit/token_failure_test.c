/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever is lacking while a token is looked for, its key opened, and a signature made. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <keyutils.h>

#include "softhsm.h"
#include "survive.h"
#include "unit.h"

static struct softhsm hsm;
static bool no_keyring; /* containers often forbid keyctl(2) */
static gnutls_datum_t lab_handle;
static const char *token_uri, *key_uri;
static bool strict = true; /* what the token holds is all found; not so where it is silent about an attribute */

static int finds(struct nfstls_diag *diag)
{
	struct nfstls_token_key found = { .uri = NULL };
	int ret = nfstls_token_key_find(token_uri, NULL, NULL, 0, &found, diag);

	assert_true((ret == 0) == (found.uri && found.token && found.cert.size > 0));
	assert_true(!strict || (ret == 0) == (found.chain.size > 0));
	nfstls_token_key_clear(&found);
	return ret;
}

static int signs(struct nfstls_diag *diag)
{
	const gnutls_datum_t data = { (void *)"text", 4 };
	gnutls_datum_t handle = { NULL, 0 }, signature = { NULL, 0 };
	gnutls_privkey_t key = NULL;
	int ret = nfstls_handle_encode(key_uri, &handle);

	if (ret == 0)
		ret = gnutls_privkey_init(&key) < 0 ? NFSTLS_E_MEMORY : 0;
	if (ret == 0)
		ret = nfstls_privkey_import_handle(key, &handle, NULL, NULL, diag);
	if (ret == 0 && gnutls_privkey_sign_data2(key, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 0, &data, &signature) < 0)
		ret = nfstls_last_sign_error(diag);
	assert_true((ret == 0) == (signature.size > 0));
	gnutls_free(signature.data);
	gnutls_free(handle.data);
	if (key)
		gnutls_privkey_deinit(key);
	return ret;
}

/* With the PIN and the latches of the keyring: all that an agent has run for it. */
static int logs_in(struct nfstls_diag *diag)
{
	static const struct nfstls_identity lab = { (char *)"lab", KEY_SPEC_SESSION_KEYRING };
	const struct nfstls_access access = { .identity = &lab };
	struct nfstls_key_info info = { .flags = 0 };
	gnutls_privkey_t key;
	int ret;

	/* of the round before */
	ret = nfstls_latch_clear(&lab, NULL);
	if (ret == 0 && gnutls_privkey_init(&key) < 0)
		ret = NFSTLS_E_MEMORY;
	if (ret < 0)
		return ret;
	ret = nfstls_privkey_import_handle(key, &lab_handle, &access, &info, diag);
	assert_int_equal(strlen(info.pin_id), ret == 0 ? NFSTLS_PIN_ID : 0);
	gnutls_privkey_deinit(key);
	return ret;
}

static int lists(struct nfstls_diag *diag)
{
	struct nfstls_token *tokens = NULL;
	size_t count = 0;
	int ret = nfstls_token_list(token_uri, &tokens, &count, diag);

	if (ret == 0 && strict)
		assert_int_equal(tokens[0].ncerts, 2);
	nfstls_token_list_free(tokens, count);
	return ret;
}

/* What logs_in() needs. */
static void need_keyring(operation *operate)
{
	if (operate == logs_in && no_keyring)
		skip_because("there is no joining a session keyring here");
}

static void no_memory(void **state)
{
	softhsm_need();
	need_keyring(*state);
	survive(FAILING_MEMORY, *state, HONEST);
}

static void refused(void **state)
{
	softhsm_need();
	survive(FAILING_SYSTEM, *state, HONEST);
}

static void interrupted(void **state)
{
	softhsm_need();
	survive(FAILING_INTERRUPT, *state, WELL);
}

static void token_gone(void **state)
{
	softhsm_need();
	need_keyring(*state);
	survive(FAILING_TOKEN, *state, HONEST);
}

static void answer_cut(void **state)
{
	softhsm_need();
	survive(FAILING_ANSWER, *state, HONEST);
}

/* Whatever a token says, at whatever moment. */
static void token_says(void **state)
{
	static const unsigned long rvs[] = {
		CKR_HOST_MEMORY,
		CKR_GENERAL_ERROR,
		CKR_ATTRIBUTE_TYPE_INVALID,
		CKR_DEVICE_MEMORY,
		CKR_PIN_LOCKED,
		CKR_USER_NOT_LOGGED_IN,
		CKR_FUNCTION_CANCELED,
		CKR_USER_PIN_NOT_INITIALIZED,
		CKR_SESSION_HANDLE_INVALID,
		CKR_DEVICE_ERROR,
		CKR_FUNCTION_FAILED,
		CKR_SESSION_CLOSED,
	};

	softhsm_need();
	need_keyring(*state);
	strict = false;
	for (size_t i = 0; i < sizeof(rvs) / sizeof(rvs[0]); i++) {
		failing_token_says(rvs[i]);
		survive(FAILING_TOKEN, *state, ANY);
	}
	failing_token_says(CKR_DEVICE_REMOVED);
	strict = true;
}

/* A keyring with a PIN, to which nothing can be added; the key of a latch is there. */
static void make_sealed(struct nfstls_identity *identity, const void *pin, size_t size)
{
	identity->name = (char *)"lab";
	identity->keyring = add_key("keyring", "sealed", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	assert_true(identity->keyring > 0);
	assert_true(add_key("user", "nfs:x509:lab:privkey", lab_handle.data, lab_handle.size, identity->keyring) > 0);
	assert_true(add_key("user", "nfs:x509:lab:pin", pin, size, identity->keyring) > 0);
	assert_int_equal(keyctl_setperm(identity->keyring, KEY_POS_ALL & ~KEY_POS_WRITE), 0);
}

static void assert_import_fails(const struct nfstls_identity *identity, int error, const char *text)
{
	const struct nfstls_access access = { .identity = identity };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_privkey_t key;

	assert_int_equal(gnutls_privkey_init(&key), 0);
	assert_error(nfstls_privkey_import_handle(key, &lab_handle, &access, NULL, &diag), error, &diag);
	assert_says(diag.text, text);
	gnutls_privkey_deinit(key);
	nfstls_cleanup();
}

static void latch_that_cannot_be_set(void **state)
{
	struct nfstls_identity sealed;

	(void)state;
	softhsm_need();
	need_keyring(logs_in);
	make_sealed(&sealed, "wrong-PIN", 9);
	assert_import_fails(&sealed, NFSTLS_E_PIN_REFUSED, "and no latch could be set");
	assert_error(nfstls_latch_set(&sealed, NULL, "test"), NFSTLS_E_KEYRING, NULL);
	keyctl_unlink(sealed.keyring, KEY_SPEC_SESSION_KEYRING);
}

static void latch_that_cannot_be_cleared(void **state)
{
	struct nfstls_identity sealed;

	(void)state;
	softhsm_need();
	need_keyring(logs_in);
	make_sealed(&sealed, SOFTHSM_PIN, strlen(SOFTHSM_PIN));
	assert_int_equal(keyctl_setperm(sealed.keyring, KEY_POS_ALL), 0);
	assert_ok(nfstls_latch_set(&sealed, NULL, "test"), NULL);
	assert_int_equal(keyctl_setperm(sealed.keyring, KEY_POS_ALL & ~KEY_POS_WRITE), 0);
	assert_error(nfstls_latch_clear(&sealed, NULL), NFSTLS_E_KEYRING, NULL);
	assert_import_fails(&sealed, NFSTLS_E_PIN_LATCHED, "test");
	keyctl_unlink(sealed.keyring, KEY_SPEC_SESSION_KEYRING);
}

static void pin_key_of_no_size(void **state)
{
	static const char long_pin[8192] = "1";
	struct nfstls_identity sealed;

	(void)state;
	softhsm_need();
	need_keyring(logs_in);
	make_sealed(&sealed, long_pin, sizeof(long_pin));
	assert_import_fails(&sealed, NFSTLS_E_PIN_SOURCE, "has no PIN of 1 to");
	keyctl_unlink(sealed.keyring, KEY_SPEC_SESSION_KEYRING);
}

static void fill_keyring(void)
{
	key_serial_t serial;

	no_keyring = keyctl_join_session_keyring(NULL) < 0;
	if (no_keyring)
		return;
	serial = add_key("user", "nfs:x509:lab:privkey", lab_handle.data, lab_handle.size, KEY_SPEC_SESSION_KEYRING);
	assert_true(serial > 0);
	serial = add_key("user", "nfs:x509:lab:pin", SOFTHSM_PIN, strlen(SOFTHSM_PIN), KEY_SPEC_SESSION_KEYRING);
	assert_true(serial > 0);
}

static void create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attrs, CK_ULONG count)
{
	CK_OBJECT_HANDLE object;

	assert_int_equal(hsm.funcs->C_CreateObject(session, attrs, count, &object), CKR_OK);
}

/* A key of a kind that TLS 1.3 has no scheme for, and a certificate that is none beside it. */
static void fill_odd_token(gnutls_x509_crt_t cert)
{
	static const struct softhsm_name no_id = { NULL, 0, "no id" };
	CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY, certificate = CKO_CERTIFICATE;
	CK_KEY_TYPE dsa = CKK_DSA;
	CK_CERTIFICATE_TYPE x509 = CKC_X_509;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE key[] = {
		{ CKA_CLASS, &private_key, sizeof(private_key) },
		{ CKA_KEY_TYPE, &dsa, sizeof(dsa) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_ID, (char *)"\7", 1 },
		{ CKA_PRIME, (char *)"prime", 5 },
		{ CKA_SUBPRIME, (char *)"sub", 3 },
		{ CKA_BASE, (char *)"base", 4 },
		{ CKA_VALUE, (char *)"value", 5 },
	};
	CK_ATTRIBUTE junk[] = {
		{ CKA_CLASS, &certificate, sizeof(certificate) },
		{ CKA_CERTIFICATE_TYPE, &x509, sizeof(x509) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_ID, (char *)"\2", 1 },
		{ CKA_SUBJECT, (char *)"subject", 7 },
		{ CKA_VALUE, (char *)"junk", 4 },
	};
	static const struct softhsm_name name = { "\1", 1, "key" };
	CK_SESSION_HANDLE session = softhsm_token(&hsm, "odd");

	create(session, key, sizeof(key) / sizeof(key[0]));
	create(session, junk, sizeof(junk) / sizeof(junk[0]));
	gnutls_pubkey_deinit(softhsm_key(&hsm, session, KEY_P256, &name));
	softhsm_cert(&hsm, session, cert, &no_id);
}

static void assert_odd(const char *attributes, int error, const char *text)
{
	struct nfstls_token_key found = { .uri = NULL };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;

	assert_error(nfstls_token_key_find(softhsm_uri(&hsm, attributes), NULL, NULL, 0, &found, &diag), error, &diag);
	assert_says(diag.text, text);
	nfstls_diag_clear(&diag);
	nfstls_cleanup();
}

static void odd_objects(void **state)
{
	(void)state;
	softhsm_need();
	assert_odd("token=odd;id=%07", NFSTLS_E_KEY_UNUSABLE, "neither RSA, EC nor Ed25519");
	assert_odd("token=odd;type=cert;object=no%20id", NFSTLS_E_KEY_ABSENT, "has no id to find its key by");
	/* that one of the certificates cannot be read is not what is wrong */
	assert_odd("token=odd;id=%01", NFSTLS_E_CERT_MISMATCH, "none of 1 certificate(s)");
}

static void fill_token(void)
{
	static const struct softhsm_name name = { "\1", 1, "key" }, above = { "\2", 1, "above" };
	struct authority root, middle;
	CK_SESSION_HANDLE session;
	gnutls_pubkey_t key;
	gnutls_x509_crt_t cert;

	authority_make(&root, "root", NULL);
	authority_make(&middle, "middle", &root);
	softhsm_open(&hsm);
	session = softhsm_token(&hsm, "lab");
	key = softhsm_key(&hsm, session, KEY_P256, &name);
	cert = cert_issue("leaf", key, &middle, false);
	softhsm_cert(&hsm, session, cert, &name);
	softhsm_cert(&hsm, session, middle.cert, &above);
	fill_odd_token(cert);
	softhsm_close(&hsm);
	gnutls_x509_crt_deinit(cert);
	gnutls_pubkey_deinit(key);
	authority_clear(&middle);
	authority_clear(&root);
}

static int set_up(void **state)
{
	const char *uri;

	(void)state;
	if (!softhsm_module())
		return 0;
	softhsm_make(&hsm);
	fill_token();
	token_uri = softhsm_uri(&hsm, "token=lab");
	key_uri = softhsm_uri(&hsm, "token=lab;object=key");
	/* without a PIN file: the PIN is on the keyring */
	uri = scratch_join(&hsm.scratch, "pkcs11:token=lab;object=key?module-path=", hsm.module, NULL);
	assert_ok(nfstls_handle_encode(uri, &lab_handle), NULL);
	fill_keyring();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	softhsm_remove(&hsm);
	gnutls_free(lab_handle.data);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITHOUT(memory, no_memory, finds),
		WITHOUT(memory, no_memory, signs),
		WITHOUT(memory, no_memory, lists),
		WITHOUT(memory, no_memory, logs_in),
		WITHOUT(system, refused, finds),
		WITHOUT(system, refused, signs),
		WITHOUT(peace, interrupted, finds),
		WITHOUT(peace, interrupted, signs),
		WITHOUT(token, token_gone, finds),
		WITHOUT(token, token_gone, signs),
		WITHOUT(token, token_gone, lists),
		WITHOUT(token, token_gone, logs_in),
		WITHOUT(whole_answer, answer_cut, finds),
		WITHOUT(whole_answer, answer_cut, signs),
		WITHOUT(whole_answer, answer_cut, lists),
		WITHOUT(sense, token_says, finds),
		WITHOUT(sense, token_says, logs_in),
		cmocka_unit_test(odd_objects),
		cmocka_unit_test(latch_that_cannot_be_set),
		cmocka_unit_test(latch_that_cannot_be_cleared),
		cmocka_unit_test(pin_key_of_no_size),
		WITHOUT(sense, token_says, signs),
		WITHOUT(sense, token_says, lists),
	};

	return run_group(tests, set_up, tear_down);
}
