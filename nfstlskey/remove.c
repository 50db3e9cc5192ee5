/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "command.h"

enum exit_code cmd_remove(const struct arguments *args)
{
	struct identity_keys keys;
	struct keyring keyring;
	enum exit_code code;
	int ret;

	code = open_identity(args->identity, true, &keyring, &keys);
	if (code != EXIT_OK)
		return code;
	ret = keyring_remove(&keyring, &keys);
	return ret < 0 ? fail_errno(args->identity, -ret, "removing it") : EXIT_OK;
}
