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

#define LOCK_FILE   "/run/nfstlskey.lock"
#define PERMISSIONS (KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_SEARCH)

const char *const keyring_part_names[PART_COUNT] = {
	[PART_CERT] = "cert",
	[PART_PRIVKEY] = "privkey",
	[PART_CHAIN] = "chain",
};

void material_clear(struct material *material)
{
	for (int part = 0; part < PART_COUNT; part++) {
		gnutls_datum_t *data = &material->part[part];

		if (data->data)
			explicit_bzero(data->data, data->size);
		gnutls_free(data->data);
		*data = (gnutls_datum_t){ NULL, 0 };
	}
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
	if (ret == -ENOKEY) {
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

/* Made on the keyring, not linked to it: a kernel that ties keys to a namespace does so when they are made. */
static int create_part(const struct keyring *keyring, const char *identity, enum part part,
		       const gnutls_datum_t *payload, int32_t *serial)
{
	key_serial_t created;
	char *name;
	int ret = key_name(identity, part, &name);

	if (ret < 0)
		return ret;
	created = add_key(NFSTLS_KEY_TYPE, name, payload->data, payload->size, keyring->serial);
	if (created < 0) {
		ret = -errno;
	} else if (keyctl_setperm(created, PERMISSIONS) < 0) {
		ret = -errno;
		keyctl_unlink(created, keyring->serial);
	} else {
		*serial = created;
	}
	free(name);
	return ret;
}

int keyring_add(const struct keyring *keyring, const char *identity, const struct material *material)
{
	struct identity_keys created = { .serial = { 0 } };
	int ret = 0;

	for (int part = 0; ret == 0 && part < PART_COUNT; part++)
		if (material->part[part].size > 0)
			ret = create_part(keyring, identity, part, &material->part[part], &created.serial[part]);
	if (ret < 0)
		keyring_remove(keyring, &created);
	return ret;
}

/* Bring one part from what is there to what is wanted; a size of 0 means that the part is not to be there. */
static int change_part(const struct keyring *keyring, const char *identity, enum part part, int32_t serial,
		       const gnutls_datum_t *payload)
{
	int32_t created;

	if (serial > 0 && payload->size > 0)
		return keyctl_update(serial, payload->data, payload->size) < 0 ? -errno : 0;
	if (serial > 0)
		return keyctl_unlink(serial, keyring->serial) < 0 ? -errno : 0;
	return payload->size > 0 ? create_part(keyring, identity, part, payload, &created) : 0;
}

/* Undo change_part(): a key that was unlinked goes back under its old serial. */
static void restore_part(const struct keyring *keyring, const char *identity, enum part part, int32_t serial,
			 const gnutls_datum_t *old)
{
	int32_t now;

	if (serial > 0) {
		keyctl_update(serial, old->data, old->size);
		keyctl_link(serial, keyring->serial);
	} else if (search_part(keyring, identity, part, &now) == 0 && now > 0) {
		keyctl_unlink(now, keyring->serial);
	}
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
		ret = change_part(keyring, identity, part, keys->serial[part], &material->part[part]);
	if (ret < 0)
		while (--part >= 0)
			restore_part(keyring, identity, part, keys->serial[part], &old.part[part]);
	material_clear(&old);
	return ret;
}

int keyring_remove(const struct keyring *keyring, const struct identity_keys *keys)
{
	for (int part = 0; part < PART_COUNT; part++)
		if (keys->serial[part] > 0 && keyctl_unlink(keys->serial[part], keyring->serial) < 0)
			return -errno;
	return 0;
}
