/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "changes.h"
#include "idfile.h"

enum exit_code cmd_update(const struct arguments *args)
{
	struct identity_keys keys;
	struct keyring keyring;
	struct material material;
	enum exit_code code;
	int ret;

	code = open_identity(args->identity, true, &keyring, &keys);
	if (code != EXIT_OK)
		return code;

	code = args->source.pkcs11 || args->source.key_file
		       ? material_load(args->identity, &args->source, &material)
		       : material_renew(args->identity, &args->source, &keyring, &material);
	if (code == EXIT_OK && args->dry_run) {
		code = print_changes(args, &keyring, &material);
		material_clear(&material);
		return code;
	}
	if (code != EXIT_OK)
		return code;
	ret = keyring_put(&keyring, args->identity, &keys, &material);
	material_clear(&material);
	if (ret < 0)
		return fail_errno(args->identity, -ret, "updating it");
	print_put(&keyring, args->identity);
	note_if_shared(&keyring);
	idfile_warn_of_other(args->identity, &args->source);
	return EXIT_OK;
}
