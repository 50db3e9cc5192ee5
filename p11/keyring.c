/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one file of the library that talks to the kernel's keyrings. It only reads. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keyutils.h>

#include "nfstls-p11.h"

/* keyctl_describe(3): type;uid;gid;perm;description, and only the last may hold a semicolon. NULL if it is cut off. */
static const char *last_field(const char *text)
{
	for (int field = 0; field < 4 && text; field++) {
		text = strchr(text, ';');
		if (text)
			text++;
	}
	return text;
}

int nfstls_keyring_identity(int serial, char **identity, char **part)
{
	const char *name, *colon;
	char *description, *found = NULL, *found_part = NULL;
	int ret = NFSTLS_E_KEYRING;

	if (keyctl_describe_alloc(serial, &description) < 0)
		return ret;
	name = last_field(description);
	if (!name || strncmp(name, NFSTLS_KEY_PREFIX, strlen(NFSTLS_KEY_PREFIX)) != 0)
		goto out;
	name += strlen(NFSTLS_KEY_PREFIX);
	colon = strrchr(name, ':');
	if (!colon || colon == name)
		goto out;

	ret = NFSTLS_E_MEMORY;
	found = strndup(name, colon - name);
	found_part = strdup(colon + 1);
	if (!found || !found_part)
		goto out;
	*identity = found;
	found = NULL;
	if (part) {
		*part = found_part;
		found_part = NULL;
	}
	ret = 0;
out:
	free(found);
	free(found_part);
	free(description);
	return ret;
}

int nfstls_keyring_chain(const char *identity, gnutls_datum_t *chain)
{
	unsigned char *payload = NULL;
	key_serial_t serial;
	char *name;
	long size, room = 0;

	if (asprintf(&name, NFSTLS_KEY_PREFIX "%s:chain", identity) < 0)
		return NFSTLS_E_MEMORY;
	/* Without callout information the kernel searches this process's keyrings and asks nobody. */
	serial = request_key(NFSTLS_KEY_TYPE, name, NULL, 0);
	free(name);
	if (serial < 0) {
		*chain = (gnutls_datum_t){ NULL, 0 };
		return 0;
	}

	/* The key may be updated between the two calls: read until it fits. */
	while ((size = keyctl_read(serial, (char *)payload, room)) > room) {
		gnutls_free(payload);
		payload = gnutls_malloc(size);
		if (!payload)
			return NFSTLS_E_MEMORY;
		room = size;
	}
	if (size < 0) {
		gnutls_free(payload);
		return NFSTLS_E_KEYRING;
	}
	*chain = (gnutls_datum_t){ payload, size };
	return 0;
}
