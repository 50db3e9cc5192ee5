/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The identities on the kernel's keyring. They are only read here; what a daemon's child writes is a latch. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keyutils.h>

#include "bytes.h"
#include "keys.h"

#define KEYRING_NAME	".nfs"
/* Type, ids and permissions, and the longest name that the kernel gives a key: other tools name identities too. */
#define DESCRIPTION_MAX (64 + 4096)
/* An update takes less time than one look. */
#define LOAD_TRIES	100

/* The last of five fields, which alone may hold a semicolon. NULL where there is none, or the key is of another type.
 */
static const char *name_of(const char *description)
{
	static const char type[] = NFSTLS_KEY_TYPE ";";
	const char *name = description;

	if (strncmp(description, type, strlen(type)) != 0)
		return NULL;
	for (int field = 0; field < 4 && name; field++) {
		name = strchr(name, ';');
		if (name)
			name++;
	}
	return name;
}

int key_name_split(const char *description, char **identity, char **part)
{
	const char *name = name_of(description), *colon;
	char *found, *found_part = NULL;

	if (!name || strncmp(name, NFSTLS_KEY_PREFIX, strlen(NFSTLS_KEY_PREFIX)) != 0)
		return NFSTLS_E_KEYRING;
	name += strlen(NFSTLS_KEY_PREFIX);
	colon = strrchr(name, ':');
	if (!colon || colon == name)
		return NFSTLS_E_KEYRING;

	found = strndup(name, colon - name);
	if (found && part)
		found_part = strdup(colon + 1);
	if (!found || (part && !found_part)) {
		free(found);
		return NFSTLS_E_MEMORY;
	}
	*identity = found;
	if (part)
		*part = found_part;
	return 0;
}

int nfstls_keyring_identity(int serial, char **identity, char **part)
{
	char description[DESCRIPTION_MAX];
	int size = keyctl_describe(serial, description, sizeof(description));

	/* of one that is longer there is nothing in it */
	if (size <= 0 || (size_t)size > sizeof(description))
		return NFSTLS_E_KEYRING;
	return key_name_split(description, identity, part);
}

int key_find(const struct nfstls_identity *identity, const char *part)
{
	long serial;
	char *name;

	if (asprintf(&name, NFSTLS_KEY_PREFIX "%s:%s", identity->name, part) < 0)
		return -ENOMEM;
	serial = keyctl_search(identity->keyring, NFSTLS_KEY_TYPE, name, 0);
	free(name);
	return serial < 0 ? -errno : serial;
}

int key_find_error(int serial)
{
	return serial == -ENOMEM ? NFSTLS_E_MEMORY : NFSTLS_E_KEYRING;
}

/*
 * The keyring is one that this process already has among its own: linked by the daemon or by the kernel. User space
 * cannot make one with a dot in front of its name. It must hold the key that we came by, so that the identity is not
 * mixed up with one of the same name in another network namespace.
 */
static int find_identity(int serial, struct nfstls_identity *identity, char **part)
{
	struct nfstls_identity found = { .name = NULL };
	char *found_part = NULL;
	int ret = nfstls_keyring_identity(serial, &found.name, &found_part), there;

	if (ret < 0)
		return ret;
	/* Without callout information the kernel searches this process's keyrings and asks nobody. */
	found.keyring = request_key("keyring", KEYRING_NAME, NULL, 0);
	there = found.keyring < 0 ? -ENOKEY : key_find(&found, found_part);
	if (there != serial) {
		free(found_part);
		nfstls_identity_clear(&found);
		return key_find_error(there);
	}
	*identity = found;
	*part = found_part;
	return 0;
}

int nfstls_identity_find(int serial, struct nfstls_identity *identity)
{
	char *part;
	int ret = find_identity(serial, identity, &part);

	if (ret == 0)
		free(part);
	return ret;
}

void nfstls_identity_clear(struct nfstls_identity *identity)
{
	free(identity->name);
	*identity = (struct nfstls_identity){ .name = NULL };
}

/*
 * The key may be updated between two calls: read until it fits, and leave no copy behind. Not keyctl_read_alloc(3), in
 * front of which the adapter stands.
 */
int key_read(int serial, gnutls_datum_t *payload)
{
	unsigned char *buf = NULL;
	long size, room = 0;

	while ((size = keyctl_read(serial, (char *)buf, room)) < 0 || size > room) {
		if (buf)
			explicit_bzero(buf, room);
		gnutls_free(buf);
		if (size < 0)
			return NFSTLS_E_KEYRING;
		buf = gnutls_malloc(size);
		if (!buf)
			return NFSTLS_E_MEMORY;
		room = size;
	}
	*payload = (gnutls_datum_t){ buf, size };
	return 0;
}

/* A part that is not there is empty. One that goes between the two calls may have made room for another. */
static int read_part(const struct nfstls_identity *identity, const char *part, gnutls_datum_t *payload)
{
	int serial, ret = 0;

	*payload = (gnutls_datum_t){ NULL, 0 };
	do {
		serial = key_find(identity, part);
		if (serial == -ENOKEY || serial == -EKEYEXPIRED)
			return 0;
		ret = serial < 0 ? key_find_error(serial) : key_read(serial, payload);
	} while (ret == NFSTLS_E_KEYRING && serial > 0 && key_find(identity, part) != serial);
	return ret;
}

static int read_parts(const struct nfstls_identity *identity, struct nfstls_keys *keys)
{
	int ret = read_part(identity, "cert", &keys->cert);

	if (ret == 0)
		ret = read_part(identity, "privkey", &keys->privkey);
	if (ret == 0)
		ret = read_part(identity, "chain", &keys->chain);
	return ret;
}

