/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a person and a script are told: one line, and the exit status of the man page. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "report.h"
#include "unit.h"

/* Design section 8: usage 2, not found 3, permission 5, ambiguous 6, absent 7, PIN 8, key 9, file 10, other 1 */
static const struct {
	int error, code;
} codes[] = {
	{ NFSTLS_E_MEMORY, 1 },
	{ NFSTLS_E_CRYPTO, 1 },
	{ NFSTLS_E_HANDLE, 10 },
	{ NFSTLS_E_PEM, 10 },
	{ NFSTLS_E_URI, 2 },
	{ NFSTLS_E_URI_SECRET, 2 },
	{ NFSTLS_E_URI_TYPE, 2 },
	{ NFSTLS_E_MODULE_DENIED, 5 },
	{ NFSTLS_E_MODULE, 7 },
	{ NFSTLS_E_TOKEN_ABSENT, 7 },
	{ NFSTLS_E_TOKEN_UNINIT, 7 },
	{ NFSTLS_E_TOKEN_AMBIGUOUS, 6 },
	{ NFSTLS_E_TOKEN_BUSY, 1 },
	{ NFSTLS_E_TOKEN, 1 },
	{ NFSTLS_E_KEY_ABSENT, 3 },
	{ NFSTLS_E_KEY_AMBIGUOUS, 6 },
	{ NFSTLS_E_KEY_UNUSABLE, 9 },
	{ NFSTLS_E_CERT_ABSENT, 3 },
	{ NFSTLS_E_CERT_AMBIGUOUS, 6 },
	{ NFSTLS_E_CERT_MISMATCH, 9 },
	{ NFSTLS_E_CERT, 10 },
	{ NFSTLS_E_PIN_NEEDED, 8 },
	{ NFSTLS_E_PIN_SOURCE, 8 },
	{ NFSTLS_E_PIN_REFUSED, 8 },
	{ NFSTLS_E_PIN_LOCKED, 8 },
	{ NFSTLS_E_KEYRING, 1 },
	{ NFSTLS_E_KEYFILE, 10 },
	{ NFSTLS_E_PIN_LATCHED, 8 },
	{ NFSTLS_E_TIMEOUT, 7 },
	{ NFSTLS_E_MODULE_CRASHED, 7 },
	{ NFSTLS_E_TLS, 1 },
	{ NFSTLS_E_CHANGING, 1 },
};

struct report {
	int error;
	struct nfstls_diag diag;
};

static int child_reports(void *arg)
{
	const struct report *report = arg;

	return fail_p11("lab", report->error, &report->diag);
}

static void every_error(void **state)
{
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct report report = { .error = codes[i].error };
		const char *words = nfstls_strerror(codes[i].error);

		/* none was forgotten: they have the numbers -1, -2, ... */
		assert_int_equal(codes[i].error, -(int)i - 1);
		assert_string_not_equal(words, "unknown error");
		run_in_child(child_reports, &report, &outcome);
		assert_int_equal(outcome.status, codes[i].code);
		assert_string_equal(outcome.out, "");
		assert_int_equal(count_lines(outcome.err), 1);
		assert_int_equal(strncmp(outcome.err, "nfstlskey: identity 'lab': ", 27), 0);
		assert_says(outcome.err, words);
	}
	assert_string_equal(nfstls_strerror(-(int)(sizeof(codes) / sizeof(codes[0])) - 1), "unknown error");
	assert_string_equal(nfstls_strerror(0), "success");
	assert_string_equal(nfstls_strerror(12345), "success");
}

static void unknown_error(void **state)
{
	struct report report = { .error = -999 };
	struct outcome outcome;

	(void)state;
	run_in_child(child_reports, &report, &outcome);
	assert_int_equal(outcome.status, 1);
	assert_int_equal(count_lines(outcome.err), 1);
}

