/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which identity files there are, and which of them count. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "idfile.h"

#define SUFFIX ".conf"

const char *const idfile_folders[] = {
	"/etc/nfs/identities.d",
	"/run/nfs/identities.d",
	"/usr/lib/nfs/identities.d",
	NULL,
};

/* Of those that stand for no file. What cannot be read is for idfile_read() to tell. */
static bool is_masked(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct idfile *)a)->identity, ((const struct idfile *)b)->identity);
}

/* Among the first ones, which are in order. */
static bool is_listed(const struct idfile_list *list, size_t count, char *identity)
{
	const struct idfile wanted = { .identity = identity };

	return count > 0 && bsearch(&wanted, list->files, count, sizeof(wanted), by_name);
}

static int append(struct idfile_list *list, const char *folder, const char *name)
{
	struct idfile file = { .identity = strndup(name, strlen(name) - strlen(SUFFIX)) };
	struct idfile *grown = reallocarray(list->files, list->count + 1, sizeof(*grown));

	if (grown)
		list->files = grown;
	if (grown && file.identity && asprintf(&file.path, "%s/%s", folder, name) >= 0) {
		list->files[list->count++] = file;
		return 0;
	}
	free(file.identity);
	return -ENOMEM;
}

static bool is_ours(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int list_folder(const char *folder, struct idfile_list *list)
{
	size_t before = list->count;
	struct dirent *entry;
	DIR *dir = opendir(folder);
	int ret = 0;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (ret == 0 && (errno = 0, entry = readdir(dir))) {
		char identity[NAME_MAX + 1];

		if (!is_ours(entry->d_name))
			continue;
		snprintf(identity, sizeof(identity), "%.*s", (int)(strlen(entry->d_name) - strlen(SUFFIX)),
			 entry->d_name);
		if (!is_listed(list, before, identity))
			ret = append(list, folder, entry->d_name);
	}
	if (ret == 0)
		ret = -errno;
	closedir(dir);
	if (list->count > 0)
		qsort(list->files, list->count, sizeof(*list->files), by_name);
	return ret;
}

static void drop_masked(struct idfile_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (is_masked(list->files[i].path))
			idfile_clear(&list->files[i]);
		else
			list->files[kept++] = list->files[i];
	list->count = kept;
}

int idfile_list(const char *const *folders, struct idfile_list *list)
{
	int ret = 0;

	*list = (struct idfile_list){ .files = NULL };
	for (; ret == 0 && *folders; folders++)
		ret = list_folder(*folders, list);
	drop_masked(list);
	if (ret < 0)
		idfile_list_clear(list);
	return ret;
}

void idfile_list_clear(struct idfile_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		idfile_clear(&list->files[i]);
	free(list->files);
	*list = (struct idfile_list){ .files = NULL };
}

int idfile_find(const char *const *folders, const char *identity, struct idfile *file)
{
	*file = (struct idfile){ .path = NULL };
	if (identity[0] == '.' || strchr(identity, '/'))
		return -ENOENT;
	for (bool there = false; !there && *folders; folders++) {
		struct stat st;
		char *path;
		int ret;

		if (asprintf(&path, "%s/%s" SUFFIX, *folders, identity) < 0)
			return -ENOMEM;
		there = lstat(path, &st) == 0;
		if (there && !is_masked(path)) {
			file->path = path;
			file->identity = strdup(identity);
			return file->identity ? 0 : -ENOMEM;
		}
		/* nobody knows of one that cannot be looked at */
		ret = there || errno == ENOTDIR ? -ENOENT : -errno;
		free(path);
		if (ret != -ENOENT)
			return ret;
	}
	return -ENOENT;
}
