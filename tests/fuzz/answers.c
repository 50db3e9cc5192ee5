/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a handle is what a URI leads to: then all that the URI says of token and key, the handle says too. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "by_letter.h"
#include "fuzz.h"

/* A token pads its texts with spaces. */
static size_t unpadded(const struct reading *reading)
{
	size_t size = reading->size;

	while (size > 0 && reading->value[size - 1] == ' ')
		size--;
	return size;
}

static bool same(const struct reading *one, const struct reading *other, bool is_padded)
{
	size_t size = is_padded ? unpadded(one) : one->size;

	return size == (is_padded ? unpadded(other) : other->size) && memcmp(one->value, other->value, size) == 0;
}

static struct reading said, has;

static void read_both(const char *uri, const char *named, const char *name)
{
	said.name = has.name = name;
	read_by_letter(uri, &said);
	read_by_letter(named, &has);
}

static void check_said(const char *uri, const char *named, const char *name, bool is_padded)
{
	read_both(uri, named, name);
	must_hold(said.count == 0 || (has.count == 1 && same(&said, &has, is_padded)));
}

static void check_answers(const char *uri, const char *named)
{
	static const char *const of_token[] = { "token", "manufacturer", "serial", "model" };
	static const char *const exact[] = { "id", "object", "module-path" };

	for (size_t i = 0; i < sizeof(of_token) / sizeof(of_token[0]); i++)
		check_said(uri, named, of_token[i], true);
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		check_said(uri, named, exact[i], false);
	read_both(uri, named, "module-name");
	must_hold(said.count == 0 || has.count == 0 || same(&said, &has, false));
	/* an alias is not in the RFC */
	if (!strstr(uri, "pinfile=") && !strstr(named, "pinfile=")) {
		check_said(uri, named, "pin-source", false);
		check_said(named, uri, "pin-source", false);
	}
}

/* The URI in the handle, a line end, and the URI. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *named = fuzz_text(data, size < BY_LETTER_MAX ? size : 0), *uri = strchr(named, '\n');
	gnutls_datum_t handle;

	if (uri)
		*uri++ = '\0';
	if (uri && nfstls_handle_encode(named, &handle) == 0) {
		if (nfstls_handle_answers(&handle, uri))
			check_answers(uri, named);
		gnutls_free(handle.data);
	}
	free(named);
	return 0;
}
