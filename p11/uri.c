/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handle.h"
#include "pin.h"
#include "uri.h"

/* In any case, as p11-kit sees to; RFC 3986 section 3.1. */
#define SCHEME "pkcs11:"

/*
 * RFC 7512 section 2.3 leaves spaces to pct-encoding; p11-kit would drop them in silence, and take a fragment for a
 * part of the last value.
 */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || *text == '#')
			return false;
	return true;
}

/* How many attributes a URI has, and NULs in their values. */
static size_t count_parts(const char *path)
{
	const char *query = strchr(path, '?');
	size_t count = (*path && path != query) + (query && query[1]);

	for (const char *p = path; *p; p++)
		count += *p == ';' || (query && p > query && *p == '&');
	for (const char *p = path; (p = strstr(p, "%00")); p += strlen("%00"))
		count++;
	return count;
}

/*
 * What stands behind an empty attribute (";;") p11-kit takes for a query; of an attribute that comes twice, which RFC
 * 7512 section 2.3 forbids, for the last one; and a NUL ends what it keeps as a string. Another reader may do
 * otherwise. The last two show in that it writes less than it has read.
 */
static int check_whole(const char *text, P11KitUri *uri, struct nfstls_diag *diag)
{
	const char *path = text + strlen(SCHEME);
	char *written;
	bool whole;

	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &written) != P11_KIT_URI_OK)
		return NFSTLS_E_MEMORY;
	whole = *path != ';' && !strstr(path, ";;") && count_parts(written + strlen(SCHEME)) == count_parts(path);
	free(written);
	return whole ? 0 : diag_set(diag, NFSTLS_E_URI, "it has an attribute twice, an empty one, or a NUL in a text");
}

/* In the query p11-kit takes any name for that of some vendor's attribute, which limits nothing. */
static int check_query(P11KitUri *uri, struct nfstls_diag *diag)
{
	static const char *const path_names[] = {
		"token",
		"manufacturer",
		"serial",
		"model",
		"object",
		"type",
		"id",
		"slot-id",
		"slot-description",
		"slot-manufacturer",
		"library-description",
		"library-manufacturer",
		"library-version",
	};

	for (size_t i = 0; i < sizeof(path_names) / sizeof(path_names[0]); i++)
		if (p11_kit_uri_get_vendor_query(uri, path_names[i]))
			return diag_set(diag, NFSTLS_E_URI, "%s belongs in front of the '?'", path_names[i]);
	return 0;
}

static int uri_check(const char *text, P11KitUri *uri, struct nfstls_diag *diag)
{
	CK_OBJECT_CLASS class;
	int ret;

	if (p11_kit_uri_get_pin_value(uri))
		return NFSTLS_E_URI_SECRET;
	if (p11_kit_uri_any_unrecognized(uri))
		return diag_set(diag, NFSTLS_E_URI,
				"it has an attribute that RFC 7512 does not know, or a type that is none");

	class = uri_class(uri, CKO_PRIVATE_KEY);
	if (class != CKO_PRIVATE_KEY && class != CKO_CERTIFICATE)
		return NFSTLS_E_URI_TYPE;
	ret = check_whole(text, uri, diag);
	return ret < 0 ? ret : check_query(uri, diag);
}

int uri_parse(const char *text, P11KitUri **uri, struct nfstls_diag *diag)
{
	P11KitUri *parsed;
	int ret;

	if (!is_plain(text))
		return diag_set(diag, NFSTLS_E_URI, "it has a space or another character that must be percent-encoded");

	parsed = p11_kit_uri_new();
	if (!parsed)
		return NFSTLS_E_MEMORY;

	ret = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, parsed);
	if (ret == P11_KIT_URI_OK)
		ret = uri_check(text, parsed, diag);
	else
		ret = diag_set(diag, NFSTLS_E_URI, "%s", p11_kit_uri_message(ret));

	if (ret < 0)
		p11_kit_uri_free(parsed);
	else
		*uri = parsed;
	return ret;
}

