/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files may be loaded as PKCS#11 modules. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "module.h"
#include "scratch.h"
#include "unit.h"

/* In the place of p11-kit's: what was to be loaded. */
static char loaded[PATH_MAX];

CK_FUNCTION_LIST *p11_kit_module_load(const char *path, int flags)
{
	(void)flags;
	snprintf(loaded, sizeof(loaded), "%s", path);
	return NULL;
}

static int set_up(void **state)
{
	(void)state;
	scratch_make(&test_scratch);
	assert_int_equal(mkdir(scratch_path(&test_scratch, "in"), 0755), 0);
	assert_int_equal(mkdir(scratch_path(&test_scratch, "out"), 0755), 0);
	return 0;
}

/* Only what is in the folder "in" may be loaded. */
static int allow_in(void **state)
{
	(void)state;
	return setenv("NFSTLS_PKCS11_MODULES",
		      scratch_join(&test_scratch, "/nowhere/*:", test_scratch.dir, "/in/*", NULL), 1);
}

static int forget(void **state)
{
	(void)state;
	return unsetenv("NFSTLS_PKCS11_MODULES");
}

static const char *module(const char *name, mode_t mode)
{
	return scratch_file(&test_scratch, name, "no ELF", 6, mode);
}

static void assert_check(const char *path, int error, const char *text)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;

	assert_error(module_check_path(path, &diag), error, &diag);
	assert_says(diag.text, text);
}

static void built_in_places(void **state)
{
	static const char system_file[] = "/usr/lib/os-release";

	(void)state;
	/* somewhere that no pattern of ours or of a packager's can mean */
	assert_check(module("out/m.so", 0644), NFSTLS_E_MODULE_DENIED, "is not under");
	assert_check("/usr/lib/nfstls-there-is-no-such-module.so", NFSTLS_E_MODULE, "No such file");
	if (access(system_file, R_OK) == 0 && strstr(PKCS11_MODULE_PATTERNS, "/usr/lib*/*"))
		assert_check(system_file, 0, "");
}

static void places_of_the_environment(void **state)
{
	(void)state;
	assert_check(module("in/m.so", 0644), 0, "");
	assert_check(module("out/m.so", 0644), NFSTLS_E_MODULE_DENIED, "is not under");
	assert_check("/usr/lib/os-release", NFSTLS_E_MODULE_DENIED, "is not under");
	/* where the file really is counts, not the way to it */
	assert_check(scratch_path(&test_scratch, "in/../out/m.so"), NFSTLS_E_MODULE_DENIED, "is not under");
	assert_check(scratch_path(&test_scratch, "out/../in/m.so"), 0, "");
}

static void symbolic_links(void **state)
{
	(void)state;
	module("in/real.so", 0644);
	module("out/real.so", 0644);
	assert_int_equal(symlink("../out/real.so", scratch_path(&test_scratch, "in/leads-out.so")), 0);
	assert_int_equal(symlink("../in/real.so", scratch_path(&test_scratch, "out/leads-in.so")), 0);
	assert_int_equal(symlink("missing.so", scratch_path(&test_scratch, "in/dangling.so")), 0);
	assert_check(scratch_path(&test_scratch, "in/leads-out.so"), NFSTLS_E_MODULE_DENIED, "is not under");
	assert_check(scratch_path(&test_scratch, "out/leads-in.so"), 0, "");
	assert_check(scratch_path(&test_scratch, "in/dangling.so"), NFSTLS_E_MODULE, "No such file");
}

static void relative_paths(void **state)
{
	(void)state;
	module("in/m.so", 0644);
	assert_int_equal(chdir(test_scratch.dir), 0);
	assert_check("in/m.so", NFSTLS_E_MODULE_DENIED, "absolute path");
	assert_check("m.so", NFSTLS_E_MODULE_DENIED, "absolute path");
	assert_check("", NFSTLS_E_MODULE_DENIED, "absolute path");
	assert_int_equal(chdir("/"), 0);
}

