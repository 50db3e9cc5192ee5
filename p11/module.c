/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "module.h"

#define LOCK_FOLDER "/run/"
#define LOCK_FILE   LOCK_FOLDER "nfstls-module-%s.lock"
#define LOCK_NAME   200

/* The modules that were initialised here, each once. */
static struct initialised {
	CK_FUNCTION_LIST *funcs;
	char *path;
	char *name; /* see struct module */
	int lock;
	bool loaded_alone; /* by its path; the others belong to configured */
} * initialised;
static size_t initialised_count;

/* What p11-kit's configuration names: loaded together, initialised one by one as they are asked for. */
static CK_FUNCTION_LIST **configured;

/* 1, 0, or NFSTLS_E_MEMORY. */
static int pattern_matches(const char *patterns, const char *path)
{
	char *copy = strdup(patterns), *rest = copy, *pattern;
	int found = copy ? 0 : NFSTLS_E_MEMORY;

	while (copy && !found && (pattern = strsep(&rest, ":")) != NULL)
		found = fnmatch(pattern, path, 0) == 0;
	free(copy);
	return found;
}

/* real: PATH_MAX bytes, gets the file that the path leads to, whatever becomes of links on the way. */
static int check_real_path(const char *path, char *real, struct nfstls_diag *diag)
{
	const char *patterns = secure_getenv("NFSTLS_PKCS11_MODULES");
	struct stat st;
	int ret;

	if (!patterns)
		patterns = PKCS11_MODULE_PATTERNS;
	if (path[0] != '/')
		return diag_set(diag, NFSTLS_E_MODULE_DENIED, "module %s is not named by an absolute path", path);
	if (!realpath(path, real) || stat(real, &st) < 0)
		return diag_set(diag, NFSTLS_E_MODULE, "module %s: %s", path, strerror(errno));
	ret = pattern_matches(patterns, real);
	if (ret < 0)
		return ret;
	if (ret == 0)
		return diag_set(diag, NFSTLS_E_MODULE_DENIED, "module %s is not under %s", path, patterns);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return diag_set(diag, NFSTLS_E_MODULE_DENIED, "module %s can be changed by others than root", path);
	return 0;
}

int module_check_path(const char *path, struct nfstls_diag *diag)
{
	char real[PATH_MAX];

	return check_real_path(path, real, diag);
}

/*
 * The file whose lock is the module's; -1 for those who are not root: they test, and have none. The name is the real
 * path of the module, with a comma for each slash, as far as it fits.
 */
static int open_lock(const char *real, int *lock, struct nfstls_diag *diag)
{
	char name[sizeof(LOCK_FILE) + LOCK_NAME];
	size_t len = strlen(real);

	*lock = -1;
	if (geteuid() != 0)
		return 0;
	snprintf(name, sizeof(name), LOCK_FILE, len > LOCK_NAME ? real + len - LOCK_NAME : real);
	for (char *c = name + strlen(LOCK_FOLDER); *c; c++)
		if (*c == '/')
			*c = ',';
	*lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *lock >= 0 ? 0
			  : diag_set(diag, NFSTLS_E_TOKEN, "no module without the lock %s: %s", name, strerror(errno));
}

static int take_lock(const char *path, int lock, int operation, struct nfstls_diag *diag)
{
	agent_step(path, "another login");
	if (lock < 0 || flock(lock, operation) == 0)
		return 0;
	return diag_set(diag, NFSTLS_E_TOKEN, "the lock of module %s: %s", path, strerror(errno));
}

/* Initialise a module, whose file is real, and note it; *path is taken over when that works. */
static int initialise(CK_FUNCTION_LIST *funcs, char *path, const char *real, bool loaded_alone,
		      struct nfstls_diag *diag)
{
	struct initialised *grown = reallocarray(initialised, initialised_count + 1, sizeof(*grown));
	int lock, ret;
	CK_RV rv;

	if (!grown)
		return NFSTLS_E_MEMORY;
	initialised = grown;
	ret = open_lock(real, &lock, diag);
	if (ret == 0)
		ret = take_lock(path, lock, LOCK_SH, diag);
	if (ret == 0) {
		agent_step(path, "C_Initialize");
		rv = p11_kit_module_initialize(funcs);
		/* whatever it says: what it needs to have a token, a daemon or a device, is not there */
		if (rv != CKR_OK)
			ret = diag_set(diag, NFSTLS_E_TOKEN_ABSENT,
				       "module %s does not start: C_Initialize: %s (0x%lx)", path, p11_kit_strerror(rv),
				       rv);
	}
	if (ret == 0)
		initialised[initialised_count++] = (struct initialised){
			.funcs = funcs, .path = path, .lock = lock, .loaded_alone = loaded_alone
		};
	else if (lock >= 0)
		close(lock);
	return ret;
}

static const struct initialised *initialised_as(const char *path)
{
	for (size_t i = 0; i < initialised_count; i++)
		if (strcmp(initialised[i].path, path) == 0)
			return &initialised[i];
	return NULL;
}

int module_lock(const char *path, struct nfstls_diag *diag)
{
	return take_lock(path, initialised_as(path)->lock, LOCK_EX, diag);
}

void modules_unlock(void)
{
	for (size_t i = 0; i < initialised_count; i++)
		if (initialised[i].lock >= 0)
			flock(initialised[i].lock, LOCK_UN);
}

