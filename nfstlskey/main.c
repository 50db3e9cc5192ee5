/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "command.h"

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

/* What stands behind a command without a dash. */
enum word { WORD_NONE, WORD_IDENTITY, WORD_IDENTITY_OR_ALL, WORD_URI /* or none */ };

static const struct command {
	const char *name;
	enum word word;
	const char *options; /* the letters of the long options below that it takes */
	enum exit_code (*verify)(const struct arguments *args);
	enum exit_code (*run)(const struct arguments *args);
	const char *usage;
	const char *summary;
} commands[] = {
	{ "add", WORD_IDENTITY, "pckPDFT", verify_source, cmd_add,
	  "IDENTITY {--pkcs11 URI [--cert FILE] [PIN] | --key FILE [--cert FILE]}",
	  "put an identity on the .nfs keyring" },
	{ "update", WORD_IDENTITY, "pckPDFT", verify_source, cmd_update,
	  "IDENTITY {--pkcs11 URI [--cert FILE] [PIN] | --key FILE [--cert FILE]}",
	  "change an identity under its mounts" },
	{ "list", WORD_NONE, "jn", NULL, cmd_list, "[--json] [--noheadings]", "list the identities" },
	{ "show", WORD_IDENTITY, "", NULL, cmd_show, "IDENTITY", "print an identity's serials, ready for mount -o" },
	{ "remove", WORD_IDENTITY, "", NULL, cmd_remove, "IDENTITY", "take an identity off the keyring" },
	{ "verify", WORD_IDENTITY_OR_ALL, "aCjn", NULL, cmd_verify,
	  "{IDENTITY | --all} [--ca FILE] [--json] [--noheadings]",
	  "find out, without a server, whether handshakes will work" },
	{ "unlock", WORD_IDENTITY, "PDT", verify_pin, cmd_unlock, "IDENTITY [PIN]",
	  "try the PIN once, and let handshakes use the token again" },
	{ "lock", WORD_IDENTITY, "", NULL, cmd_lock, "IDENTITY", "forget the PIN, and let no handshake use the token" },
	{ "tokens", WORD_URI, "jn", NULL, cmd_tokens, "[URI] [--json] [--noheadings]",
	  "show tokens and their certificates, with the URIs that add takes; without a PIN" },
};

static const struct option long_options[] = {
	{ "pkcs11", required_argument, NULL, 'p' },	 { "cert", required_argument, NULL, 'c' },
	{ "key", required_argument, NULL, 'k' },	 { "pin-prompt", no_argument, NULL, 'P' },
	{ "pin-fd", required_argument, NULL, 'D' },	 { "pin-file", required_argument, NULL, 'F' },
	{ "pin-timeout", required_argument, NULL, 'T' }, { "json", no_argument, NULL, 'j' },
	{ "noheadings", no_argument, NULL, 'n' },	 { "all", no_argument, NULL, 'a' },
	{ "ca", required_argument, NULL, 'C' },		 { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },		 { NULL, 0, NULL, 0 },
};

static enum exit_code print_help(void)
{
	puts("Usage: nfstlskey COMMAND [IDENTITY] [OPTION...]\n"
	     "Name the client identities of NFS over mutual TLS, with keys in PKCS#11 tokens or files.\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  nfstlskey %s %s\n          %s\n", commands[i].name, commands[i].usage, commands[i].summary);
	puts("\n"
	     "  --pkcs11 URI   the key on a token, as an RFC 7512 URI\n"
	     "  --cert FILE    the certificate and its intermediates, PEM or DER\n"
	     "  --key FILE     a private key, PEM or DER, or a PEM \"PKCS#11 PROVIDER URI\"\n"
	     "  --pin-prompt   ask for the token's PIN; the kernel keeps it for the handshakes\n"
	     "  --pin-fd N     read the PIN from a file descriptor, and have the kernel keep it\n"
	     "  --pin-file F   name a PIN file that each handshake reads\n"
	     "  --pin-timeout SECONDS   how long the kernel keeps a PIN (a day)\n"
	     "  --all          verify every identity\n"
	     "  --ca FILE      the CA file that the server trusts, PEM or DER\n"
	     "  --json         print a list as JSON\n"
	     "  --noheadings   print a list without its first line\n"
	     "  --help, --version\n"
	     "\n"
	     "Example: nfstlskey add lab --pkcs11 'pkcs11:token=YubiKey%20PIV' --pin-prompt\n"
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

static enum exit_code take_number(const char *option, unsigned int most, unsigned int *number)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(optarg, &end, 10);
	if (errno || *end || optarg[0] < '0' || optarg[0] > '9' || value > most)
		return fail(EXIT_USAGE, NULL, "%s takes a number from 0 to %u, not '%s'", option, most, optarg);
	*number = value;
	return EXIT_OK;
}

static enum exit_code take_pin_option(int letter, struct pin_choice *pin)
{
	enum exit_code code = EXIT_OK;
	unsigned int number = 0;

	switch (letter) {
	case 'P':
		pin->prompt = true;
		break;
	case 'D':
		code = take_number("--pin-fd", INT_MAX, &number);
		pin->fd = number;
		break;
	case 'F':
		pin->file = optarg;
		break;
	case 'T':
		code = take_number("--pin-timeout", PIN_TIMEOUT_MAX_S, &pin->timeout);
		if (code == EXIT_OK && pin->timeout == 0)
			code = fail(EXIT_USAGE, NULL, "--pin-timeout 0 would keep no PIN; leave the PIN options out");
		break;
	}
	return code;
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
	case 'P':
	case 'D':
	case 'F':
	case 'T':
		return take_pin_option(letter, &args->source.pin);
	case 'a':
		args->all = true;
		break;
	case 'C':
		args->ca_file = optarg;
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
	if (command->word == WORD_NONE || command->word == WORD_URI || (args->all && argc == 0))
		return EXIT_OK;
	if (args->all)
		return fail(EXIT_USAGE, NULL, "%s: one identity, or --all of them, not both", command->name);
	if (argc == 0)
		return fail(EXIT_USAGE, NULL, "%s: which identity? see nfstlskey --help", command->name);
	args->identity = argv[0];
	return identity_check_name(args->identity);
}

/* Options may stand before, between and after the other words, as everywhere. */
static enum exit_code run_command(const struct command *command, int argc, char **argv)
{
	struct arguments args = { .source.pin = { .fd = -1, .timeout = PIN_TIMEOUT_S } };
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
	if (code == EXIT_OK)
		code = command->run(&args);
	nfstls_cleanup();
	return code;
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
