/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Token handles: the DER that stands in the place of a private key.
 *
 * The format is that of OpenSSL's pkcs11-provider (its docs, "PKCS#11 PROVIDER URI"), so that one handle serves both.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <p11-kit/p11-kit.h>

#include "der.h"
#include "handle.h"
#include "uri.h"

static const char handle_desc[] = "PKCS#11 Provider URI v1.0";

/* The bytes for a URI that has been checked. */
static int handle_pack(const char *uri, gnutls_datum_t *handle)
{
	gnutls_datum_t body = { NULL, 0 }, whole = { NULL, 0 };
	int ret;

	ret = der_append(ASN1_TAG_VISIBLE_STRING, handle_desc, strlen(handle_desc), &body);
	if (ret == 0)
		ret = der_append(ASN1_TAG_UTF8_STRING, uri, strlen(uri), &body);
	if (ret == 0)
		ret = der_append(DER_SEQUENCE, body.data, body.size, &whole);
	gnutls_free(body.data);
	if (ret < 0)
		gnutls_free(whole.data);
	else
		*handle = whole;
	return ret;
}

/* The rules for the URI in a handle: those of every URI, and it names a private key. */
static int parse_uri(const char *text, P11KitUri **uri, struct nfstls_diag *diag)
{
	P11KitUri *parsed;
	int ret = uri_parse(text, &parsed, diag);

	if (ret < 0)
		return ret;
	if (uri_class(parsed, CKO_PRIVATE_KEY) != CKO_PRIVATE_KEY) {
		p11_kit_uri_free(parsed);
		return NFSTLS_E_URI_TYPE;
	}
	*uri = parsed;
	return 0;
}

/* It has to know a handle that is cut short too, or that would go to GnuTLS as a broken key: so no lengths are checked.
 */
bool nfstls_handle_detect(const gnutls_datum_t *data)
{
	unsigned int first = 2;

	if (data->size < 2 || data->data[0] != DER_SEQUENCE)
		return false;
	if (data->data[1] & 0x80)
		first += data->data[1] & 0x7f;
	return first < data->size && data->data[first] == ASN1_TAG_VISIBLE_STRING;
}

int nfstls_handle_encode(const char *text, gnutls_datum_t *handle)
{
	P11KitUri *uri;
	int ret = parse_uri(text, &uri, NULL);

	if (ret < 0)
		return ret;
	p11_kit_uri_free(uri);
	return handle_pack(text, handle);
}

/* The text in a handle, which has still to be parsed. */
static int handle_unpack(const gnutls_datum_t *handle, char **text)
{
	gnutls_datum_t rest = *handle, body, desc, value, again = { NULL, 0 };
	char *found;
	int ret;

	if (!der_take(&rest, DER_SEQUENCE, &body) || !der_take(&body, ASN1_TAG_VISIBLE_STRING, &desc) ||
	    !der_take(&body, ASN1_TAG_UTF8_STRING, &value))
		return NFSTLS_E_HANDLE;
	found = strndup((const char *)value.data, value.size);
	if (!found)
		return NFSTLS_E_MEMORY;

	/*
	 * DER has one encoding for one value: what does not pack to the same bytes had trailing bytes, a loose length,
	 * a NUL, or another description.
	 */
	ret = handle_pack(found, &again);
	if (ret == 0 && (again.size != handle->size || memcmp(again.data, handle->data, again.size) != 0))
		ret = NFSTLS_E_HANDLE;
	gnutls_free(again.data);
	if (ret < 0)
		free(found);
	else
		*text = found;
	return ret;
}

static int decode(const gnutls_datum_t *handle, char **text, P11KitUri **uri, struct nfstls_diag *diag)
{
	int ret = handle_unpack(handle, text);

	if (ret < 0)
		return ret;
	ret = parse_uri(*text, uri, diag);
	if (ret < 0)
		free(*text);
	return ret;
}

int nfstls_handle_decode(const gnutls_datum_t *handle, char **uri)
{
	P11KitUri *parsed;
	char *text;
	int ret = decode(handle, &text, &parsed, NULL);

	if (ret < 0)
		return ret;
	p11_kit_uri_free(parsed);
	*uri = text;
	return 0;
}

int uri_of_handle(const gnutls_datum_t *handle, P11KitUri **uri, struct nfstls_diag *diag)
{
	char *text;
	int ret = decode(handle, &text, uri, diag);

	if (ret == 0)
		free(text);
	return ret;
}

int nfstls_handle_token(const gnutls_datum_t *handle, char **label)
{
	const CK_TOKEN_INFO *token;
	P11KitUri *uri;
	int ret = uri_of_handle(handle, &uri, NULL);

	if (ret < 0)
		return ret;
	token = p11_kit_uri_get_token_info(uri);
	*label = strndup((const char *)token->label, p11_kit_space_strlen(token->label, sizeof(token->label)));
	p11_kit_uri_free(uri);
	return *label ? 0 : NFSTLS_E_MEMORY;
}

/* A copy of what a part of the URI says; NULL where it says nothing. */
static int copy_part(const gnutls_datum_t *handle, const char *(*get)(const P11KitUri *uri), char **text)
{
	const char *found;
	P11KitUri *uri;
	int ret = uri_of_handle(handle, &uri, NULL);

	if (ret < 0)
		return ret;
	found = get(uri);
	*text = found ? strdup(found) : NULL;
	if (found && !*text)
		ret = NFSTLS_E_MEMORY;
	p11_kit_uri_free(uri);
	return ret;
}

int nfstls_handle_pin_source(const gnutls_datum_t *handle, char **source)
{
	return copy_part(handle, p11_kit_uri_get_pin_source, source);
}

static const char *module_of(const P11KitUri *uri)
{
	const char *path = p11_kit_uri_get_module_path(uri);

	return path ? path : p11_kit_uri_get_module_name(uri);
}

int nfstls_handle_module(const gnutls_datum_t *handle, char **module)
{
	return copy_part(handle, module_of, module);
}

int nfstls_handle_from_pem(const gnutls_datum_t *pem, gnutls_datum_t *handle)
{
	int ret = gnutls_pem_base64_decode2(NFSTLS_HANDLE_PEM_LABEL, pem, handle);

	if (ret == GNUTLS_E_MEMORY_ERROR)
		return NFSTLS_E_MEMORY;
	return ret < 0 ? NFSTLS_E_PEM : 0;
}
