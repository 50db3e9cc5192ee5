/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a URI to a key in a real token, its certificate, a handle, and signatures. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "softhsm.h"
#include "unit.h"
#include "uri.h"

static struct softhsm hsm;
static struct authority root, intermediate;

/* One token for each kind of key, with the key, its certificate, and the certificates above it. */
static struct kind {
	enum softhsm_key key;
	const char *token; /* as in a URI */
	const char *token_label;
	const char *by_id, *by_object; /* path attributes that name the key */
	struct softhsm_name name, cert_name;
	gnutls_sign_algorithm_t schemes[4]; /* those of TLS 1.3 that the key is for, up to a 0 */
	bool missing;			    /* this SoftHSM cannot make such a key */
	gnutls_x509_crt_t cert;
} rsa = {
	.key = KEY_RSA_2048,
	.token = "token=unit%20rsa",
	.token_label = "unit rsa",
	.by_id = "id=%01",
	.by_object = "object=client",
	.name = { "\1", 1, "client" },
	.cert_name = { "\1", 1, "client certificate" },
	.schemes = { GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384,
		     GNUTLS_SIGN_RSA_PSS_RSAE_SHA512 },
}, p256 = {
	.key = KEY_P256,
	.token = "token=unit%3bp%25256",
	.token_label = "unit;p%256",
	.by_id = "id=%00%ff%00",
	.by_object = "object=key%20%23100%25%3b%2f%c3%a4",
	.name = { "\0\xff\0", 3, "key #100%;/\xc3\xa4" },
	.cert_name = { "\0\xff\0", 3, "cert" },
	.schemes = { GNUTLS_SIGN_ECDSA_SECP256R1_SHA256 },
}, p384 = {
	.key = KEY_P384,
	.token = "token=%c3%a4xyz",
	.token_label = "\xc3\xa4xyz",
	.by_id = "id=384",
	.by_object = "object=cert", /* the label of the certificate too: a key is meant before a certificate */
	.name = { "384", 3, "cert" },
	.cert_name = { "384", 3, "cert" },
	.schemes = { GNUTLS_SIGN_ECDSA_SECP384R1_SHA384 },
}, ed25519 = {
	.key = KEY_ED25519,
	.token = "token=unit-ed25519",
	.token_label = "unit-ed25519",
	.by_id = "id=%ed",
	.by_object = "object=key",
	.name = { "\xed", 1, "key" },
	.cert_name = { "\xed", 1, NULL },
	.schemes = { GNUTLS_SIGN_EDDSA_ED25519 },
};

static const struct softhsm_name nameless = { NULL, 0, NULL };

static void fill(struct kind *kind)
{
	CK_SESSION_HANDLE session;
	gnutls_pubkey_t key;

	kind->missing = !softhsm_can(&hsm, kind->key);
	if (kind->missing)
		return;
	session = softhsm_token(&hsm, kind->token_label);
	key = softhsm_key(&hsm, session, kind->key, &kind->name);
	kind->cert = cert_issue(kind->token_label, key, &intermediate, false);
	gnutls_pubkey_deinit(key);
	softhsm_cert(&hsm, session, root.cert, &nameless);
	softhsm_cert(&hsm, session, kind->cert, &kind->cert_name);
	softhsm_cert(&hsm, session, intermediate.cert, &nameless);
}

/* One token whose keys and certificates do not share a CKA_ID, but for one, which has a renewed certificate too. */
static gnutls_x509_crt_t other_id, no_id, same_id;

static void put_renewed(CK_SESSION_HANDLE session, gnutls_pubkey_t key)
{
	gnutls_x509_crt_t cert = cert_issue("same id", key, &intermediate, false);

	softhsm_cert(&hsm, session, cert, &nameless);
	gnutls_x509_crt_deinit(cert);
}

