/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mount.nfstls makes of the options of a mount. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mount_options.h"
#include "unit.h"

static void assert_taken(const char *given, const char *left, const char *name)
{
	char *options = strdup(given), *identity;

	assert_int_equal(options_take_identity(&options, &identity), EXIT_OK);
	assert_string_equal(options, left);
	assert_string_equal(identity, name);
	free(options);
	free(identity);
}

static void taken(void **state)
{
	(void)state;
	assert_taken("tls_identity=lab", "xprtsec=mtls", "lab");
	assert_taken("rw,tls_identity=lab,vers=4.2", "rw,vers=4.2,xprtsec=mtls", "lab");
	assert_taken("xprtsec=mtls,tls_identity=lab", "xprtsec=mtls", "lab");
	/* as in mount(8), what comes later counts */
	assert_taken("tls_identity=one,rw,tls_identity=two", "rw,xprtsec=mtls", "two");
	assert_taken("xprtsec=tls,tls_identity=lab,xprtsec=mtls", "xprtsec=mtls", "lab");
	/* and for the kernel what is last in the string, which it takes apart without regard to quotes */
	assert_taken("xprtsec=mtls,tls_identity=lab,context=\"a:c1,c2.c5,c7\"",
		     "context=\"a:c1,c2.c5,c7\",xprtsec=mtls", "lab");
	assert_taken("fsc=\"a\",tls_identity=lab", "fsc=\"a\",xprtsec=mtls", "lab");
	/* names of options that only begin alike, and all that a name may have in it */
	assert_taken("tls_identity2=x,tls_identity=a/b=c.d", "tls_identity2=x,xprtsec=mtls", "a/b=c.d");
}

static int child_takes(void *arg)
{
	char *options = strdup(arg), *identity;
	int code = options_take_identity(&options, &identity);

	free(options);
	free(identity);
	return code;
}

static void assert_refused(const char *given, const char *words)
{
	struct outcome outcome;

	run_in_child(child_takes, (char *)given, &outcome);
	assert_int_equal(outcome.status, EXIT_USAGE);
	assert_int_equal(count_lines(outcome.err), 1);
	assert_says(outcome.err, words);
}

static void refused(void **state)
{
	char longest[] = "tls_identity=........................................................................"
			 "................................................................................."
			 "................................................" /* 201 */;

	(void)state;
	assert_int_equal(strlen(strchr(longest, '=') + 1), 201);
	assert_refused("", "which identity");
	assert_refused("rw,vers=4.2", "which identity");
	assert_refused("tls_identity2=lab", "which identity");
	assert_refused("tls_identity", "1 to 200 bytes");
	assert_refused("tls_identity=", "1 to 200 bytes");
	assert_refused("tls_identity=lab,tls_identity=", "1 to 200 bytes");
	assert_refused(longest, "not 201");
	longest[strlen(longest) - 1] = '\0';
	assert_taken(longest, "xprtsec=mtls", strchr(longest, '=') + 1);
	assert_refused("tls_identity=a:b", "printable ASCII");
	assert_refused("tls_identity=a;b", "printable ASCII");
	assert_refused("tls_identity=a b", "printable ASCII");
	assert_refused("tls_identity=\xc3\xa4", "printable ASCII");
	assert_refused("tls_identity=lab,xprtsec=tls", "needs xprtsec=mtls");
	assert_refused("tls_identity=lab,xprtsec=none", "needs xprtsec=mtls");
	assert_refused("tls_identity=lab,xprtsec=mtls2", "needs xprtsec=mtls");
	assert_refused("tls_identity=lab,xprtsec=mtl", "needs xprtsec=mtls");
	assert_refused("tls_identity=lab,xprtsec", "needs xprtsec=mtls");
	assert_refused("xprtsec=mtls,tls_identity=lab,xprtsec=tls", "needs xprtsec=mtls");
	assert_refused("tls_identity=lab,xprtsec=mtls,fsc=\"x,xprtsec=none,fsc=\"", "fsc has a comma in quotes");
	assert_refused("tls_identity=\"lab,x\"", "comma in quotes");
	assert_refused("tls_identity=lab,\"x,vers=3,y\"", "comma in quotes");
	assert_refused("tls_identity=lab,context=\"a,xprtsec=none,b\"", "comma in quotes");
	assert_refused("tls_identity=lab,vers=3,context=\"a,v4.2,b\"", "comma in quotes");
	assert_refused("tls_identity=lab,context=\"a:c1,c\"", "comma in quotes");
	assert_refused("tls_identity=lab,context=\"a:c1,\"", "comma in quotes");
	assert_refused("tls_identity=lab,othercontext=\"a,b\"", "comma in quotes");
	assert_refused("tls_identity=lab,fsc=\"x", "does not end");
	assert_refused("tls_identity=lab,cert_s\"rial=0", "does not end");
	assert_refused("tls_identity=lab,cert_serial=1", "excludes cert_serial=");
	assert_refused("privkey_serial=1,tls_identity=lab", "excludes cert_serial=");
}

static void appended(void **state)
{
	char *options = strdup("rw");

	(void)state;
	assert_int_equal(options_append(&options, "tls_identity", "lab"), 0);
	assert_int_equal(options_append_serial(&options, "cert_serial", 2147483647), 0);
	assert_string_equal(options, "rw,tls_identity=lab,cert_serial=2147483647");
	free(options);
}

static void version(void **state)
{
	(void)state;
	assert_true(options_want_v3("vers=3"));
	assert_true(options_want_v3("rw,nfsvers=3,nolock"));
	assert_true(options_want_v3("v3"));
	assert_false(options_want_v3(""));
	assert_false(options_want_v3("vers=4.2"));
	assert_false(options_want_v3("vers=4,mountvers=3"));
	assert_false(options_want_v3("vers=30"));
	assert_false(options_want_v3("vers=3,vers=4.2"));
	assert_false(options_want_v3("v3,nfsvers=4"));
	assert_false(options_want_v3("v3,v4.1"));
	assert_true(options_want_v3("vers=4.2,v3"));
	assert_false(options_want_v3("v3=4.2"));
}

static void remount(void **state)
{
	(void)state;
	assert_true(options_want_remount("remount"));
	assert_true(options_want_remount("ro,remount,vers=4.2"));
	assert_false(options_want_remount(""));
	assert_false(options_want_remount("x-remount"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),   cmocka_unit_test(refused), cmocka_unit_test(appended),
		cmocka_unit_test(version), cmocka_unit_test(remount),
	};

	return run_group(tests, NULL, NULL);
}
