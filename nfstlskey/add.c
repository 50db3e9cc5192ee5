/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "command.h"

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
	if (ret == 0)
		return fail(EXIT_EXISTS, args->identity, "it is there already; use update, or remove it first");
	if (ret != -ENOKEY)
		return fail_errno(args->identity, -ret, "looking it up");

	code = material_load(args->identity, &args->source, &material);
	if (code != EXIT_OK)
		return code;
	keys = (struct identity_keys){ .serial = { 0 } };
	ret = keyring_put(&keyring, args->identity, &keys, &material);
	material_clear(&material);
	if (ret < 0)
		return fail_errno(args->identity, -ret, "adding it");
	note_if_shared(&keyring);
	return EXIT_OK;
}
