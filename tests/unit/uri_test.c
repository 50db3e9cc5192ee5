/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PKCS#11 URIs: what is refused and as what, the search template, and that what we write names what we meant. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "uri.h"

static void assert_parse_fails(const char *text, int error)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	P11KitUri *uri = NULL;

	if (uri_parse(text, &uri, NULL) != error)
		print_error("%s:\n", text);
	assert_error(uri_parse(text, &uri, &diag), error, &diag);
	assert_null(uri);
	/* the other errors need no more than nfstls_strerror() */
	assert_true(error != NFSTLS_E_URI || diag.text[0]);
	assert_null(strchr(diag.text, '\n'));
	nfstls_diag_clear(&diag);
}

static void parse_accepts(void **state)
{
	static const char *const good[] = {
		"pkcs11:",
		"pkcs11:token=lab",
		"pkcs11:token=YubiKey%20PIV;id=%01;type=private",
		"pkcs11:object=key;type=cert",
		"pkcs11:token=lab?pin-source=file:/etc/nfs/lab.pin&module-path=/usr/lib/m.so",
		"pkcs11:slot-id=7",
		"pkcs11:library-manufacturer=x;library-version=2.6",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct nfstls_diag diag = NFSTLS_DIAG_INIT;
		P11KitUri *uri;

		assert_ok(uri_parse(good[i], &uri, &diag), &diag);
		p11_kit_uri_free(uri);
	}
}

static void parse_malformed(void **state)
{
	static const char *const bad[] = {
		"",
		"lab",
		"pkcs11",
		"http://token/lab",
		"pkcs11:token",
		"pkcs11:token=%zz",
		"pkcs11:token=%1",
		"pkcs11:slot-id=one",
		"pkcs11:token=lab?pin-source",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_parse_fails(bad[i], NFSTLS_E_URI);
}

static void parse_unknown(void **state)
{
	(void)state;
	assert_parse_fails("pkcs11:token=lab;colour=red", NFSTLS_E_URI);
	assert_parse_fails("pkcs11:token=lab;x-vendor=1", NFSTLS_E_URI);
	assert_parse_fails("pkcs11:type=key", NFSTLS_E_URI);
	/* 33 bytes, and a token's label has 32 */
	assert_parse_fails("pkcs11:token=abcdefghijklmnopqrstuvwxyz0123456", NFSTLS_E_URI);
}

/* What p11-kit and another reader could understand differently. */
static void parse_ambiguous(void **state)
{
	static const char *const bad[] = {
		"pkcs11:token=lab;token=other",
		"pkcs11:type=private;object-type=private",
		"pkcs11:?pin-source=/a&pin-source=/b",
		"pkcs11:?pin-source=/a&pinfile=/b",
		"pkcs11:pin-source=/a?pin-source=/b",
		"pkcs11:?module-path=/a&module-path=/b",
		"pkcs11:token=lab;;object=key",
		"pkcs11:token=lab;;type=public",
		"pkcs11:;token=lab",
		"pkcs11:token=lab;;x-a=b&module-path=/m",
		"pkcs11:token=lab;",
		"pkcs11:?token=lab",
		"pkcs11:token=lab?type=public",
		"pkcs11:?pin-source=/a;token=lab",
		"pkcs11:token=%00",
		"pkcs11:?pin-source=/etc/pin%00.d",
		"pkcs11:?module-path=/usr/lib/m.so%00",
	};
	P11KitUri *uri;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_parse_fails(bad[i], NFSTLS_E_URI);
	/* bytes, and not a text */
	assert_ok(uri_parse("pkcs11:id=%00%00;object=a%00b?x-one=%26&x-one=%3b", &uri, NULL), NULL);
	p11_kit_uri_free(uri);
}

static void parse_unprintable(void **state)
{
	(void)state;
	assert_parse_fails("pkcs11:token=a b", NFSTLS_E_URI);
	assert_parse_fails(" pkcs11:token=lab", NFSTLS_E_URI);
	assert_parse_fails("pkcs11:token=lab\n", NFSTLS_E_URI);
	assert_parse_fails("pkcs11:token=a\tb", NFSTLS_E_URI);
	assert_parse_fails("pkcs11:token=a\x7f", NFSTLS_E_URI);
	assert_parse_fails("pkcs11:token=a#b", NFSTLS_E_URI);
	assert_parse_fails("pkcs11:token=\xc3\xa4", NFSTLS_E_URI);
}

static void parse_secret(void **state)
{
	static const char *const bad[] = {
		"pkcs11:token=lab?pin-value=4711",
		"pkcs11:token=lab;pin-value=4711",
		"pkcs11:token=lab?pin-value=",
		"pkcs11:token=lab?pin-source=file:/pin&pin-value=4711",
		"pkcs11:token=lab;type=public?pin-value=4711",
	};
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	P11KitUri *uri;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_parse_fails(bad[i], NFSTLS_E_URI_SECRET);
		uri_parse(bad[i], &uri, &diag);
		assert_null(strstr(diag.text, "4711"));
	}
}

