/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: what is refused before a keyring is asked, with one line and status 2, and what is only printed. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

/* The top of the build tree is the current folder of a test of automake's. */
#define COMMAND "nfstlskey/nfstlskey"

#define ARGS_MAX 8

static int child_executes(void *arg)
{
	execv(COMMAND, arg);
	return 127;
}

/* Words up to a NULL, or all of them. */
static void run(const char *const *words, struct outcome *outcome)
{
	char *argv[ARGS_MAX + 2] = { (char *)COMMAND };

	for (size_t i = 0; i < ARGS_MAX && words[i]; i++)
		argv[i + 1] = (char *)words[i];
	run_in_child(child_executes, argv, outcome);
	/* 127: it is not where we are */
	assert_int_not_equal(outcome->status, 127);
}

static void assert_usage(const char *const *words, const char *text)
{
	struct outcome outcome;

	run(words, &outcome);
	assert_says(outcome.err, text);
	assert_int_equal(outcome.status, 2);
	assert_int_equal(count_lines(outcome.err), 1);
	assert_int_equal(strncmp(outcome.err, "nfstlskey: ", 11), 0);
	assert_string_equal(outcome.out, "");
}

struct usage {
	const char *words[ARGS_MAX];
	const char *text;
};

static void assert_usages(const struct usage *usages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_usage(usages[i].words, usages[i].text);
}

static void commands(void **state)
{
	static const struct usage usages[] = {
		{ { NULL }, "which command" },
		{ { "frobnicate" }, "unknown command 'frobnicate'" },
		{ { "" }, "unknown command ''" },
		{ { "ADD", "lab" }, "unknown command 'ADD'" },
		{ { "--pkcs11", "pkcs11:", "add" }, "unknown command '--pkcs11'" },
	};

	(void)state;
	assert_usages(usages, sizeof(usages) / sizeof(usages[0]));
}

static void identities(void **state)
{
	static const struct usage usages[] = {
		{ { "add" }, "which identity" },
		{ { "add", "--key", "f" }, "which identity" },
		{ { "update" }, "which identity" },
		{ { "show" }, "which identity" },
		{ { "remove" }, "which identity" },
		{ { "load" }, "which identity" },
		{ { "load", "a", "b:c" }, "printable ASCII" },
		{ { "load", "a", "--all" }, "not both" },
		{ { "check-config", "a" }, "unexpected argument 'a'" },
		{ { "verify" }, "which identity" },
		{ { "verify", "a", "b" }, "unexpected argument 'b'" },
		{ { "verify", "a", "--all" }, "not both" },
		{ { "verify", "a:b" }, "printable ASCII" },
		{ { "show", "a", "b" }, "unexpected argument 'b'" },
		{ { "add", "a", "b", "--key", "f" }, "unexpected argument 'b'" },
		{ { "list", "a" }, "unexpected argument 'a'" },
		{ { "tokens", "pkcs11:", "b" }, "unexpected argument 'b'" },
		{ { "show", "" }, "1 to 200 bytes" },
		{ { "show", "a b" }, "printable ASCII" },
		{ { "show", "a:b" }, "printable ASCII" },
		{ { "show", "a;b" }, "printable ASCII" },
		{ { "show", "a,b" }, "printable ASCII" },
		{ { "show", "a\nb" }, "printable ASCII" },
		{ { "show", "a\x7f" }, "printable ASCII" },
		{ { "show", "\xc3\xa4" }, "printable ASCII" },
		{ { "add", "a:b", "--key", "f", "--cert", "f" }, "printable ASCII" },
	};

	(void)state;
	assert_usages(usages, sizeof(usages) / sizeof(usages[0]));
}

/* As root the next step is the keyring, which may be there or not; for others it is that they are not root. */
static void assert_goes_on(const char *const *words)
{
	struct outcome outcome;

	run(words, &outcome);
	assert_int_not_equal(outcome.status, 0);
	assert_int_not_equal(outcome.status, 2);
	assert_int_equal(count_lines(outcome.err), 1);
}

/* What another tool has put on the keyring can be shown and removed. */
static void lengths_of_identities(void **state)
{
	char name[202];
	const char *words[ARGS_MAX] = { "export", name };
	const char *shows[ARGS_MAX] = { "show", name }, *removes[ARGS_MAX] = { "remove", name };

	(void)state;
	memset(name, 'n', sizeof(name));
	name[201] = '\0';
	assert_usage(words, "1 to 200 bytes");
	assert_goes_on(shows);
	assert_goes_on(removes);
	name[200] = '\0';
	assert_goes_on(words);
	name[0] = ':';
	name[200] = 'n';
	assert_usage(shows, "1 to 200 bytes");
}

