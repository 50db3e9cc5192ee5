/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmount.h>

#include "mount_known.h"
#include "mounts.h"

/* A mount that names an identity. */
struct use {
	char *identity;
	size_t position; /* in the table */
	const char *target;
};

/* By the names of the identities, so that one is found among many. */
struct mounts {
	struct libmnt_table *table;
	struct use *uses;
	size_t count;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct use *)a)->identity, ((const struct use *)b)->identity);
}

static int compare_uses(const void *a, const void *b)
{
	size_t one = ((const struct use *)a)->position, other = ((const struct use *)b)->position;
	int order = compare_names(a, b);

	return order ? order : (one > other) - (one < other);
}

/* Whether the options say whose the mount is: 1, or 0; -ENOMEM. */
static int add_use(struct mounts *mounts, struct libmnt_fs *fs, const char *options, const char *name)
{
	struct use *use = &mounts->uses[mounts->count];
	char *value;
	size_t len;

	if (!options || mnt_optstr_get_option(options, name, &value, &len) != 0 || !value)
		return 0;
	*use = (struct use){ strndup(value, len), mounts->count, mnt_fs_get_target(fs) };
	if (!use->identity)
		return -ENOMEM;
	mounts->count++;
	return 1;
}

static bool find_uses(struct mounts *mounts)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int ret = 0;

	mounts->uses = calloc(mnt_table_get_nents(mounts->table) + 1, sizeof(*mounts->uses));
	while (iter && mounts->uses && ret >= 0 && mnt_table_next_fs(mounts->table, iter, &fs) == 0) {
		const char *type = mnt_fs_get_fstype(fs);

		if (!type || strncmp(type, "nfs", 3) != 0)
			continue;
		ret = add_use(mounts, fs, mnt_fs_get_fs_options(fs), "tls_identity");
		if (ret == 0)
			ret = add_use(mounts, fs, mnt_fs_get_user_options(fs), RECORD_OPTION);
	}
	if (mounts->uses)
		qsort(mounts->uses, mounts->count, sizeof(*mounts->uses), compare_uses);
	mnt_free_iter(iter);
	return iter && mounts->uses && ret >= 0;
}

struct mounts *mounts_read(void)
{
	struct mounts *mounts = calloc(1, sizeof(*mounts));

	if (!mounts)
		return NULL;
	mounts->table = mnt_new_table();
	/* with the user options, where mount.nfstls records the name */
	if (mounts->table && mnt_table_parse_mtab(mounts->table, NULL) == 0 && find_uses(mounts))
		return mounts;
	mounts_free(mounts);
	return NULL;
}

void mounts_free(struct mounts *mounts)
{
	if (!mounts)
		return;
	for (size_t i = 0; i < mounts->count; i++)
		free(mounts->uses[i].identity);
	free(mounts->uses);
	mnt_unref_table(mounts->table);
	free(mounts);
}

static const struct use *find_first(const struct mounts *mounts, const char *identity)
{
	const struct use wanted = { .identity = (char *)identity };
	const struct use *use = bsearch(&wanted, mounts->uses, mounts->count, sizeof(wanted), compare_names);

	while (use && use > mounts->uses && strcmp(use[-1].identity, identity) == 0)
		use--;
	return use;
}

char *mounts_of(const struct mounts *mounts, const char *identity)
{
	const struct use *use = mounts ? find_first(mounts, identity) : NULL;
	char *list = NULL;
	size_t size;
	FILE *stream = use ? open_memstream(&list, &size) : NULL;

	if (!stream)
		return NULL;
	fputs(use->target, stream);
	while (++use < mounts->uses + mounts->count && strcmp(use->identity, identity) == 0)
		fprintf(stream, ",%s", use->target);
	fclose(stream);
	return list;
}
