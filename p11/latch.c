/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <keyutils.h>

#include "bytes.h"
#include "keys.h"
#include "latch.h"

#define PERMISSIONS    (KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_SEARCH)
/* In the place of an id; no digits. */
#define BY_PERSON      "by a person"
/* "<id> <cause>": the cause has at most the size of a diagnosis. */
#define LATCH_MAX      (NFSTLS_PIN_ID + 1 + sizeof(((struct nfstls_diag *)NULL)->text))
#define LATCHED_PREFIX "nfs:latched:"
/* No shorter than the names of the keys that the room is for. */
#define ROOM_NAME      "nfstls:room:%s:latch"
/* Holds the serial of the keyring that has the latch. */
#define MARK_FILE      "/run/nfstls-refused-%s"
/* What was unlinked leaves the quota when the kernel gets to it: so often it is asked, and so long is between. */
#define ROOM_TRIES     100
#define ROOM_WAIT_NS   10000000

/* Keys that take up the room which a latch and its note will want. */
static key_serial_t room_for_latch, room_for_note;

/*
 * text has room for LATCH_MAX bytes and a NUL. A latch that cannot be read is closed all the same. Of one that is
 * longer the kernel tells the size alone.
 */
static void read_latch(key_serial_t serial, char *text)
{
	long len = keyctl_read(serial, text, LATCH_MAX);

	if (len < NFSTLS_PIN_ID + 1 || (size_t)len > LATCH_MAX)
		len = snprintf(text, LATCH_MAX, "%*s unreadable", NFSTLS_PIN_ID, "");
	text[len] = '\0';
}

/* Of a PIN's own digits and nothing else: an agent may have sent them. Those who are not root test, and make no marks.
 */
static bool mark_path(const char *pin_id, char path[sizeof(MARK_FILE) + NFSTLS_PIN_ID])
{
	if (geteuid() != 0 || strlen(pin_id) != NFSTLS_PIN_ID || strspn(pin_id, "0123456789abcdef") != NFSTLS_PIN_ID)
		return false;
	snprintf(path, sizeof(MARK_FILE) + NFSTLS_PIN_ID, MARK_FILE, pin_id);
	return true;
}

/* A keyring of another name is none that a network namespace has. */
static bool is_of_namespace(int keyring)
{
	static const char name[] = ";.nfs";
	char text[128];
	long size = keyctl_describe(keyring, text, sizeof(text));

	return size > (long)sizeof(name) && size <= (long)sizeof(text) && strcmp(text + size - sizeof(name), name) == 0;
}

/* One that could not be written whole stands for everybody, until a login forgets it. */
static int mark_refused(const struct nfstls_identity *identity, const char *pin_id)
{
	char path[sizeof(MARK_FILE) + NFSTLS_PIN_ID];
	int fd, ret;

	if (!mark_path(pin_id, path) || !is_of_namespace(identity->keyring))
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return NFSTLS_E_KEYRING;
	ret = dprintf(fd, "%d\n", identity->keyring) < 0 ? NFSTLS_E_KEYRING : 0;
	close(fd);
	return ret;
}