static void options(void **state)
{
	static const struct usage usages[] = {
		{ { "add", "lab", "--frobnicate" }, "unknown option --frobnicate" },
		{ { "add", "lab", "-x" }, "unknown option -x" },
		{ { "add", "lab", "-pkcs11", "pkcs11:" }, "unknown option -pkcs11" },
		{ { "add", "-pkcs11", "pkcs11:", "lab" }, "unknown option -pkcs11" },
		{ { "add", "lab", "--cert=f", "-pkcs11", "pkcs11:" }, "unknown option -pkcs11" },
		{ { "list", "--json=yes" }, "--json" },
		{ { "add", "lab", "--pkcs11" }, "--pkcs11 needs a value" },
		{ { "add", "lab", "--key", "f", "--cert" }, "--cert needs a value" },
		{ { "show", "lab", "--pkcs11", "pkcs11:" }, "show does not take --pkcs11; see nfstlskey show --help" },
		{ { "verify", "lab", "--key", "f" }, "verify does not take --key; see nfstlskey verify --help" },
		{ { "verify", "lab", "--ca" }, "--ca needs a value" },
		{ { "show", "lab", "--all" }, "show does not take --all; see nfstlskey show --help" },
		{ { "remove", "lab", "--json" }, "remove does not take --json; see nfstlskey remove --help" },
		{ { "list", "--netns" }, "--netns needs a value" },
		{ { "list", "--netns", "a", "--all-netns" }, "not both" },
		{ { "list", "-o" }, "-o needs a value" },
		{ { "remove", "lab", "--cert", "f" }, "remove does not take --cert; see nfstlskey remove --help" },
		{ { "update", "lab", "--persist" }, "update does not take --persist; see nfstlskey update --help" },
		{ { "load", "a", "b", "--pin-prompt" }, "a PIN is for one identity" },
		{ { "load", "--all", "--pin-fd", "0" }, "a PIN is for one identity" },
		{ { "add", "lab", "--json" }, "add does not take --json; see nfstlskey add --help" },
		{ { "unlock", "lab", "--pin-timeout", "0" }, "would keep no PIN" },
		{ { "unlock", "lab", "--pin-timeout", "9x" }, "takes a number from 0 to" },
		{ { "unlock", "lab", "--pin-fd", "-1" }, "takes a number from 0 to" },
		{ { "list", "--key", "f" }, "list does not take --key; see nfstlskey list --help" },
		{ { "tokens", "--key", "f" }, "tokens does not take --key; see nfstlskey tokens --help" },
	};

	(void)state;
	assert_usages(usages, sizeof(usages) / sizeof(usages[0]));
}

static void sources(void **state)
{
	static const struct usage usages[] = {
		{ { "add", "lab" }, "which key" },
		{ { "update", "lab" }, "which key" },
		{ { "add", "lab", "--cert", "f" }, "which key" },
		{ { "update", "lab", "--cert", "f", "--pin-prompt" }, "the key stays" },
		{ { "add", "lab", "--pkcs11", "pkcs11:", "--key", "f" }, "not both" },
		{ { "update", "--key", "f", "lab", "--pkcs11", "pkcs11:" }, "not both" },
	};

	(void)state;
	assert_usages(usages, sizeof(usages) / sizeof(usages[0]));
}

static void assert_prints(const char *const *words, const char *text)
{
	struct outcome outcome;

	run(words, &outcome);
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	assert_says(outcome.out, text);
}

static void help(void **state)
{
	static const char *const forms[][ARGS_MAX] = {
		{ "--help" },
		{ "-h" },
	};
	static const struct usage of_commands[] = {
		{ { "add", "--help" }, "Usage: nfstlskey add IDENTITY {--pkcs11 URI" },
		{ { "add", "--help" }, "  --pin-file FILE " },
		{ { "list", "--help" }, "Usage: nfstlskey list [--all-netns]" },
		{ { "show", "lab", "--help" }, "  --netns NAME|PATH " },
		{ { "check-config", "--help" }, "Usage: nfstlskey check-config\n" },
	};
	static const char *const remove_help[ARGS_MAX] = { "remove", "--help" };
	static const char *const commands_named[] = { "add",	"update", "list", "show",	 "remove",
						      "verify", "tokens", "load", "check-config" };
	struct outcome outcome;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_prints(forms[i], "Usage: nfstlskey COMMAND");
	for (size_t i = 0; i < sizeof(commands_named) / sizeof(commands_named[0]); i++) {
		snprintf(text, sizeof(text), "  nfstlskey %s", commands_named[i]);
		assert_prints(forms[0], text);
	}
	for (size_t i = 0; i < sizeof(of_commands) / sizeof(of_commands[0]); i++)
		assert_prints(of_commands[i].words, of_commands[i].text);
	run(remove_help, &outcome);
	assert_says(outcome.out, "  --persist ");
	assert_null(strstr(outcome.out, "--pkcs11"));
	assert_null(strstr(outcome.out, "--version"));
}

static int child_loses_output(void *arg)
{
	static char *const argv[] = { (char *)COMMAND, (char *)"--help", NULL };
	int full = arg ? open(arg, O_WRONLY) : -1;

	if (arg)
		dup2(full, STDOUT_FILENO);
	else
		close(STDOUT_FILENO);
	execv(COMMAND, argv);
	return 127;
}

/* What was printed and did not arrive is no success. */
static void lost_output(void **state)
{
	struct outcome outcome;

	(void)state;
	run_in_child(child_loses_output, (void *)"/dev/full", &outcome);
	assert_int_equal(outcome.status, 1);
	assert_string_equal(outcome.err, "nfstlskey: standard output: No space left on device\n");
	run_in_child(child_loses_output, NULL, &outcome);
	assert_int_equal(outcome.status, 1);
	assert_string_equal(outcome.err, "nfstlskey: standard output: Bad file descriptor\n");
}

static void version(void **state)
{
	static const char *const words[ARGS_MAX] = { "--version" };

	(void)state;
	assert_prints(words, PACKAGE_STRING "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands), cmocka_unit_test(identities),  cmocka_unit_test(lengths_of_identities),
		cmocka_unit_test(options),  cmocka_unit_test(sources),	   cmocka_unit_test(help),
		cmocka_unit_test(version),  cmocka_unit_test(lost_output),
	};

	return run_group(tests, NULL, NULL);
}