static int load_by_path(const char *path, struct nfstls_diag *diag)
{
	CK_FUNCTION_LIST *funcs;
	char real[PATH_MAX], *copy;
	int ret = check_real_path(path, real, diag);

	if (ret < 0)
		return ret;
	copy = strdup(path);
	if (!copy)
		return NFSTLS_E_MEMORY;

	p11_kit_be_quiet();
	agent_step(path, "being loaded");
	funcs = p11_kit_module_load(real, 0);
	if (!funcs) {
		const char *why = p11_kit_message();

		free(copy);
		return diag_set(diag, NFSTLS_E_MODULE, "module %s: %s", path, why ? why : "cannot be loaded");
	}
	ret = initialise(funcs, copy, real, true, diag);
	if (ret != 0) {
		p11_kit_module_release(funcs);
		free(copy);
	}
	return ret;
}

static int module_by_path(const char *path, struct module *module, struct nfstls_diag *diag)
{
	const struct initialised *found = initialised_as(path);
	int ret;

	if (!found) {
		ret = load_by_path(path, diag);
		if (ret < 0)
			return ret;
		found = &initialised[initialised_count - 1];
	}
	*module = (struct module){ found->funcs, found->path, found->name };
	return 0;
}

/* p11-kit's own word for a module with trust anchors and no keys (pkcs11.conf(5)). */
static bool is_trust_module(CK_FUNCTION_LIST *funcs)
{
	char *value = p11_kit_config_option(funcs, "trust-policy");
	bool trust = value && strcmp(value, "yes") == 0;

	free(value);
	return trust;
}

static bool is_wanted(CK_FUNCTION_LIST *funcs, const char *name)
{
	char *own_name = p11_kit_module_get_name(funcs);
	bool wanted = name ? own_name && strcmp(own_name, name) == 0 : !is_trust_module(funcs);

	free(own_name);
	return wanted;
}

/* Its file, or where it has none, because it is remote, its name. */
static char *path_of(CK_FUNCTION_LIST *funcs)
{
	char *path = p11_kit_module_get_filename(funcs);

	return path ? path : p11_kit_module_get_name(funcs);
}

/* The name of a module that cannot do without its configuration; NULL is no failure. */
static int name_of(CK_FUNCTION_LIST *funcs, char **name)
{
	char *file = p11_kit_module_get_filename(funcs);
	char *argument = p11_kit_config_option(funcs, "x-init-reserved");
	bool file_is_enough = file && !argument;

	free(file);
	free(argument);
	*name = file_is_enough ? NULL : p11_kit_module_get_name(funcs);
	return file_is_enough || *name ? 0 : NFSTLS_E_MEMORY;
}

static int start_configured(CK_FUNCTION_LIST *funcs, const char *path, struct nfstls_diag *diag)
{
	char *name = NULL, *copy = strdup(path), real[PATH_MAX];
	int ret = copy ? name_of(funcs, &name) : NFSTLS_E_MEMORY;

	if (ret == 0)
		ret = initialise(funcs, copy, realpath(path, real) ? real : path, false, diag);
	if (ret == 0) {
		initialised[initialised_count - 1].name = name;
		return 0;
	}
	free(name);
	free(copy);
	return ret;
}

static int module_of_configuration(CK_FUNCTION_LIST *funcs, struct module *module, struct nfstls_diag *diag)
{
	char *path = path_of(funcs);
	const struct initialised *found = path ? initialised_as(path) : NULL;
	int ret = path ? 0 : NFSTLS_E_MEMORY;

	if (ret == 0 && !found) {
		ret = start_configured(funcs, path, diag);
		found = initialised_as(path);
	}
	if (ret == 0 && found)
		*module = (struct module){ found->funcs, found->path, found->name };
	free(path);
	return ret;
}

static int modules_of_configuration(const char *name, struct module **list, size_t *count, struct nfstls_diag *diag)
{
	size_t room = 0;
	int ret = 0;

	if (!configured) {
		/* What p11-kit has to say of broken modules is for whoever runs p11-kit list-modules. */
		p11_kit_be_quiet();
		agent_step("the modules of p11-kit", "being loaded");
		configured = p11_kit_modules_load(NULL, 0);
	}
	if (!configured)
		return diag_set(diag, NFSTLS_E_MODULE, "p11-kit cannot load its modules: %s", p11_kit_message());

	while (configured[room])
		room++;
	*list = calloc(room + 1, sizeof(**list));
	if (!*list)
		return NFSTLS_E_MEMORY;
	for (size_t i = 0; i < room; i++) {
		if (!is_wanted(configured[i], name))
			continue;
		ret = module_of_configuration(configured[i], *list + *count, name ? diag : NULL);
		if (ret == 0)
			(*count)++;
	}
	if (!name || *count > 0)
		return 0;
	return ret < 0 ? ret : diag_set(diag, NFSTLS_E_MODULE, "p11-kit has no working module named %s", name);
}

int modules_for_uri(P11KitUri *uri, struct module **list, size_t *count, struct nfstls_diag *diag)
{
	const char *path = p11_kit_uri_get_module_path(uri);

	*count = 0;
	if (!path)
		return modules_of_configuration(p11_kit_uri_get_module_name(uri), list, count, diag);

	*list = calloc(1, sizeof(**list));
	if (!*list)
		return NFSTLS_E_MEMORY;
	*count = 1;
	return module_by_path(path, *list, diag);
}

void modules_unload(void)
{
	while (initialised_count > 0) {
		struct initialised *last = &initialised[--initialised_count];

		p11_kit_module_finalize(last->funcs);
		if (last->loaded_alone)
			p11_kit_module_release(last->funcs);
		if (last->lock >= 0)
			close(last->lock);
		free(last->path);
		free(last->name);
	}
	free(initialised);
	initialised = NULL;
	if (configured)
		p11_kit_modules_release(configured);
	configured = NULL;
}
