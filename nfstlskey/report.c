/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* What each error of the library means to a script, and to the person who reads it. */
static const struct {
	enum exit_code code;
	const char *remedy;
} outcomes[] = {
	[-NFSTLS_E_MEMORY] = { EXIT_OTHER, NULL },
	[-NFSTLS_E_CRYPTO] = { EXIT_OTHER, NULL },
	[-NFSTLS_E_HANDLE] = { EXIT_FILE, "make the PEM again with the tool that wrote it" },
	[-NFSTLS_E_PEM] = { EXIT_FILE, "give a PEM or DER file" },
	[-NFSTLS_E_URI] = { EXIT_USAGE, "see nfstlskey tokens for the URIs of what there is" },
	[-NFSTLS_E_URI_SECRET] = { EXIT_USAGE, NULL },
	[-NFSTLS_E_URI_TYPE] = { EXIT_USAGE, "name the private key, the certificate or the token" },
	[-NFSTLS_E_MODULE_DENIED] = { EXIT_PERMISSION, "see FILES in nfstlskey(8)" },
	[-NFSTLS_E_MODULE] = { EXIT_TOKEN_ABSENT, "see p11-kit list-modules" },
	[-NFSTLS_E_TOKEN_ABSENT] = { EXIT_TOKEN_ABSENT, "insert the token, or see nfstlskey tokens" },
	[-NFSTLS_E_TOKEN_UNINIT] = { EXIT_TOKEN_ABSENT, "initialise it with its own tool" },
	[-NFSTLS_E_TOKEN_AMBIGUOUS] = { EXIT_AMBIGUOUS, NULL },
	[-NFSTLS_E_TOKEN_BUSY] = { EXIT_OTHER, "try again" },
	[-NFSTLS_E_TOKEN] = { EXIT_OTHER, NULL },
	[-NFSTLS_E_KEY_ABSENT] = { EXIT_NOT_FOUND, "see p11tool --list-privkeys --login" },
	[-NFSTLS_E_KEY_AMBIGUOUS] = { EXIT_AMBIGUOUS, NULL },
	[-NFSTLS_E_KEY_UNUSABLE] = { EXIT_KEY, "use an RSA key with PSS, a P-256, P-384 or P-521 key, or Ed25519" },
	[-NFSTLS_E_CERT_ABSENT] = { EXIT_NOT_FOUND, NULL },
	[-NFSTLS_E_CERT_AMBIGUOUS] = { EXIT_AMBIGUOUS, "name the one with --cert" },
	[-NFSTLS_E_CERT_MISMATCH] = { EXIT_KEY, "give the certificate that was issued for this key" },
	[-NFSTLS_E_CERT] = { EXIT_FILE, "give a PEM or DER certificate" },
	[-NFSTLS_E_PIN_NEEDED] = { EXIT_PIN, "give it with --pin-prompt, --pin-fd or --pin-file" },
	[-NFSTLS_E_PIN_SOURCE] = { EXIT_PIN, NULL },
	[-NFSTLS_E_PIN_REFUSED] = { EXIT_PIN, "it was tried once; correct it" },
	[-NFSTLS_E_PIN_LOCKED] = { EXIT_PIN, "unblock it, or log in once, with the token's own tool" },
	[-NFSTLS_E_KEYRING] = { EXIT_OTHER, NULL },
	[-NFSTLS_E_KEYFILE] = { EXIT_FILE, "give an unencrypted PEM or DER private key" },
	[-NFSTLS_E_PIN_LATCHED] = { EXIT_PIN, "if the PIN was refused, correct it first" },
	[-NFSTLS_E_TIMEOUT] = { EXIT_TOKEN_ABSENT, "see p11-kit list-modules" },
	[-NFSTLS_E_MODULE_CRASHED] = { EXIT_TOKEN_ABSENT, "see p11-kit list-modules" },
	[-NFSTLS_E_TLS] = { EXIT_OTHER, NULL },
	[-NFSTLS_E_CHANGING] = { EXIT_OTHER, "try again" },
};

static const char *program = "nfstlskey";

void report_as(const char *name)
{
	program = name;
}

/* Names of files, keys and tokens are foreign text: no control characters onto a terminal or into a log. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

__attribute__((format(printf, 3, 0))) static void print_line(const char *identity, const char *kind, const char *format,
							     va_list args)
{
	char *text = NULL, *line = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	if (asprintf(&line, "%s: %s%s%s%s%s", program, identity ? "identity '" : "", identity ? identity : "",
		     identity ? "': " : "", kind, text ? text : "out of memory") < 0)
		line = NULL;
	if (line)
		make_plain(line);
	fprintf(stderr, "%s\n", line ? line : "out of memory");
	free(text);
	free(line);
}

enum exit_code fail(enum exit_code code, const char *identity, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(identity, "", format, args);
	va_end(args);
	return code;
}

void warn(const char *identity, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(identity, "warning: ", format, args);
	va_end(args);
}

/* The candidates come one to a line, and a message is one line. */
static void join_lines(char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
}

enum exit_code describe_p11(int error, const struct nfstls_diag *diag, char **text)
{
	size_t index = -(size_t)error;
	bool known = index < sizeof(outcomes) / sizeof(outcomes[0]);
	const char *remedy = known ? outcomes[index].remedy : NULL;
	const char *cause = diag ? diag->text : "", *candidates = diag ? diag->candidates : NULL;

	if (asprintf(text, "%s%s%s%s%s%s%s", nfstls_strerror(error), cause[0] ? ": " : "", cause,
		     candidates ? ": " : "", candidates ? candidates : "", remedy ? "; " : "",
		     remedy ? remedy : "") < 0)
		*text = NULL;
	else
		join_lines(*text);
	return known ? outcomes[index].code : EXIT_OTHER;
}

enum exit_code fail_p11(const char *identity, int error, const struct nfstls_diag *diag)
{
	char *text;
	enum exit_code code = describe_p11(error, diag, &text);

	fail(code, identity, "%s", text ? text : nfstls_strerror(error));
	free(text);
	return code;
}

enum exit_code fail_errno(const char *identity, int error, const char *doing)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return fail(EXIT_PERMISSION, identity, "%s: %s; run it as root", doing, strerror(error));
	case ENOKEY:
		return fail(EXIT_NOT_FOUND, identity, "%s: it is not on the .nfs keyring; see nfstlskey list", doing);
	case EBADMSG:
		return fail(
			EXIT_OTHER, identity,
			"%s: a change of it that was not ended cannot be read; nfstlskey remove it, and add it again",
			doing);
	case EDQUOT:
		return fail(EXIT_OTHER, identity, "%s: the key quota is used up; see /proc/key-users", doing);
	default:
		return fail(EXIT_OTHER, identity, "%s: %s", doing, strerror(error));
	}
}

const char *refused_word(int argc, char **argv)
{
	/* of a word with more letters behind one dash, as in -pkcs11, the first was refused, and it is not done yet */
	if (optopt && optind < argc && argv[optind][0] == '-' && argv[optind][1] == optopt)
		return argv[optind];
	return argv[optind - 1];
}
