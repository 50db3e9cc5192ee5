/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PKCS#11 URIs: nothing in one that is accepted goes unread, or could be read in another way; there is no PIN in it,
 * and what is made of it says the same.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "by_letter.h"
#include "fuzz.h"
#include "uri.h"

/* A field of a token is padded with spaces; one that is not named begins with a NUL. */
static void check_field(const char *text, const char *name, const unsigned char *field, size_t size)
{
	static struct reading reading;

	reading.name = name;
	read_by_letter(text, &reading);
	if (reading.count == 0) {
		must_hold(field[0] == '\0');
		return;
	}
	must_hold(reading.size <= size);
	must_hold(field[0] != '\0');
	for (size_t i = 0; i < size; i++)
		must_hold(field[i] == (i < reading.size ? reading.value[i] : ' '));
}

static void check_attribute(const char *text, const char *name, const CK_ATTRIBUTE *attr)
{
	static struct reading reading;

	reading.name = name;
	read_by_letter(text, &reading);
	must_hold(reading.count == (attr != NULL));
	must_hold(!attr || (attr->ulValueLen == reading.size &&
			    (reading.size == 0 || memcmp(attr->pValue, reading.value, reading.size) == 0)));
}

/* Under an alias there may be one although the letter knows none. */
static void check_string(const char *text, const char *name, const char *string)
{
	static struct reading reading;

	reading.name = name;
	read_by_letter(text, &reading);
	must_hold(reading.count == 0 ||
		  (string && strlen(string) == reading.size && memcmp(string, reading.value, reading.size) == 0));
}

static void check_reading(const char *text, P11KitUri *uri)
{
	const CK_TOKEN_INFO *token = p11_kit_uri_get_token_info(uri);

	must_hold(strncasecmp(text, "pkcs11:", 7) == 0);
	must_hold(fuzz_is_line(text) && !strchr(text, '\n'));
	must_hold(!p11_kit_uri_get_pin_value(uri));
	check_field(text, "token", token->label, sizeof(token->label));
	check_field(text, "manufacturer", token->manufacturerID, sizeof(token->manufacturerID));
	check_field(text, "serial", token->serialNumber, sizeof(token->serialNumber));
	check_field(text, "model", token->model, sizeof(token->model));
	check_attribute(text, "id", p11_kit_uri_get_attribute(uri, CKA_ID));
	check_attribute(text, "object", p11_kit_uri_get_attribute(uri, CKA_LABEL));
	check_string(text, "pin-source", p11_kit_uri_get_pin_source(uri));
	check_string(text, "module-path", p11_kit_uri_get_module_path(uri));
	check_string(text, "module-name", p11_kit_uri_get_module_name(uri));
}

/* As p11-kit writes it, it is read and written the same. */
static void check_canonical(P11KitUri *uri)
{
	char *text, *again;
	P11KitUri *reread;

	must_hold(p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &text) == P11_KIT_URI_OK);
	must_hold(uri_parse(text, &reread, NULL) == 0);
	check_reading(text, reread);
	must_hold(p11_kit_uri_format(reread, P11_KIT_URI_FOR_ANY, &again) == P11_KIT_URI_OK);
	must_hold(strcmp(text, again) == 0);
	p11_kit_uri_free(reread);
	free(text);
	free(again);
}

static void check_handle(const char *text, P11KitUri *uri)
{
	bool is_key = uri_class(uri, CKO_PRIVATE_KEY) == CKO_PRIVATE_KEY;
	gnutls_datum_t handle;
	char *decoded;
	int ret = nfstls_handle_encode(text, &handle);

	must_hold(ret == (is_key ? 0 : NFSTLS_E_URI_TYPE));
	if (ret < 0)
		return;
	must_hold(nfstls_handle_decode(&handle, &decoded) == 0);
	must_hold(strcmp(decoded, text) == 0);
	must_hold(nfstls_handle_answers(&handle, text));
	free(decoded);
	gnutls_free(handle.data);
}

static void check_pin_file(const char *text, P11KitUri *uri)
{
	char *with_file, *path;
	int ret = nfstls_uri_with_pin_file(text, "/etc/a pin#1", &with_file, NULL);

	must_hold(ret == (p11_kit_uri_get_pin_source(uri) ? NFSTLS_E_PIN_SOURCE : 0));
	if (ret < 0)
		return;
	must_hold(nfstls_uri_check(with_file, &path, NULL) == 0);
	must_hold(path && strcmp(path, "/etc/a pin#1") == 0);
	free(path);
	free(with_file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	char *text = fuzz_text(data, size < BY_LETTER_MAX ? size : 0), *path = NULL;
	P11KitUri *uri;
	int ret = uri_parse(text, &uri, &diag), checked = nfstls_uri_check(text, &path, NULL);

	if (ret < 0) {
		must_hold(checked == ret && !path);
		must_hold(!diag.candidates && !strchr(diag.text, '\n'));
	} else {
		must_hold(checked == 0 || (checked == NFSTLS_E_PIN_SOURCE && p11_kit_uri_get_pin_source(uri)));
		check_reading(text, uri);
		check_canonical(uri);
		check_handle(text, uri);
		check_pin_file(text, uri);
		p11_kit_uri_free(uri);
	}
	nfstls_diag_clear(&diag);
	free(path);
	free(text);
	return 0;
}
