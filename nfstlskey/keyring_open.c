/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which keyring is ours: asked of the kernel, or looked up in /proc/keys where the kernel has one for all. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keyutils.h>

#include "keyring.h"

#define KEYRING_NAME ".nfs"
/* The key type that the NFS client registers; its keys name the keyring of the caller's network namespace. */
#define NAMER_TYPE   "nfs_keyring"

int keyring_parse_serial(const char *digits, size_t len, int32_t *serial)
{
	int64_t value = 0;

	if (len < 1 || len > 10)
		return -EPROTO;
	for (size_t i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -EPROTO;
		value = value * 10 + (digits[i] - '0');
	}
	if (value < 1 || value > INT32_MAX)
		return -EPROTO;
	*serial = value;
	return 0;
}

bool keyring_is_nfs(const char *description)
{
	static const char start[] = "keyring;0;", end[] = ";" KEYRING_NAME;
	const char *p;

	if (strncmp(description, start, sizeof(start) - 1) != 0)
		return false;
	/* two fields more: the group and the permissions */
	p = strchr(description + sizeof(start) - 1, ';');
	p = p ? strchr(p + 1, ';') : NULL;
	return p && strcmp(p, end) == 0;
}

/*
 * "3a5b0c1d I------     2 perm 1f1f0000     0     0 keyring   .nfs: 4", as proc(5) has it. A description may hold any
 * byte, a line end too: what such a line says is not taken at its word.
 */
bool keyring_parse_line(const char *line, int32_t *serial)
{
	unsigned int found;
	int end = 0;

	if (sscanf(line, "%8x %*s %*s %*s %*s 0 %*s keyring " KEYRING_NAME ":%n", &found, &end) != 1 || end == 0 ||
	    found < 1 || found > INT32_MAX)
		return false;
	*serial = found;
	return true;
}

static int check_keyring(int32_t serial)
{
	char *description;
	bool good;

	if (keyctl_describe_alloc(serial, &description) < 0)
		return -errno;
	good = keyring_is_nfs(description);
	free(description);
	return good ? 0 : -EPROTO;
}

/* request_key() says ENOKEY of a type that the kernel does not know, and of much else; add_key() says ENODEV. */
static bool kernel_has_namer(void)
{
	return add_key(NAMER_TYPE, KEYRING_NAME, "0", 1, KEY_SPEC_THREAD_KEYRING) >= 0 || errno != ENODEV;
}

/* -ENODEV: this kernel has no keyrings of namespaces. */
static int ask_kernel(int32_t *serial)
{
	char digits[16];
	long len;
	key_serial_t namer = request_key(NAMER_TYPE, KEYRING_NAME, "", KEY_SPEC_THREAD_KEYRING);
	int ret;

	if (namer < 0) {
		int error = errno;

		return error == ENOKEY && !kernel_has_namer() ? -ENODEV : -error;
	}
	len = keyctl_read(namer, digits, sizeof(digits));
	if (len < 0)
		return -errno;
	ret = (size_t)len <= sizeof(digits) ? keyring_parse_serial(digits, len, serial) : -EPROTO;
	return ret < 0 ? ret : check_keyring(*serial);
}

/*
 * User space cannot make a keyring with a dot in front: what has the name and is root's is the kernel's. Not
 * find_key_by_type_and_desc(3), which crashes on a line of 1,024 bytes and more: any user can have a key with so long a
 * name, for all to see.
 */
static int find_shared(int32_t *serial)
{
	FILE *keys = fopen("/proc/keys", "re");
	char *line = NULL;
	size_t room = 0;
	int ret = -ENOENT;

	if (!keys)
		return -errno;
	while (ret != 0 && getline(&line, &room, keys) >= 0)
		if (keyring_parse_line(line, serial) && check_keyring(*serial) == 0)
			ret = 0;
	free(line);
	fclose(keys);
	return ret;
}

int keyring_open(struct keyring *keyring)
{
	int ret;

	*keyring = (struct keyring){ .shared = false };
	if (keyctl_join_session_keyring(NULL) < 0)
		return -errno;
	ret = ask_kernel(&keyring->serial);
	if (ret == -ENODEV) {
		keyring->shared = true;
		ret = find_shared(&keyring->serial);
	}
	if (ret < 0)
		return ret;
	return keyctl_link(keyring->serial, KEY_SPEC_PROCESS_KEYRING) < 0 ? -errno : 0;
}
