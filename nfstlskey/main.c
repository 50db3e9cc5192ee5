/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "command.h"
#include "netns.h"
#include "options.h"
#include "streams.h"
#include "table.h"

static enum exit_code verify_pin(const struct arguments *args)
{
	const struct pin_choice *pin = &args->source.pin;

	if (pin->prompt + (pin->fd >= 0) + (pin->file != NULL) > 1)
		return fail(EXIT_USAGE, args->identity, "one PIN is enough: --pin-prompt, --pin-fd or --pin-file");
	return EXIT_OK;
}

static enum exit_code verify_source(const struct arguments *args)
{
	const struct source *source = &args->source;

	if (source->pkcs11 && source->key_file)
		return fail(EXIT_USAGE, args->identity,
			    "the key is on a token (--pkcs11) or in a file (--key), not both");
	if (!source->pkcs11 && !source->key_file)
		return fail(EXIT_USAGE, args->identity, "which key? name it with --pkcs11 URI or --key FILE");
	return verify_pin(args);
}

/* Also a certificate alone, for the key that is there. */
static enum exit_code verify_change(const struct arguments *args)
{
	const struct source *source = &args->source;

	if (!args->dry_run && table_is_asked_for(args))
		return fail(EXIT_USAGE, args->identity, "only what --dry-run would change is printed as a table");
	if (source->pkcs11 || source->key_file || !source->cert_file)
		return verify_source(args);
	if (pin_is_chosen(&source->pin))
		return fail(EXIT_USAGE, args->identity, "with --cert alone the key stays, and so does its PIN");
	return EXIT_OK;
}

static enum exit_code verify_show(const struct arguments *args)
{
	if (args->mount_options && (args->probe || table_is_asked_for(args)))
		return fail(EXIT_USAGE, args->identity, "--mount-options is one line for mount -o, and no table");
	return EXIT_OK;
}

static enum exit_code verify_list(const struct arguments *args)
{
	if (args->all_netns && args->netns)
		return fail(EXIT_USAGE, NULL, "list: one network namespace, or all of them, not both");
	return EXIT_OK;
}

static enum exit_code verify_load(const struct arguments *args)
{
	if (pin_is_chosen(&args->source.pin) && args->identity_count != 1)
		return fail(EXIT_USAGE, NULL, "load: a PIN is for one identity; which?");
	return verify_pin(args);
}

/* What stands behind a command without a dash. */
enum word {
	WORD_NONE,
	WORD_IDENTITY,
	WORD_FOUND_IDENTITY, /* another tool may have named it */
	WORD_IDENTITY_OR_ALL,
	WORD_IDENTITIES_OR_ALL,
	WORD_URI /* or none */,
	WORD_IDENTITY_SERVER /* or one of them, or none */
};

static const struct command {
	const char *name;
	enum word word;
	const char *options; /* the letters of those in options.c that it takes */
	enum exit_code (*verify)(const struct arguments *args);
	enum exit_code (*run)(const struct arguments *args);
	const char *usage;
	const char *summary;
} commands[] = {
	{ "add", WORD_IDENTITY, "pckPDFTES", verify_source, cmd_add,
	  "IDENTITY {--pkcs11 URI [--cert FILE] [PIN] | --key FILE [--cert FILE]} [--expire] [--persist]",
	  "put an identity on the .nfs keyring" },
	{ "update", WORD_IDENTITY, "pckPDFTEdjrnoO", verify_change, cmd_update,
	  "IDENTITY {--pkcs11 URI [--cert FILE] [PIN] | --key FILE [--cert FILE] | --cert FILE} [--expire] [--dry-run [TABLE]]",
	  "change an identity under its mounts" },
	{ "list", WORD_NONE, "jrnoObA", verify_list, cmd_list, "[--all-netns] [--probe] [TABLE]",
	  "list the identities" },
	{ "show", WORD_FOUND_IDENTITY, "mjrnoOb", verify_show, cmd_show, "IDENTITY [--mount-options | [--probe] TABLE]",
	  "print an identity's serials, ready for mount -o, or what list says of it" },
	{ "export", WORD_IDENTITY, "", NULL, cmd_export, "IDENTITY",
	  "print its certificate, chain and token handle as PEM, for OpenSSL" },
	{ "remove", WORD_FOUND_IDENTITY, "S", NULL, cmd_remove, "IDENTITY [--persist]",
	  "take an identity off the keyring" },
	{ "load", WORD_IDENTITIES_OR_ALL, "aPDT", verify_load, cmd_load, "{IDENTITY... | IDENTITY PIN | --all}",
	  "put on the keyring what identity files describe" },
	{ "check-config", WORD_NONE, "", NULL, cmd_check_config, "", "find mistakes in the identity files" },
	{ "verify", WORD_IDENTITY_OR_ALL, "aCjrnoO", NULL, cmd_verify, "{IDENTITY | --all} [--ca FILE] [TABLE]",
	  "find out, without a server, whether handshakes will work" },
	{ "doctor", WORD_IDENTITY_SERVER, "jrnoO", NULL, cmd_doctor, "[IDENTITY] [SERVER:/PATH] [TABLE]",
	  "find out why a mount fails: the whole way, step by step" },
	{ "unlock", WORD_IDENTITY, "PDT", verify_pin, cmd_unlock, "IDENTITY [PIN]",
	  "try the PIN once, and let handshakes use the token again" },
	{ "lock", WORD_IDENTITY, "", NULL, cmd_lock, "IDENTITY", "forget the PIN, and let no handshake use the token" },
	{ "tokens", WORD_URI, "jrnoO", NULL, cmd_tokens, "[URI] [TABLE]",
	  "show tokens and their certificates, with the URIs that add takes; without a PIN" },
};

