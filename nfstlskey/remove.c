/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "idfile.h"

static enum exit_code remove_keys(const char *identity, const struct keyring *keyring, const struct identity_keys *keys)
{
	int ret = keyring_remove(keyring, keys);

	return ret < 0 ? fail_errno(identity, -ret, "removing it") : EXIT_OK;
}

/* What a change has left there is not brought to its end first: it may be what cannot be. */
static enum exit_code remove_from_keyring(const char *identity)
{
	struct identity_keys keys;
	struct keyring keyring;
	enum exit_code code = open_keyring(identity, true, &keyring);
	int ret;

	if (code != EXIT_OK)
		return code;
	ret = keyring_lookup(&keyring, identity, &keys);
	return ret < 0 ? fail_errno(identity, -ret, "looking it up") : remove_keys(identity, &keyring, &keys);
}

/* One that is on the keyring, or has a file, or both. */
static enum exit_code remove_with_file(const char *identity)
{
	struct identity_keys keys;
	struct keyring keyring;
	enum exit_code code = open_keyring(identity, true, &keyring);
	char *aside = NULL;
	int ret;

	if (code != EXIT_OK)
		return code;
	ret = keyring_lookup(&keyring, identity, &keys);
	if (ret < 0 && ret != -ENOKEY)
		return fail_errno(identity, -ret, "looking it up");
	code = idfile_set_aside(identity, &aside);
	if (code == EXIT_OK && ret == -ENOKEY && !aside)
		code = fail(EXIT_NOT_FOUND, identity, "it is not on the .nfs keyring, and has no file");
	else if (code == EXIT_OK && ret == 0)
		code = remove_keys(identity, &keyring, &keys);
	if (aside && code == EXIT_OK)
		idfile_forget(aside);
	else if (aside)
		idfile_put_back(identity, aside);
	free(aside);
	return code;
}

/* A file that stays brings it back. */
static void note_file(const char *identity)
{
	struct idfile file;
	int ret = idfile_find(idfile_folders, identity, &file);

	if (ret == 0)
		warn(identity, "%s stays, and nfstlskey load brings it back; --persist takes it away", file.path);
	else if (ret != -ENOENT)
		warn(identity, "whether it has a file that brings it back is not known: %s", strerror(-ret));
	idfile_clear(&file);
}

enum exit_code cmd_remove(const struct arguments *args)
{
	enum exit_code code;

	if (args->persist)
		return remove_with_file(args->identity);
	code = remove_from_keyring(args->identity);
	if (code == EXIT_OK)
		note_file(args->identity);
	return code;
}
