/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <string.h>
#include <time.h>

#include "certs.h"
#include "unit.h"

#define DAY (24 * 60 * 60)

gnutls_privkey_t key_make(gnutls_pk_algorithm_t algorithm, unsigned int bits)
{
	gnutls_privkey_t key;

	assert_int_equal(gnutls_privkey_init(&key), 0);
	assert_int_equal(gnutls_privkey_generate(key, algorithm, bits, 0), 0);
	return key;
}

gnutls_pubkey_t key_public(gnutls_privkey_t key)
{
	gnutls_pubkey_t pubkey;

	assert_int_equal(gnutls_pubkey_init(&pubkey), 0);
	assert_int_equal(gnutls_pubkey_import_privkey(pubkey, key, 0, 0), 0);
	return pubkey;
}

static void set_key_ids(gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer)
{
	unsigned char id[64];
	size_t size = sizeof(id);

	assert_int_equal(gnutls_x509_crt_get_key_id(cert, 0, id, &size), 0);
	assert_int_equal(gnutls_x509_crt_set_subject_key_id(cert, id, size), 0);
	size = sizeof(id);
	assert_int_equal(gnutls_x509_crt_get_key_id(issuer, 0, id, &size), 0);
	assert_int_equal(gnutls_x509_crt_set_authority_key_id(cert, id, size), 0);
}

gnutls_x509_crt_t cert_issue(const char *name, gnutls_pubkey_t key, const struct authority *issuer, bool is_ca)
{
	static unsigned char serial[4] = { 0x01 };
	gnutls_x509_crt_t cert;

	serial[3]++;
	assert_int_equal(gnutls_x509_crt_init(&cert), 0);
	assert_int_equal(gnutls_x509_crt_set_version(cert, 3), 0);
	assert_int_equal(gnutls_x509_crt_set_serial(cert, serial, sizeof(serial)), 0);
	assert_int_equal(gnutls_x509_crt_set_activation_time(cert, time(NULL) - DAY), 0);
	assert_int_equal(gnutls_x509_crt_set_expiration_time(cert, time(NULL) + 30 * DAY), 0);
	assert_int_equal(gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, strlen(name)), 0);
	assert_int_equal(gnutls_x509_crt_set_pubkey(cert, key), 0);
	assert_int_equal(gnutls_x509_crt_set_basic_constraints(cert, is_ca, -1), 0);
	set_key_ids(cert, issuer->cert ? issuer->cert : cert);
	assert_int_equal(gnutls_x509_crt_privkey_sign(cert, issuer->cert ? issuer->cert : cert, issuer->key,
						      GNUTLS_DIG_SHA256, 0),
			 0);
	return cert;
}

gnutls_x509_crt_t cert_for(const char *name, gnutls_privkey_t key, const struct authority *issuer)
{
	gnutls_pubkey_t pubkey = key_public(key);
	gnutls_x509_crt_t cert = cert_issue(name, pubkey, issuer, false);

	gnutls_pubkey_deinit(pubkey);
	return cert;
}

void authority_make(struct authority *authority, const char *name, const struct authority *issuer)
{
	gnutls_pubkey_t pubkey;

	authority->cert = NULL;
	authority->key = key_make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	pubkey = key_public(authority->key);
	authority->cert = cert_issue(name, pubkey, issuer ? issuer : authority, true);
	gnutls_pubkey_deinit(pubkey);
}

void authority_clear(struct authority *authority)
{
	gnutls_x509_crt_deinit(authority->cert);
	gnutls_privkey_deinit(authority->key);
	*authority = (struct authority){ NULL, NULL };
}

gnutls_datum_t cert_der(gnutls_x509_crt_t cert)
{
	gnutls_datum_t der;

	assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der), 0);
	return der;
}
