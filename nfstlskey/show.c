/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mount_known.h"
#include "records.h"

static enum exit_code print_serials(const char *identity)
{
	struct identity_keys keys;
	enum exit_code code = open_whole_identity(identity, &keys);

	if (code == EXIT_OK)
		printf("cert_serial=%d,privkey_serial=%d\n", keys.serial[PART_CERT], keys.serial[PART_PRIVKEY]);
	return code;
}

/* By the name where the kernel looks it up, else by the serials. */
static enum exit_code print_mount_options(const char *identity)
{
	struct identity_keys keys;
	bool knows;
	enum exit_code code = open_whole_identity(identity, &keys);
	int ret;

	if (code != EXIT_OK)
		return code;
	ret = kernel_knows_identities(&knows);
	if (ret < 0)
		return fail_errno(identity, -ret, "asking the NFS client for its options");
	if (knows)
		printf("xprtsec=mtls,tls_identity=%s\n", identity);
	else
		printf("xprtsec=mtls,cert_serial=%d,privkey_serial=%d\n", keys.serial[PART_CERT],
		       keys.serial[PART_PRIVKEY]);
	return EXIT_OK;
}

static enum exit_code print_record(const struct arguments *args)
{
	struct identity_keys keys;
	struct records records;
	struct keyring keyring;
	enum exit_code code = open_identity(args->identity, false, &keyring, &keys);
	int ret;

	if (code == EXIT_OK)
		code = records_start(args, &records);
	if (code != EXIT_OK)
		return code;
	ret = records_add(&records, &keyring, args->identity, &keys);
	code = ret < 0 ? fail_errno(args->identity, -ret, "printing it")
		       : table_print(records.table, "identities", args);
	records_clear(&records);
	return code;
}

enum exit_code cmd_show(const struct arguments *args)
{
	if (args->mount_options)
		return print_mount_options(args->identity);
	return args->probe || table_is_asked_for(args) ? print_record(args) : print_serials(args->identity);
}
