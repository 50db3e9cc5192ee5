/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with identity files, each with its file and line; neither keyring nor token is asked. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "file.h"
#include "idfile.h"

/* A secret: the rules are those of the library for a PIN file; a private key may be a link. */
static int check_secret(struct idfile *file, unsigned long line, const char *path, bool link)
{
	struct stat st;

	if ((link ? stat(path, &st) : lstat(path, &st)) < 0)
		return idfile_note(file, line, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return idfile_note(file, line, "%s is not a regular file", path);
	if (st.st_uid != 0)
		return idfile_note(file, line, "%s is not owned by root", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return idfile_note(file, line, "%s is open to others, make it mode 0600", path);
	return 0;
}

static int check_certs(struct idfile *file, enum idfile_key key)
{
	const char *path = file->value[key];
	struct stat st;

	if (!path || path[0] != '/')
		return 0;
	if (stat(path, &st) < 0)
		return idfile_note(file, file->line[key], "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return idfile_note(file, file->line[key], "%s is not a regular file", path);
	return 0;
}

static int check_uri_pin_file(struct idfile *file)
{
	char *path = NULL;
	int ret = 0;

	if (!file->value[IDFILE_PKCS11] || nfstls_uri_check(file->value[IDFILE_PKCS11], &path, NULL) < 0 || !path)
		return 0;
	ret = check_secret(file, file->line[IDFILE_PKCS11], path, false);
	free(path);
	return ret;
}

/* A key file without a certificate is of use where it is a token handle. What cannot be read has been told. */
static int check_lone_key(struct idfile *file)
{
	gnutls_datum_t handle = { NULL, 0 };
	gnutls_x509_privkey_t key = NULL;
	int ret = 0;

	if (file_read_key(file->identity, file->value[IDFILE_KEY], &handle, &key) != EXIT_OK)
		ret = idfile_note(file, file->line[IDFILE_KEY], "%s cannot be read", file->value[IDFILE_KEY]);
	else if (key)
		ret = idfile_note(file, file->line[IDFILE_KEY], "a private key needs its certificate, cert");
	gnutls_x509_privkey_deinit(key);
	datum_wipe(&handle);
	return ret;
}

/* The files that it names. */
static int check_files(struct idfile *file)
{
	const char *key = file->value[IDFILE_KEY], *pin = file->value[IDFILE_PIN_FILE];
	int ret = check_certs(file, IDFILE_CERT);

	if (ret == 0)
		ret = check_certs(file, IDFILE_CHAIN);
	if (ret == 0 && key && key[0] == '/')
		ret = check_secret(file, file->line[IDFILE_KEY], key, true);
	if (ret == 0 && key && !file->value[IDFILE_CERT] && file->problem_count == 0)
		ret = check_lone_key(file);
	if (ret == 0 && pin && pin[0] == '/')
		ret = check_secret(file, file->line[IDFILE_PIN_FILE], pin, false);
	return ret < 0 ? ret : check_uri_pin_file(file);
}

static int by_line(const void *a, const void *b)
{
	unsigned long one = ((const struct idfile_problem *)a)->line, other = ((const struct idfile_problem *)b)->line;

	return (one > other) - (one < other);
}

static enum exit_code check(struct idfile *file)
{
	int ret = idfile_read(file);

	if (ret == 0)
		ret = check_files(file);
	if (ret < 0)
		return fail_errno(file->identity, -ret, file->path);
	if (file->problem_count > 1)
		qsort(file->problems, file->problem_count, sizeof(*file->problems), by_line);
	for (size_t i = 0; i < file->problem_count; i++)
		if (file->problems[i].line > 0)
			fail(EXIT_FILE, NULL, "%s:%lu: %s", file->path, file->problems[i].line, file->problems[i].text);
		else
			fail(EXIT_FILE, NULL, "%s: %s", file->path, file->problems[i].text);
	return file->problem_count > 0 ? EXIT_FILE : EXIT_OK;
}

enum exit_code cmd_check_config(const struct arguments *args)
{
	struct idfile_list list;
	enum exit_code code = EXIT_OK;
	int ret = idfile_list(idfile_folders, &list);

	(void)args;
	if (ret < 0)
		return fail_errno(NULL, -ret, "the identity files");
	for (size_t i = 0; i < list.count; i++) {
		enum exit_code found = check(&list.files[i]);

		code = code == EXIT_OK ? found : code;
	}
	idfile_list_clear(&list);
	return code;
}
