/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdio.h>

#include "command.h"

enum exit_code cmd_show(const struct arguments *args)
{
	struct identity_keys keys;
	enum exit_code code = open_whole_identity(args->identity, &keys);

	if (code != EXIT_OK)
		return code;
	printf("cert_serial=%d,privkey_serial=%d\n", keys.serial[PART_CERT], keys.serial[PART_PRIVKEY]);
	return EXIT_OK;
}
