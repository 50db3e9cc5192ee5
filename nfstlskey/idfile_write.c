/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity files that add --persist writes and remove --persist takes away. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "idfile.h"

/* Ours to write; the others belong to packages and to what made the machine. */
#define FOLDER idfile_folders[0]

static char *file_path(const char *identity)
{
	char *path;

	return asprintf(&path, "%s/%s.conf", FOLDER, identity) < 0 ? NULL : path;
}

/* A name that no folder's listing takes for an identity's. */
static char *hidden_path(const char *identity)
{
	char *path;

	return asprintf(&path, "%s/.%s.conf.XXXXXX", FOLDER, identity) < 0 ? NULL : path;
}

static int sync_folder(void)
{
	int fd = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

/* With the mode that a folder of a package has: what is in it is closed by itself. */
static int make_folder(void)
{
	static const char *const folders[] = { "/etc/nfs", "/etc/nfs/identities.d" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		bool made = mkdir(folders[i], 0700) == 0;

		if (!made && errno != EEXIST)
			return -errno;
		if (made && chmod(folders[i], 0755) < 0)
			return -errno;
	}
	return 0;
}

static enum exit_code check_name(const char *identity)
{
	if (identity[0] == '.' || strchr(identity, '/'))
		return fail(EXIT_USAGE, identity,
			    "a name that begins with a dot or has a slash is no file name, and cannot be persisted");
	return EXIT_OK;
}

enum exit_code idfile_may_create(const char *identity)
{
	enum exit_code code = check_name(identity);
	struct idfile file;
	int ret;

	if (code != EXIT_OK)
		return code;
	ret = idfile_find(idfile_folders, identity, &file);
	if (ret == 0)
		code = fail(EXIT_EXISTS, identity, "%s is there already; use nfstlskey load, or remove it first",
			    file.path);
	else if (ret != -ENOENT)
		code = fail_errno(identity, -ret, "its file");
	idfile_clear(&file);
	return code;
}

/* What add was told, as the values of a file. */
static int gather(const struct source *source, const char *netns, struct idfile *file)
{
	const char *const values[IDFILE_KEY_COUNT] = {
		[IDFILE_PKCS11] = source->pkcs11,     [IDFILE_KEY] = source->key_file,
		[IDFILE_CERT] = source->cert_file,    [IDFILE_CHAIN] = source->chain_file,
		[IDFILE_PIN_FILE] = source->pin.file, [IDFILE_NETNS] = netns,
	};
	char *here = getcwd(NULL, 0);
	int ret = here ? 0 : -errno;

	for (int key = 0; ret == 0 && key < IDFILE_KEY_COUNT; key++) {
		bool relative = key != IDFILE_PKCS11 && key != IDFILE_NETNS && values[key] && values[key][0] != '/';

		if (values[key] &&
		    asprintf(&file->value[key], "%s%s%s", relative ? here : "", relative ? "/" : "", values[key]) < 0)
			ret = -ENOMEM;
	}
	free(here);
	return ret;
}

static int write_values(int fd, const struct idfile *file)
{
	FILE *out = fdopen(fd, "w");
	int ret = 0;

	if (!out) {
		ret = -errno;
		close(fd);
		return ret;
	}
	fputs("# Written by nfstlskey add --persist; see nfstls-identities(5).\n", out);
	for (int key = 0; key < IDFILE_KEY_COUNT; key++)
		if (file->value[key])
			fprintf(out, "%s = %s\n", idfile_key_names[key], file->value[key]);
	if (fflush(out) != 0 || fsync(fileno(out)) < 0)
		ret = -errno;
	return fclose(out) != 0 && ret == 0 ? -errno : ret;
}

/* The first key in which two files differ, or IDFILE_KEY_COUNT. */
static int first_difference(const struct idfile *one, const struct idfile *other)
{
	int key = 0;

	while (key < IDFILE_KEY_COUNT &&
	       (one->value[key] && other->value[key] ? strcmp(one->value[key], other->value[key]) == 0
						     : one->value[key] == other->value[key]))
		key++;
	return key;
}

/* What a file cannot say, such as a path with a '#', shows when it is read. */
static enum exit_code read_back(const char *identity, const char *path, const struct idfile *wanted)
{
	struct idfile file = { .identity = strdup(identity), .path = strdup(path) };
	enum exit_code code = EXIT_OK;
	int key, ret = file.identity && file.path ? idfile_read(&file) : -ENOMEM;

	if (ret < 0)
		code = fail_errno(identity, -ret, path);
	else if (file.problem_count > 0)
		code = fail(EXIT_USAGE, identity, "it cannot be persisted: %s", file.problems[0].text);
	else if ((key = first_difference(&file, wanted)) < IDFILE_KEY_COUNT)
		code = fail(EXIT_USAGE, identity, "it cannot be persisted: no file can say %s '%s'",
			    idfile_key_names[key], wanted->value[key]);
	idfile_clear(&file);
	return code;
}

static bool says_other(const struct idfile *file, const struct source *source)
{
	struct source whole = *source;
	struct idfile given = { .path = NULL };
	bool other;

	/* a certificate alone leaves the key as it is, and with it where its PIN comes from */
	if (!source->pkcs11 && !source->key_file) {
		whole.pkcs11 = file->value[IDFILE_PKCS11];
		whole.key_file = file->value[IDFILE_KEY];
		whole.pin.file = file->value[IDFILE_PIN_FILE];
	}
	/* where it goes is no part of what it is made of */
	other = gather(&whole, file->value[IDFILE_NETNS], &given) == 0 &&
		first_difference(file, &given) < IDFILE_KEY_COUNT;
	idfile_clear(&given);
	return other;
}

void idfile_warn_of_other(const char *identity, const struct source *source)
{
	struct idfile file;

	if (idfile_find(idfile_folders, identity, &file) == 0 && idfile_read(&file) == 0 && says_other(&file, source))
		warn(identity, "%s says something else, and nfstlskey load goes by it; change it too", file.path);
	idfile_clear(&file);
}

/* link(2), unlike rename(2), never takes the place of a file that somebody has just put there. */
static enum exit_code publish(const char *identity, const char *hidden, const char *path)
{
	int ret = 0;

	if (link(hidden, path) < 0)
		return errno == EEXIST ? fail(EXIT_EXISTS, identity, "%s is there already", path)
				       : fail_errno(identity, errno, path);
	ret = sync_folder();
	if (ret < 0) {
		unlink(path);
		return fail_errno(identity, -ret, path);
	}
	return EXIT_OK;
}

static enum exit_code write_file(const char *identity, char *hidden, const char *path, const struct idfile *file)
{
	int fd = mkostemp(hidden, O_CLOEXEC);
	enum exit_code code;
	int ret;

	if (fd < 0)
		return fail_errno(identity, errno, FOLDER);
	ret = write_values(fd, file);
	code = ret < 0 ? fail_errno(identity, -ret, path) : read_back(identity, hidden, file);
	if (code == EXIT_OK)
		code = publish(identity, hidden, path);
	unlink(hidden);
	return code;
}

enum exit_code idfile_create(const char *identity, const struct source *source, const char *netns)
{
	char *path = file_path(identity), *hidden = hidden_path(identity);
	struct idfile file = { .path = NULL };
	enum exit_code code = check_name(identity);
	int ret = path && hidden ? 0 : -ENOMEM;

	if (ret == 0)
		ret = gather(source, netns, &file);
	if (ret == 0 && code == EXIT_OK)
		ret = make_folder();
	if (ret < 0)
		code = fail_errno(identity, -ret, "its file");
	else if (code == EXIT_OK)
		code = write_file(identity, hidden, path, &file);
	idfile_clear(&file);
	free(path);
	free(hidden);
	return code;
}

void idfile_withdraw(const char *identity)
{
	char *path = file_path(identity);

	if (!path || unlink(path) < 0)
		warn(identity, "its file in %s could not be taken away: %s", FOLDER, strerror(errno));
	sync_folder();
	free(path);
}

/* Whether the file is there, and nobody else has one of its name, not even hidden by it. */
static enum exit_code check_removable(const char *identity, bool *there)
{
	struct idfile file;
	enum exit_code code = EXIT_OK;
	int ret = idfile_find(idfile_folders + 1, identity, &file);

	if (ret == 0)
		code = fail(EXIT_PERMISSION, identity,
			    "%s is not for nfstlskey to remove; hide it with a link from "
			    "%s/%s.conf to /dev/null",
			    file.path, FOLDER, identity);
	else if (ret != -ENOENT)
		code = fail_errno(identity, -ret, "its file");
	idfile_clear(&file);
	if (code != EXIT_OK)
		return code;
	ret = idfile_find(idfile_folders, identity, &file);
	*there = ret == 0;
	idfile_clear(&file);
	return ret < 0 && ret != -ENOENT ? fail_errno(identity, -ret, "its file") : EXIT_OK;
}

enum exit_code idfile_set_aside(const char *identity, char **aside)
{
	enum exit_code code = check_name(identity);
	char *path;
	bool there = false;
	int fd;

	*aside = NULL;
	if (code == EXIT_OK)
		code = check_removable(identity, &there);
	if (code != EXIT_OK || !there)
		return code;
	path = file_path(identity);
	*aside = hidden_path(identity);
	fd = path && *aside ? mkostemp(*aside, O_CLOEXEC) : -1;
	if (fd < 0 || rename(path, *aside) < 0) {
		code = fail_errno(identity, errno, "its file");
		if (fd >= 0)
			unlink(*aside);
		free(*aside);
		*aside = NULL;
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return code;
}

void idfile_put_back(const char *identity, const char *aside)
{
	char *path = file_path(identity);

	if (!path || rename(aside, path) < 0)
		warn(identity, "its file is now %s: %s", aside, strerror(errno));
	free(path);
}

void idfile_forget(const char *aside)
{
	unlink(aside);
	sync_folder();
}
