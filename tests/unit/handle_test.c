/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Token handles: the wire format, written down once more by hand, and everything that is not one. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "unit.h"

static const char short_uri[] = "pkcs11:token=lab";

static const unsigned char short_handle[] = {
	0x30, 0x2d,								      /* SEQUENCE */
	0x1a, 0x19,								      /* VisibleString */
	0x50, 0x4b, 0x43, 0x53, 0x23, 0x31, 0x31, 0x20, 0x50, 0x72, 0x6f, 0x76, 0x69, /* PKCS#11 Provi */
	0x64, 0x65, 0x72, 0x20, 0x55, 0x52, 0x49, 0x20, 0x76, 0x31, 0x2e, 0x30,	      /* der URI v1.0 */
	0x0c, 0x10,								      /* UTF8String */
	0x70, 0x6b, 0x63, 0x73, 0x31, 0x31, 0x3a, 0x74, 0x6f, 0x6b, 0x65, 0x6e, 0x3d, 0x6c, 0x61, 0x62,
};

static const char desc[] = "PKCS#11 Provider URI v1.0";

static size_t put_header(unsigned char *out, unsigned char tag, size_t len)
{
	size_t n = 0;

	out[n++] = tag;
	if (len >= 0x100) {
		out[n++] = 0x82;
		out[n++] = len >> 8;
	} else if (len >= 0x80) {
		out[n++] = 0x81;
	}
	out[n++] = len & 0xff;
	return n;
}

/* DER by hand, well formed whatever the tags and texts are. Free with free(). */
static gnutls_datum_t build(unsigned char outer_tag, unsigned char desc_tag, const char *text, unsigned char uri_tag,
			    const void *uri, size_t uri_len)
{
	unsigned char body[2048], all[2048];
	size_t len = 0, header;

	len += put_header(body + len, desc_tag, strlen(text));
	memcpy(body + len, text, strlen(text));
	len += strlen(text);
	len += put_header(body + len, uri_tag, uri_len);
	assert_true(len + uri_len + 4 < sizeof(body));
	memcpy(body + len, uri, uri_len);
	len += uri_len;
	header = put_header(all, outer_tag, len);
	memcpy(all + header, body, len);
	return exact_copy(all, header + len);
}

static gnutls_datum_t build_for(const void *uri, size_t len)
{
	return build(0x30, 0x1a, desc, 0x0c, uri, len);
}

static int decode_bytes(const void *data, size_t size)
{
	gnutls_datum_t copy = exact_copy(data, size);
	char *uri = NULL;
	int ret = nfstls_handle_decode(&copy, &uri);

	/* On failure the output is as it was. */
	assert_true(ret == 0 ? uri != NULL : uri == NULL);
	free(uri);
	free(copy.data);
	return ret;
}

static void assert_refused(gnutls_datum_t handle, int error)
{
	assert_error(decode_bytes(handle.data, handle.size), error, NULL);
	free(handle.data);
}

static void short_form(void **state)
{
	const gnutls_datum_t expected = { (void *)short_handle, sizeof(short_handle) };
	gnutls_datum_t handle;
	char *uri;

	(void)state;
	assert_ok(nfstls_handle_encode(short_uri, &handle), NULL);
	assert_datum_equal(&handle, &expected);
	assert_ok(nfstls_handle_decode(&handle, &uri), NULL);
	assert_string_equal(uri, short_uri);
	free(uri);
	gnutls_free(handle.data);
}

/* A URI of some length and the headers, in hexadecimal by hand, of the SEQUENCE and of the URI. */
static const struct long_form {
	size_t uri_len;
	unsigned char outer[5], inner[5]; /* the first byte is the length */
} long_forms[] = {
	{ 98, { 2, 0x30, 0x7f }, { 2, 0x0c, 0x62 } },
	{ 99, { 3, 0x30, 0x81, 0x80 }, { 2, 0x0c, 0x63 } },
	{ 110, { 3, 0x30, 0x81, 0x8b }, { 2, 0x0c, 0x6e } },
	{ 127, { 3, 0x30, 0x81, 0x9c }, { 2, 0x0c, 0x7f } },
	{ 128, { 3, 0x30, 0x81, 0x9e }, { 3, 0x0c, 0x81, 0x80 } },
	{ 225, { 3, 0x30, 0x81, 0xff }, { 3, 0x0c, 0x81, 0xe1 } },
	{ 226, { 4, 0x30, 0x82, 0x01, 0x00 }, { 3, 0x0c, 0x81, 0xe2 } },
	{ 255, { 4, 0x30, 0x82, 0x01, 0x1d }, { 3, 0x0c, 0x81, 0xff } },
	{ 256, { 4, 0x30, 0x82, 0x01, 0x1f }, { 4, 0x0c, 0x82, 0x01, 0x00 } },
	{ 300, { 4, 0x30, 0x82, 0x01, 0x4b }, { 4, 0x0c, 0x82, 0x01, 0x2c } },
};

