/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The URI that is made of what a token says of itself and of a key: it names them, or leaves out what it cannot name.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "uri.h"

#define MODULE "/usr/lib/a module.so"

/* What the token says, from the front of the input. */
static size_t take(const uint8_t **data, size_t *size, void *to, size_t wanted)
{
	size_t taken = wanted < *size ? wanted : *size;

	memcpy(to, *data, taken);
	*data += taken;
	*size -= taken;
	return taken;
}

/* A field that the URI leaves out begins with a NUL. */
static void check_field(const unsigned char *named, const unsigned char *field, size_t size)
{
	must_hold(named[0] == '\0' || memcmp(named, field, size) == 0);
}

static void check_attribute(P11KitUri *named, CK_ATTRIBUTE *attr)
{
	must_hold(!p11_kit_uri_get_attribute(named, attr->type) || p11_kit_uri_match_attributes(named, attr, 1));
}

static void check_named(const char *text, const CK_TOKEN_INFO *token, CK_ATTRIBUTE *attrs)
{
	const CK_TOKEN_INFO *info;
	gnutls_datum_t handle;
	P11KitUri *named;

	must_hold(uri_parse(text, &named, NULL) == 0);
	info = p11_kit_uri_get_token_info(named);
	check_field(info->label, token->label, sizeof(info->label));
	check_field(info->manufacturerID, token->manufacturerID, sizeof(info->manufacturerID));
	check_field(info->model, token->model, sizeof(info->model));
	check_field(info->serialNumber, token->serialNumber, sizeof(info->serialNumber));
	must_hold(p11_kit_uri_match_token_info(named, token));
	for (int i = 0; i < 2; i++)
		check_attribute(named, &attrs[i]);
	must_hold(strcmp(p11_kit_uri_get_module_path(named), MODULE) == 0);
	must_hold(nfstls_handle_encode(text, &handle) == 0);
	must_hold(nfstls_handle_answers(&handle, text));
	gnutls_free(handle.data);
	p11_kit_uri_free(named);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct module module = { .path = MODULE };
	CK_TOKEN_INFO token = { .flags = 0 };
	unsigned char id[64], label[256];
	CK_ATTRIBUTE attrs[2] = { { CKA_ID, id, 0 }, { CKA_LABEL, label, 0 } };
	uint8_t id_size = 0;
	char *text;

	take(&data, &size, token.label, sizeof(token.label));
	take(&data, &size, token.manufacturerID, sizeof(token.manufacturerID));
	take(&data, &size, token.model, sizeof(token.model));
	take(&data, &size, token.serialNumber, sizeof(token.serialNumber));
	take(&data, &size, &id_size, sizeof(id_size));
	attrs[0].ulValueLen = take(&data, &size, id, id_size % sizeof(id));
	attrs[1].ulValueLen = take(&data, &size, label, sizeof(label));

	if (uri_format(&token, attrs, 2, &module, NULL, &text) < 0)
		return 0;
	check_named(text, &token, attrs);
	free(text);
	return 0;
}
