/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From identity files to the keyring: what a boot needs, and whoever has changed a file. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "idfile.h"
#include "netns.h"
#include "streams.h"

/* What one run of the command works with. */
struct run {
	const struct arguments *args;
	struct keyring keyring;
	bool changed;
	enum exit_code code;
};

enum effect { UNCHANGED, ADDED, UPDATED };

static void say(struct run *run, const struct idfile *file, enum effect effect)
{
	static const char *const words[] = { "unchanged", "added", "updated" };
	const char *netns = file->value[IDFILE_NETNS];

	printf("%s: %s%s%s\n", file->identity, words[effect], netns ? " in network namespace " : "",
	       netns ? netns : "");
	run->changed |= effect != UNCHANGED;
}

/* What is absent may come, as nothing else mends itself: that is what a service has to know of. */
static void note_code(struct run *run, enum exit_code code)
{
	if (run->code == EXIT_OK || code == EXIT_TOKEN_ABSENT)
		run->code = code;
}

static bool is_whole(const struct identity_keys *keys)
{
	return keys->serial[PART_CERT] > 0 && keys->serial[PART_PRIVKEY] > 0;
}

static bool has_payload(int32_t serial, const gnutls_datum_t *wanted)
{
	gnutls_datum_t there = { NULL, 0 };
	bool same;

	if (serial > 0 && keyring_read(serial, &there) < 0)
		return false;
	same = datum_equal(&there, wanted);
	datum_wipe(&there);
	return same;
}

static bool is_same(const struct identity_keys *keys, const struct material *material)
{
	return has_payload(keys->serial[PART_CERT], &material->part[PART_CERT]) &&
	       has_payload(keys->serial[PART_PRIVKEY], &material->part[PART_PRIVKEY]) &&
	       has_payload(keys->serial[PART_CHAIN], &material->part[PART_CHAIN]);
}

static bool has_handle_of(const struct source *source, const struct identity_keys *keys)
{
	gnutls_datum_t handle = { NULL, 0 };
	char *with_file = NULL;
	bool has;

	if (source->pin.file && nfstls_uri_with_pin_file(source->pkcs11, source->pin.file, &with_file, NULL) < 0)
		return false;
	has = keyring_read(keys->serial[PART_PRIVKEY], &handle) == 0 &&
	      nfstls_handle_answers(&handle, with_file ? with_file : source->pkcs11);
	datum_wipe(&handle);
	free(with_file);
	return has;
}

static enum exit_code has_key_of(const char *identity, const struct source *source, const struct identity_keys *keys,
				 bool *has)
{
	gnutls_datum_t privkey = { NULL, 0 };
	enum exit_code code = EXIT_OK;

	*has = false;
	if (source->pkcs11)
		*has = has_handle_of(source, keys);
	else if (source->cert_file && keyring_read(keys->serial[PART_PRIVKEY], &privkey) == 0)
		code = material_key_holds(identity, source, &privkey, has);
	datum_wipe(&privkey);
	return code;
}

/*
 * Whether what is there is what the file leads to, as far as that can be told without the token and without a
 * signature: a service that waits for one token must not log in to all others again and again.
 */
static enum exit_code is_answered(const char *identity, const struct source *source, const struct identity_keys *keys,
				  bool *answered)
{
	gnutls_datum_t cert = { NULL, 0 }, chain = { NULL, 0 };
	enum exit_code code = EXIT_OK;
	bool has = false;

	*answered = false;
	if (is_whole(keys))
		code = has_key_of(identity, source, keys, &has);
	if (!has)
		return code;
	if (keyring_read(keys->serial[PART_CERT], &cert) == 0 &&
	    (keys->serial[PART_CHAIN] == 0 || keyring_read(keys->serial[PART_CHAIN], &chain) == 0))
		code = material_certs_hold(identity, source, &cert, &chain, answered);
	datum_wipe(&cert);
	datum_wipe(&chain);
	return code;
}

static enum exit_code put(struct run *run, const struct idfile *file, const struct identity_keys *keys, bool there,
			  const struct material *material)
{
	int ret;

	if (there && is_same(keys, material) && material->part[PART_PIN].size == 0) {
		say(run, file, UNCHANGED);
		return EXIT_OK;
	}
	ret = keyring_put(&run->keyring, file->identity, keys, material);
	if (ret < 0)
		return fail_errno(file->identity, -ret, there ? "updating it" : "adding it");
	say(run, file, there ? UPDATED : ADDED);
	return EXIT_OK;
}

/* The keyring is open, and nobody else changes it. */
static enum exit_code load(struct run *run, const struct idfile *file)
{
	struct source source = idfile_source(file);
	struct identity_keys keys;
	struct material material;
	enum exit_code code = EXIT_OK;
	bool answered = false;
	int ret = lookup_identity(&run->keyring, file->identity, &keys);