/* Design section 5: away, busy or failing becomes ETIMEDOUT; refused, missing or not matching EACCES. */
static void transient_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		int error = codes[i].error;

		assert_int_equal(nfstls_error_is_transient(error),
				 error == NFSTLS_E_MEMORY || error == NFSTLS_E_TOKEN_ABSENT ||
					 error == NFSTLS_E_TOKEN_BUSY || error == NFSTLS_E_TOKEN ||
					 error == NFSTLS_E_CHANGING || error == NFSTLS_E_TIMEOUT ||
					 error == NFSTLS_E_MODULE_CRASHED);
	}
	assert_false(nfstls_error_is_transient(0));
	assert_false(nfstls_error_is_transient(-999));
}

/* A daemon's log has the same words, and what to do, on one line. */
static void failure_in_a_log(void **state)
{
	const struct nfstls_diag diag = { .text = "token \"lab\" (serial 1)" };
	char text[256], small[20];

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		nfstls_failure_text("lab", codes[i].error, &diag, text, sizeof(text));
		assert_int_equal(strncmp(text, "identity 'lab': no handshake: ", 30), 0);
		assert_says(text, nfstls_strerror(codes[i].error));
		assert_says(text, ": token \"lab\" (serial 1); ");
		assert_null(strchr(text, '\n'));
	}
	nfstls_failure_text(NULL, NFSTLS_E_TOKEN, NULL, text, sizeof(text));
	assert_int_equal(strncmp(text, "identity '?': no handshake: the token failed; ", 46), 0);
	/* a control character of ISO 8859 in UTF-8, beside a letter */
	nfstls_failure_text("a\302\2332J\303\251", NFSTLS_E_TOKEN, NULL, text, sizeof(text));
	assert_says(text, "identity 'a??2J\303\251'");
	nfstls_failure_text("a\nb\033[2J", NFSTLS_E_TOKEN, NULL, text, sizeof(text));
	assert_int_equal(strncmp(text, "identity 'a?b?[2J': no handshake: ", 34), 0);
	nfstls_failure_text("lab", NFSTLS_E_TOKEN, &diag, small, sizeof(small));
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

static int child_reports_no_cause(void *arg)
{
	return fail_p11("lab", *(int *)arg, NULL);
}

/* There is not always more to say. */
static void without_a_cause(void **state)
{
	int error = NFSTLS_E_CERT;
	struct outcome outcome;

	(void)state;
	run_in_child(child_reports_no_cause, &error, &outcome);
	assert_int_equal(outcome.status, EXIT_FILE);
	assert_string_equal(outcome.err, "nfstlskey: identity 'lab': not a readable certificate; "
					 "give a PEM or DER certificate\n");
}

static void candidates_on_one_line(void **state)
{
	struct report report = { .error = NFSTLS_E_KEY_AMBIGUOUS, .diag = { .text = "2 match" } };
	struct outcome outcome;

	(void)state;
	diag_candidate(&report.diag, "pkcs11:id=%01");
	diag_candidate(&report.diag, "pkcs11:id=%02");
	run_in_child(child_reports, &report, &outcome);
	assert_int_equal(outcome.status, EXIT_AMBIGUOUS);
	assert_int_equal(count_lines(outcome.err), 1);
	assert_says(outcome.err, "pkcs11:id=%01 pkcs11:id=%02");
	nfstls_diag_clear(&report.diag);
}

/* A token's label is foreign text. */
static void diagnosis_is_one_line(void **state)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	char foreign[2000];

	(void)state;
	assert_int_equal(diag_set(&diag, NFSTLS_E_TOKEN, "label %s", "a\nb\033[2Jc\x7f"), NFSTLS_E_TOKEN);
	assert_string_equal(diag.text, "label a?b?[2Jc?");
	memset(foreign, 'x', sizeof(foreign) - 1);
	foreign[sizeof(foreign) - 1] = '\0';
	diag_set(&diag, NFSTLS_E_TOKEN, "%s", foreign);
	assert_int_equal(strlen(diag.text), sizeof(diag.text) - 1);
	assert_int_equal(diag_set(NULL, NFSTLS_E_TOKEN, "nobody asks"), NFSTLS_E_TOKEN);
	nfstls_diag_clear(&diag);
	assert_string_equal(diag.text, "");
}

