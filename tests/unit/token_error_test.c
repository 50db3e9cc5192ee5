/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does not lead to one key of one token, and what each of these is called. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "softhsm.h"
#include "unit.h"

static struct softhsm hsm, empty;
static struct authority root;

/* A key with a certificate of the same name. */
static void fill_pair(CK_SESSION_HANDLE session, const struct softhsm_name *name)
{
	gnutls_pubkey_t key = softhsm_key(&hsm, session, KEY_P256, name);
	gnutls_x509_crt_t cert = cert_issue(name->label, key, &root, false);

	softhsm_cert(&hsm, session, cert, name);
	gnutls_x509_crt_deinit(cert);
	gnutls_pubkey_deinit(key);
}

/* A key that may not sign; and one with two certificates of its own CKA_ID, the second of them a renewal. */
static void fill_special(void)
{
	const struct softhsm_name two = { "\1", 1, "two" };
	CK_SESSION_HANDLE session;
	gnutls_x509_crt_t cert;
	gnutls_pubkey_t key;

	session = softhsm_token(&hsm, "no signing");
	key = softhsm_special_key(&hsm, session, KEY_P256, &two, CK_FALSE, CK_FALSE);
	cert = cert_issue("two", key, &root, false);
	softhsm_cert(&hsm, session, cert, &two);
	gnutls_x509_crt_deinit(cert);
	gnutls_pubkey_deinit(key);

	session = softhsm_token(&hsm, "renewed");
	key = softhsm_key(&hsm, session, KEY_P256, &two);
	for (int i = 0; i < 2; i++) {
		cert = cert_issue("two", key, &root, false);
		softhsm_cert(&hsm, session, cert, &two);
		gnutls_x509_crt_deinit(cert);
	}
	gnutls_pubkey_deinit(key);
}

static void fill(void)
{
	const struct softhsm_name one = { "\1", 1, "one" }, two = { "\1", 1, "two" }, three = { "\3", 1, "three" };
	const struct softhsm_name nameless = { NULL, 0, NULL };
	CK_SESSION_HANDLE session;

	softhsm_open(&hsm);
	fill_pair(softhsm_token(&hsm, "twin"), &one);
	fill_pair(softhsm_token(&hsm, "twin"), &one);

	session = softhsm_token(&hsm, "one id");
	fill_pair(session, &one);
	fill_pair(session, &two);
	fill_pair(session, &three);

	session = softhsm_token(&hsm, "odd");
	gnutls_pubkey_deinit(softhsm_key(&hsm, session, KEY_P256, &one));
	softhsm_cert(&hsm, session, root.cert, &one);
	softhsm_token(&hsm, "nothing");
	gnutls_pubkey_deinit(softhsm_key(&hsm, softhsm_token(&hsm, "bare"), KEY_P256, &one));
	gnutls_pubkey_deinit(softhsm_key(&hsm, softhsm_token(&hsm, "nameless"), KEY_P256, &nameless));
	fill_special();
	softhsm_close(&hsm);
}

static int set_up(void **state)
{
	(void)state;
	if (!softhsm_module())
		return 0;
	authority_make(&root, "root", NULL);
	softhsm_make(&empty);
	softhsm_make(&hsm);
	fill();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!softhsm_module())
		return 0;
	softhsm_remove(&hsm);
	softhsm_remove(&empty);
	authority_clear(&root);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	nfstls_cleanup();
	if (softhsm_module())
		softhsm_select(&hsm);
	return 0;
}

/* Finding the key fails, and so does opening a handle with the same URI; neither gives the PIN away. */
static void assert_fails_as(const char *uri, int error, int import_error)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_token_key found = { .uri = NULL };
	gnutls_datum_t handle;
	gnutls_privkey_t key;

	assert_error(nfstls_token_key_find(uri, NULL, NULL, 0, &found, &diag), error, &diag);
	assert_null(found.uri);
	assert_true(diag.text[0]);
	assert_null(strchr(diag.text, '\n'));
	assert_null(strstr(diag.text, SOFTHSM_PIN));
	nfstls_diag_clear(&diag);
	if (import_error == 0)
		return;

	assert_ok(nfstls_handle_encode(uri, &handle), NULL);
	assert_int_equal(gnutls_privkey_init(&key), 0);
	assert_error(nfstls_privkey_import_handle(key, &handle, NULL, NULL, &diag), import_error, &diag);
	assert_true(diag.text[0]);
	assert_null(strstr(diag.text, SOFTHSM_PIN));
	gnutls_privkey_deinit(key);
	gnutls_free(handle.data);
	nfstls_diag_clear(&diag);
}

static void assert_fails(const char *attributes, int error)
{
	assert_fails_as(softhsm_uri(&hsm, attributes), error, error);
}

