/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "command.h"

static enum exit_code verify_source(const struct arguments *args)
{
	const struct source *source = &args->source;

	if (source->pkcs11 && source->key_file)
		return fail(EXIT_USAGE, args->identity,
			    "the key is on a token (--pkcs11) or in a file (--key), not both");
	if (!source->pkcs11 && !source->key_file)
		return fail(EXIT_USAGE, args->identity, "which key? name it with --pkcs11 URI or --key FILE");
	return EXIT_OK;
}

/* What stands behind a command without a dash. */
enum word { WORD_NONE, WORD_IDENTITY, WORD_URI /* or none */ };

static const struct command {
	const char *name;
	enum word word;
	const char *options; /* the letters of the long options below that it takes */
	enum exit_code (*verify)(const struct arguments *args);
	enum exit_code (*run)(const struct arguments *args);
	const char *usage;
	const char *summary;
} commands[] = {
	{ "add", WORD_IDENTITY, "pck", verify_source, cmd_add,
	  "IDENTITY {--pkcs11 URI [--cert FILE] | --key FILE [--cert FILE]}", "put an identity on the .nfs keyring" },
	{ "update", WORD_IDENTITY, "pck", verify_source, cmd_update,
	  "IDENTITY {--pkcs11 URI [--cert FILE] | --key FILE [--cert FILE]}", "change an identity under its mounts" },
	{ "list", WORD_NONE, "jn", NULL, cmd_list, "[--json] [--noheadings]", "list the identities" },
	{ "show", WORD_IDENTITY, "", NULL, cmd_show, "IDENTITY", "print an identity's serials, ready for mount -o" },
	{ "remove", WORD_IDENTITY, "", NULL, cmd_remove, "IDENTITY", "take an identity off the keyring" },
	{ "tokens", WORD_URI, "jn", NULL, cmd_tokens, "[URI] [--json] [--noheadings]",
	  "show tokens and their certificates, with the URIs that add takes; without a PIN" },
};

static const struct option long_options[] = {
	{ "pkcs11", required_argument, NULL, 'p' }, { "cert", required_argument, NULL, 'c' },
	{ "key", required_argument, NULL, 'k' },    { "json", no_argument, NULL, 'j' },
	{ "noheadings", no_argument, NULL, 'n' },   { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },	    { NULL, 0, NULL, 0 },
};

static enum exit_code print_help(void)
{
	puts("Usage: nfstlskey COMMAND [IDENTITY] [OPTION...]\n"
	     "Name the client identities of NFS over mutual TLS, with keys in PKCS#11 tokens or files.\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  nfstlskey %s %s\n          %s\n", commands[i].name, commands[i].usage, commands[i].summary);
	puts("\n"
	     "  --pkcs11 URI   the key on a token, as an RFC 7512 URI; name a PIN file with ?pin-source=file:PATH\n"
	     "  --cert FILE    the certificate and its intermediates, PEM or DER\n"
	     "  --key FILE     a private key, PEM or DER, or a PEM \"PKCS#11 PROVIDER URI\"\n"
	     "  --json         print a list as JSON\n"
	     "  --noheadings   print a list without its first line\n"
	     "  --help, --version\n"
	     "\n"
	     "Example: nfstlskey add lab --pkcs11 'pkcs11:token=YubiKey%20PIV?pin-source=file:/etc/nfs/lab.pin'\n"
	     "         mount -t nfstls -o tls_identity=lab server:/export /mnt\n"
	     "\n"
	     "See nfstlskey(8) for the exit status.");
	return EXIT_OK;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static enum exit_code take_option(const struct command *command, int letter, struct arguments *args)
{
	if (!strchr(command->options, letter))
		return fail(EXIT_USAGE, NULL, "%s does not take that option; see nfstlskey --help", command->name);
	switch (letter) {
	case 'p':
		args->source.pkcs11 = optarg;
		break;
	case 'c':
		args->source.cert_file = optarg;
		break;
	case 'k':
		args->source.key_file = optarg;
		break;
	case 'j':
		args->json = true;
		break;
	case 'n':
		args->no_headings = true;
		break;
	}
	return EXIT_OK;
}

static enum exit_code take_word(const struct command *command, int argc, char **argv, struct arguments *args)
{
	int most = command->word == WORD_NONE ? 0 : 1;

	if (argc > most)
		return fail(EXIT_USAGE, NULL, "%s: unexpected argument '%s'; see nfstlskey --help", command->name,
			    argv[most]);
	if (command->word == WORD_URI)
		args->uri = argv[0];
	if (command->word != WORD_IDENTITY)
		return EXIT_OK;
	if (argc == 0)
		return fail(EXIT_USAGE, NULL, "%s: which identity? see nfstlskey --help", command->name);
	args->identity = argv[0];
	return identity_check_name(args->identity);
}

/* Options may stand before, between and after the other words, as everywhere. */
static enum exit_code run_command(const struct command *command, int argc, char **argv)
{
	struct arguments args = { .identity = NULL };
	enum exit_code code;
	int letter;

	while ((letter = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (letter == 'h')
			return print_help();
		if (letter == ':')
			return fail(EXIT_USAGE, NULL, "option %s needs a value; see nfstlskey --help",
				    argv[optind - 1]);
		if (letter == '?')
			return fail(EXIT_USAGE, NULL, "unknown option %s; see nfstlskey --help",
				    refused_word(argc, argv));
		code = take_option(command, letter, &args);
		if (code != EXIT_OK)
			return code;
	}
	code = take_word(command, argc - optind, argv + optind, &args);
	if (code == EXIT_OK && command->verify)
		code = command->verify(&args);
	return code == EXIT_OK ? command->run(&args) : code;
}

int main(int argc, char **argv)
{
	const struct command *command;

	/* Private keys and PINs pass through: no core dump, no ptrace by the like of us, no file for others. */
	prctl(PR_SET_DUMPABLE, 0);
	umask(077);
	setlocale(LC_ALL, "");

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