static int child_says_foreign(void *arg)
{
	warn(arg, "issued by %s", "CN=a\nnfstlskey: b");
	/* cmocka has a macro of this name */
	return (fail)(EXIT_FILE, arg, "unknown key '%s'", "k\033[2J");
}

/* So are the name of a key on a keyring that others write to, and what stands in a file. */
static void message_is_one_line(void **state)
{
	char name[] = "x\ny";
	struct outcome outcome;

	(void)state;
	run_in_child(child_says_foreign, name, &outcome);
	assert_int_equal(outcome.status, EXIT_FILE);
	assert_string_equal(outcome.err, "nfstlskey: identity 'x?y': warning: issued by CN=a?nfstlskey: b\n"
					 "nfstlskey: identity 'x?y': unknown key 'k?[2J'\n");
}

static void errors_of_pkcs11(void **state)
{
	static const struct {
		CK_RV rv;
		int error;
	} cases[] = {
		{ CKR_HOST_MEMORY, NFSTLS_E_MEMORY },
		{ CKR_TOKEN_NOT_PRESENT, NFSTLS_E_TOKEN_ABSENT },
		{ CKR_DEVICE_REMOVED, NFSTLS_E_TOKEN_ABSENT },
		{ CKR_SESSION_COUNT, NFSTLS_E_TOKEN_BUSY },
		{ CKR_DEVICE_MEMORY, NFSTLS_E_TOKEN_BUSY },
		{ CKR_PIN_INCORRECT, NFSTLS_E_PIN_REFUSED },
		{ CKR_PIN_LOCKED, NFSTLS_E_PIN_LOCKED },
		{ CKR_USER_NOT_LOGGED_IN, NFSTLS_E_PIN_NEEDED },
		{ CKR_MECHANISM_INVALID, NFSTLS_E_KEY_UNUSABLE },
		{ CKR_KEY_FUNCTION_NOT_PERMITTED, NFSTLS_E_KEY_UNUSABLE },
		{ CKR_DEVICE_ERROR, NFSTLS_E_TOKEN },
		{ CKR_VENDOR_DEFINED | 17, NFSTLS_E_TOKEN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nfstls_diag diag = NFSTLS_DIAG_INIT;

		assert_error(diag_rv(&diag, cases[i].rv, "token", "C_Call"), cases[i].error, &diag);
		assert_int_equal(strncmp(diag.text, "token: C_Call: ", 15), 0);
	}
}

static int child_fails_errno(void *arg)
{
	return fail_errno("lab", *(int *)arg, "adding it");
}

static void errors_of_the_system(void **state)
{
	static const struct {
		int error, code;
	} cases[] = { { EACCES, 5 }, { EPERM, 5 }, { ENOKEY, 3 }, { EDQUOT, 1 }, { EBADMSG, 1 }, { EIO, 1 } };
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int error = cases[i].error;

		run_in_child(child_fails_errno, &error, &outcome);
		assert_int_equal(outcome.status, cases[i].code);
		assert_int_equal(count_lines(outcome.err), 1);
		assert_says(outcome.err, "identity 'lab': adding it");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error),		 cmocka_unit_test(unknown_error),
		cmocka_unit_test(transient_errors),	 cmocka_unit_test(failure_in_a_log),
		cmocka_unit_test(without_a_cause),	 cmocka_unit_test(candidates_on_one_line),
		cmocka_unit_test(diagnosis_is_one_line), cmocka_unit_test(message_is_one_line),
		cmocka_unit_test(errors_of_pkcs11),	 cmocka_unit_test(errors_of_the_system),
	};

	return run_group(tests, NULL, NULL);
}