CK_OBJECT_CLASS uri_class(P11KitUri *uri, CK_OBJECT_CLASS unnamed)
{
	const CK_ATTRIBUTE *attr = p11_kit_uri_get_attribute(uri, CKA_CLASS);

	return attr ? *(const CK_OBJECT_CLASS *)attr->pValue : unnamed;
}

CK_ULONG uri_template(P11KitUri *uri, CK_OBJECT_CLASS *class, CK_ATTRIBUTE *attrs)
{
	static const CK_ATTRIBUTE_TYPE types[] = { CKA_ID, CKA_LABEL };
	CK_ULONG count = 0;

	attrs[count++] = (CK_ATTRIBUTE){ CKA_CLASS, class, sizeof(*class) };
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const CK_ATTRIBUTE *attr = p11_kit_uri_get_attribute(uri, types[i]);

		if (attr)
			attrs[count++] = *attr;
	}
	return count;
}

/* A field that p11-kit writes and does not read back the same names nothing: leave it out. */
static void drop_field(unsigned char *field, const unsigned char *read_back, size_t size)
{
	if (memcmp(field, read_back, size) != 0)
		memset(field, 0, size);
}

static int drop_what_does_not_return(P11KitUri *uri)
{
	static const CK_ATTRIBUTE_TYPE types[] = { CKA_ID, CKA_LABEL };
	CK_TOKEN_INFO *want = p11_kit_uri_get_token_info(uri), *got;
	P11KitUri *again = p11_kit_uri_new();
	char *text = NULL;
	int ret = NFSTLS_E_MEMORY;

	if (!again || p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) != P11_KIT_URI_OK)
		goto out;
	ret = NFSTLS_E_URI;
	if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, again) != P11_KIT_URI_OK)
		goto out;

	got = p11_kit_uri_get_token_info(again);
	drop_field(want->label, got->label, sizeof(want->label));
	drop_field(want->manufacturerID, got->manufacturerID, sizeof(want->manufacturerID));
	drop_field(want->model, got->model, sizeof(want->model));
	drop_field(want->serialNumber, got->serialNumber, sizeof(want->serialNumber));

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const CK_ATTRIBUTE *attr = p11_kit_uri_get_attribute(uri, types[i]);

		if (attr && !p11_kit_uri_match_attributes(again, (CK_ATTRIBUTE *)attr, 1))
			p11_kit_uri_clear_attribute(uri, types[i]);
	}
	ret = 0;
out:
	free(text);
	p11_kit_uri_free(again);
	return ret;
}

int uri_format(const CK_TOKEN_INFO *token, const CK_ATTRIBUTE *attrs, CK_ULONG count, const struct module *module,
	       const char *pin_source, char **text)
{
	P11KitUri *uri = p11_kit_uri_new();
	CK_TOKEN_INFO *info;
	int ret = NFSTLS_E_MEMORY;

	if (!uri)
		return ret;
	info = p11_kit_uri_get_token_info(uri);
	memcpy(info->label, token->label, sizeof(info->label));
	memcpy(info->manufacturerID, token->manufacturerID, sizeof(info->manufacturerID));
	memcpy(info->model, token->model, sizeof(info->model));
	memcpy(info->serialNumber, token->serialNumber, sizeof(info->serialNumber));
	for (CK_ULONG i = 0; i < count; i++)
		if (attrs[i].ulValueLen > 0 &&
		    p11_kit_uri_set_attribute(uri, (CK_ATTRIBUTE *)&attrs[i]) != P11_KIT_URI_OK)
			goto out;

	ret = drop_what_does_not_return(uri);
	if (ret < 0)
		goto out;

	if (module && module->name)
		p11_kit_uri_set_module_name(uri, module->name);
	else if (module)
		p11_kit_uri_set_module_path(uri, module->path);
	p11_kit_uri_set_pin_source(uri, pin_source);
	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, text) != P11_KIT_URI_OK)
		ret = NFSTLS_E_MEMORY;
out:
	p11_kit_uri_free(uri);
	return ret;
}

