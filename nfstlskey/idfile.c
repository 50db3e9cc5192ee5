/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libeconf.h>
#include <libeconf_ext.h>

#include "identity.h"
#include "idfile.h"
#include "netns.h"

const char *const idfile_key_names[IDFILE_KEY_COUNT] = {
	[IDFILE_PKCS11] = "pkcs11", [IDFILE_KEY] = "key",	    [IDFILE_CERT] = "cert",
	[IDFILE_CHAIN] = "chain",   [IDFILE_PIN_FILE] = "pin-file", [IDFILE_NETNS] = "netns",
};

int idfile_note(struct idfile *file, unsigned long line, const char *format, ...)
{
	struct idfile_problem *grown = reallocarray(file->problems, file->problem_count + 1, sizeof(*grown));
	va_list args;
	char *text;
	int ret;

	if (!grown)
		return -ENOMEM;
	file->problems = grown;
	va_start(args, format);
	ret = vasprintf(&text, format, args);
	va_end(args);
	if (ret < 0)
		return -ENOMEM;
	grown[file->problem_count++] = (struct idfile_problem){ line, text };
	return 0;
}

void idfile_clear(struct idfile *file)
{
	for (size_t i = 0; i < file->problem_count; i++)
		free(file->problems[i].text);
	free(file->problems);
	for (int key = 0; key < IDFILE_KEY_COUNT; key++)
		free(file->value[key]);
	free(file->identity);
	free(file->path);
	*file = (struct idfile){ .path = NULL };
}

/* What it says, root will do: nobody else may write it. */
static int check_owner(struct idfile *file)
{
	struct stat st;

	if (stat(file->path, &st) < 0)
		return idfile_note(file, 0, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return idfile_note(file, 0, "it is not a regular file");
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return idfile_note(file, 0, "others than root can write it; chown it to root, and make it mode 0600");
	return 0;
}

static int find_key(const char *name)
{
	int key = 0;

	while (key < IDFILE_KEY_COUNT && strcmp(name, idfile_key_names[key]) != 0)
		key++;
	return key;
}

/*
 * libeconf takes a line without "=" for more of the line before, and "#" for the start of a comment wherever it stands;
 * 0.5 joins keys that come twice, 0.7 names them twice. None of that can be meant here.
 */
static int take_value(struct idfile *file, const char *name, const econf_ext_value *value)
{
	unsigned long line = value->line_number;
	const char *text = value->values ? value->values[0] : NULL;
	int key = find_key(name);

	if (strcmp(name, "pin") == 0 || strcmp(name, "pin-value") == 0)
		return idfile_note(file, line, "a PIN does not belong here; name a file that holds it with pin-file");
	if (key == IDFILE_KEY_COUNT)
		return idfile_note(file, line, "unknown key '%s'", name);
	if (file->value[key] || (text && value->values[1]))
		return idfile_note(file, line, "%s is there twice, or a line near it is no KEY = VALUE", name);
	if (value->comment_after_value)
		return idfile_note(file, line,
				   "%s: a comment has a line of its own, and a value has no '#' (%%23 in a URI)", name);
	if (!text || !*text)
		return idfile_note(file, line, "%s has no value", name);
	file->line[key] = line;
	file->value[key] = strdup(text);
	return file->value[key] ? 0 : -ENOMEM;
}

static int take_values(struct idfile *file, econf_file *parsed)
{
	char **names = NULL;
	size_t count = 0;
	econf_err error = econf_getKeys(parsed, NULL, &count, &names);
	int ret = 0;

	/* it may have none */
	if (error != ECONF_SUCCESS)
		return error == ECONF_NOMEM ? -ENOMEM : 0;
	for (size_t i = 0; ret == 0 && i < count; i++) {
		econf_ext_value *value;

		if (econf_getExtValue(parsed, NULL, names[i], &value) != ECONF_SUCCESS)
			ret = -ENOMEM;
		if (ret == 0) {
			ret = take_value(file, names[i], value);
			econf_freeExtValue(value);
		}
	}
	econf_freeArray(names);
	return ret;
}

static int refuse_groups(struct idfile *file, econf_file *parsed)
{
	char **groups = NULL;
	size_t count = 0;
	econf_err error = econf_getGroups(parsed, &count, &groups);
	int ret = 0;

	if (error != ECONF_SUCCESS)
		return error == ECONF_NOMEM ? -ENOMEM : 0;
	if (count > 0)
		ret = idfile_note(file, 0, "it has no sections, such as [%s]", groups[0]);
	econf_freeArray(groups);
	return ret;
}

static int parse(struct idfile *file)
{
	econf_file *parsed = NULL;
	econf_err error;
	char *where = NULL;
	uint64_t line = 0;
	int ret;

	/* or 0.5 says nothing of a key that comes twice */
	if (setenv("ECONF_JOIN_SAME_ENTRIES", "1", 1) < 0)
		return -ENOMEM;
	error = econf_readFile(&parsed, file->path, "=", "#");
	if (error == ECONF_NOMEM)
		return -ENOMEM;
	if (error != ECONF_SUCCESS) {
		econf_errLocation(&where, &line);
		free(where);
		return idfile_note(file, line, "%s", econf_errString(error));
	}
	ret = refuse_groups(file, parsed);
	if (ret == 0)
		ret = take_values(file, parsed);
	econf_freeFile(parsed);
	return ret;
}

static int check_uri(struct idfile *file)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	char *pin_file = NULL;
	int ret = nfstls_uri_check(file->value[IDFILE_PKCS11], &pin_file, &diag);

	if (ret == NFSTLS_E_MEMORY)
		ret = -ENOMEM;
	else if (ret < 0)
		ret = idfile_note(file, file->line[IDFILE_PKCS11], "pkcs11: %s%s%s", nfstls_strerror(ret),
				  diag.text[0] ? ": " : "", diag.text);
	else if (pin_file && file->value[IDFILE_PIN_FILE])
		ret = idfile_note(file, file->line[IDFILE_PIN_FILE],
				  "the URI of line %lu names a PIN file too (pin-source)", file->line[IDFILE_PKCS11]);
	free(pin_file);
	nfstls_diag_clear(&diag);
	return ret;
}

