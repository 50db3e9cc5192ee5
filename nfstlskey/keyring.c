/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/x509.h>
#include <keyutils.h>

#include "keyring.h"
#include "nfstls-p11.h"

#define LOCK_FILE	"/run/nfstlskey.lock"
#define USUAL_PAYLOAD	2048
#define PERMISSIONS	(KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_SEARCH)
#define PIN_PERMISSIONS KEY_POS_ALL

const char *const keyring_part_names[PART_COUNT] = {
	[PART_CERT] = "cert", [PART_PRIVKEY] = "privkey", [PART_CHAIN] = "chain",
	[PART_PIN] = "pin",   [PART_LATCH] = "latch",	  [PART_NEXT] = "next",
};

bool datum_equal(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

void datum_wipe(gnutls_datum_t *data)
{
	if (data->data)
		explicit_bzero(data->data, data->size);
	gnutls_free(data->data);
	*data = (gnutls_datum_t){ NULL, 0 };
}

void material_clear(struct material *material)
{
	for (int part = 0; part < PART_COUNT; part++)
		datum_wipe(&material->part[part]);
}

int keyring_lock(void)
{
	static int fd = -1;

	/* The descriptor is left open: the lock goes when the process does. */
	if (fd < 0)
		fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 || flock(fd, LOCK_EX) < 0 ? -errno : 0;
}

unsigned int cert_seconds_left(const gnutls_datum_t *der)
{
	gnutls_x509_crt_t cert;
	time_t left = 0;

	if (gnutls_x509_crt_init(&cert) < 0)
		return 0;
	if (gnutls_x509_crt_import(cert, der, GNUTLS_X509_FMT_DER) == 0)
		left = gnutls_x509_crt_get_expiration_time(cert) - time(NULL);
	gnutls_x509_crt_deinit(cert);
	if (left <= 0)
		return 0;
	return left < UINT_MAX ? left : UINT_MAX;
}

static int key_name(const char *identity, enum part part, char **name)
{
	return asprintf(name, NFSTLS_KEY_PREFIX "%s:%s", identity, keyring_part_names[part]) < 0 ? -ENOMEM : 0;
}

static int search_part(const struct keyring *keyring, const char *identity, enum part part, int32_t *serial)
{
	char *name;
	long found;
	int ret = key_name(identity, part, &name);

	if (ret < 0)
		return ret;
	found = keyctl_search(keyring->serial, NFSTLS_KEY_TYPE, name, 0);
	ret = found < 0 ? -errno : 0;
	free(name);
	/* one whose time is over, as a PIN's, or that somebody has revoked, is there no more, but for the name */
	if (ret == -ENOKEY || ret == -EKEYEXPIRED || ret == -EKEYREVOKED) {
		*serial = 0;
		return 0;
	}
	*serial = found;
	return ret;
}

int keyring_lookup(const struct keyring *keyring, const char *identity, struct identity_keys *keys)
{
	bool any = false;

	for (int part = 0; part < PART_COUNT; part++) {
		int ret = search_part(keyring, identity, part, &keys->serial[part]);

		if (ret < 0)
			return ret;
		any |= keys->serial[part] > 0;
	}
	return any ? 0 : -ENOKEY;
}

bool keyring_is_rest(const struct identity_keys *keys)
{
	return keys->serial[PART_CERT] == 0 && keys->serial[PART_PRIVKEY] == 0;
}

int keyring_read(int32_t serial, gnutls_datum_t *payload)
{
	long size, room = USUAL_PAYLOAD;
	unsigned char *buf = gnutls_malloc(room);

	if (!buf)
		return -ENOMEM;
	/* The key may be updated between two reads: go on until one fits, and leave no copy behind. */
	while ((size = keyctl_read(serial, (char *)buf, room)) < 0 || size > room) {
		int error = errno;

		explicit_bzero(buf, room);
		gnutls_free(buf);
		if (size < 0)
			return -error;
		buf = gnutls_malloc(size);
		if (!buf)
			return -ENOMEM;
		room = size;
	}
	*payload = (gnutls_datum_t){ buf, size };
	return 0;
}

/* Until the time is set the PIN would stay for good: without a time it must not be there. */
static int limit_part(int32_t serial, enum part part, const struct material *material)
{
	unsigned int timeout = part == PART_PIN ? material->pin_timeout : material->timeout;

	if (timeout > 0 && part != PART_LATCH && part != PART_NEXT && keyctl_set_timeout(serial, timeout) < 0)
		return -errno;
	return keyctl_setperm(serial, part == PART_PIN ? PIN_PERMISSIONS : PERMISSIONS) < 0 ? -errno : 0;
}

/* Made on the keyring, not linked to it: a kernel that ties keys to a namespace does so when they are made. */
static int create_part(const struct keyring *keyring, const char *identity, enum part part,
		       const struct material *material, int32_t *serial)
{
	const gnutls_datum_t *payload = &material->part[part];
	key_serial_t created;
	char *name;
	int ret = key_name(identity, part, &name);

	if (ret < 0)
		return ret;
	created = add_key(NFSTLS_KEY_TYPE, name, payload->data, payload->size, keyring->serial);
	free(name);
	if (created < 0)
		return -errno;
	ret = limit_part(created, part, material);
	if (ret < 0)
		keyctl_unlink(created, keyring->serial);
	else
		*serial = created;
	return ret;
}

static int unlink_part(const struct keyring *keyring, int32_t serial)
{
	return serial > 0 && keyctl_unlink(serial, keyring->serial) < 0 ? -errno : 0;
}

/* Bring one part from what is there to what is wanted; a size of 0 means that the part is not to be there. */
static int change_part(const struct keyring *keyring, const char *identity, enum part part, int32_t serial,
		       const struct material *material)
{
	const gnutls_datum_t *payload = &material->part[part];
	int32_t created;

	if (payload->size == 0)
		return unlink_part(keyring, serial);
	if (serial == 0)
		return create_part(keyring, identity, part, material, &created);
	/* an update takes a time away that was set before */
	if (keyctl_update(serial, payload->data, payload->size) < 0)
		return -errno;
	return material->timeout > 0 && keyctl_set_timeout(serial, material->timeout) < 0 ? -errno : 0;
}

static const enum part changed_parts[] = { PART_CERT, PART_PRIVKEY, PART_CHAIN, PART_LATCH };

#define CHANGED_COUNT (sizeof(changed_parts) / sizeof(changed_parts[0]))

/*
 * A PIN must never meet the private key of another token: the old one goes before the key is changed, and the new one
 * comes when that is done. A new PIN is a new key, so that it is not without a time for a moment.
 */
static int change_parts(const struct keyring *keyring, const char *identity, const struct identity_keys *keys,
			const struct material *material)
{
	int32_t created;
	int ret = material->keeps_pin ? 0 : unlink_part(keyring, keys->serial[PART_PIN]);

	for (size_t i = 0; ret == 0 && i < CHANGED_COUNT; i++)
		if (changed_parts[i] != PART_LATCH || !material->keeps_latch)
			ret = change_part(keyring, identity, changed_parts[i], keys->serial[changed_parts[i]],
					  material);
	if (ret == 0 && !material->keeps_pin && material->part[PART_PIN].size > 0)
		ret = create_part(keyring, identity, PART_PIN, material, &created);
	return ret;
}

/* Undo change_part(): a key that was unlinked goes back under its old serial. */
static int restore_part(const struct keyring *keyring, const char *identity, enum part part, int32_t serial,
			const struct material *all)
{
	const gnutls_datum_t *old = &all->part[part];
	int32_t now;
	int ret = search_part(keyring, identity, part, &now);

	/* a latch that is there now a handshake has set: no change makes one */
	if (ret == 0 && now != serial && part != PART_LATCH)
		ret = unlink_part(keyring, now);
	if (ret < 0 || serial == 0)
		return ret;
	/* a PIN is not updated, and so keeps its time */
	if (part != PART_PIN && keyctl_update(serial, old->data, old->size) < 0)
		return -errno;
	/* which the update has taken away; without it the key is still better than none */
	if (part != PART_PIN && part != PART_LATCH && all->timeout > 0)
		keyctl_set_timeout(serial, all->timeout);
	return keyctl_link(serial, keyring->serial) < 0 ? -errno : 0;
}

/* The same way back: the new PIN goes first, and the old one comes last. */
static int restore_parts(const struct keyring *keyring, const char *identity, const struct identity_keys *keys,
			 const struct material *old)
{
	int32_t pin;
	int ret = search_part(keyring, identity, PART_PIN, &pin);

	if (ret == 0 && pin != keys->serial[PART_PIN])
		ret = unlink_part(keyring, pin);
	for (size_t i = 0; ret == 0 && i < CHANGED_COUNT; i++) {
		enum part part = changed_parts[CHANGED_COUNT - 1 - i];

		ret = restore_part(keyring, identity, part, keys->serial[part], old);
	}
	return ret < 0 ? ret : restore_part(keyring, identity, PART_PIN, keys->serial[PART_PIN], old);
}

/* Whether a key has a time: the fourth word of its line in /proc/keys. No call tells, nor how much of it is left. */
static bool is_timed(int32_t serial)
{
	FILE *file = fopen("/proc/keys", "re");
	char *line = NULL, time[16];
	unsigned int found = 0;
	bool timed = false;
	size_t room = 0;

	while (file && found != (unsigned int)serial && getline(&line, &room, file) >= 0)
		if (sscanf(line, "%8x %*s %*s %15s", &found, time) == 2)
			timed = found == (unsigned int)serial && strcmp(time, "perm") != 0;
	free(line);
	if (file)
		fclose(file);
	return timed;
}

/* Hold the keys in this process too, so that one that is unlinked from .nfs can come back. */
static int hold_and_read(const struct identity_keys *keys, struct material *old)
{
	for (int part = 0; part < PART_NEXT; part++) {
		int ret = 0;

		if (keys->serial[part] == 0)
			continue;
		if (keyctl_link(keys->serial[part], KEY_SPEC_PROCESS_KEYRING) < 0)
			return -errno;
		ret = keyring_read(keys->serial[part], &old->part[part]);
		if (ret < 0)
			return ret;
	}
	/* thousands of keys are a long text, which an identity that is new can do without */
	if (keys->serial[PART_CERT] > 0 && is_timed(keys->serial[PART_CERT]))
		old->timeout = cert_seconds_left(&old->part[PART_CERT]);
	return 0;
}

/* From here on a handshake finds the new, whole, whatever becomes of us. */
static int commit(const struct keyring *keyring, const char *identity, const struct material *material, int32_t *serial)
{
	const struct nfstls_keys keys = {
		.cert = material->part[PART_CERT],
		.privkey = material->part[PART_PRIVKEY],
		.chain = material->part[PART_CHAIN],
	};
	struct material next = { .part = { { NULL, 0 } } };
	int ret;

	if (nfstls_keys_pack(&keys, &next.part[PART_NEXT]) < 0)
		return -ENOMEM;
	ret = create_part(keyring, identity, PART_NEXT, &next, serial);
	material_clear(&next);
	return ret;
}

int keyring_check_size(const struct material *material)
{
	size_t whole =
		material->part[PART_CERT].size + material->part[PART_PRIVKEY].size + material->part[PART_CHAIN].size;

	return whole > PAYLOAD_MAX ? -E2BIG : 0;
}

int keyring_put(const struct keyring *keyring, const char *identity, const struct identity_keys *keys,
		const struct material *material)
{
	struct material old = { .part = { { NULL, 0 } } };
	int32_t next = 0;
	int ret = hold_and_read(keys, &old);

	if (ret == 0)
		ret = commit(keyring, identity, material, &next);
	if (ret == 0) {
		ret = change_parts(keyring, identity, keys, material);
		/*
		 * Where there is no way back either, the new one stays whole in "next". Where only that cannot be taken
		 * away, it does no harm, and the next command will.
		 */
		if (ret == 0 || restore_parts(keyring, identity, keys, &old) == 0)
			unlink_part(keyring, next);
	}
	material_clear(&old);
	return ret;
}

static int read_next(int32_t serial, struct nfstls_keys *next)
{
	gnutls_datum_t packed = { NULL, 0 };
	int ret = keyring_read(serial, &packed);

	if (ret < 0)
		return ret;
	if (nfstls_keys_unpack(&packed, next) < 0)
		ret = -EBADMSG;
	datum_wipe(&packed);
	return ret;
}

/*
 * As it was meant to be, but for the PIN, which was nowhere else, and for a latch: a handshake may have set it since,
 * with what was to be.
 */
static int finish_as(const struct keyring *keyring, const char *identity, const struct identity_keys *keys,
		     const struct nfstls_keys *next)
{
	struct material material = {
		.part = { [PART_CERT] = next->cert, [PART_CHAIN] = next->chain, [PART_PRIVKEY] = next->privkey },
		.keeps_latch = true,
	};
	gnutls_datum_t privkey = { NULL, 0 };
	int ret = keys->serial[PART_PRIVKEY] > 0 ? keyring_read(keys->serial[PART_PRIVKEY], &privkey) : 0;

	material.keeps_pin = datum_equal(&privkey, &next->privkey);
	if (ret == 0)
		ret = change_parts(keyring, identity, keys, &material);
	if (ret == 0)
		ret = unlink_part(keyring, keys->serial[PART_NEXT]);
	datum_wipe(&privkey);
	return ret;
}

static int finish(const struct keyring *keyring, const char *identity, const struct identity_keys *keys)
{
	struct nfstls_keys next = { .identity.name = NULL };
	int ret = read_next(keys->serial[PART_NEXT], &next);

	if (ret == 0)
		ret = finish_as(keyring, identity, keys, &next);
	nfstls_keys_clear(&next);
	return ret;
}

int keyring_finish(const struct keyring *keyring, const char *identity, struct identity_keys *keys)
{
	int ret = keyring_lookup(keyring, identity, keys);

	/* by now who changed it may have come to the end */
	if (ret < 0 || keys->serial[PART_NEXT] == 0)
		return ret;
	if (keyring_is_rest(keys))
		ret = unlink_part(keyring, keys->serial[PART_NEXT]);
	else
		ret = finish(keyring, identity, keys);
	return ret < 0 ? ret : keyring_lookup(keyring, identity, keys);
}

int keyring_set_pin(const struct keyring *keyring, const char *identity, const gnutls_datum_t *pin,
		    unsigned int timeout)
{
	const struct material material = { .part = { [PART_PIN] = *pin }, .pin_timeout = timeout };
	int32_t old, created;
	int ret = search_part(keyring, identity, PART_PIN, &old);

	/* held in this process too, it can come back */
	if (ret == 0 && old > 0 && keyctl_link(old, KEY_SPEC_PROCESS_KEYRING) < 0)
		ret = -errno;
	if (ret == 0)
		ret = unlink_part(keyring, old);
	if (ret < 0)
		return ret;
	ret = create_part(keyring, identity, PART_PIN, &material, &created);
	if (ret < 0 && old > 0)
		keyctl_link(old, keyring->serial);
	return ret;
}

int keyring_drop_pin(const struct keyring *keyring, const char *identity)
{
	int32_t serial;
	int ret = search_part(keyring, identity, PART_PIN, &serial);

	return ret < 0 ? ret : unlink_part(keyring, serial);
}

int keyring_remove(const struct keyring *keyring, const struct identity_keys *keys)
{
	/* first what would bring it back */
	int ret = unlink_part(keyring, keys->serial[PART_NEXT]);

	for (int part = 0; ret == 0 && part < PART_NEXT; part++)
		ret = unlink_part(keyring, keys->serial[part]);
	return ret;
}