/* On another keyring than this one, whose own latches say more. If in doubt, yes. */
static bool is_refused_elsewhere(const struct nfstls_identity *identity, const char *pin_id)
{
	char path[sizeof(MARK_FILE) + NFSTLS_PIN_ID], text[16] = "";
	bool elsewhere = true;
	int fd;

	if (!mark_path(pin_id, path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno != ENOENT;
	if (read(fd, text, sizeof(text) - 1) > 0)
		elsewhere = atoi(text) != identity->keyring;
	close(fd);
	return elsewhere;
}

void latch_forget_refusal(const char *pin_id)
{
	char path[sizeof(MARK_FILE) + NFSTLS_PIN_ID];

	if (mark_path(pin_id, path))
		unlink(path);
}

static bool give_back(key_serial_t *serial)
{
	bool held = *serial > 0;

	if (held)
		keyctl_unlink(*serial, KEY_SPEC_PROCESS_KEYRING);
	*serial = 0;
	return held;
}

void latch_give_room_back(void)
{
	give_back(&room_for_latch);
	give_back(&room_for_note);
}

static int take_room(const char *whose, size_t size, key_serial_t *serial)
{
	char payload[LATCH_MAX] = "", *name;

	if (asprintf(&name, ROOM_NAME, whose) < 0)
		return NFSTLS_E_MEMORY;
	*serial = add_key(NFSTLS_KEY_TYPE, name, payload, size, KEY_SPEC_PROCESS_KEYRING);
	free(name);
	return *serial < 0 ? NFSTLS_E_TOKEN : 0;
}

int latch_make_room(const struct nfstls_identity *identity, const char *pin_id, struct nfstls_diag *diag)
{
	int ret;

	latch_give_room_back();
	ret = take_room(identity->name, LATCH_MAX, &room_for_latch);
	if (ret == 0)
		ret = take_room(pin_id, 1, &room_for_note);
	return ret < 0 ? diag_set(diag, ret, "no PIN is tried without room for a latch: %s", strerror(errno)) : 0;
}

/* In the room that was held, which may take a moment to be there. */
static key_serial_t add_latch_key(const struct nfstls_identity *identity, const char *name, const char *payload,
				  key_serial_t *room)
{
	const struct timespec wait = { .tv_nsec = ROOM_WAIT_NS };
	bool held = give_back(room);
	key_serial_t serial;

	for (int i = 0; i < ROOM_TRIES; i++) {
		serial = add_key(NFSTLS_KEY_TYPE, name, payload, strlen(payload), identity->keyring);
		if (serial >= 0 || errno != EDQUOT || !held)
			break;
		nanosleep(&wait, NULL);
	}
	return serial;
}

static int name_latched(const char *pin_id, char **name)
{
	return asprintf(name, LATCHED_PREFIX "%s", pin_id) < 0 ? NFSTLS_E_MEMORY : 0;
}

/* Before the latch itself. */
static int note_latched(const struct nfstls_identity *identity, const char *pin_id)
{
	key_serial_t serial;
	char *name;
	int ret = name_latched(pin_id, &name);

	if (ret < 0)
		return ret;
	serial = add_latch_key(identity, name, "-", &room_for_note);
	free(name);
	return serial < 0 || keyctl_setperm(serial, PERMISSIONS) < 0 ? NFSTLS_E_KEYRING : 0;
}

/* If in doubt, yes. */
static bool may_be_latched(const struct nfstls_identity *identity, const char *pin_id)
{
	long serial;
	char *name;

	if (name_latched(pin_id, &name) < 0)
		return true;
	serial = keyctl_search(identity->keyring, NFSTLS_KEY_TYPE, name, 0);
	free(name);
	return serial > 0 || errno != ENOKEY;
}

/* Show each latch on the keyring, with the name of its identity, to a visitor that may end the visit with true. */
typedef bool latch_visitor(key_serial_t serial, const char *name, const char *text, void *arg);

/* 1 when that ended the visit, 0, or NFSTLS_E_MEMORY: it may have been a latch. */
static int visit_latch(key_serial_t serial, latch_visitor *visit, void *arg)
{
	char text[LATCH_MAX + 1], *name, *part;
	int ended = nfstls_keyring_identity(serial, &name, &part);

	if (ended < 0)
		return ended == NFSTLS_E_MEMORY ? ended : 0;
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
	int ret = key_read(identity->keyring, &keyring);

	if (ret < 0)
		return ret;
	serials = (const key_serial_t *)keyring.data;
	for (size_t i = 0; ret == 0 && i < keyring.size / sizeof(*serials); i++)
		ret = visit_latch(serials[i], visit, arg);
	gnutls_free(keyring.data);
	return ret < 0 ? ret : 0;
}

struct latch_search {
	const char *pin_id;
	char cause[LATCH_MAX + 1];
	char owner[201];
	bool found;
};

static bool is_about(const char *text, const char *pin_id)
{
	return strncmp(text, pin_id, NFSTLS_PIN_ID) == 0;
}

static const char *cause_of(const char *text)
{
	return text + NFSTLS_PIN_ID + 1;
}

static bool note_latch(key_serial_t serial, const char *name, const char *text, void *arg)
{
	struct latch_search *search = arg;

	(void)serial;
	search->found = is_about(text, search->pin_id);
	if (search->found) {
		snprintf(search->cause, sizeof(search->cause), "%s", cause_of(text));
		snprintf(search->owner, sizeof(search->owner), "%s", name);
	}
	return search->found;
}

static int check_latches_of_others(const struct nfstls_identity *identity, const char *pin_id, struct nfstls_diag *diag)
{
	struct latch_search search = { .pin_id = pin_id };
	int ret = visit_latches(identity, note_latch, &search);

	if (ret < 0)
		return diag_set(diag, ret, "the .nfs keyring: %s", strerror(errno));
	if (!search.found)
		return 0;
	return diag_set(diag, NFSTLS_E_PIN_LATCHED, "%s (by identity '%s')", search.cause, search.owner);
}

int latch_check(const struct nfstls_identity *identity, const char *pin_id, struct nfstls_diag *diag)
{
	char text[LATCH_MAX + 1];
	int serial;

	/* a keyring that is not there has no latch either */
	if (keyctl_read(identity->keyring, NULL, 0) < 0)
		return diag_set(diag, NFSTLS_E_KEYRING, "the .nfs keyring: %s", strerror(errno));
	serial = key_find(identity, "latch");
	if (serial > 0) {
		read_latch(serial, text);
		return diag_set(diag, NFSTLS_E_PIN_LATCHED, "%s", cause_of(text));
	}
	if (serial != -ENOKEY)
		return diag_set(diag, key_find_error(serial), "the latch: %s", strerror(-serial));
	if (pin_id && is_refused_elsewhere(identity, pin_id))
		return diag_set(diag, NFSTLS_E_PIN_LATCHED, "its PIN was refused in another network namespace");
	if (!pin_id || !may_be_latched(identity, pin_id))
		return 0;
	return check_latches_of_others(identity, pin_id, diag);
}

int nfstls_latch_set(const struct nfstls_identity *identity, const char *pin_id, const char *cause)
{
	key_serial_t serial;
	char *name, *text;
	int ret = 0, marked = 0;

	if (pin_id) {
		marked = mark_refused(identity, pin_id);
		ret = note_latched(identity, pin_id);
	}

	if (asprintf(&name, NFSTLS_KEY_PREFIX "%s:latch", identity->name) < 0)
		return NFSTLS_E_MEMORY;
	if (asprintf(&text, "%-*s %s", NFSTLS_PIN_ID, pin_id ? pin_id : BY_PERSON, cause) < 0) {
		free(name);
		return NFSTLS_E_MEMORY;
	}
	serial = add_latch_key(identity, name, text, &room_for_latch);
	free(name);
	free(text);
	if (serial < 0 || keyctl_setperm(serial, PERMISSIONS) < 0)
		return NFSTLS_E_KEYRING;
	return ret < 0 ? ret : marked;
}

int nfstls_latch_get(const struct nfstls_identity *identity, bool *by_person)
{
	gnutls_datum_t latch = { NULL, 0 };
	int serial = key_find(identity, "latch");
	int ret = serial > 0 ? key_read(serial, &latch) : key_find_error(serial);

	if (ret < 0)
		return ret;
	*by_person = latch.size > strlen(BY_PERSON) && memcmp(latch.data, BY_PERSON, strlen(BY_PERSON)) == 0;
	bytes_wipe(&latch);
	return 0;
}

struct latch_removal {
	const struct nfstls_identity *identity;
	const char *pin_id;
	int ret;
};

static bool remove_latch(key_serial_t serial, const char *name, const char *text, void *arg)
{
	struct latch_removal *removal = arg;
	bool own = strcmp(name, removal->identity->name) == 0;

	if ((own || (removal->pin_id && is_about(text, removal->pin_id))) &&
	    keyctl_unlink(serial, removal->identity->keyring) < 0)
		removal->ret = NFSTLS_E_KEYRING;
	return false;
}

int nfstls_latch_clear(const struct nfstls_identity *identity, const char *pin_id)
{
	struct latch_removal removal = { .identity = identity, .pin_id = pin_id };
	int ret = visit_latches(identity, remove_latch, &removal);

	if (pin_id)
		latch_forget_refusal(pin_id);
	return ret < 0 ? ret : removal.ret;
}