static int check_paths(struct idfile *file)
{
	static const enum idfile_key paths[] = { IDFILE_KEY, IDFILE_CERT, IDFILE_CHAIN, IDFILE_PIN_FILE };
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(paths) / sizeof(paths[0]); i++)
		if (file->value[paths[i]] && file->value[paths[i]][0] != '/')
			ret = idfile_note(file, file->line[paths[i]], "%s is not the absolute path of a file%s",
					  idfile_key_names[paths[i]],
					  strncmp(file->value[paths[i]], "pkcs11:", 7) == 0
						  ? "; a URI belongs behind pkcs11"
						  : "");
	return ret;
}

/* What the lines say together. */
static int check_sense(struct idfile *file)
{
	const char *fault = identity_name_fault(file->identity);
	int ret = 0;

	if (fault)
		ret = idfile_note(file, 0, "its name, without .conf, is that of no identity: %s", fault);
	if (ret == 0 && file->value[IDFILE_PKCS11] && file->value[IDFILE_KEY])
		ret = idfile_note(file, file->line[IDFILE_KEY],
				  "the key is on a token (pkcs11) or in a file (key), not both");
	if (ret == 0 && !file->value[IDFILE_PKCS11] && !file->value[IDFILE_KEY] && file->problem_count == 0)
		ret = idfile_note(file, 0, "which key? it has neither pkcs11 nor key");
	if (ret == 0 && file->value[IDFILE_PKCS11])
		ret = check_uri(file);
	if (ret == 0)
		ret = check_paths(file);
	if (ret == 0 && file->value[IDFILE_NETNS] && !netns_is_named(file->value[IDFILE_NETNS]))
		ret = idfile_note(file, file->line[IDFILE_NETNS],
				  "netns is neither the name of a network namespace nor an absolute path");
	return ret;
}

int idfile_read(struct idfile *file)
{
	int ret = check_owner(file);

	/* what cannot be opened has nothing in it */
	if (ret == 0 && file->problem_count == 0)
		ret = parse(file);
	if (ret == 0)
		ret = check_sense(file);
	file->is_good = ret == 0 && file->problem_count == 0;
	return ret;
}

struct source idfile_source(const struct idfile *file)
{
	return (struct source){
		.pkcs11 = file->value[IDFILE_PKCS11],
		.key_file = file->value[IDFILE_KEY],
		.cert_file = file->value[IDFILE_CERT],
		.chain_file = file->value[IDFILE_CHAIN],
		.pin = { .fd = -1, .file = file->value[IDFILE_PIN_FILE], .timeout = PIN_TIMEOUT_S },
	};
}
