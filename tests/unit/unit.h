/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmocka, and what all of the tests ask of it. */
#ifndef UNIT_H
#define UNIT_H

/* cmocka.h wants these in front of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nfstls-p11.h"

/* A function of the library did what it should; if not, its diagnosis is part of the failure. */
#define assert_ok(ret, diag) unit_assert_error((ret), 0, (diag), __FILE__, __LINE__)

/* It failed with this error, by name. */
#define assert_error(ret, error, diag) unit_assert_error((ret), (error), (diag), __FILE__, __LINE__)

void unit_assert_error(int ret, int error, const struct nfstls_diag *diag, const char *file, int line);

/* The text has these words in it. */
#define assert_says(text, words) unit_assert_says((text), (words), __FILE__, __LINE__)

void unit_assert_says(const char *text, const char *words, const char *file, int line);

void assert_datum_equal(const gnutls_datum_t *a, const gnutls_datum_t *b);

/* A skip that says why: as a comment of the test's TAP output. */
#define skip_because(...)                                                                                              \
	do {                                                                                                           \
		print_message("# skipped: " __VA_ARGS__);                                                              \
		print_message("\n");                                                                                   \
		skip();                                                                                                \
	} while (0)

/* A copy in a block of just that size, so that valgrind and ASan see who reads past it. Free with free(). */
gnutls_datum_t exact_copy(const void *data, size_t size);

/* What a child process did. Texts that do not fit are cut. */
struct outcome {
	int status; /* of its exit; -1 when a signal ended it */
	char out[4096];
	char err[4096];
};

/* Run a function in a child process, and take its return value as the exit status. */
void run_in_child(int (*child)(void *arg), void *arg, struct outcome *outcome);

/* The number of lines, and that the last one ends. */
size_t count_lines(const char *text);

/* How many descriptors this process has open. */
size_t count_descriptors(void);

/* The tests of one program: TAP has one plan. What main() returns. */
#define run_group(tests, set_up, tear_down) cmocka_run_group_tests_name(__FILE__, (tests), (set_up), (tear_down))

#endif
