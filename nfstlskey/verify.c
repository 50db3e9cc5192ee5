/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether handshakes will work, found out the way that they go, without a server. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "table.h"

enum column { COL_IDENTITY, COL_CHECK, COL_RESULT, COL_DETAIL, COL_COUNT };

static const struct table_column columns[COL_COUNT] = {
	[COL_IDENTITY] = { "IDENTITY" },
	[COL_CHECK] = { "CHECK" },
	[COL_RESULT] = { "RESULT" },
	[COL_DETAIL] = { "DETAIL" },
};

/* What one run of the command works with. */
struct run {
	struct keyring keyring;
	struct libscols_table *table;
	enum anchor anchor;
	struct cert_list roots;
};

static int print_findings(struct run *run, const char *identity, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];
		struct libscols_line *line = scols_table_new_line(run->table, NULL);

		if (!line)
			return -ENOMEM;
		table_set(line, COL_IDENTITY, strdup(identity));
		table_set(line, COL_CHECK, strdup(check_names[finding->check]));
		table_set(line, COL_RESULT, strdup(verdict_names[finding->verdict]));
		table_set(line, COL_DETAIL, finding->detail ? strdup(finding->detail) : NULL);
	}
	return 0;
}

static enum exit_code verify_one(struct run *run, const char *identity, const struct identity_keys *keys)
{
	struct findings findings;
	enum exit_code code;
	int ret;

	check_identity(&run->keyring, identity, keys, run->anchor, &run->roots, &findings);
	code = findings_code(&findings);
	ret = print_findings(run, identity, &findings);
	findings_clear(&findings);
	return ret < 0 ? fail_errno(identity, -ret, "printing the findings") : code;
}

static enum exit_code verify_all(struct run *run)
{
	enum exit_code code = EXIT_OK;
	struct identity_list list;
	int ret = list_identities(&run->keyring, &list);

	if (ret < 0)
		return fail_errno(NULL, -ret, "listing the .nfs keyring");
	for (size_t i = 0; i < list.count; i++) {
		enum exit_code found = verify_one(run, list.names[i], &list.keys[i]);

		code = code == EXIT_OK ? found : code;
	}
	identity_list_clear(&list);
	return code;
}

static enum exit_code verify(const struct arguments *args, struct run *run)
{
	struct identity_keys keys;
	enum exit_code code, printed;

	code = args->all ? open_keyring(NULL, false, &run->keyring)
			 : open_identity(args->identity, false, &run->keyring, &keys);
	if (code == EXIT_OK)
		code = table_new("findings", columns, COL_COUNT, COL_COUNT, args, &run->table);
	if (code != EXIT_OK)
		return code;
	code = args->all ? verify_all(run) : verify_one(run, args->identity, &keys);
	printed = table_print(run->table, "findings", args);
	scols_unref_table(run->table);
	return printed != EXIT_OK ? printed : code;
}

enum exit_code cmd_verify(const struct arguments *args)
{
	struct run run = { .anchor = args->ca_file ? ANCHOR_ROOTS : ANCHOR_SYSTEM };
	enum exit_code code = EXIT_OK;

	if (args->ca_file)
		code = file_read_certs(args->identity, args->ca_file, &run.roots);
	if (code == EXIT_OK)
		code = verify(args, &run);
	cert_list_clear(&run.roots);
	return code;
}
