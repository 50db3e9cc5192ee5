/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one file of the library that talks to the kernel's keyrings. The identities are only read here; what a daemon's
 * child writes is a latch.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keyutils.h>

#include "bytes.h"
#include "keys.h"

#define KEYRING_NAME	  ".nfs"
#define LATCH_PERMISSIONS (KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_SEARCH)
/* Type, ids and permissions, and the longest name that the kernel gives a key: other tools name identities too. */
#define DESCRIPTION_MAX	  (64 + 4096)
/* An update takes less time than one look. */
#define LOAD_TRIES	  100
/* In the place of an id; no digits. */
#define BY_PERSON	  "by a person"
/* "<id> <cause>": the cause has at most the size of a diagnosis. */
#define LATCH_MAX	  (NFSTLS_PIN_ID + 1 + sizeof(((struct nfstls_diag *)NULL)->text))

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
	char description[DESCRIPTION_MAX], *found, *found_part = NULL;
	const char *name = NULL, *colon;
	int size = keyctl_describe(serial, description, sizeof(description));

	if (size > 0 && (size_t)size <= sizeof(description))
		name = last_field(description);
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

/* The serial, or a negative errno value. */
static int find_key(const struct nfstls_identity *identity, const char *part)
{
	long serial;
	char *name;

	if (asprintf(&name, NFSTLS_KEY_PREFIX "%s:%s", identity->name, part) < 0)
		return -ENOMEM;
	serial = keyctl_search(identity->keyring, NFSTLS_KEY_TYPE, name, 0);
	free(name);
	return serial < 0 ? -errno : serial;
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
	int ret = nfstls_keyring_identity(serial, &found.name, &found_part);

	if (ret < 0)
		return ret;
	/* Without callout information the kernel searches this process's keyrings and asks nobody. */
	found.keyring = request_key("keyring", KEYRING_NAME, NULL, 0);
	if (found.keyring < 0 || find_key(&found, found_part) != serial) {
		free(found_part);
		nfstls_identity_clear(&found);
		return NFSTLS_E_KEYRING;
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
static int read_payload(int serial, gnutls_datum_t *payload)
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
		serial = find_key(identity, part);
		if (serial == -ENOKEY || serial == -EKEYEXPIRED)
			return 0;
		ret = serial < 0 ? NFSTLS_E_KEYRING : read_payload(serial, payload);
	} while (ret == NFSTLS_E_KEYRING && serial > 0 && find_key(identity, part) != serial);
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
		return read_payload(serial, payload);
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
	return loaded ? bytes_copy(loaded, payload) : read_payload(serial, payload);
}

static int read_pin(const struct nfstls_identity *identity, unsigned char *pin, size_t size, size_t *len,
		    struct nfstls_diag *diag)
{
	int serial = find_key(identity, "pin");
	long got;