static void long_form_of(const struct long_form *form)
{
	unsigned char expected[512];
	gnutls_datum_t wanted = { expected, 0 }, handle;
	char uri[512], *back;

	memset(uri, 'a', form->uri_len);
	memcpy(uri, "pkcs11:object=", strlen("pkcs11:object="));
	uri[form->uri_len] = '\0';

	memcpy(expected, form->outer + 1, form->outer[0]);
	wanted.size = form->outer[0];
	memcpy(expected + wanted.size, short_handle + 2, 27);
	wanted.size += 27;
	memcpy(expected + wanted.size, form->inner + 1, form->inner[0]);
	wanted.size += form->inner[0];
	memcpy(expected + wanted.size, uri, form->uri_len);
	wanted.size += form->uri_len;

	assert_ok(nfstls_handle_encode(uri, &handle), NULL);
	assert_datum_equal(&handle, &wanted);
	assert_ok(nfstls_handle_decode(&handle, &back), NULL);
	assert_string_equal(back, uri);
	free(back);
	gnutls_free(handle.data);
}

static void long_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(long_forms) / sizeof(long_forms[0]); i++)
		long_form_of(&long_forms[i]);
}

/* A certificate does no harm in a URI that a person gives, and is of no use in a handle. */
static void encode_refuses(void **state)
{
	static const struct {
		const char *uri;
		int error;
	} bad[] = {
		{ "", NFSTLS_E_URI },
		{ "http://token/", NFSTLS_E_URI },
		{ "pkcs11:token=a b", NFSTLS_E_URI },
		{ "pkcs11:token=a?pin-value=1234", NFSTLS_E_URI_SECRET },
		{ "pkcs11:type=cert", NFSTLS_E_URI_TYPE },
		{ "pkcs11:type=public", NFSTLS_E_URI_TYPE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		gnutls_datum_t handle = { NULL, 0 };

		assert_error(nfstls_handle_encode(bad[i].uri, &handle), bad[i].error, NULL);
		assert_null(handle.data);
	}
}

static bool detect(const void *data, size_t size)
{
	gnutls_datum_t copy = exact_copy(data, size);
	bool is_handle = nfstls_handle_detect(&copy);

	free(copy.data);
	return is_handle;
}

static void detect_handle(void **state)
{
	static const unsigned char long_handle[] = { 0x30, 0x82, 0x01, 0x4b, 0x1a, 0x19 };

	(void)state;
	assert_true(detect(short_handle, sizeof(short_handle)));
	/* A damaged handle is still meant as one: whoever opens it as a private key cannot say what is wrong. */
	for (size_t size = 3; size < sizeof(short_handle); size++)
		assert_true(detect(short_handle, size));
	assert_true(detect(long_handle, sizeof(long_handle)));
	assert_true(detect(long_handle, 5));
	assert_false(detect(long_handle, 4));
}

static void assert_key_is_no_handle(gnutls_pk_algorithm_t algorithm, unsigned int bits)
{
	gnutls_privkey_t key = key_make(algorithm, bits);
	gnutls_x509_privkey_t x509;
	gnutls_datum_t pkcs8, plain;
	char *uri = NULL;

	assert_int_equal(gnutls_privkey_export_x509(key, &x509), 0);
	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(x509, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, &pkcs8),
			 0);
	assert_false(nfstls_handle_detect(&pkcs8));
	assert_error(nfstls_handle_decode(&pkcs8, &uri), NFSTLS_E_HANDLE, NULL);
	/* PKCS#1 for RSA, SEC1 for EC */
	assert_int_equal(gnutls_x509_privkey_export2(x509, GNUTLS_X509_FMT_DER, &plain), 0);
	assert_false(nfstls_handle_detect(&plain));
	assert_error(nfstls_handle_decode(&plain, &uri), NFSTLS_E_HANDLE, NULL);
	gnutls_free(plain.data);
	gnutls_free(pkcs8.data);
	gnutls_x509_privkey_deinit(x509);
	gnutls_privkey_deinit(key);
}