static int absolute(const char *path, char **source, struct nfstls_diag *diag)
{
	char *folder;
	int ret;

	if (path[0] == '/')
		return asprintf(source, "file:%s", path) < 0 ? NFSTLS_E_MEMORY : 0;
	folder = getcwd(NULL, 0);
	if (!folder)
		return diag_set(diag, errno == ENOMEM ? NFSTLS_E_MEMORY : NFSTLS_E_PIN_SOURCE,
				"%s is in a current directory that has no path: %s", path, strerror(errno));
	ret = asprintf(source, "file:%s/%s", folder, path) < 0 ? NFSTLS_E_MEMORY : 0;
	free(folder);
	return ret;
}

int nfstls_uri_with_pin_file(const char *text, const char *path, char **with_file, struct nfstls_diag *diag)
{
	char *source = NULL;
	P11KitUri *uri = NULL;
	int ret = absolute(path, &source, diag);

	if (ret < 0)
		return ret;
	ret = uri_parse(text, &uri, diag);
	if (ret < 0) {
		free(source);
		return ret;
	}
	if (p11_kit_uri_get_pin_source(uri))
		ret = diag_set(diag, NFSTLS_E_PIN_SOURCE, "the URI names one already");
	else
		p11_kit_uri_set_pin_source(uri, source);
	if (ret == 0 && p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, with_file) != P11_KIT_URI_OK)
		ret = NFSTLS_E_MEMORY;
	free(source);
	p11_kit_uri_free(uri);
	return ret;
}

int nfstls_uri_check(const char *text, char **path, struct nfstls_diag *diag)
{
	const char *source, *file;
	P11KitUri *uri = NULL;
	int ret = uri_parse(text, &uri, diag);

	if (ret < 0)
		return ret;
	source = p11_kit_uri_get_pin_source(uri);
	file = source ? pin_path(source) : NULL;
	if (source && !file)
		ret = diag_set(diag, NFSTLS_E_PIN_SOURCE, "pin-source is not the absolute path of a file");
	if (ret == 0 && path) {
		*path = file ? strdup(file) : NULL;
		if (file && !*path)
			ret = NFSTLS_E_MEMORY;
	}
	p11_kit_uri_free(uri);
	return ret;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The first holds for what the second names; a URI that leaves something open holds for all. */
static bool covers(P11KitUri *uri, P11KitUri *named)
{
	static const CK_ATTRIBUTE_TYPE types[] = { CKA_ID, CKA_LABEL };
	const char *module = p11_kit_uri_get_module_path(uri), *name = p11_kit_uri_get_module_name(uri);
	const char *its_name = p11_kit_uri_get_module_name(named);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		CK_ATTRIBUTE *wanted = p11_kit_uri_get_attribute(uri, types[i]);
		CK_ATTRIBUTE *there = p11_kit_uri_get_attribute(named, types[i]);

		if (wanted && (!there || wanted->ulValueLen != there->ulValueLen ||
			       memcmp(wanted->pValue, there->pValue, there->ulValueLen) != 0))
			return false;
	}
	return uri_class(uri, CKO_PRIVATE_KEY) == CKO_PRIVATE_KEY &&
	       p11_kit_uri_match_token_info(uri, p11_kit_uri_get_token_info(named)) &&
	       (!module || same_text(module, p11_kit_uri_get_module_path(named))) &&
	       (!name || !its_name || same_text(name, its_name)) &&
	       same_text(p11_kit_uri_get_pin_source(uri), p11_kit_uri_get_pin_source(named));
}

bool nfstls_handle_answers(const gnutls_datum_t *handle, const char *text)
{
	P11KitUri *uri = NULL, *named = NULL;
	bool answers = false;

	if (uri_parse(text, &uri, NULL) < 0)
		return false;
	if (uri_of_handle(handle, &named, NULL) == 0) {
		answers = covers(uri, named);
		p11_kit_uri_free(named);
	}
	p11_kit_uri_free(uri);
	return answers;
}
