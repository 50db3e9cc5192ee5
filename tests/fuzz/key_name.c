/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of a key, in which the name is anybody's, and the serial that it names a keyring by. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "keyring.h"
#include "keys.h"

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* The two words make the name again, and no other two words do: a part has no colon. */
static void check_name(const char *description, const char *identity, const char *part)
{
	char *name;

	must_hold(identity[0] && !strchr(part, ':'));
	must_hold(asprintf(&name, ";" NFSTLS_KEY_PREFIX "%s:%s", identity, part) >= 0);
	must_hold(ends_with(description, name));
	must_hold(strncmp(description, NFSTLS_KEY_TYPE ";", strlen(NFSTLS_KEY_TYPE ";")) == 0);
	must_hold(!keyring_is_nfs(description));
	free(name);
}

static void check_keyring(const char *description)
{
	unsigned int separators = 0;

	if (!keyring_is_nfs(description))
		return;
	/* it is root's */
	must_hold(strncmp(description, "keyring;0;", 10) == 0 && ends_with(description, ";.nfs"));
	for (const char *p = description; *p; p++)
		separators += *p == ';';
	must_hold(separators == 4);
}

static void check_serial(const char *digits, size_t len)
{
	int32_t serial = -1;
	int ret = keyring_parse_serial(digits, len, &serial);

	must_hold(ret == 0 || ret == -EPROTO);
	must_hold((ret == 0) == (serial > 0));
	if (ret < 0)
		return;
	for (size_t i = 0; i < len; i++)
		must_hold(digits[i] >= '0' && digits[i] <= '9');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *description = fuzz_text(data, size), *identity = NULL, *part = NULL;

	if (key_name_split(description, &identity, &part) == 0)
		check_name(description, identity, part);
	else
		must_hold(!identity && !part);
	check_keyring(description);
	check_serial((const char *)data, size);
	free(identity);
	free(part);
	free(description);
	return 0;
}
