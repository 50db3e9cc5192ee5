/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdio.h>

#include "command.h"

enum exit_code cmd_show(const struct arguments *args)
{
	struct identity_keys keys;
	struct keyring keyring;
	enum exit_code code;

	code = open_identity(args->identity, false, &keyring, &keys);
	if (code != EXIT_OK)
		return code;
	if (keys.serial[PART_CERT] == 0 || keys.serial[PART_PRIVKEY] == 0)
		return fail(EXIT_NOT_FOUND, args->identity,
			    "half of it is missing; use update, or remove it and add it again");
	printf("cert_serial=%d,privkey_serial=%d\n", keys.serial[PART_CERT], keys.serial[PART_PRIVKEY]);
	return EXIT_OK;
}
