/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "command.h"
#include "idfile.h"

/*
 * First the file, then the keyring: whoever is killed between the two leaves an identity that the next load completes,
 * not one that is gone after the next boot.
 */
static enum exit_code put(const struct arguments *args, const struct keyring *keyring, const struct identity_keys *rest,
			  const struct material *material)
{
	enum exit_code code = EXIT_OK;
	int ret;

	if (args->persist)
		code = idfile_create(args->identity, &args->source, args->netns);
	if (code != EXIT_OK)
		return code;
	ret = keyring_put(keyring, args->identity, rest, material);
	if (ret == 0)
		return EXIT_OK;
	if (args->persist)
		idfile_withdraw(args->identity);
	return fail_errno(args->identity, -ret, "adding it");
}

enum exit_code cmd_add(const struct arguments *args)
{
	struct identity_keys keys;
	struct keyring keyring;
	struct material material;
	enum exit_code code;
	int ret;

	code = open_keyring(args->identity, true, &keyring);
	if (code != EXIT_OK)
		return code;
	/* Before the token is asked: a name that is taken must not cost a login. */
	ret = lookup_identity(&keyring, args->identity, &keys);
	if (ret == 0 && !keyring_is_rest(&keys))
		return fail(EXIT_EXISTS, args->identity, "it is there already; use update, or remove it first");
	if (ret < 0 && ret != -ENOKEY)
		return fail_errno(args->identity, -ret, "looking it up");
	if (args->persist)
		code = idfile_may_create(args->identity);
	if (code == EXIT_OK)
		code = material_load(args->identity, &args->source, &material);
	if (code != EXIT_OK)
		return code;

	code = put(args, &keyring, &keys, &material);
	if (code == EXIT_OK && args->persist && material.part[PART_PIN].size > 0)
		warn(args->identity, "its file holds no PIN; after a boot, type it with nfstlskey load %s --pin-prompt",
		     args->identity);
	material_clear(&material);
	if (code != EXIT_OK)
		return code;
	print_put(&keyring, args->identity);
	note_if_shared(&keyring);
	return EXIT_OK;
}
