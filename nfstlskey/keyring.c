/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <keyutils.h>

#include "keyring.h"
#include "nfstls-p11.h"

#define LOCK_FILE	"/run/nfstlskey.lock"
#define PERMISSIONS	(KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_SEARCH)
#define PIN_PERMISSIONS KEY_POS_ALL

const char *const keyring_part_names[PART_COUNT] = {
	[PART_CERT] = "cert", [PART_PRIVKEY] = "privkey", [PART_CHAIN] = "chain",
	[PART_PIN] = "pin",   [PART_LATCH] = "latch",
};

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
	int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* The descriptor is left open: the lock goes when the process does. */
	return fd < 0 || flock(fd, LOCK_EX) < 0 ? -errno : 0;
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
	/* a PIN whose time is over is there no more, but for the name */
	if (ret == -ENOKEY || ret == -EKEYEXPIRED) {
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

int keyring_read(int32_t serial, gnutls_datum_t *payload)
{
	unsigned char *buf = NULL;
	long size, room = 0;

	/* The key may be updated between two reads: go on until one fits, and leave no copy behind. */
	while ((size = keyctl_read(serial, (char *)buf, room)) < 0 || size > room) {
		int error = errno;

		if (buf)
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
static int limit_part(int32_t serial, enum part part, unsigned int timeout)
{
	if (part != PART_PIN)
		return keyctl_setperm(serial, PERMISSIONS) < 0 ? -errno : 0;
	return keyctl_set_timeout(serial, timeout) < 0 || keyctl_setperm(serial, PIN_PERMISSIONS) < 0 ? -errno : 0;
}

/* Made on the keyring, not linked to it: a kernel that ties keys to a namespace does so when they are made. */
static int create_part(const struct keyring *keyring, const char *identity, enum part part,
		       const gnutls_datum_t *payload, unsigned int timeout, int32_t *serial)
{
	key_serial_t created;
	char *name;
	int ret = key_name(identity, part, &name);

	if (ret < 0)
		return ret;
	created = add_key(NFSTLS_KEY_TYPE, name, payload->data, payload->size, keyring->serial);
	free(name);
	if (created < 0)
		return -errno;
	ret = limit_part(created, part, timeout);
	if (ret < 0)
		keyctl_unlink(created, keyring->serial);
	else
		*serial = created;
	return ret;
}

int keyring_add(const struct keyring *keyring, const char *identity, const struct material *material)
{
	struct identity_keys created = { .serial = { 0 } };
	int ret = 0;

	for (int part = 0; ret == 0 && part < PART_COUNT; part++)
		if (material->part[part].size > 0)
			ret = create_part(keyring, identity, part, &material->part[part], material->pin_timeout,
					  &created.serial[part]);
	if (ret < 0)
		keyring_remove(keyring, &created);
	return ret;
}

/* Bring one part from what is there to what is wanted; a size of 0 means that the part is not to be there. */
static int change_part(const struct keyring *keyring, const char *identity, enum part part, int32_t serial,
		       const struct material *material)
{
	const gnutls_datum_t *payload = &material->part[part];
	int32_t created;

	/* a PIN gets a new time with a new key; an update would leave it without any for a moment */
	if (serial > 0 && payload->size > 0 && part != PART_PIN)
		return keyctl_update(serial, payload->data, payload->size) < 0 ? -errno : 0;
	if (serial > 0 && payload->size > 0 && keyctl_unlink(serial, keyring->serial) < 0)
		return -errno;
	if (payload->size > 0)
		return create_part(keyring, identity, part, payload, material->pin_timeout, &created);
	return serial > 0 && keyctl_unlink(serial, keyring->serial) < 0 ? -errno : 0;
}

/* Undo change_part(): a key that was unlinked goes back under its old serial. */
static void restore_part(const struct keyring *keyring, const char *identity, enum part part, int32_t serial,
			 const gnutls_datum_t *old)
{
	int32_t now;

	if (search_part(keyring, identity, part, &now) == 0 && now > 0 && now != serial)
		keyctl_unlink(now, keyring->serial);
	if (serial == 0)
		return;
	/* a PIN is not updated, and so keeps its time */
	if (part != PART_PIN)
		keyctl_update(serial, old->data, old->size);
	keyctl_link(serial, keyring->serial);
}

/* Hold the keys in this process too, so that one that is unlinked from .nfs can come back. */
static int hold_and_read(const struct identity_keys *keys, struct material *old)
{
	for (int part = 0; part < PART_COUNT; part++) {
		int ret = 0;

		if (keys->serial[part] == 0)
			continue;
		if (keyctl_link(keys->serial[part], KEY_SPEC_PROCESS_KEYRING) < 0)
			return -errno;
		ret = keyring_read(keys->serial[part], &old->part[part]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int keyring_update(const struct keyring *keyring, const char *identity, const struct identity_keys *keys,
		   const struct material *material)
{
	struct material old = { .part = { { NULL, 0 } } };
	int part, ret = hold_and_read(keys, &old);

	for (part = 0; ret == 0 && part < PART_COUNT; part++)
		ret = change_part(keyring, identity, part, keys->serial[part], material);
	if (ret < 0)
		while (--part >= 0)
			restore_part(keyring, identity, part, keys->serial[part], &old.part[part]);
	material_clear(&old);
	return ret;
}

int keyring_set_pin(const struct keyring *keyring, const char *identity, const gnutls_datum_t *pin,
		    unsigned int timeout)
{
	int32_t created;
	int ret = keyring_drop_pin(keyring, identity);

	return ret < 0 ? ret : create_part(keyring, identity, PART_PIN, pin, timeout, &created);
}

int keyring_drop_pin(const struct keyring *keyring, const char *identity)
{
	int32_t serial;
	int ret = search_part(keyring, identity, PART_PIN, &serial);

	if (ret == 0 && serial > 0 && keyctl_unlink(serial, keyring->serial) < 0)
		ret = -errno;
	return ret;
}

int keyring_remove(const struct keyring *keyring, const struct identity_keys *keys)
{
	for (int part = 0; part < PART_COUNT; part++)
		if (keys->serial[part] > 0 && keyctl_unlink(keys->serial[part], keyring->serial) < 0)
			return -errno;
	return 0;
}
