/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificate and key files, as the command reads them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs.h"
#include "file.h"
#include "scratch.h"
#include "unit.h"

static struct scratch scratch;
static struct authority root;
static gnutls_x509_privkey_t key;
static gnutls_datum_t cert_pem, key_pem;

static int set_up(void **state)
{
	(void)state;
	scratch_make(&scratch);
	authority_make(&root, "root", NULL);
	assert_int_equal(gnutls_privkey_export_x509(root.key, &key), 0);
	assert_int_equal(gnutls_x509_crt_export2(root.cert, GNUTLS_X509_FMT_PEM, &cert_pem), 0);
	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key_pem),
			 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gnutls_free(cert_pem.data);
	gnutls_free(key_pem.data);
	gnutls_x509_privkey_deinit(key);
	authority_clear(&root);
	scratch_remove(&scratch);
	return 0;
}

static const char *file(const char *name, const gnutls_datum_t *data)
{
	return scratch_file(&scratch, name, data->data, data->size, 0600);
}

/* In a child, so that the line on stderr can be looked at. */
static int child_reads_certs(void *path)
{
	struct cert_list list = { NULL, 0 };
	int code = file_read_certs("lab", path, &list);

	cert_list_clear(&list);
	return code;
}

static int child_reads_key(void *path)
{
	gnutls_datum_t handle = { NULL, 0 };
	gnutls_x509_privkey_t read = NULL;

	return file_read_key("lab", path, &handle, &read);
}

/* Both kinds of file are refused, each with one line that names the file. */
static void assert_refused(const char *path, const char *text)
{
	int (*const readers[])(void *) = { child_reads_certs, child_reads_key };
	struct outcome outcome;

	for (int i = 0; i < 2; i++) {
		run_in_child(readers[i], (void *)path, &outcome);
		assert_int_equal(outcome.status, EXIT_FILE);
		assert_int_equal(count_lines(outcome.err), 1);
		assert_says(outcome.err, path);
		assert_says(outcome.err, text);
	}
}

static void not_a_file_to_read(void **state)
{
	static char zeros[1024 * 1024 + 1];
	const char *fifo = scratch_path(&scratch, "fifo");

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_refused(fifo, "regular file");
	assert_refused(scratch.dir, "regular file");
	assert_refused("/dev/zero", "regular file");
	assert_refused(scratch_path(&scratch, "missing"), "No such file");
	assert_refused(scratch_file(&scratch, "large", zeros, sizeof(zeros), 0600), "1 MiB");
}

static void not_of_the_kind(void **state)
{
	const gnutls_datum_t half_cert = { cert_pem.data, cert_pem.size / 2 };
	const gnutls_datum_t half_key = { key_pem.data, key_pem.size / 2 };

	(void)state;
	assert_refused(scratch_file(&scratch, "empty", "", 0, 0600), "no readable");
	assert_refused(scratch_file(&scratch, "garbage", "garbage", 7, 0600), "no readable");
	assert_refused(file("half.crt", &half_cert), "no readable");
	assert_refused(file("half.key", &half_key), "no readable");
}

/* A PEM file as people make them: with words around, the leaf's issuer behind it. */
static void certificates(void **state)
{
	gnutls_datum_t der = cert_der(root.cert);
	const char *text = scratch_join(&scratch, "subject=CN = root\n", cert_pem.data, "\nissuer=CN = root\n",
					cert_pem.data, NULL);
	struct cert_list list = { NULL, 0 };

	(void)state;
	assert_int_equal(file_read_certs("lab", scratch_file(&scratch, "two.pem", text, strlen(text), 0600), &list), 0);
	assert_int_equal(list.count, 2);
	assert_true(gnutls_x509_crt_equals(list.certs[0], root.cert));
	cert_list_clear(&list);

	assert_int_equal(file_read_certs("lab", file("one.der", &der), &list), 0);
	assert_int_equal(list.count, 1);
	assert_true(gnutls_x509_crt_equals(list.certs[0], root.cert));
	cert_list_clear(&list);
	assert_null(list.certs);
	gnutls_free(der.data);
}

static void assert_reads_key(const char *path)
{
	gnutls_datum_t handle = { NULL, 0 }, read_der, der;
	gnutls_x509_privkey_t read = NULL;

	assert_int_equal(file_read_key("lab", path, &handle, &read), 0);
	assert_null(handle.data);
	assert_int_equal(gnutls_x509_privkey_export2(read, GNUTLS_X509_FMT_DER, &read_der), 0);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_DER, &der), 0);
	assert_datum_equal(&read_der, &der);
	gnutls_free(read_der.data);
	gnutls_free(der.data);
	gnutls_x509_privkey_deinit(read);
}

static void private_keys(void **state)
{
	gnutls_datum_t data;

	(void)state;
	assert_reads_key(file("pkcs8.pem", &key_pem));
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &data), 0);
	assert_reads_key(file("sec1.pem", &data));
	gnutls_free(data.data);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_DER, &data), 0);
	assert_reads_key(file("sec1.der", &data));
	gnutls_free(data.data);
	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, &data),
			 0);
	assert_reads_key(file("pkcs8.der", &data));
	gnutls_free(data.data);
}

static void encrypted_key(void **state)
{
	struct outcome outcome;
	gnutls_datum_t data;

	(void)state;
	assert_int_equal(
		gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, "secret", GNUTLS_PKCS_PBES2_AES_256, &data),
		0);
	run_in_child(child_reads_key, (void *)file("encrypted.pem", &data), &outcome);
	assert_int_equal(outcome.status, EXIT_FILE);
	assert_int_equal(count_lines(outcome.err), 1);
	assert_says(outcome.err, "is encrypted");
	gnutls_free(data.data);
}

static void handle_file(void **state)
{
	gnutls_datum_t handle, pem, read = { NULL, 0 };
	gnutls_x509_privkey_t no_key = NULL;

	(void)state;
	assert_ok(nfstls_handle_encode("pkcs11:token=lab", &handle), NULL);
	assert_int_equal(gnutls_pem_base64_encode2("PKCS#11 PROVIDER URI", &handle, &pem), 0);
	assert_int_equal(file_read_key("lab", file("handle.pem", &pem), &read, &no_key), 0);
	assert_datum_equal(&read, &handle);
	assert_null(no_key);
	gnutls_free(read.data);
	gnutls_free(pem.data);
	gnutls_free(handle.data);
}

static int child_reads_as_nobody(void *path)
{
	if (getuid() == 0 && seteuid(65534) < 0)
		return 99;
	return child_reads_certs(path);
}

static void unreadable_file(void **state)
{
	mode_t mode = getuid() == 0 ? 0600 : 0000;
	struct outcome outcome;

	(void)state;
	run_in_child(child_reads_as_nobody, (void *)scratch_file(&scratch, "closed", "x", 1, mode), &outcome);
	assert_int_equal(outcome.status, EXIT_PERMISSION);
	assert_int_equal(count_lines(outcome.err), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_a_file_to_read), cmocka_unit_test(not_of_the_kind), cmocka_unit_test(certificates),
		cmocka_unit_test(private_keys),	      cmocka_unit_test(encrypted_key),	 cmocka_unit_test(handle_file),
		cmocka_unit_test(unreadable_file),
	};

	return run_group(tests, set_up, tear_down);
}