	if (ret < 0 && ret != -ENOKEY)
		return fail_errno(file->identity, -ret, "looking it up");
	if (ret == 0 && run->args->all)
		code = is_answered(file->identity, &source, &keys, &answered);
	if (code != EXIT_OK)
		return code;
	if (answered) {
		say(run, file, UNCHANGED);
		return EXIT_OK;
	}
	source.unattended = run->keyring.serial;
	if (pin_is_chosen(&run->args->source.pin))
		source.pin = run->args->source.pin;
	code = material_load(file->identity, &source, &material);
	if (code != EXIT_OK)
		return code;
	code = put(run, file, &keys, ret == 0, &material);
	material_clear(&material);
	return code;
}

static enum exit_code load_there(struct run *run, const struct idfile *file)
{
	enum exit_code code = netns_enter(file->identity, file->value[IDFILE_NETNS]);

	/* it may come, as a token may */
	if (code == EXIT_NOT_FOUND)
		code = EXIT_TOKEN_ABSENT;
	if (code == EXIT_OK)
		code = open_keyring(file->identity, true, &run->keyring);
	if (code == EXIT_OK)
		code = load(run, file);
	if (run->changed)
		note_if_shared(&run->keyring);
	nfstls_cleanup();
	return code;
}

/* In a process of its own, which ends with what it has entered, and with the keyring and the lock that it holds. */
static enum exit_code load_in_netns(struct run *run, const struct idfile *file)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		return fail_errno(file->identity, errno, "fork");
	if (child == 0)
		_exit(streams_end(load_there(run, file)));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return fail_errno(file->identity, errno, "waiting for its process");
	if (!WIFEXITED(status))
		return fail(EXIT_OTHER, file->identity, "its process was ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* Read, and of use; if not, it is told why. */
static enum exit_code read_file(struct idfile *file)
{
	int ret = idfile_read(file);
	const struct idfile_problem *problem = file->problems;

	if (ret < 0)
		return fail_errno(file->identity, -ret, file->path);
	if (file->problem_count == 0)
		return EXIT_OK;
	if (problem->line > 0)
		return fail(EXIT_FILE, file->identity, "%s:%lu: %s; see nfstlskey check-config", file->path,
			    problem->line, problem->text);
	return fail(EXIT_FILE, file->identity, "%s: %s; see nfstlskey check-config", file->path, problem->text);
}

static void read_files(struct run *run, struct idfile_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		note_code(run, read_file(&list->files[i]));
}

/* Those of other namespaces, while this process holds neither keyring nor lock. */
static void load_elsewhere(struct run *run, const struct idfile_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct idfile *file = &list->files[i];

		if (file->is_good && file->value[IDFILE_NETNS])
			note_code(run, load_in_netns(run, file));
	}
}

static void load_here(struct run *run, const struct idfile_list *list)
{
	enum exit_code code = EXIT_OK;
	bool opened = false;

	for (size_t i = 0; code == EXIT_OK && i < list->count; i++) {
		const struct idfile *file = &list->files[i];

		if (!file->is_good || file->value[IDFILE_NETNS])
			continue;
		if (!opened)
			code = open_keyring(NULL, true, &run->keyring);
		opened = true;
		note_code(run, code == EXIT_OK ? load(run, file) : code);
	}
	if (run->changed)
		note_if_shared(&run->keyring);
}

/* Those that were named; one that has no file is told, and the others go on. */
static int find_named(struct run *run, struct idfile_list *list)
{
	list->files = calloc(run->args->identity_count, sizeof(*list->files));
	if (!list->files)
		return -ENOMEM;
	for (size_t i = 0; i < run->args->identity_count; i++) {
		int ret = idfile_find(idfile_folders, run->args->identities[i], &list->files[list->count]);

		if (ret == -ENOENT)
			note_code(run, fail(EXIT_NOT_FOUND, run->args->identities[i],
					    "it has no file; see nfstls-identities(5), or add --persist"));
		else if (ret < 0)
			return ret;
		else
			list->count++;
	}
	return 0;
}

enum exit_code cmd_load(const struct arguments *args)
{
	struct run run = { .args = args };
	struct idfile_list list = { .files = NULL };
	int ret;

	if (geteuid() != 0)
		return fail(EXIT_PERMISSION, NULL, "the .nfs keyring belongs to root; run it as root");
	ret = args->all ? idfile_list(idfile_folders, &list) : find_named(&run, &list);
	if (ret < 0) {
		note_code(&run, fail_errno(NULL, -ret, "the identity files"));
	} else {
		read_files(&run, &list);
		load_elsewhere(&run, &list);
		load_here(&run, &list);
	}
	idfile_list_clear(&list);
	return run.code;
}