static void fill_by_public_key(void)
{
	const struct softhsm_name first = { "\x11", 1, "first" }, second = { NULL, 0, "second" };
	const struct softhsm_name foreign = { "\x99", 1, "foreign" }, lonely = { "\x33", 1, "lonely" };
	const struct softhsm_name renewed = { "\x44", 1, "renewed" };
	CK_SESSION_HANDLE session = softhsm_token(&hsm, "by public key");
	gnutls_pubkey_t key;

	key = softhsm_key(&hsm, session, KEY_P256, &first);
	other_id = cert_issue("other id", key, &intermediate, false);
	softhsm_cert(&hsm, session, other_id, &foreign);
	gnutls_pubkey_deinit(key);

	key = softhsm_key(&hsm, session, KEY_P256, &second);
	no_id = cert_issue("no id", key, &intermediate, false);
	softhsm_cert(&hsm, session, no_id, &nameless);
	gnutls_pubkey_deinit(key);

	key = softhsm_key(&hsm, session, KEY_P256, &renewed);
	same_id = cert_issue("same id", key, &intermediate, false);
	softhsm_cert(&hsm, session, same_id, &renewed);
	put_renewed(session, key);
	gnutls_pubkey_deinit(key);

	/* a key that has no certificate at all */
	gnutls_pubkey_deinit(softhsm_key(&hsm, session, KEY_P256, &lonely));
}

/* One token with a key that wants the PIN for each signature. */
static gnutls_x509_crt_t careful;

static void fill_careful(void)
{
	const struct softhsm_name name = { "\1", 1, "careful" };
	CK_SESSION_HANDLE session = softhsm_token(&hsm, "careful");
	gnutls_pubkey_t key = softhsm_special_key(&hsm, session, KEY_P256, &name, CK_TRUE, CK_TRUE);

	careful = cert_issue("careful", key, &intermediate, false);
	softhsm_cert(&hsm, session, careful, &name);
	gnutls_pubkey_deinit(key);
}

static int set_up(void **state)
{
	(void)state;
	if (!softhsm_module())
		return 0;
	authority_make(&root, "root", NULL);
	authority_make(&intermediate, "intermediate", &root);
	softhsm_make(&hsm);
	softhsm_open(&hsm);
	fill(&rsa);
	fill(&p256);
	fill(&p384);
	fill(&ed25519);
	fill_by_public_key();
	fill_careful();
	softhsm_close(&hsm);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!softhsm_module())
		return 0;
	softhsm_remove(&hsm);
	gnutls_x509_crt_deinit(rsa.cert);
	gnutls_x509_crt_deinit(p256.cert);
	gnutls_x509_crt_deinit(p384.cert);
	gnutls_x509_crt_deinit(ed25519.cert);
	gnutls_x509_crt_deinit(other_id);
	gnutls_x509_crt_deinit(no_id);
	gnutls_x509_crt_deinit(same_id);
	gnutls_x509_crt_deinit(careful);
	authority_clear(&intermediate);
	authority_clear(&root);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	nfstls_cleanup();
	return 0;
}

static void need(const struct kind *kind)
{
	softhsm_need();
	if (kind->missing)
		skip_because("this SoftHSM2 makes no such key");
}

static void assert_is_cert(const gnutls_datum_t *der, gnutls_x509_crt_t cert)
{
	gnutls_datum_t expected = cert_der(cert);

	assert_datum_equal(der, &expected);
	gnutls_free(expected.data);
}

/* The URI of a key that was found names everything that design section 4 lists, and no more. */
static void assert_names(const char *text, const struct softhsm_name *name, const char *token)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE attrs[URI_TEMPLATE_MAX];
	const CK_TOKEN_INFO *info;
	P11KitUri *uri;

	assert_ok(uri_parse(text, &uri, NULL), NULL);
	assert_int_equal(uri_class(uri, CKO_DATA), CKO_PRIVATE_KEY);
	assert_int_equal(uri_template(uri, &class, attrs), 3);
	assert_int_equal(attrs[1].ulValueLen, name->id_size);
	assert_memory_equal(attrs[1].pValue, name->id, name->id_size);
	assert_int_equal(attrs[2].ulValueLen, strlen(name->label));
	assert_memory_equal(attrs[2].pValue, name->label, strlen(name->label));
	info = p11_kit_uri_get_token_info(uri);
	assert_memory_equal(info->label, token, strlen(token));
	assert_true(info->serialNumber[0] && info->model[0] && info->manufacturerID[0]);
	assert_string_equal(p11_kit_uri_get_module_path(uri), hsm.module);
	assert_non_null(strstr(p11_kit_uri_get_pin_source(uri), hsm.pin_file));
	p11_kit_uri_free(uri);
}