static void parse_type(void **state)
{
	(void)state;
	assert_parse_fails("pkcs11:token=lab;type=public", NFSTLS_E_URI_TYPE);
	assert_parse_fails("pkcs11:token=lab;type=secret-key", NFSTLS_E_URI_TYPE);
	assert_parse_fails("pkcs11:token=lab;type=data", NFSTLS_E_URI_TYPE);
	assert_parse_fails("pkcs11:token=lab;object-type=public", NFSTLS_E_URI_TYPE);
}

static void class_of_uri(void **state)
{
	P11KitUri *uri;

	(void)state;
	assert_ok(uri_parse("pkcs11:type=cert", &uri, NULL), NULL);
	assert_int_equal(uri_class(uri, CKO_DATA), CKO_CERTIFICATE);
	p11_kit_uri_free(uri);
	assert_ok(uri_parse("pkcs11:type=private", &uri, NULL), NULL);
	assert_int_equal(uri_class(uri, CKO_DATA), CKO_PRIVATE_KEY);
	p11_kit_uri_free(uri);
	assert_ok(uri_parse("pkcs11:token=lab", &uri, NULL), NULL);
	assert_int_equal(uri_class(uri, CKO_DATA), CKO_DATA);
	p11_kit_uri_free(uri);
}

static void template(void **state)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE attrs[URI_TEMPLATE_MAX];
	P11KitUri *uri;

	(void)state;
	assert_ok(uri_parse("pkcs11:token=lab;object=a%20b;id=%00%01%00;type=cert", &uri, NULL), NULL);
	assert_int_equal(uri_template(uri, &class, attrs), 3);
	assert_int_equal(attrs[0].type, CKA_CLASS);
	assert_ptr_equal(attrs[0].pValue, &class);
	assert_int_equal(attrs[0].ulValueLen, sizeof(class));
	assert_int_equal(attrs[1].type, CKA_ID);
	assert_int_equal(attrs[1].ulValueLen, 3);
	assert_memory_equal(attrs[1].pValue, "\0\1\0", 3);
	assert_int_equal(attrs[2].type, CKA_LABEL);
	assert_int_equal(attrs[2].ulValueLen, 3);
	assert_memory_equal(attrs[2].pValue, "a b", 3);
	p11_kit_uri_free(uri);

	/* what names a token says nothing about an object */
	assert_ok(uri_parse("pkcs11:token=lab;serial=1;slot-id=3", &uri, NULL), NULL);
	assert_int_equal(uri_template(uri, &class, attrs), 1);
	assert_int_equal(attrs[0].type, CKA_CLASS);
	p11_kit_uri_free(uri);
}

static CK_TOKEN_INFO make_token(const void *label, size_t size)
{
	CK_TOKEN_INFO token;

	memset(&token, 0, sizeof(token));
	memset(token.label, ' ', sizeof(token.label));
	memset(token.manufacturerID, ' ', sizeof(token.manufacturerID));
	memset(token.model, ' ', sizeof(token.model));
	memset(token.serialNumber, ' ', sizeof(token.serialNumber));
	memcpy(token.label, label, size);
	memcpy(token.manufacturerID, "Hersteller; & S\xc3\xb6hne", 20);
	memcpy(token.model, "100% model/2", 12);
	memcpy(token.serialNumber, "00 17", 5);
	return token;
}

/* Write a URI for a token and a key, and read it back as a handle's would be. */
static P11KitUri *write_and_read(const CK_TOKEN_INFO *token, const CK_ATTRIBUTE *attrs, CK_ULONG count)
{
	const struct module module = { .path = "/usr/lib/a b/m.so" };
	P11KitUri *uri;
	char *text;

	assert_ok(uri_format(token, attrs, count, &module, "file:/etc/a&b?c", &text), NULL);
	assert_ok(uri_parse(text, &uri, NULL), NULL);
	assert_string_equal(p11_kit_uri_get_module_path(uri), "/usr/lib/a b/m.so");
	assert_string_equal(p11_kit_uri_get_pin_source(uri), "file:/etc/a&b?c");
	free(text);
	return uri;
}

