/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmount.h>

#include "mount_known.h"
#include "mounts.h"

struct libmnt_table *mounts_read(void)
{
	struct libmnt_table *table = mnt_new_table();

	/* with the user options, where mount.nfstls records the name */
	if (table && mnt_table_parse_mtab(table, NULL) == 0)
		return table;
	mnt_unref_table(table);
	return NULL;
}

static bool option_is(const char *options, const char *name, const char *wanted)
{
	char *value;
	size_t len;

	return options && mnt_optstr_get_option(options, name, &value, &len) == 0 && value && len == strlen(wanted) &&
	       memcmp(value, wanted, len) == 0;
}

static bool uses(struct libmnt_fs *fs, const char *identity)
{
	const char *options = mnt_fs_get_fs_options(fs), *type = mnt_fs_get_fstype(fs);

	if (!type || strncmp(type, "nfs", 3) != 0)
		return false;
	return option_is(options, "tls_identity", identity) ||
	       option_is(mnt_fs_get_user_options(fs), RECORD_OPTION, identity);
}

static char *add_target(char *list, const char *target)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", list ? list : "", list ? "," : "", target) < 0)
		longer = NULL;
	free(list);
	return longer;
}

char *mounts_of(struct libmnt_table *mounts, const char *identity)
{
	struct libmnt_iter *iter = mounts ? mnt_new_iter(MNT_ITER_FORWARD) : NULL;
	char *list = NULL;
	struct libmnt_fs *fs;

	while (iter && mnt_table_next_fs(mounts, iter, &fs) == 0)
		if (uses(fs, identity))
			list = add_target(list, mnt_fs_get_target(fs));
	mnt_free_iter(iter);
	return list;
}