static void detect_private_keys(void **state)
{
	(void)state;
	assert_key_is_no_handle(GNUTLS_PK_RSA, 2048);
	assert_key_is_no_handle(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
}

static void detect_garbage(void **state)
{
	static const gnutls_datum_t nothing = { NULL, 0 };
	char *uri = NULL;

	(void)state;
	assert_false(nfstls_handle_detect(&nothing));
	assert_error(nfstls_handle_decode(&nothing, &uri), NFSTLS_E_HANDLE, NULL);
	assert_false(detect("", 0));
	assert_false(detect("0", 1));
	assert_false(detect("0\x01", 2));
	assert_false(detect("0\xff", 2));
	assert_false(detect("0\x84\xff\xff\xff\xff", 6));
	assert_false(detect("pkcs11:token=lab", 16));
}

static void decode_refuses_truncation(void **state)
{
	char uri[301];
	gnutls_datum_t handle;

	(void)state;
	for (size_t size = 0; size < sizeof(short_handle); size++)
		assert_error(decode_bytes(short_handle, size), NFSTLS_E_HANDLE, NULL);

	memset(uri, 'a', 300);
	memcpy(uri, "pkcs11:object=", strlen("pkcs11:object="));
	handle = build_for(uri, 300);
	assert_ok(decode_bytes(handle.data, handle.size), NULL);
	for (size_t size = 0; size < handle.size; size++)
		assert_error(decode_bytes(handle.data, size), NFSTLS_E_HANDLE, NULL);
	free(handle.data);
}

static void decode_refuses_trailing_bytes(void **state)
{
	unsigned char longer[sizeof(short_handle) + 2];

	(void)state;
	for (int last = 0; last < 256; last++) {
		memcpy(longer, short_handle, sizeof(short_handle));
		longer[sizeof(short_handle)] = last;
		assert_error(decode_bytes(longer, sizeof(short_handle) + 1), NFSTLS_E_HANDLE, NULL);
	}
	/* inside the SEQUENCE: a third element */
	longer[1] += 2;
	longer[sizeof(short_handle)] = 0x05;
	longer[sizeof(short_handle) + 1] = 0x00;
	assert_error(decode_bytes(longer, sizeof(longer)), NFSTLS_E_HANDLE, NULL);
}

/* The short handle with some of its bytes replaced, and the SEQUENCE's length put right where it has one byte. */
static void assert_spliced_refused(size_t at, size_t drop, const char *insert, size_t insert_len, bool fix_length)
{
	unsigned char spliced[128];
	size_t rest = at + drop;

	memcpy(spliced, short_handle, at);
	memcpy(spliced + at, insert, insert_len);
	memcpy(spliced + at + insert_len, short_handle + rest, sizeof(short_handle) - rest);
	if (fix_length)
		spliced[1] += insert_len - drop;
	assert_error(decode_bytes(spliced, sizeof(short_handle) - drop + insert_len), NFSTLS_E_HANDLE, NULL);
}

static void decode_refuses_loose_lengths(void **state)
{
	(void)state;
	/* longer than need be, in each of the three places */
	assert_spliced_refused(1, 1, "\x81\x2d", 2, false);
	assert_spliced_refused(1, 1, "\x82\x00\x2d", 3, false);
	assert_spliced_refused(1, 1, "\x84\x00\x00\x00\x2d", 5, false);
	assert_spliced_refused(3, 1, "\x81\x19", 2, true);
	assert_spliced_refused(30, 1, "\x81\x10", 2, true);
	assert_spliced_refused(30, 1, "\x82\x00\x10", 3, true);
	/* indefinite, with the end that belongs to it and without */
	assert_spliced_refused(1, 1, "\x80", 1, false);
	assert_error(decode_bytes("\x30\x80\x1a\x19PKCS#11 Provider URI v1.0\x0c\x10pkcs11:token=lab\0\0", 49),
		     NFSTLS_E_HANDLE, NULL);
}

static void decode_refuses_other_descriptions(void **state)
{
	static const char *const others[] = { "PKCS#11 Provider URI v1.1", "PKCS#11 Provider URI v1.0 ",
					      "pkcs#11 provider uri v1.0", "PKCS#11 PROVIDER URI V1.0",
					      "PKCS#11 Provider URI v1.",  "" };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_refused(build(0x30, 0x1a, others[i], 0x0c, short_uri, strlen(short_uri)), NFSTLS_E_HANDLE);
}

static void decode_refuses_other_tags(void **state)
{
	(void)state;
	for (int tag = 0; tag < 256; tag++) {
		if (tag != 0x30)
			assert_refused(build(tag, 0x1a, desc, 0x0c, short_uri, strlen(short_uri)), NFSTLS_E_HANDLE);
		if (tag != 0x1a)
			assert_refused(build(0x30, tag, desc, 0x0c, short_uri, strlen(short_uri)), NFSTLS_E_HANDLE);
		if (tag != 0x0c)
			assert_refused(build(0x30, 0x1a, desc, tag, short_uri, strlen(short_uri)), NFSTLS_E_HANDLE);
	}
}

static void decode_refuses_nul(void **state)
{
	static const char nul_inside[] = "pkcs11:token=lab\0?pin-value=1";

	(void)state;
	assert_refused(build_for("pkcs11:token=lab\0", 17), NFSTLS_E_HANDLE);
	assert_refused(build_for("\0pkcs11:token=lab", 17), NFSTLS_E_HANDLE);
	assert_refused(build_for(nul_inside, sizeof(nul_inside) - 1), NFSTLS_E_HANDLE);
}

static void decode_refuses_uris(void **state)
{
	static const struct {
		const char *uri;
		int error;
	} bad[] = {
		{ "", NFSTLS_E_URI },
		{ "pkcs11", NFSTLS_E_URI },
		{ "pkcs11;token=lab", NFSTLS_E_URI },
		{ "http:token=lab", NFSTLS_E_URI },
		{ "http://host/token=lab", NFSTLS_E_URI },
		{ "file:/etc/passwd", NFSTLS_E_URI },
		{ " pkcs11:token=lab", NFSTLS_E_URI },
		{ "pkcs11:token=l ab", NFSTLS_E_URI },
		{ "pkcs11:token=lab\n", NFSTLS_E_URI },
		{ "pkcs11:token=lab\x7f", NFSTLS_E_URI },
		{ "pkcs11:token=\xc3\xa4", NFSTLS_E_URI },
		{ "pkcs11:token=lab;colour=red", NFSTLS_E_URI },
		{ "pkcs11:token=lab;type=key", NFSTLS_E_URI },
		{ "pkcs11:token=lab?pin-value=1234", NFSTLS_E_URI_SECRET },
		{ "pkcs11:token=lab?pin-value=", NFSTLS_E_URI_SECRET },
		{ "pkcs11:token=lab?pin-source=/pin&pin-value=1234", NFSTLS_E_URI_SECRET },
		{ "pkcs11:token=lab;pin-value=1234", NFSTLS_E_URI_SECRET },
		{ "pkcs11:token=lab;type=public", NFSTLS_E_URI_TYPE },
		{ "pkcs11:token=lab;type=cert", NFSTLS_E_URI_TYPE },
		{ "pkcs11:token=lab;type=secret-key", NFSTLS_E_URI_TYPE },
		{ "pkcs11:token=lab;type=data", NFSTLS_E_URI_TYPE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(build_for(bad[i].uri, strlen(bad[i].uri)), bad[i].error);
}

/* One value, one encoding: what decodes must encode to the bytes that it came from. */
static void assert_decodes_to_itself(const gnutls_datum_t *handle)
{
	gnutls_datum_t again;
	char *uri;

	if (nfstls_handle_decode(handle, &uri) < 0)
		return;
	assert_ok(nfstls_handle_encode(uri, &again), NULL);
	assert_datum_equal(&again, handle);
	gnutls_free(again.data);
	free(uri);
}

static void every_mutation(void **state)
{
	static const char uri[] = "pkcs11:model=SoftHSM%20v2;token=lab;id=%00%ff;object=a%20b;type=private"
				  "?pin-source=file:/etc/pin&module-path=/usr/lib/m.so";
	gnutls_datum_t handle = build_for(uri, strlen(uri));

	(void)state;
	assert_ok(decode_bytes(handle.data, handle.size), NULL);
	for (size_t at = 0; at < handle.size; at++) {
		unsigned char was = handle.data[at];

		for (int change = 1; change < 256; change++) {
			handle.data[at] = was ^ change;
			assert_decodes_to_itself(&handle);
		}
		handle.data[at] = was;
	}
	free(handle.data);
}

static void token_label(void **state)
{
	static const struct {
		const char *uri, *label, *module;
	} cases[] = {
		{ "pkcs11:token=YubiKey%20PIV", "YubiKey PIV", NULL },
		{ "pkcs11:token=%c3%a4", "\xc3\xa4", NULL },
		{ "pkcs11:object=key?module-path=/usr/lib/m.so", "", "/usr/lib/m.so" },
		{ "pkcs11:object=key?module-name=nss", "", "nss" },
		{ "pkcs11:", "", NULL },
	};
	const gnutls_datum_t truncated = { (void *)short_handle, sizeof(short_handle) - 1 };
	char *none = NULL;

	(void)state;
	assert_error(nfstls_handle_token(&truncated, &none), NFSTLS_E_HANDLE, NULL);
	assert_null(none);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		gnutls_datum_t handle = build_for(cases[i].uri, strlen(cases[i].uri));
		char *label = NULL, *module;

		assert_ok(nfstls_handle_token(&handle, &label), NULL);
		assert_ok(nfstls_handle_module(&handle, &module), NULL);
		assert_string_equal(label, cases[i].label);
		assert_string_equal(module ? module : "", cases[i].module ? cases[i].module : "");
		free(label);
		free(module);
		free(handle.data);
	}
}

static void pem(void **state)
{
	const gnutls_datum_t expected = { (void *)short_handle, sizeof(short_handle) };
	gnutls_datum_t text, exact, handle;

	(void)state;
	assert_int_equal(gnutls_pem_base64_encode2("PKCS#11 PROVIDER URI", &expected, &text), 0);
	exact = exact_copy(text.data, text.size);
	assert_ok(nfstls_handle_from_pem(&exact, &handle), NULL);
	assert_datum_equal(&handle, &expected);
	gnutls_free(handle.data);
	free(exact.data);
	gnutls_free(text.data);
}

static void pem_refuses(void **state)
{
	const gnutls_datum_t plain = { (void *)short_handle, sizeof(short_handle) };
	gnutls_datum_t text, handle = { NULL, 0 };

	(void)state;
	assert_error(nfstls_handle_from_pem(&plain, &handle), NFSTLS_E_PEM, NULL);
	assert_error(nfstls_handle_from_pem(&(gnutls_datum_t){ NULL, 0 }, &handle), NFSTLS_E_PEM, NULL);

	assert_int_equal(gnutls_pem_base64_encode2("PRIVATE KEY", &plain, &text), 0);
	assert_error(nfstls_handle_from_pem(&text, &handle), NFSTLS_E_PEM, NULL);
	gnutls_free(text.data);

	/* the last line without its line end still ends the block: cut off more than that */
	assert_int_equal(gnutls_pem_base64_encode2("PKCS#11 PROVIDER URI", &plain, &text), 0);
	for (unsigned int size = 0; size < text.size - strlen("PKCS#11 PROVIDER URI-----\n"); size++) {
		gnutls_datum_t cut = exact_copy(text.data, size);

		assert_error(nfstls_handle_from_pem(&cut, &handle), NFSTLS_E_PEM, NULL);
		free(cut.data);
	}
	gnutls_free(text.data);
	assert_null(handle.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_form),
		cmocka_unit_test(long_form),
		cmocka_unit_test(encode_refuses),
		cmocka_unit_test(detect_handle),
		cmocka_unit_test(detect_private_keys),
		cmocka_unit_test(detect_garbage),
		cmocka_unit_test(decode_refuses_truncation),
		cmocka_unit_test(decode_refuses_trailing_bytes),
		cmocka_unit_test(decode_refuses_loose_lengths),
		cmocka_unit_test(decode_refuses_other_descriptions),
		cmocka_unit_test(decode_refuses_other_tags),
		cmocka_unit_test(decode_refuses_nul),
		cmocka_unit_test(decode_refuses_uris),
		cmocka_unit_test(every_mutation),
		cmocka_unit_test(token_label),
		cmocka_unit_test(pem),
		cmocka_unit_test(pem_refuses),
	};

	return run_group(tests, NULL, NULL);
}