static const struct {
	const char *bytes;
	size_t size;
} labels[] = {
	{ "lab", 3 },
	{ "two words", 9 },
	{ "100%", 4 },
	{ "%20", 3 },
	{ "a;b=c&d?e#f", 11 },
	{ "a/b\\c", 5 },
	{ "\"quoted\"", 8 },
	{ "\xc3\xa4\xe2\x82\xac", 5 },
	{ "\xff\xfe", 2 },
	{ " leading", 8 },
	{ "trailing\0\0", 10 },
	{ "mid\0garbage", 11 },
	{ "line\nend\ttab", 12 },
	{ "abcdefghijklmnopqrstuvwxyz012345", 32 },
};

static void format_token_labels(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		CK_TOKEN_INFO token = make_token(labels[i].bytes, labels[i].size);
		P11KitUri *uri = write_and_read(&token, NULL, 0);
		const CK_TOKEN_INFO *back = p11_kit_uri_get_token_info(uri);

		assert_true(p11_kit_uri_match_token_info(uri, &token));
		assert_memory_equal(back->label, token.label, sizeof(token.label));
		assert_memory_equal(back->serialNumber, token.serialNumber, sizeof(token.serialNumber));
		assert_memory_equal(back->model, token.model, sizeof(token.model));
		assert_memory_equal(back->manufacturerID, token.manufacturerID, sizeof(token.manufacturerID));
		p11_kit_uri_free(uri);
	}
}

/* p11-kit takes a field that starts with a NUL for one that is not set, and would look for another token. */
static void format_drops_what_does_not_return(void **state)
{
	CK_TOKEN_INFO token = make_token("\0hidden", 7);
	P11KitUri *uri;
	char *text;

	(void)state;
	assert_ok(uri_format(&token, NULL, 0, NULL, NULL, &text), NULL);
	assert_null(strstr(text, "token="));
	assert_says(text, "serial=00%2017");
	free(text);

	uri = write_and_read(&token, NULL, 0);
	assert_true(p11_kit_uri_match_token_info(uri, &token));
	p11_kit_uri_free(uri);
}

static void assert_attribute(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, const void *value, size_t size)
{
	const CK_ATTRIBUTE *attr = p11_kit_uri_get_attribute(uri, type);

	assert_non_null(attr);
	assert_int_equal(attr->ulValueLen, size);
	assert_memory_equal(attr->pValue, value, size);
}

static void format_objects(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} ids[] = { { "\1", 1 }, { "\0", 1 }, { "\0\0\1\0", 4 }, { "\xff\0%;", 4 }, { "id", 2 } };
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_TOKEN_INFO token = make_token("lab", 3);

	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		size_t id = i % (sizeof(ids) / sizeof(ids[0]));
		const CK_ATTRIBUTE attrs[] = {
			{ CKA_CLASS, &class, sizeof(class) },
			{ CKA_ID, (void *)ids[id].bytes, ids[id].size },
			{ CKA_LABEL, (void *)labels[i].bytes, labels[i].size },
		};
		P11KitUri *uri = write_and_read(&token, attrs, 3);

		assert_attribute(uri, CKA_CLASS, &class, sizeof(class));
		assert_attribute(uri, CKA_ID, ids[id].bytes, ids[id].size);
		assert_attribute(uri, CKA_LABEL, labels[i].bytes, labels[i].size);
		p11_kit_uri_free(uri);
	}
}

/* An attribute that the key does not have is no attribute of the URI: an empty one would match nothing. */
static void format_leaves_out_the_empty(void **state)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	const CK_ATTRIBUTE attrs[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, NULL, 0 },
		{ CKA_LABEL, NULL, 0 },
	};
	CK_TOKEN_INFO token = make_token("lab", 3);
	char *text;

	(void)state;
	assert_ok(uri_format(&token, attrs, 3, NULL, NULL, &text), NULL);
	assert_null(strstr(text, "id="));
	assert_null(strstr(text, "object="));
	assert_null(strstr(text, "pin-source"));
	assert_null(strstr(text, "module-path"));
	assert_says(text, "type=private");
	free(text);
}

static void assert_checks(const char *text, int error, const char *path)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	char *found = NULL;

	assert_error(nfstls_uri_check(text, &found, &diag), error, &diag);
	if (path)
		assert_string_equal(found, path);
	else
		assert_null(found);
	assert_int_equal(nfstls_uri_check(text, NULL, NULL), error);
	free(found);
	nfstls_diag_clear(&diag);
}