static enum exit_code print_help(void)
{
	puts("Usage: nfstlskey COMMAND [IDENTITY] [OPTION...]\n"
	     "Name the client identities of NFS over mutual TLS, with keys in PKCS#11 tokens or files.\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  nfstlskey %s%s%s\n          %s\n", commands[i].name, commands[i].usage[0] ? " " : "",
		       commands[i].usage, commands[i].summary);
	puts("\nPIN stands for the options that begin with --pin, TABLE for --json, --raw, --noheadings, --output and\n"
	     "--output-all. Every command takes --netns, and --help, which shows its options alone.\n");
	options_help(NULL);
	puts("\n"
	     "Example: nfstlskey add lab --pkcs11 'pkcs11:token=YubiKey%20PIV%20%23123456;id=%01' --pin-prompt\n"
	     "         mount -t nfstls -o tls_identity=lab server:/export /mnt\n"
	     "\n"
	     "See nfstlskey(8) for the exit status.");
	return EXIT_OK;
}

static enum exit_code print_command_help(const struct command *command)
{
	printf("Usage: nfstlskey %s%s%s\n%c%s.\n\n", command->name, command->usage[0] ? " " : "", command->usage,
	       toupper((unsigned char)command->summary[0]), command->summary + 1);
	options_help(command->options);
	if (strstr(command->usage, "PIN"))
		puts("\nPIN stands for the options that begin with --pin.");
	if (strstr(command->usage, "TABLE"))
		puts("\nTABLE stands for --json, --raw, --noheadings, --output and --output-all.");
	puts("\nSee nfstlskey(8) for more.");
	return EXIT_OK;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int words_at_most(enum word word)
{
	switch (word) {
	case WORD_NONE:
		return 0;
	case WORD_IDENTITY_SERVER:
		return 2;
	case WORD_IDENTITIES_OR_ALL:
		return INT_MAX;
	default:
		return 1;
	}
}

/* An identity has no colon in its name, and a server's address has one behind it. */
static enum exit_code take_identity_server(const struct command *command, int argc, char **argv, struct arguments *args)
{
	for (int i = 0; i < argc; i++) {
		const char **word = strchr(argv[i], ':') ? &args->server : &args->identity;

		if (*word)
			return fail(EXIT_USAGE, NULL,
				    "%s: one identity and one server at most; see nfstlskey %s --help", command->name,
				    command->name);
		*word = argv[i];
	}
	return args->identity ? identity_check_name(args->identity) : EXIT_OK;
}

static enum exit_code take_identities(const struct command *command, int argc, char **argv, struct arguments *args)
{
	enum exit_code code = EXIT_OK;

	if (args->all && argc == 0)
		return EXIT_OK;
	if (args->all)
		return fail(EXIT_USAGE, NULL, "%s: one identity, or --all of them, not both", command->name);
	if (argc == 0)
		return fail(EXIT_USAGE, NULL, "%s: which identity? see nfstlskey %s --help", command->name,
			    command->name);
	args->identity = argv[0];
	args->identities = argv;
	args->identity_count = argc;
	for (int i = 0; code == EXIT_OK && i < argc; i++)
		code = command->word == WORD_FOUND_IDENTITY ? identity_check_found_name(argv[i])
							    : identity_check_name(argv[i]);
	return code;
}

static enum exit_code take_words(const struct command *command, int argc, char **argv, struct arguments *args)
{
	int most = words_at_most(command->word);

	if (argc > most)
		return fail(EXIT_USAGE, NULL, "%s: unexpected argument '%s'; see nfstlskey %s --help", command->name,
			    argv[most], command->name);
	switch (command->word) {
	case WORD_NONE:
		return EXIT_OK;
	case WORD_URI:
		args->uri = argv[0];
		return EXIT_OK;
	case WORD_IDENTITY_SERVER:
		return take_identity_server(command, argc, argv, args);
	default:
		return take_identities(command, argc, argv, args);
	}
}

static enum exit_code run_command(const struct command *command, int argc, char **argv)
{
	struct arguments args = { .source.pin = { .fd = -1, .timeout = PIN_TIMEOUT_S } };
	bool help = false;
	enum exit_code code = options_parse(command->name, command->options, argc, argv, &args, &help);

	if (code != EXIT_OK)
		return code;
	if (help)
		return print_command_help(command);
	code = take_words(command, argc - optind, argv + optind, &args);
	if (code == EXIT_OK && command->verify)
		code = command->verify(&args);
	if (code == EXIT_OK && args.netns)
		code = netns_enter(args.identity, args.netns);
	if (code == EXIT_OK)
		code = command->run(&args);
	nfstls_cleanup();
	return code;
}

static enum exit_code run(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2)
		return fail(EXIT_USAGE, NULL, "which command? see nfstlskey --help");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help();
	if (strcmp(argv[1], "--version") == 0) {
		puts(PACKAGE_STRING);
		return EXIT_OK;
	}
	command = find_command(argv[1]);
	if (!command)
		return fail(EXIT_USAGE, NULL, "unknown command '%s'; see nfstlskey --help", argv[1]);
	return run_command(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int ret = streams_hold();

	if (ret < 0)
		return fail_errno(NULL, -ret, "/dev/null");
	/* Private keys and PINs pass through: no core dump, no ptrace by the like of us, no file for others. */
	prctl(PR_SET_DUMPABLE, 0);
	umask(077);
	/* a daemon that has started us may ignore it, and we wait for processes of our own */
	signal(SIGCHLD, SIG_DFL);
	setlocale(LC_ALL, "");
	return streams_end(run(argc, argv));
}
