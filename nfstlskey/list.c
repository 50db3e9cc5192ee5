/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netns.h"
#include "netns_list.h"
#include "records.h"

static enum exit_code add_all(struct records *records, const struct keyring *keyring)
{
	struct identity_list list;
	int ret = list_identities(keyring, &list);

	if (ret < 0)
		return fail_errno(NULL, -ret, "listing the .nfs keyring");
	for (size_t i = 0; ret == 0 && i < list.count; i++)
		ret = records_add(records, keyring, list.names[i], &list.keys[i]);
	identity_list_clear(&list);
	return ret < 0 ? fail_errno(NULL, -ret, "printing the list") : EXIT_OK;
}

/* Those of the namespace that we are in. */
static enum exit_code add_here(struct records *records, bool *shared)
{
	struct keyring keyring;
	enum exit_code code = open_keyring(NULL, false, &keyring);

	if (code != EXIT_OK)
		return code;
	*shared = keyring.shared;
	return add_all(records, &keyring);
}

/* A namespace that went is no failure, and one that cannot be looked at hides no other. */
static enum exit_code add_there(struct records *records, const char *name)
{
	enum exit_code code = netns_enter(NULL, name);
	bool shared;

	if (code != EXIT_OK)
		return code;
	free(records->netns);
	records->netns = strdup(name);
	if (!records->netns)
		return fail_errno(NULL, ENOMEM, name);
	return add_here(records, &shared);
}

static enum exit_code add_others(struct records *records)
{
	enum exit_code code = EXIT_OK;
	char **names;
	size_t count;
	int ret = netns_others(&names, &count);

	if (ret < 0)
		return fail_errno(NULL, -ret, NETNS_FOLDER);
	for (size_t i = 0; i < count; i++) {
		enum exit_code there = add_there(records, names[i]);

		code = code == EXIT_OK ? there : code;
	}
	netns_names_free(names, count);
	return code;
}

enum exit_code cmd_list(const struct arguments *args)
{
	struct records records;
	bool shared = false;
	enum exit_code printed, code = records_start(args, &records);

	if (code != EXIT_OK)
		return code;
	code = add_here(&records, &shared);
	if (code == EXIT_OK && args->all_netns && shared)
		warn(NULL, "this kernel has one .nfs keyring: every network namespace shares it");
	else if (code == EXIT_OK && args->all_netns)
		code = add_others(&records);
	printed = code == EXIT_OK || !scols_table_is_empty(records.table)
			  ? table_print(records.table, "identities", args)
			  : EXIT_OK;
	records_clear(&records);
	return code != EXIT_OK ? code : printed;
}