/* Every candidate that is listed leads, with the PIN file added, to one key. */
static void assert_candidates(const char *attributes, int error, size_t count)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_token_key found = { .uri = NULL };
	char *line, *rest, *previous = NULL;

	assert_error(nfstls_token_key_find(softhsm_uri(&hsm, attributes), NULL, NULL, 0, &found, &diag), error, &diag);
	assert_non_null(diag.candidates);
	assert_int_equal(count_lines(diag.candidates), count);
	for (rest = diag.candidates; (line = strsep(&rest, "\n")) != NULL && *line; previous = line) {
		bool has_module = strstr(line, "?module-path=") != NULL;
		const char *uri = scratch_join(&hsm.scratch, line,
					       has_module ? "&" : "?module-path=", has_module ? "" : hsm.module,
					       has_module ? "" : "&", "pin-source=", hsm.pin_file, NULL);

		assert_null(strstr(line, SOFTHSM_PIN));
		if (previous)
			assert_string_not_equal(line, previous);
		assert_ok(nfstls_token_key_find(uri, NULL, NULL, 0, &found, NULL), NULL);
		nfstls_token_key_clear(&found);
	}
	nfstls_diag_clear(&diag);
	assert_null(diag.candidates);
}

static void two_tokens(void **state)
{
	(void)state;
	softhsm_need();
	assert_fails("token=twin", NFSTLS_E_TOKEN_AMBIGUOUS);
	assert_fails("token=twin;id=%01", NFSTLS_E_TOKEN_AMBIGUOUS);
	assert_candidates("token=twin", NFSTLS_E_TOKEN_AMBIGUOUS, 2);
}

static void two_keys(void **state)
{
	(void)state;
	softhsm_need();
	assert_fails("token=one%20id;id=%01", NFSTLS_E_KEY_AMBIGUOUS);
	assert_candidates("token=one%20id;id=%01", NFSTLS_E_KEY_AMBIGUOUS, 2);
	assert_candidates("token=one%20id", NFSTLS_E_KEY_AMBIGUOUS, 3);
}

/* The same diagnosis for one call after the other: nothing of the first stays in the second, or is lost. */
static void diagnosis_twice(void **state)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_token_key found;

	(void)state;
	softhsm_need();
	for (int i = 0; i < 2; i++) {
		nfstls_token_key_find(softhsm_uri(&hsm, "token=one%20id;id=%01"), NULL, NULL, 0, &found, &diag);
		assert_int_equal(count_lines(diag.candidates), 2);
		nfstls_token_key_find(softhsm_uri(&hsm, "token=twin"), NULL, NULL, 0, &found, &diag);
		assert_int_equal(count_lines(diag.candidates), 2);
	}
	nfstls_diag_clear(&diag);
}

static void nothing_matches(void **state)
{
	(void)state;
	softhsm_need();
	assert_fails("token=nowhere", NFSTLS_E_TOKEN_ABSENT);
	assert_fails("token=one%20id;serial=0", NFSTLS_E_TOKEN_ABSENT);
	assert_fails("token=one%20id;manufacturer=nobody", NFSTLS_E_TOKEN_ABSENT);
	assert_fails("token=one%20id;library-manufacturer=nobody", NFSTLS_E_TOKEN_ABSENT);
	assert_fails("token=one%20id;library-version=0.0", NFSTLS_E_TOKEN_ABSENT);
	assert_fails("token=one%20id;slot-manufacturer=nobody", NFSTLS_E_TOKEN_ABSENT);
	assert_fails("token=one%20id;slot-description=", NFSTLS_E_TOKEN_ABSENT);
	assert_fails("slot-id=4000000000", NFSTLS_E_TOKEN_ABSENT);
	assert_fails("token=one%20id;id=%7f", NFSTLS_E_KEY_ABSENT);
	assert_fails("token=one%20id;object=ONE", NFSTLS_E_KEY_ABSENT);
	assert_fails("token=one%20id;object=one;id=%03", NFSTLS_E_KEY_ABSENT);
	assert_fails("token=nothing", NFSTLS_E_KEY_ABSENT);
	assert_fails_as(softhsm_uri(&hsm, "token=one%20id;id=%7f;type=cert"), NFSTLS_E_CERT_ABSENT, 0);
}

static void no_certificate(void **state)
{
	(void)state;
	softhsm_need();
	assert_fails_as(softhsm_uri(&hsm, "token=bare"), NFSTLS_E_CERT_ABSENT, 0);
	/* the key's CKA_ID is on the certificate of another key: that is a mistake to be told, not to be mended */
	assert_fails_as(softhsm_uri(&hsm, "token=odd"), NFSTLS_E_CERT_MISMATCH, 0);
	/* a handle could not name the key */
	assert_fails_as(softhsm_uri(&hsm, "token=nameless"), NFSTLS_E_KEY_UNUSABLE, 0);
}

static void two_certificates(void **state)
{
	(void)state;
	softhsm_need();
	assert_fails_as(softhsm_uri(&hsm, "token=renewed"), NFSTLS_E_CERT_AMBIGUOUS, 0);
}

static void key_that_may_not_sign(void **state)
{
	(void)state;
	softhsm_need();
	assert_fails_as(softhsm_uri(&hsm, "token=no%20signing"), NFSTLS_E_KEY_UNUSABLE, 0);
}

