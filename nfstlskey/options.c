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
	{ 'j', "json", NULL, "print a list as JSON" },
	{ 'n', "noheadings", NULL, "print a list without its first line" },
	{ 'h', "help", NULL, "print this" },
	{ 'V', "version", NULL, "print the version; in the place of a command" },
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

void options_help(void)
{
	char usage[32];

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		snprintf(usage, sizeof(usage), "--%s%s%s", options[i].name, options[i].value ? " " : "",
			 options[i].value ? options[i].value : "");
		printf("  %-22s %s\n", usage, options[i].help);
	}
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
	case 'j':
		args->json = true;
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
	while (code == EXIT_OK && !*help && (letter = getopt_long(argc, argv, ":", known, NULL)) != -1) {
		if (letter == 'h')
			*help = true;
		else if (letter == ':')
			code = fail(EXIT_USAGE, NULL, "option %s needs a value; see nfstlskey --help",
				    argv[optind - 1]);
		else if (letter == '?')
			code = fail(EXIT_USAGE, NULL, "unknown option %s; see nfstlskey --help",
				    refused_word(argc, argv));
		else if (!strchr(letters, letter))
			code = fail(EXIT_USAGE, NULL, "%s does not take that option; see nfstlskey --help", command);
		else
			code = take_option(letter, args);
	}
	return code;
}
