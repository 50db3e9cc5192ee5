/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command says when something goes wrong, and the exit code that goes with it. */
#ifndef REPORT_H
#define REPORT_H

#include "nfstls-p11.h"

/* nfstlskey(8), EXIT STATUS */
enum exit_code {
	EXIT_OK = 0,
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_EXISTS = 4,
	EXIT_PERMISSION = 5,
	EXIT_AMBIGUOUS = 6,
	EXIT_TOKEN_ABSENT = 7,
	EXIT_PIN = 8,
	EXIT_KEY = 9,
	EXIT_FILE = 10,
	EXIT_KERNEL = 11,
};

/* The name in front of each message, "nfstlskey" if this is not called. Kept, not copied. */
void report_as(const char *name);

/*
 * Each of these prints one line on stderr, "nfstlskey: identity 'NAME': ...", and returns the exit code. The identity
 * may be NULL where there is none yet. A control character in what is printed becomes a '?'.
 */
__attribute__((format(printf, 3, 4))) enum exit_code fail(enum exit_code code, const char *identity, const char *format,
							  ...);

/* For an enum nfstls_error, with the cause that the library gave, if there is one (or NULL), and what to do next. */
enum exit_code fail_p11(const char *identity, int error, const struct nfstls_diag *diag);

/* What fail_p11() says after the identity, for free(), and the exit code. NULL: there was no memory for it. */
enum exit_code describe_p11(int error, const struct nfstls_diag *diag, char **text);

/* For an errno value of a keyring or file operation. */
enum exit_code fail_errno(const char *identity, int error, const char *doing);

/* The word of the command line that getopt_long(3) has just answered with '?'. */
const char *refused_word(int argc, char **argv);

/* One line on stderr that changes nothing about the outcome. */
__attribute__((format(printf, 2, 3))) void warn(const char *identity, const char *format, ...);

#endif