static void uninitialised_token(void **state)
{
	(void)state;
	softhsm_need();
	softhsm_select(&empty);
	assert_fails("model=SoftHSM%20v2", NFSTLS_E_TOKEN_UNINIT);
	assert_fails("slot-id=0", NFSTLS_E_TOKEN_UNINIT);
	assert_fails("token=lab", NFSTLS_E_TOKEN_ABSENT);
}

static void no_pin(void **state)
{
	const char *uri;

	(void)state;
	softhsm_need();
	uri = scratch_join(&hsm.scratch, "pkcs11:token=bare?module-path=", hsm.module, NULL);
	assert_fails_as(uri, NFSTLS_E_PIN_NEEDED, NFSTLS_E_PIN_NEEDED);
}

/* A URI for the token with one key, and another pin-source. */
static const char *uri_with_pin_source(const char *source)
{
	return scratch_join(&hsm.scratch, "pkcs11:token=bare?module-path=", hsm.module, "&pin-source=", source, NULL);
}

static void wrong_pin(void **state)
{
	const char *wrong;

	(void)state;
	softhsm_need();
	wrong = scratch_file(&hsm.scratch, "wrong", "wrong-PIN", 9, 0600);
	assert_fails_as(uri_with_pin_source(wrong), NFSTLS_E_PIN_REFUSED, NFSTLS_E_PIN_REFUSED);
	assert_false(nfstls_error_is_transient(NFSTLS_E_PIN_REFUSED));
	/* too long for SoftHSM to look at it */
	wrong = scratch_join(&hsm.scratch, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN,
			     SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN,
			     SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN, SOFTHSM_PIN,
			     NULL);
	wrong = scratch_file(&hsm.scratch, "long", wrong, strlen(wrong), 0600);
	assert_fails_as(uri_with_pin_source(wrong), NFSTLS_E_PIN_REFUSED, NFSTLS_E_PIN_REFUSED);
}

static void pin_file_not_to_be_used(void **state)
{
	const char *path;

	(void)state;
	softhsm_need();
	path = scratch_file(&hsm.scratch, "open", SOFTHSM_PIN, strlen(SOFTHSM_PIN), 0644);
	assert_fails_as(uri_with_pin_source(path), NFSTLS_E_PIN_SOURCE, NFSTLS_E_PIN_SOURCE);
	path = scratch_path(&hsm.scratch, "missing");
	assert_fails_as(uri_with_pin_source(path), NFSTLS_E_PIN_SOURCE, NFSTLS_E_PIN_SOURCE);
}

/* A URI that is right but for the module's path. */
static void assert_module_fails(const char *path, int error)
{
	assert_fails_as(scratch_join(&hsm.scratch, "pkcs11:token=bare?module-path=", path, NULL), error, error);
}

static const char *copy_module(const char *name, mode_t mode)
{
	gnutls_datum_t module;
	const char *path;

	assert_int_equal(gnutls_load_file(hsm.module, &module), 0);
	path = scratch_file(&hsm.scratch, name, module.data, module.size, mode);
	gnutls_free(module.data);
	return path;
}

static void module_of_the_handle(void **state)
{
	(void)state;
	softhsm_need();
	assert_module_fails(copy_module("outside.so", 0644), NFSTLS_E_MODULE_DENIED);
	assert_module_fails("libsofthsm2.so", NFSTLS_E_MODULE_DENIED);
	assert_module_fails("/usr/lib/nfstls-there-is-no-such-module.so", NFSTLS_E_MODULE);
}

static void modules_of_the_environment(void **state)
{
	const char *path;

	(void)state;
	softhsm_need();
	setenv("NFSTLS_PKCS11_MODULES", "/nowhere/*", 1);
	assert_module_fails(hsm.module, NFSTLS_E_MODULE_DENIED);

	/* the copy is loaded then: it comes as far as the PIN */
	setenv("NFSTLS_PKCS11_MODULES", scratch_path(&hsm.scratch, "*.so"), 1);
	path = copy_module("inside.so", 0644);
	assert_module_fails(path, NFSTLS_E_PIN_NEEDED);
	nfstls_cleanup();
	assert_module_fails(copy_module("writable.so", 0666), NFSTLS_E_MODULE_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(two_tokens, unload),
		cmocka_unit_test_teardown(two_keys, unload),
		cmocka_unit_test_teardown(diagnosis_twice, unload),
		cmocka_unit_test_teardown(nothing_matches, unload),
		cmocka_unit_test_teardown(no_certificate, unload),
		cmocka_unit_test_teardown(two_certificates, unload),
		cmocka_unit_test_teardown(key_that_may_not_sign, unload),
		cmocka_unit_test_teardown(uninitialised_token, unload),
		cmocka_unit_test_teardown(no_pin, unload),
		cmocka_unit_test_teardown(wrong_pin, unload),
		cmocka_unit_test_teardown(pin_file_not_to_be_used, unload),
		cmocka_unit_test_teardown(module_of_the_handle, unload),
		cmocka_unit_test_teardown(modules_of_the_environment, unload),
	};

	return run_group(tests, set_up, tear_down);
}
