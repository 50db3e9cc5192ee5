/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const struct {
	char letter;
	const char *name;
	const char *value; /* what --help calls it; NULL: it takes none */
	const char *help;
} options[] = {
	{ 'p', "pkcs11", "URI", "the key on a token, as an RFC 7512 URI" },
	{ 'c', "cert", "FILE", "the certificate and its intermediates, PEM or DER" },
	{ 'k', "key", "FILE", "a private key, PEM or DER, or a PEM \"PKCS#11 PROVIDER URI\"" },
	{ 'P', "pin-prompt", NULL, "ask for the token's PIN; the kernel keeps it for the handshakes" },
	{ 'D', "pin-fd", "N", "read the PIN from a file descriptor, and have the kernel keep it" },
	{ 'F', "pin-file", "FILE", "name a PIN file that each handshake reads" },
	{ 'T', "pin-timeout", "SECONDS", "how long the kernel keeps a PIN (a day)" },
	{ 'a', "all", NULL, "every identity; load: every identity file" },
	{ 'S', "persist", NULL, "add: write an identity file as well; remove: take it away" },
	{ 'C', "ca", "FILE", "the CA file that the server trusts, PEM or DER" },
	{ 'E', "expire", NULL, "have the kernel drop the identity when its certificate is valid no longer" },
	{ 'd', "dry-run", NULL, "make all the checks, say what would change, and change nothing" },
	{ 'm', "mount-options", NULL, "print what mount -o takes, for this kernel" },
	{ 'b', "probe", NULL, "ask for each token whether it is there; without a login" },
	{ 'A', "all-netns", NULL, "list the identities of all named network namespaces" },
	{ 'j', "json", NULL, "print a list as JSON" },
	{ 'r', "raw", NULL, "print a list with single spaces, and \\x20 for one in a cell" },
	{ 'n', "noheadings", NULL, "print a list without its first line" },
	{ 'o', "output", "COLUMN,...", "print these columns of a list" },
	{ 'O', "output-all", NULL, "print all columns of a list" },
	{ 'N', "netns", "NAME|PATH", "work in this network namespace, as if started there" },
	{ 'h', "help", NULL, "print this; behind a command, its options alone" },
	{ 'V', "version", NULL, "print the version; in the place of a command" },
};

/* Those that every command takes. */
static const char common_letters[] = "N";

/* Those with a short form: -o is that of others that print tables, -c and -k are those of ktls-utils' nfstlskey. */
static const char short_forms[] = ":o:c:k:";

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

/* Whether a command with these letters takes an option. Each has a --help, and --version stands alone. */
static bool is_taken(const char *letters, char letter)
{
	return strchr(letters, letter) || strchr(common_letters, letter) || letter == 'h';
}

void options_help(const char *letters)
{
	char usage[32], short_form[] = "-x, ";

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (letters && !is_taken(letters, options[i].letter))
			continue;
		short_form[1] = options[i].letter;
		snprintf(usage, sizeof(usage), "%s--%s%s%s", strchr(short_forms, options[i].letter) ? short_form : "",
			 options[i].name, options[i].value ? " " : "", options[i].value ? options[i].value : "");
		printf("  %-23s %s\n", usage, options[i].help);
	}
}

static const char *name_of(char letter)
{
	size_t i = 0;

	while (options[i].letter != letter)
		i++;
	return options[i].name;
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

static enum exit_code take_option(int letter, struct arguments *args)
{
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
	case 'S':
		args->persist = true;
		break;
	case 'C':
		args->ca_file = optarg;
		break;
	case 'E':
		args->source.expires = true;
		break;
	case 'd':
		args->dry_run = true;
		break;
	case 'j':
		args->json = true;
		break;
	case 'm':
		args->mount_options = true;
		break;
	case 'b':
		args->probe = true;
		break;
	case 'A':
		args->all_netns = true;
		break;
	case 'r':
		args->raw = true;
		break;
	case 'o':
		args->output = optarg;
		break;
	case 'O':
		args->output_all = true;
		break;
	case 'N':
		args->netns = optarg;
		break;
	case 'n':
		args->no_headings = true;
		break;
	}
	return EXIT_OK;
}

enum exit_code options_parse(const char *command, const char *letters, int argc, char **argv, struct arguments *args,
			     bool *help)
{
	struct option known[OPTION_COUNT + 1] = { { NULL, 0, NULL, 0 } };
	enum exit_code code = EXIT_OK;
	int letter;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		known[i] = (struct option){ options[i].name, options[i].value ? required_argument : no_argument, NULL,
					    options[i].letter };
	while (code == EXIT_OK && !*help && (letter = getopt_long(argc, argv, short_forms, known, NULL)) != -1) {
		if (letter == 'h')
			*help = true;
		else if (letter == ':')
			code = fail(EXIT_USAGE, NULL, "option %s needs a value; see nfstlskey %s --help",
				    argv[optind - 1], command);
		else if (letter == '?')
			code = fail(EXIT_USAGE, NULL, "unknown option %s; see nfstlskey %s --help",
				    refused_word(argc, argv), command);
		else if (!is_taken(letters, letter))
			code = fail(EXIT_USAGE, NULL, "%s does not take --%s; see nfstlskey %s --help", command,
				    name_of(letter), command);
		else
			code = take_option(letter, args);
	}
	return code;
}
