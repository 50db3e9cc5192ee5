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

#include "keys.h"

#define KEYRING_NAME	  ".nfs"
#define LATCH_PERMISSIONS (KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_SEARCH)
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
int nfstls_identity_find(int serial, struct nfstls_identity *identity)
{
	struct nfstls_identity found = { .name = NULL };
	char *part = NULL;
	int ret = nfstls_keyring_identity(serial, &found.name, &part);

	if (ret < 0)
		return ret;
	/* Without callout information the kernel searches this process's keyrings and asks nobody. */
	found.keyring = request_key("keyring", KEYRING_NAME, NULL, 0);
	if (found.keyring < 0 || find_key(&found, part) != serial)
		ret = NFSTLS_E_KEYRING;
	free(part);
	if (ret < 0)
		nfstls_identity_clear(&found);
	else
		*identity = found;
	return ret;
}

void nfstls_identity_clear(struct nfstls_identity *identity)
{
	free(identity->name);
	*identity = (struct nfstls_identity){ .name = NULL };
}

int nfstls_identity_chain(const struct nfstls_identity *identity, gnutls_datum_t *chain)
{
	unsigned char *payload = NULL;
	long size, room = 0;
	int serial = find_key(identity, "chain");

	if (serial == -ENOKEY) {
		*chain = (gnutls_datum_t){ NULL, 0 };
		return 0;
	}
	if (serial < 0)
		return NFSTLS_E_KEYRING;

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

int key_read_pin(const struct nfstls_identity *identity, unsigned char *pin, size_t size, size_t *len,
		 struct nfstls_diag *diag)
{
	int serial = find_key(identity, "pin");
	long got;

	if (serial == -ENOKEY)
		return NFSTLS_E_PIN_NEEDED;
	got = serial < 0 ? serial : keyctl_read(serial, (char *)pin, size);
	if (got >= 0) {
		*len = got;
		return 0;
	}
	if (serial == -EKEYEXPIRED || (serial > 0 && errno == EKEYEXPIRED))
		return diag_set(diag, NFSTLS_E_PIN_NEEDED, "the PIN in the keyring has expired");
	return diag_set(diag, NFSTLS_E_KEYRING, "the PIN key: %s", strerror(serial < 0 ? -serial : errno));
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
	void *buffer;
	int size = keyctl_read_alloc(identity->keyring, &buffer);
	const key_serial_t *serials = buffer;

	if (size < 0)
		return NFSTLS_E_KEYRING;
	for (size_t i = 0; i < size / sizeof(*serials); i++)
		if (visit_latch(serials[i], visit, arg))
			break;
	free(buffer);
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
	if (asprintf(&text, "%-*s %s", NFSTLS_PIN_ID, pin_id ? pin_id : "by a person", cause) >= 0)
		serial = add_key(NFSTLS_KEY_TYPE, name, text, strlen(text), identity->keyring);
	free(name);
	free(text);
	return serial < 0 || keyctl_setperm(serial, LATCH_PERMISSIONS) < 0 ? NFSTLS_E_KEYRING : 0;
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