/* Whether what is to be was there, and so is what counts. */
static int read_next(const struct nfstls_identity *identity, struct nfstls_keys *keys, bool *found)
{
	gnutls_datum_t next;
	int ret = read_part(identity, "next", &next);

	*found = ret == 0 && next.size > 0;
	if (*found)
		ret = nfstls_keys_unpack(&next, keys);
	bytes_wipe(&next);
	return ret;
}

/*
 * The parts are changed one by one, but only while there is a "next". Who finds none, twice, and the same parts after
 * each, did not look while they were changed: a part of the new kind would have been seen before the second look, when
 * "next" was there, or the change was over and so all of them.
 */
int nfstls_keys_load(struct nfstls_keys *keys)
{
	struct nfstls_keys now = { .identity.name = NULL }, before = now;
	bool found = false, settled = false;
	int ret = 0;

	for (int i = 0; ret == 0 && !found && !settled && i < LOAD_TRIES; i++) {
		nfstls_keys_clear(&before);
		before = now;
		now = (struct nfstls_keys){ .identity.name = NULL };
		ret = read_next(&keys->identity, &now, &found);
		if (ret == 0 && !found)
			ret = read_parts(&keys->identity, &now);
		settled = i > 0 && bytes_equal(&now.cert, &before.cert) && bytes_equal(&now.privkey, &before.privkey) &&
			  bytes_equal(&now.chain, &before.chain);
	}
	nfstls_keys_clear(&before);
	if (ret == 0 && !found && !settled)
		ret = NFSTLS_E_CHANGING;
	if (ret == 0) {
		now.identity = keys->identity;
		keys->identity.name = NULL;
		before = *keys;
		*keys = now;
		now = before;
	}
	nfstls_keys_clear(&now);
	return ret;
}

static bool is_loaded(const struct nfstls_keys *keys, const struct nfstls_identity *identity)
{
	return keys->identity.name && keys->identity.keyring == identity->keyring &&
	       strcmp(keys->identity.name, identity->name) == 0;
}

/* Load the keys of an identity, which is taken over, unless that was done. */
static int load_once(struct nfstls_keys *keys, struct nfstls_identity *identity)
{
	struct nfstls_keys wanted = { .identity = *identity };
	int ret = 0;

	if (!is_loaded(keys, identity))
		ret = nfstls_keys_load(&wanted);
	if (ret < 0 || is_loaded(keys, identity)) {
		nfstls_keys_clear(&wanted);
		return ret;
	}
	nfstls_keys_clear(keys);
	*keys = wanted;
	return 0;
}

int nfstls_keys_read(struct nfstls_keys *keys, int serial, gnutls_datum_t *payload)
{
	const gnutls_datum_t *loaded = NULL;
	struct nfstls_identity identity;
	char *part;
	int ret = find_identity(serial, &identity, &part);

	if (ret == NFSTLS_E_KEYRING) {
		nfstls_keys_clear(keys);
		return key_read(serial, payload);
	}
	if (ret < 0)
		return ret;
	ret = load_once(keys, &identity);
	if (strcmp(part, "cert") == 0)
		loaded = &keys->cert;
	else if (strcmp(part, "privkey") == 0)
		loaded = &keys->privkey;
	free(part);
	if (ret < 0)
		return ret;
	return loaded ? bytes_copy(loaded, payload) : key_read(serial, payload);
}

static int read_pin(const struct nfstls_identity *identity, unsigned char *pin, size_t size, size_t *len,
		    struct nfstls_diag *diag)
{
	int serial = key_find(identity, "pin");
	long got;

	if (serial == -ENOKEY)
		return key_find(identity, "next") > 0 ? NFSTLS_E_CHANGING : NFSTLS_E_PIN_NEEDED;
	got = serial < 0 ? serial : keyctl_read(serial, (char *)pin, size);
	if (got >= 0) {
		*len = got;
		return 0;
	}
	if (serial == -EKEYEXPIRED || (serial > 0 && errno == EKEYEXPIRED))
		return diag_set(diag, NFSTLS_E_PIN_NEEDED, "the PIN in the keyring has expired");
	return diag_set(diag, key_find_error(serial), "the PIN key: %s", strerror(serial < 0 ? -serial : errno));
}

/* Not what "next" says: an update takes the old PIN away before it changes the handle, and puts the new one after it.
 */
static bool is_handle_of(const struct nfstls_identity *identity, const gnutls_datum_t *handle)
{
	gnutls_datum_t now;
	bool equal = read_part(identity, "privkey", &now) == 0 && bytes_equal(&now, handle);

	bytes_wipe(&now);
	return equal;
}

int key_read_pin(const struct nfstls_identity *identity, const gnutls_datum_t *handle, unsigned char *pin, size_t size,
		 size_t *len, struct nfstls_diag *diag)
{
	int ret = NFSTLS_E_CHANGING;

	if (is_handle_of(identity, handle))
		ret = read_pin(identity, pin, size, len, diag);
	if (ret == 0 && !is_handle_of(identity, handle)) {
		explicit_bzero(pin, size);
		ret = NFSTLS_E_CHANGING;
	}
	return ret;
}

/* Where there is no leaving, as in many a container, there are no keys either. No room for another one is no excuse. */
bool keys_leave(void)
{
	return keyctl_join_session_keyring(NULL) >= 0 || errno == ENOSYS || errno == EPERM;
}