static void find(const char *attributes, struct nfstls_token_key *found)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;

	assert_ok(nfstls_token_key_find(softhsm_uri(&hsm, attributes), NULL, NULL, 0, found, &diag), &diag);
}

static void assert_finds(const struct kind *kind, const char *attributes)
{
	struct nfstls_token_key found;

	find(attributes, &found);
	assert_names(found.uri, &kind->name, kind->token_label);
	assert_string_equal(found.token, kind->token_label);
	assert_is_cert(&found.cert, kind->cert);
	assert_is_cert(&found.chain, intermediate.cert);
	nfstls_token_key_clear(&found);
	assert_null(found.uri);
}

static void find_by_token(void **state)
{
	const struct kind *kind = *state;

	need(kind);
	assert_finds(kind, kind->token);
	assert_finds(kind, scratch_join(&hsm.scratch, kind->token, ";type=private", NULL));
	assert_finds(kind, scratch_join(&hsm.scratch, kind->token,
					";library-manufacturer=SoftHSM;slot-manufacturer=SoftHSM%20project", NULL));
}

static void find_by_id(void **state)
{
	const struct kind *kind = *state;

	need(kind);
	assert_finds(kind, scratch_join(&hsm.scratch, kind->token, ";", kind->by_id, NULL));
	assert_finds(kind, scratch_join(&hsm.scratch, kind->token, ";", kind->by_id, ";type=private", NULL));
}

static void find_by_object(void **state)
{
	const struct kind *kind = *state;

	need(kind);
	assert_finds(kind, scratch_join(&hsm.scratch, kind->token, ";", kind->by_object, NULL));
	assert_finds(kind, scratch_join(&hsm.scratch, kind->token, ";", kind->by_object, ";", kind->by_id, NULL));
}

static void find_by_certificate(void **state)
{
	const struct kind *kind = *state;

	need(kind);
	assert_finds(kind, scratch_join(&hsm.scratch, kind->token, ";type=cert;", kind->by_id, NULL));
}

/* PIV gives the key and the certificate different labels, and a person may know but the second. */
static void find_by_label_of_certificate(void **state)
{
	(void)state;
	softhsm_need();
	assert_finds(&rsa, "token=unit%20rsa;object=client%20certificate");
	assert_finds(&rsa, "token=unit%20rsa;object=client%20certificate;type=cert");
}

static void assert_finds_by_public_key(const char *attributes, gnutls_x509_crt_t cert)
{
	struct nfstls_token_key found;

	find(attributes, &found);
	assert_is_cert(&found.cert, cert);
	assert_int_equal(found.chain.size, 0);
	nfstls_token_key_clear(&found);
}

static void find_certificate_by_public_key(void **state)
{
	(void)state;
	softhsm_need();
	assert_finds_by_public_key("token=by%20public%20key;object=first", other_id);
	assert_finds_by_public_key("token=by%20public%20key;object=second", no_id);
}

/* Both certificates are for the key; its CKA_ID says which one is meant. */
static void find_certificate_by_id_first(void **state)
{
	(void)state;
	softhsm_need();
	assert_finds_by_public_key("token=by%20public%20key;object=renewed", same_id);
}