	if (serial == -ENOKEY)
		return find_key(identity, "next") > 0 ? NFSTLS_E_CHANGING : NFSTLS_E_PIN_NEEDED;
	got = serial < 0 ? serial : keyctl_read(serial, (char *)pin, size);
	if (got >= 0) {
		*len = got;
		return 0;
	}
	if (serial == -EKEYEXPIRED || (serial > 0 && errno == EKEYEXPIRED))
		return diag_set(diag, NFSTLS_E_PIN_NEEDED, "the PIN in the keyring has expired");
	return diag_set(diag, NFSTLS_E_KEYRING, "the PIN key: %s", strerror(serial < 0 ? -serial : errno));
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

/* text has room for LATCH_MAX bytes and a NUL. A latch that cannot be read is closed all the same. */
static void read_latch(key_serial_t serial, char *text)
{
	long len = keyctl_read(serial, text, LATCH_MAX);

	if (len < NFSTLS_PIN_ID + 1)
		len = snprintf(text, LATCH_MAX, "%*s unreadable", NFSTLS_PIN_ID, "");
	text[(size_t)len < LATCH_MAX ? (size_t)len : LATCH_MAX] = '\0';
}

/* Show each latch on the keyring, with the name of its identity, to a visitor that may end the visit with true. */
typedef bool latch_visitor(key_serial_t serial, const char *name, const char *text, void *arg);

static bool visit_latch(key_serial_t serial, latch_visitor *visit, void *arg)
{
	char text[LATCH_MAX + 1], *name, *part;
	bool ended = false;

	if (nfstls_keyring_identity(serial, &name, &part) < 0)
		return false;
	if (strcmp(part, "latch") == 0) {
		read_latch(serial, text);
		ended = visit(serial, name, text, arg);
	}
	free(name);
	free(part);
	return ended;
}

static int visit_latches(const struct nfstls_identity *identity, latch_visitor *visit, void *arg)
{
	gnutls_datum_t keyring;
	const key_serial_t *serials;
	int ret = read_payload(identity->keyring, &keyring);

	if (ret < 0)
		return ret;
	serials = (const key_serial_t *)keyring.data;
	for (size_t i = 0; i < keyring.size / sizeof(*serials); i++)
		if (visit_latch(serials[i], visit, arg))
			break;
	gnutls_free(keyring.data);
	return 0;
}

struct latch_search {
	const struct nfstls_identity *identity;
	const char *pin_id;
	char cause[LATCH_MAX + 1];
	char owner[201]; /* another identity, or "" */
	bool closed;
};

static bool stands_against(const struct latch_search *search, const char *name, const char *text)
{
	return strcmp(name, search->identity->name) == 0 ||
	       (search->pin_id && strncmp(text, search->pin_id, NFSTLS_PIN_ID) == 0);
}

static bool note_latch(key_serial_t serial, const char *name, const char *text, void *arg)
{
	struct latch_search *search = arg;

	(void)serial;
	if (!stands_against(search, name, text))
		return false;
	search->closed = true;
	snprintf(search->cause, sizeof(search->cause), "%s", text + NFSTLS_PIN_ID + 1);
	if (strcmp(name, search->identity->name) != 0)
		snprintf(search->owner, sizeof(search->owner), "%s", name);
	return true;
}

int latch_check(const struct nfstls_identity *identity, const char *pin_id, struct nfstls_diag *diag)
{
	struct latch_search search = { .identity = identity, .pin_id = pin_id };
	int ret = visit_latches(identity, note_latch, &search);

	if (ret < 0)
		return diag_set(diag, ret, "the .nfs keyring: %s", strerror(errno));
	if (!search.closed)
		return 0;
	return diag_set(diag, NFSTLS_E_PIN_LATCHED, "%s%s%s%s", search.cause, search.owner[0] ? " (by identity '" : "",
			search.owner, search.owner[0] ? "')" : "");
}

int nfstls_latch_set(const struct nfstls_identity *identity, const char *pin_id, const char *cause)
{
	key_serial_t serial = -1;
	char *name = NULL, *text = NULL;

	if (asprintf(&name, NFSTLS_KEY_PREFIX "%s:latch", identity->name) < 0)
		return NFSTLS_E_MEMORY;
	if (asprintf(&text, "%-*s %s", NFSTLS_PIN_ID, pin_id ? pin_id : BY_PERSON, cause) >= 0)
		serial = add_key(NFSTLS_KEY_TYPE, name, text, strlen(text), identity->keyring);
	free(name);
	free(text);
	return serial < 0 || keyctl_setperm(serial, LATCH_PERMISSIONS) < 0 ? NFSTLS_E_KEYRING : 0;
}

int nfstls_latch_get(const struct nfstls_identity *identity, bool *by_person)
{
	gnutls_datum_t latch;
	int ret = read_part(identity, "latch", &latch);

	if (ret < 0 || latch.size == 0)
		return NFSTLS_E_KEYRING;
	*by_person = latch.size > strlen(BY_PERSON) && memcmp(latch.data, BY_PERSON, strlen(BY_PERSON)) == 0;
	bytes_wipe(&latch);
	return 0;
}

struct latch_removal {
	struct latch_search search;
	int ret;
};

static bool remove_latch(key_serial_t serial, const char *name, const char *text, void *arg)
{
	struct latch_removal *removal = arg;

	if (stands_against(&removal->search, name, text) &&
	    keyctl_unlink(serial, removal->search.identity->keyring) < 0)
		removal->ret = NFSTLS_E_KEYRING;
	return false;
}

int nfstls_latch_clear(const struct nfstls_identity *identity, const char *pin_id)
{
	struct latch_removal removal = { .search = { .identity = identity, .pin_id = pin_id } };
	int ret = visit_latches(identity, remove_latch, &removal);

	return ret < 0 ? ret : removal.ret;
}

/* Where there is no leaving, as in many a container, there are no keys either. */
void keys_leave(void)
{
	keyctl_join_session_keyring(NULL);
}
