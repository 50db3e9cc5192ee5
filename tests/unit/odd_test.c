/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What seldom happens to URIs, PINs and certificates. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs.h"
#include "pin.h"
#include "scratch.h"
#include "unit.h"

static struct nfstls_diag diag;

static void pin_file_in_a_folder_that_is_gone(void **state)
{
	const char *folder = scratch_path(&test_scratch, "gone");
	char *uri = NULL, here[4096];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_error(nfstls_uri_with_pin_file("pkcs11:token=lab", "pin", &uri, &diag), NFSTLS_E_PIN_SOURCE, &diag);
	assert_says(diag.text, "pin is in a current directory that has no path");
	assert_ok(nfstls_uri_with_pin_file("pkcs11:token=lab", "/pin", &uri, &diag), &diag);
	assert_string_equal(uri, "pkcs11:token=lab?pin-source=file%3A%2Fpin");
	free(uri);
	assert_error(nfstls_uri_with_pin_file("pkcs12:", "/pin", &uri, &diag), NFSTLS_E_URI, &diag);
	assert_int_equal(chdir(here), 0);
}

static void given_pins_of_any_size(void **state)
{
	char text[PIN_MAX + 1];
	struct pin pin = { .source = NULL };

	(void)state;
	memset(text, '1', sizeof(text));
	for (unsigned int size = 0; size <= PIN_MAX + 1; size += size == 1 ? PIN_MAX - 1 : 1) {
		const gnutls_datum_t given = { (unsigned char *)text, size };
		const struct nfstls_access access = { .pin = &given };
		int wanted = size == 0 || size > PIN_MAX ? NFSTLS_E_PIN_SOURCE : 0;

		assert_error(pin_find(NULL, &access, &pin, &diag), wanted, &diag);
		if (wanted == 0)
			assert_int_equal(pin.len, size);
		else
			assert_says(diag.text, "a PIN has 1 to");
		pin_clear(&pin);
	}
}

/* Nobody made one, or it is a link: told apart from one that is not there. */
static void credentials(void **state)
{
	const struct nfstls_identity lab = { (char *)"lab", 0 }, slash = { (char *)"a/b", 0 };
	const struct nfstls_access access = { .identity = &lab }, no_file = { .identity = &slash };
	struct pin pin = { .source = NULL };

	(void)state;
	assert_error(pin_find(NULL, &access, &pin, &diag), NFSTLS_E_PIN_NEEDED, &diag);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", test_scratch.dir, 1), 0);
	assert_error(pin_find(NULL, &access, &pin, &diag), NFSTLS_E_PIN_NEEDED, &diag);
	assert_error(pin_find(NULL, &no_file, &pin, &diag), NFSTLS_E_PIN_NEEDED, &diag);
	assert_int_equal(symlink("pin", scratch_path(&test_scratch, "nfstls.lab.pin")), 0);
	assert_error(pin_find(NULL, &access, &pin, &diag), NFSTLS_E_PIN_SOURCE, &diag);
	assert_says(diag.text, "symbolic link");
	assert_int_equal(unlink(scratch_path(&test_scratch, "nfstls.lab.pin")), 0);
	scratch_file(&test_scratch, "nfstls.lab.pin", "4711\n", 5, 0600);
	assert_ok(pin_find(NULL, &access, &pin, &diag), &diag);
	assert_int_equal(pin.len, 4);
	pin_clear(&pin);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void certificate_of_a_key_that_tls_does_not_have(void **state)
{
	gnutls_sign_algorithm_t schemes[NFSTLS_SCHEMES_MAX];
	gnutls_privkey_t key = key_make(GNUTLS_PK_DSA, 2048);
	struct authority issuer;
	gnutls_pubkey_t pubkey = key_public(key);
	unsigned int count = 99;

	gnutls_x509_crt_t cert;

	(void)state;
	authority_make(&issuer, "root", NULL);
	cert = cert_issue("dsa", pubkey, &issuer, false);
	assert_ok(nfstls_cert_schemes(cert, schemes, &count, &diag), &diag);
	assert_int_equal(count, 0);
	gnutls_x509_crt_deinit(cert);
	gnutls_pubkey_deinit(pubkey);
	gnutls_privkey_deinit(key);
	authority_clear(&issuer);
}

static void errors_that_are_none(void **state)
{
	(void)state;
	for (int error = -200; error < 200; error++)
		assert_true(nfstls_strerror(error)[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pin_file_in_a_folder_that_is_gone),
		cmocka_unit_test(given_pins_of_any_size),
		cmocka_unit_test(credentials),
		cmocka_unit_test(certificate_of_a_key_that_tls_does_not_have),
		cmocka_unit_test(errors_that_are_none),
	};

	return run_group(tests, scratch_set_up, scratch_tear_down);
}
