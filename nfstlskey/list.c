/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

enum column { COL_NAME, COL_KEY, COL_TYPE, COL_SUBJECT, COL_EXPIRES, COL_COUNT };

static const char *const column_names[COL_COUNT] = {
	[COL_NAME] = "NAME",	   [COL_KEY] = "KEY",	      [COL_TYPE] = "TYPE",
	[COL_SUBJECT] = "SUBJECT", [COL_EXPIRES] = "EXPIRES",
};

/* Where the private key lives: "token LABEL", or the keyring itself. */
static char *key_place(const gnutls_datum_t *payload)
{
	char *label, *text = NULL;

	if (!nfstls_handle_detect(payload))
		return strdup("keyring");
	if (nfstls_handle_token(payload, &label) < 0)
		return strdup("unreadable handle");
	if (asprintf(&text, "token %s", label) < 0)
		text = NULL;
	free(label);
	return text;
}

static int describe(struct libscols_table *table, const char *name, const struct identity_keys *keys)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	struct material material = { .part = { { NULL, 0 } } };

	if (!line)
		return -ENOMEM;
	table_set(line, COL_NAME, strdup(name));
	/* A part that is missing, or that vanished just now, leaves its cells empty. */
	if (keys->serial[PART_CERT] > 0 && keyring_read(keys->serial[PART_CERT], &material.part[PART_CERT]) == 0)
		table_set_certificate(line, COL_TYPE, &material.part[PART_CERT]);
	if (keys->serial[PART_PRIVKEY] > 0 &&
	    keyring_read(keys->serial[PART_PRIVKEY], &material.part[PART_PRIVKEY]) == 0)
		table_set(line, COL_KEY, key_place(&material.part[PART_PRIVKEY]));
	material_clear(&material);
	return 0;
}

static int print_list(const struct arguments *args, const struct identity_list *list)
{
	struct libscols_table *table = table_new("identities", column_names, COL_COUNT, args);
	int ret = table ? 0 : -ENOMEM;

	for (size_t i = 0; ret == 0 && i < list->count; i++)
		ret = describe(table, list->names[i], &list->keys[i]);
	if (ret == 0)
		ret = table_print(table, "identities");
	scols_unref_table(table);
	return ret;
}

enum exit_code cmd_list(const struct arguments *args)
{
	struct identity_list list;
	struct keyring keyring;
	enum exit_code code;
	int ret;

	code = open_keyring(NULL, false, &keyring);
	if (code != EXIT_OK)
		return code;
	ret = list_identities(&keyring, &list);
	if (ret < 0)
		return fail_errno(NULL, -ret, "listing the .nfs keyring");
	ret = print_list(args, &list);
	identity_list_clear(&list);
	return ret < 0 ? fail_errno(NULL, -ret, "printing the list") : EXIT_OK;
}