static void find_with_certificates_from_elsewhere(void **state)
{
	gnutls_x509_crt_t certs[] = { root.cert, intermediate.cert, p256.cert, rsa.cert };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_token_key found;

	(void)state;
	softhsm_need();
	assert_ok(nfstls_token_key_find(softhsm_uri(&hsm, rsa.token), NULL, certs, 4, &found, &diag), &diag);
	assert_is_cert(&found.cert, rsa.cert);
	assert_is_cert(&found.chain, intermediate.cert);
	nfstls_token_key_clear(&found);

	/* those of the token do not count then */
	memset(&found, 0, sizeof(found));
	assert_error(nfstls_token_key_find(softhsm_uri(&hsm, rsa.token), NULL, certs, 3, &found, &diag),
		     NFSTLS_E_CERT_MISMATCH, &diag);
	assert_null(found.uri);
}

static void find_without_certificate(void **state)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_token_key found = { .uri = NULL };

	(void)state;
	softhsm_need();
	assert_error(nfstls_token_key_find(softhsm_uri(&hsm, "token=by%20public%20key;object=lonely"), NULL, NULL, 0,
					   &found, &diag),
		     NFSTLS_E_CERT_MISMATCH, &diag);
	assert_null(found.uri);
}

/* The one call that the TLS handshake makes, and what the server does with the result. */
static void assert_signs(gnutls_privkey_t key, gnutls_x509_crt_t cert, gnutls_sign_algorithm_t scheme,
			 unsigned int size)
{
	unsigned char text[4096];
	const gnutls_datum_t data = { text, size };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_datum_t signature;
	gnutls_pubkey_t pubkey;

	memset(text, 's', sizeof(text));
	assert_int_equal(gnutls_privkey_sign_data2(key, scheme, 0, &data, &signature), 0);
	assert_int_equal(nfstls_last_sign_error(&diag), 0);
	assert_int_equal(gnutls_pubkey_init(&pubkey), 0);
	assert_int_equal(gnutls_pubkey_import_x509(pubkey, cert, 0), 0);
	assert_true(gnutls_pubkey_verify_data2(pubkey, scheme, 0, &data, &signature) >= 0);
	text[0] ^= 1;
	assert_true(gnutls_pubkey_verify_data2(pubkey, scheme, 0, &data, &signature) < 0);
	gnutls_pubkey_deinit(pubkey);
	gnutls_free(signature.data);
}

static gnutls_privkey_t import(const char *uri)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_datum_t handle;
	gnutls_privkey_t key;

	assert_ok(nfstls_handle_encode(uri, &handle), NULL);
	assert_int_equal(gnutls_privkey_init(&key), 0);
	assert_ok(nfstls_privkey_import_handle(key, &handle, NULL, NULL, &diag), &diag);
	gnutls_free(handle.data);
	return key;
}

static void sign_through_handle(void **state)
{
	const struct kind *kind = *state;
	struct nfstls_token_key found;
	gnutls_privkey_t key;

	need(kind);
	find(kind->token, &found);
	nfstls_cleanup();
	key = import(found.uri);
	for (const gnutls_sign_algorithm_t *scheme = kind->schemes; *scheme; scheme++)
		for (unsigned int size = 1; size <= 4096; size *= 8)
			assert_signs(key, kind->cert, *scheme, size);
	gnutls_privkey_deinit(key);
	nfstls_token_key_clear(&found);
}

/* A key of one kind says no to the schemes of another, and says why; then it still signs. */
static void sign_with_foreign_scheme(void **state)
{
	const gnutls_datum_t data = { (void *)"text", 4 };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_datum_t signature = { NULL, 0 };
	gnutls_privkey_t key;

	(void)state;
	softhsm_need();
	key = import(softhsm_uri(&hsm, rsa.token));
	assert_true(gnutls_privkey_sign_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature) < 0);
	assert_error(nfstls_last_sign_error(&diag), NFSTLS_E_KEY_UNUSABLE, &diag);
	assert_true(diag.text[0]);
	assert_signs(key, rsa.cert, rsa.schemes[0], 32);
	gnutls_privkey_deinit(key);
}