static void writable_by_others(void **state)
{
	static const mode_t open_modes[] = { 0664, 0646, 0666, 0777, 0620, 0602 };

	(void)state;
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++)
		assert_check(module("in/open.so", open_modes[i]), NFSTLS_E_MODULE_DENIED, "can be changed by others");
	assert_check(module("in/closed.so", 0700), 0, "");
}

static void of_another_owner(void **state)
{
	const char *path = module("in/foreign.so", 0644);

	(void)state;
	if (getuid() != 0)
		skip_because("only root can give a file away");
	assert_int_equal(chown(path, 65534, -1), 0);
	assert_check(path, NFSTLS_E_MODULE_DENIED, "can be changed by others");
}

/* The way from a URI to modules keeps to the same rules, and says what a file that is no module is. */
static void modules_of_a_uri(void **state)
{
	static const struct {
		const char *name;
		int error;
	} cases[] = {
		{ "in/text.so", NFSTLS_E_MODULE },
		{ "in/missing.so", NFSTLS_E_MODULE },
		{ "in/open.so", NFSTLS_E_MODULE_DENIED },
		{ "out/text.so", NFSTLS_E_MODULE_DENIED },
	};

	(void)state;
	module("in/text.so", 0644);
	module("in/open.so", 0666);
	module("out/text.so", 0644);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nfstls_diag diag = NFSTLS_DIAG_INIT;
		P11KitUri *uri = p11_kit_uri_new();
		struct module *list = NULL;
		size_t count = 0;

		assert_non_null(uri);
		p11_kit_uri_set_module_path(uri, scratch_path(&test_scratch, cases[i].name));
		assert_error(modules_for_uri(uri, &list, &count, &diag), cases[i].error, &diag);
		assert_says(diag.text, cases[i].name);
		p11_kit_uri_free(uri);
		free(list);
	}
	modules_unload();
}

/* What was checked is what is loaded, though somebody else may own a link on the way and turn it round between the two.
 */
static void link_that_is_turned_round(void **state)
{
	const char *path = scratch_path(&test_scratch, "out/turns.so");
	P11KitUri *uri = p11_kit_uri_new();
	struct module *list = NULL;
	size_t count = 0;

	(void)state;
	module("in/checked.so", 0644);
	assert_int_equal(symlink("../in/checked.so", path), 0);
	assert_non_null(uri);
	p11_kit_uri_set_module_path(uri, path);
	assert_error(modules_for_uri(uri, &list, &count, NULL), NFSTLS_E_MODULE, NULL);
	assert_string_equal(loaded, scratch_path(&test_scratch, "in/checked.so"));
	p11_kit_uri_free(uri);
	free(list);
}

static void module_name_that_is_not_configured(void **state)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	P11KitUri *uri = p11_kit_uri_new();
	struct module *list = NULL;
	size_t count = 0;

	(void)state;
	assert_non_null(uri);
	p11_kit_uri_set_module_name(uri, "nfstls-no-such");
	assert_error(modules_for_uri(uri, &list, &count, &diag), NFSTLS_E_MODULE, &diag);
	p11_kit_uri_free(uri);
	free(list);
	modules_unload();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(built_in_places, forget),
		cmocka_unit_test_setup_teardown(places_of_the_environment, allow_in, forget),
		cmocka_unit_test_setup_teardown(symbolic_links, allow_in, forget),
		cmocka_unit_test_setup_teardown(relative_paths, allow_in, forget),
		cmocka_unit_test_setup_teardown(writable_by_others, allow_in, forget),
		cmocka_unit_test_setup_teardown(of_another_owner, allow_in, forget),
		cmocka_unit_test_setup_teardown(modules_of_a_uri, allow_in, forget),
		cmocka_unit_test_setup_teardown(link_that_is_turned_round, allow_in, forget),
		cmocka_unit_test_setup(module_name_that_is_not_configured, forget),
	};

	return run_group(tests, set_up, scratch_tear_down);
}