static void check_names_the_pin_file(void **state)
{
	(void)state;
	assert_checks("pkcs11:token=lab", 0, NULL);
	assert_checks("pkcs11:token=lab?pin-source=/etc/nfs/pin", 0, "/etc/nfs/pin");
	assert_checks("pkcs11:token=lab?pin-source=file:/etc/nfs/pin", 0, "/etc/nfs/pin");
	assert_checks("pkcs11:token=lab?pin-source=file:///etc/nfs/pin", 0, "/etc/nfs/pin");
	assert_checks("pkcs11:token=lab?pin-source=pin", NFSTLS_E_PIN_SOURCE, NULL);
	assert_checks("pkcs11:token=lab?pin-source=file://host/pin", NFSTLS_E_PIN_SOURCE, NULL);
	assert_checks("pkcs11:token=lab?pin-value=1234", NFSTLS_E_URI_SECRET, NULL);
	assert_checks("token=lab", NFSTLS_E_URI, NULL);
}

static void answers(void **state)
{
	static const char named[] = "pkcs11:model=m;manufacturer=n;serial=1;token=lab;id=%01;object=key;type=private"
				    "?pin-source=/pin&module-path=/usr/lib/m.so";
	static const struct {
		const char *uri;
		bool answers;
	} cases[] = {
		{ "pkcs11:token=lab?pin-source=/pin", true },
		{ "pkcs11:token=lab;object=key?pin-source=/pin", true },
		{ "pkcs11:id=%01;type=private?pin-source=/pin", true },
		{ "pkcs11:?pin-source=/pin&module-path=/usr/lib/m.so", true },
		{ "pkcs11:?pin-source=/pin&module-path=/usr/lib/n.so", false },
		{ "pkcs11:token=lab", false },
		{ "pkcs11:token=lab?pin-source=/other", false },
		{ "pkcs11:token=lab2?pin-source=/pin", false },
		{ "pkcs11:token=lab;serial=2?pin-source=/pin", false },
		{ "pkcs11:token=lab;object=key2?pin-source=/pin", false },
		{ "pkcs11:token=lab;id=%01%02?pin-source=/pin", false },
		{ "pkcs11:token=lab;type=cert?pin-source=/pin", false },
		{ "lab", false },
	};
	gnutls_datum_t handle;

	(void)state;
	assert_ok(nfstls_handle_encode(named, &handle), NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (nfstls_handle_answers(&handle, cases[i].uri) != cases[i].answers)
			print_error("%s:\n", cases[i].uri);
		assert_int_equal(nfstls_handle_answers(&handle, cases[i].uri), cases[i].answers);
	}
	/* the handle has no name of its key, and so is not known to be the one that is named */
	gnutls_free(handle.data);
	assert_ok(nfstls_handle_encode("pkcs11:token=lab;id=%01;type=private", &handle), NULL);
	assert_false(nfstls_handle_answers(&handle, "pkcs11:token=lab;object=key"));
	handle.size--;
	assert_false(nfstls_handle_answers(&handle, "pkcs11:token=lab"));
	gnutls_free(handle.data);
	/* a module by its name */
	assert_ok(nfstls_handle_encode("pkcs11:token=lab?module-name=nss", &handle), NULL);
	assert_true(nfstls_handle_answers(&handle, "pkcs11:token=lab"));
	assert_true(nfstls_handle_answers(&handle, "pkcs11:token=lab?module-name=nss"));
	assert_false(nfstls_handle_answers(&handle, "pkcs11:token=lab?module-name=other"));
	assert_false(nfstls_handle_answers(&handle, "pkcs11:token=lab?module-path=/usr/lib/m.so"));
	gnutls_free(handle.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_accepts),
		cmocka_unit_test(parse_malformed),
		cmocka_unit_test(parse_unknown),
		cmocka_unit_test(parse_ambiguous),
		cmocka_unit_test(parse_unprintable),
		cmocka_unit_test(parse_secret),
		cmocka_unit_test(parse_type),
		cmocka_unit_test(class_of_uri),
		cmocka_unit_test(template),
		cmocka_unit_test(format_token_labels),
		cmocka_unit_test(format_drops_what_does_not_return),
		cmocka_unit_test(format_objects),
		cmocka_unit_test(format_leaves_out_the_empty),
		cmocka_unit_test(check_names_the_pin_file),
		cmocka_unit_test(answers),
	};

	return run_group(tests, NULL, NULL);
}