/* CKA_ALWAYS_AUTHENTICATE: with the PIN at hand nobody notices, and without it the signature says what is missing. */
static void sign_with_pin_each_time(void **state)
{
	const gnutls_sign_algorithm_t scheme = GNUTLS_SIGN_ECDSA_SECP256R1_SHA256;
	const gnutls_datum_t data = { (void *)"text", 4 };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_datum_t signature = { NULL, 0 };
	struct nfstls_token_key found;
	gnutls_privkey_t key;

	(void)state;
	softhsm_need();
	find("token=careful", &found);
	key = import(found.uri);
	for (int i = 0; i < 3; i++)
		assert_signs(key, careful, scheme, 32);

	scratch_file(&hsm.scratch, "pin", "wrong-PIN", 9, 0600);
	assert_true(gnutls_privkey_sign_data2(key, scheme, 0, &data, &signature) < 0);
	scratch_file(&hsm.scratch, "pin", SOFTHSM_PIN, strlen(SOFTHSM_PIN), 0600);
	assert_error(nfstls_last_sign_error(&diag), NFSTLS_E_PIN_REFUSED, &diag);
	assert_null(strstr(diag.text, "wrong-PIN"));
	gnutls_privkey_deinit(key);
	nfstls_token_key_clear(&found);
}

/* Keys of two tokens behind one module: each has a session of its own, and ending one leaves the other. */
static void two_keys_at_once(void **state)
{
	gnutls_privkey_t first, second;

	(void)state;
	softhsm_need();
	first = import(softhsm_uri(&hsm, rsa.token));
	second = import(softhsm_uri(&hsm, p256.token));
	assert_signs(first, rsa.cert, rsa.schemes[0], 32);
	assert_signs(second, p256.cert, p256.schemes[0], 32);
	gnutls_privkey_deinit(first);
	assert_signs(second, p256.cert, p256.schemes[0], 32);
	gnutls_privkey_deinit(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "find_by_token_rsa", find_by_token, NULL, unload, &rsa },
		{ "find_by_id_rsa", find_by_id, NULL, unload, &rsa },
		{ "find_by_object_rsa", find_by_object, NULL, unload, &rsa },
		{ "find_by_certificate_rsa", find_by_certificate, NULL, unload, &rsa },
		{ "sign_through_handle_rsa", sign_through_handle, NULL, unload, &rsa },
		{ "find_by_token_p256", find_by_token, NULL, unload, &p256 },
		{ "find_by_id_p256", find_by_id, NULL, unload, &p256 },
		{ "find_by_object_p256", find_by_object, NULL, unload, &p256 },
		{ "find_by_certificate_p256", find_by_certificate, NULL, unload, &p256 },
		{ "sign_through_handle_p256", sign_through_handle, NULL, unload, &p256 },
		{ "find_by_token_p384", find_by_token, NULL, unload, &p384 },
		{ "find_by_id_p384", find_by_id, NULL, unload, &p384 },
		{ "find_by_object_p384", find_by_object, NULL, unload, &p384 },
		{ "find_by_certificate_p384", find_by_certificate, NULL, unload, &p384 },
		{ "sign_through_handle_p384", sign_through_handle, NULL, unload, &p384 },
		{ "find_by_token_ed25519", find_by_token, NULL, unload, &ed25519 },
		{ "find_by_id_ed25519", find_by_id, NULL, unload, &ed25519 },
		{ "find_by_object_ed25519", find_by_object, NULL, unload, &ed25519 },
		{ "find_by_certificate_ed25519", find_by_certificate, NULL, unload, &ed25519 },
		{ "sign_through_handle_ed25519", sign_through_handle, NULL, unload, &ed25519 },
		cmocka_unit_test_teardown(find_by_label_of_certificate, unload),
		cmocka_unit_test_teardown(find_certificate_by_public_key, unload),
		cmocka_unit_test_teardown(find_certificate_by_id_first, unload),
		cmocka_unit_test_teardown(find_with_certificates_from_elsewhere, unload),
		cmocka_unit_test_teardown(find_without_certificate, unload),
		cmocka_unit_test_teardown(sign_with_foreign_scheme, unload),
		cmocka_unit_test_teardown(sign_with_pin_each_time, unload),
		cmocka_unit_test_teardown(two_keys_at_once, unload),
	};

	return run_group(tests, set_up, tear_down);
}
