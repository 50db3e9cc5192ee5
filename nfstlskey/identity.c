/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"

#define NAME_MAX_BYTES 200

static bool is_clean(const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr(":;,", *p))
			return false;
	return true;
}

const char *identity_name_fault(const char *name)
{
	size_t len = strlen(name);

	if (len < 1 || len > NAME_MAX_BYTES)
		return "an identity's name has 1 to 200 bytes";
	if (!is_clean(name))
		return "an identity's name is printable ASCII without space, colon, semicolon and comma";
	return NULL;
}

enum exit_code identity_check_name(const char *name)
{
	const char *fault = identity_name_fault(name);

	if (fault && (!*name || strlen(name) > NAME_MAX_BYTES))
		return fail(EXIT_USAGE, NULL, "%s, not %zu", fault, strlen(name));
	return fault ? fail(EXIT_USAGE, NULL, "%s", fault) : EXIT_OK;
}

enum exit_code identity_check_found_name(const char *name)
{
	return strlen(name) > NAME_MAX_BYTES && is_clean(name) ? EXIT_OK : identity_check_name(name);
}

enum exit_code open_keyring(const char *identity, bool to_change, struct keyring *keyring)
{
	int ret;

	if (geteuid() != 0)
		return fail(EXIT_PERMISSION, identity, "the .nfs keyring belongs to root; run it as root");
	ret = keyring_open(keyring);
	if (ret == -ENOENT || ret == -ENOSYS)
		return fail(
			EXIT_KERNEL, identity,
			"this kernel has no .nfs keyring, or no /proc/keys is there to find it; load the NFS client (modprobe nfs) of Linux 6.16 or newer, and mount /proc");
	if (ret < 0)
		return fail_errno(identity, -ret, "the .nfs keyring");
	if (to_change) {
		ret = keyring_lock();
		if (ret < 0)
			return fail_errno(identity, -ret, "the lock file");
	}
	return EXIT_OK;
}

int lookup_identity(const struct keyring *keyring, const char *identity, struct identity_keys *keys)
{
	int ret = keyring_lookup(keyring, identity, keys);

	if (ret == 0 && keys->serial[PART_NEXT] > 0) {
		ret = keyring_lock();
		if (ret == 0)
			ret = keyring_finish(keyring, identity, keys);
	}
	return ret;
}

enum exit_code open_identity(const char *identity, bool to_change, struct keyring *keyring, struct identity_keys *keys)
{
	enum exit_code code = open_keyring(identity, to_change, keyring);
	int ret;

	if (code != EXIT_OK)
		return code;
	ret = lookup_identity(keyring, identity, keys);
	return ret < 0 ? fail_errno(identity, -ret, "looking it up") : EXIT_OK;
}

enum exit_code open_whole_identity(const char *identity, struct identity_keys *keys)
{
	struct keyring keyring;
	enum exit_code code = open_identity(identity, false, &keyring, keys);

	if (code != EXIT_OK)
		return code;
	if (keyring_is_rest(keys))
		return fail(EXIT_NOT_FOUND, identity,
			    "its certificate and private key are gone; add it again, or remove what is left of it");
	if (keys->serial[PART_CERT] == 0 || keys->serial[PART_PRIVKEY] == 0)
		return fail(EXIT_NOT_FOUND, identity,
			    "half of it is missing; use nfstlskey update, or remove it and add it again");
	return EXIT_OK;
}

enum exit_code read_handle(const char *identity, const struct identity_keys *keys, gnutls_datum_t *handle)
{
	int ret = keys->serial[PART_PRIVKEY] ? keyring_read(keys->serial[PART_PRIVKEY], handle) : -ENOKEY;

	if (ret < 0)
		return fail_errno(identity, -ret, "its private key");
	if (nfstls_handle_detect(handle))
		return EXIT_OK;
	datum_wipe(handle);
	return fail(EXIT_USAGE, identity, "its private key is on the keyring, and not on a token that has a PIN");
}

enum exit_code open_handle(const char *identity, bool to_change, struct keyring *keyring, gnutls_datum_t *handle)
{
	struct identity_keys keys;
	enum exit_code code = open_identity(identity, to_change, keyring, &keys);

	return code == EXIT_OK ? read_handle(identity, &keys, handle) : code;
}

void print_put(const struct keyring *keyring, const char *identity)
{
	struct identity_keys keys;
	int ret = keyring_lookup(keyring, identity, &keys);

	/* somebody may have removed it by now */
	if (ret == 0)
		printf("%s: cert_serial=%d privkey_serial=%d\n", identity, keys.serial[PART_CERT],
		       keys.serial[PART_PRIVKEY]);
	else
		warn(identity, "it is on the keyring, and its serials cannot be told: %s; see nfstlskey show",
		     strerror(-ret));
}

void note_if_shared(const struct keyring *keyring)
{
	if (keyring->shared)
		warn(NULL, "this kernel has one .nfs keyring: every network namespace shares it");
}
