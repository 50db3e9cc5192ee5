/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which certificate belongs to a key, and which lead from it towards the root. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "certs.h"
#include "unit.h"

/* root issued upper, upper issued lower, lower issued leaf */
static struct authority root, upper, lower;
static gnutls_privkey_t leaf_key;
static gnutls_x509_crt_t leaf;

static gnutls_privkey_t make_ec_key(gnutls_ecc_curve_t curve)
{
	return key_make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(curve));
}

static int set_up(void **state)
{
	(void)state;
	authority_make(&root, "root", NULL);
	authority_make(&upper, "upper", &root);
	authority_make(&lower, "lower", &upper);
	leaf_key = make_ec_key(GNUTLS_ECC_CURVE_SECP256R1);
	leaf = cert_for("leaf", leaf_key, &lower);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	authority_clear(&root);
	authority_clear(&upper);
	authority_clear(&lower);
	gnutls_x509_crt_deinit(leaf);
	gnutls_privkey_deinit(leaf_key);
	return 0;
}

/* The chain is these certificates, in this order. */
static void assert_chain(const gnutls_datum_t *chain, const gnutls_x509_crt_t *expected, size_t count)
{
	gnutls_datum_t rest = *chain, cert;

	for (size_t i = 0; i < count; i++) {
		gnutls_datum_t der = cert_der(expected[i]);

		assert_ok(nfstls_chain_next(&rest, &cert), NULL);
		assert_datum_equal(&cert, &der);
		gnutls_free(der.data);
	}
	assert_ok(nfstls_chain_next(&rest, &cert), NULL);
	assert_int_equal(cert.size, 0);
	assert_int_equal(rest.size, 0);
}

static void assert_builds(const gnutls_x509_crt_t *pool, unsigned int npool, const gnutls_x509_crt_t *expected,
			  size_t count)
{
	gnutls_datum_t chain = { NULL, 0 };

	assert_ok(nfstls_chain_build(leaf, pool, npool, &chain), NULL);
	assert_chain(&chain, expected, count);
	gnutls_free(chain.data);
}

static void chain_in_any_order(void **state)
{
	const gnutls_x509_crt_t expected[] = { lower.cert, upper.cert };
	const gnutls_x509_crt_t all[] = { leaf, lower.cert, upper.cert, root.cert };

	(void)state;
	for (unsigned int order = 0; order < 256; order++) {
		const gnutls_x509_crt_t pool[] = { all[order & 3], all[order >> 2 & 3], all[order >> 4 & 3],
						   all[order >> 6] };
		unsigned int seen =
			1 << (order & 3) | 1 << (order >> 2 & 3) | 1 << (order >> 4 & 3) | 1 << (order >> 6);

		if (seen == 0xf)
			assert_builds(pool, 4, expected, 2);
	}
}

static void chain_of_none(void **state)
{
	const gnutls_x509_crt_t others[] = { leaf, root.cert, upper.cert };

	(void)state;
	assert_builds(NULL, 0, NULL, 0);
	/* lower is missing: what is above it is of no use */
	assert_builds(others, 3, NULL, 0);
}

static void chain_with_a_gap_and_strangers(void **state)
{
	struct authority stranger;

	(void)state;
	authority_make(&stranger, "stranger", NULL);
	const gnutls_x509_crt_t pool[] = { stranger.cert, leaf, lower.cert, stranger.cert, lower.cert };

	assert_builds(pool, 5, &lower.cert, 1);
	authority_clear(&stranger);
}

/*
 * Bridges between two hierarchies: each has issued the other's name. None of them is sent twice, and a way out of the
 * circle is found.
 */
static void chain_of_a_loop(void **state)
{
	struct authority left, right;
	gnutls_pubkey_t left_key, right_key;
	gnutls_x509_crt_t certs[4]; /* left by right, right by left, left by root, a leaf of left */
	gnutls_datum_t chain;

	(void)state;
	authority_make(&left, "left", NULL);
	authority_make(&right, "right", NULL);
	left_key = key_public(left.key);
	right_key = key_public(right.key);
	certs[0] = cert_issue("left", left_key, &right, true);
	certs[1] = cert_issue("right", right_key, &left, true);
	certs[2] = cert_issue("left", left_key, &root, true);
	certs[3] = cert_for("end", leaf_key, &left);

	const gnutls_x509_crt_t circle[] = { certs[3], certs[1], certs[0], root.cert, certs[0], left.cert };

	assert_ok(nfstls_chain_build(certs[3], circle, 6, &chain), NULL);
	assert_chain(&chain, certs, 2);
	gnutls_free(chain.data);
	assert_ok(nfstls_chain_build(certs[3], certs, 4, &chain), NULL);
	assert_chain(&chain, certs, 3);
	gnutls_free(chain.data);

	for (int i = 0; i < 4; i++)
		gnutls_x509_crt_deinit(certs[i]);
	gnutls_pubkey_deinit(left_key);
	gnutls_pubkey_deinit(right_key);
	authority_clear(&left);
	authority_clear(&right);
}

static void chain_next(void **state)
{
	const gnutls_x509_crt_t pool[] = { lower.cert, upper.cert };
	gnutls_datum_t chain, first, rest, cert;

	(void)state;
	assert_ok(nfstls_chain_build(leaf, pool, 2, &chain), NULL);
	first = cert_der(lower.cert);
	for (unsigned int size = 0; size <= chain.size; size++) {
		gnutls_datum_t cut = exact_copy(chain.data, size);
		unsigned int whole = 0;
		int ret;

		rest = cut;
		while ((ret = nfstls_chain_next(&rest, &cert)) == 0 && cert.size > 0) {
			assert_ptr_equal(cert.data + cert.size, rest.data);
			whole++;
		}
		assert_int_equal(whole, size == chain.size ? 2 : size >= first.size ? 1 : 0);
		assert_int_equal(ret, size == 0 || size == first.size || size == chain.size ? 0 : NFSTLS_E_CERT);
		if (ret < 0)
			assert_true(rest.size > 0);
		free(cut.data);
	}
	gnutls_free(first.data);
	gnutls_free(chain.data);
}

static void chain_next_refuses(void **state)
{
	static const char *const bad[] = { "-----BEGIN CERTIFICATE-----", "1\x03\x02\x01\x01", "0\x80\x02\x01\x01" };
	gnutls_datum_t cert = { NULL, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		gnutls_datum_t copy = exact_copy(bad[i], strlen(bad[i])), rest = copy;

		assert_error(nfstls_chain_next(&rest, &cert), NFSTLS_E_CERT, NULL);
		assert_ptr_equal(rest.data, copy.data);
		assert_null(cert.data);
		free(copy.data);
	}
}

/* The state of a test is what it has a key of. */
static const struct key_kind {
	gnutls_pk_algorithm_t algorithm;
	unsigned int bits;
} rsa = { GNUTLS_PK_RSA, 2048 }, p256 = { GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
  p384 = { GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
  p521 = { GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1) },
  ed25519 = { GNUTLS_PK_EDDSA_ED25519, 256 };

/* The key's certificate among another of its kind and one of another kind, twice; and without it. */
static void match(void **state)
{
	const struct key_kind *kind = *state;
	gnutls_privkey_t key = key_make(kind->algorithm, kind->bits), other = key_make(kind->algorithm, kind->bits);
	gnutls_x509_crt_t cert = cert_for("match", key, &lower), foreign = cert_for("foreign", other, &lower);
	const gnutls_x509_crt_t certs[] = { foreign, leaf, cert, cert }, others[] = { foreign, leaf, root.cert };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned int index = 99;

	assert_error(nfstls_cert_match(key, others, 3, &index, &diag), NFSTLS_E_CERT_MISMATCH, &diag);
	assert_int_equal(index, 99);
	assert_ok(nfstls_cert_match(key, certs, 4, &index, &diag), &diag);
	assert_int_equal(index, 2);
	assert_ok(nfstls_cert_match(key, &cert, 1, &index, &diag), &diag);
	assert_int_equal(index, 0);

	gnutls_x509_crt_deinit(cert);
	gnutls_x509_crt_deinit(foreign);
	gnutls_privkey_deinit(key);
	gnutls_privkey_deinit(other);
}

/* A renewed certificate beside the old one: nobody but a person can tell which is meant. */
static void match_of_two(void **state)
{
	gnutls_x509_crt_t renewed = cert_for("leaf", leaf_key, &lower);
	const gnutls_x509_crt_t certs[] = { leaf, lower.cert, renewed };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned int index = 99;

	(void)state;
	assert_error(nfstls_cert_match(leaf_key, certs, 3, &index, &diag), NFSTLS_E_CERT_AMBIGUOUS, &diag);
	assert_int_equal(index, 99);
	gnutls_x509_crt_deinit(renewed);
}

/* TLS 1.3 has no scheme for the curve: not the certificate is wrong, but the key of no use. */
static void match_of_an_unusable_key(void **state)
{
	gnutls_privkey_t key = make_ec_key(GNUTLS_ECC_CURVE_SECP224R1);
	gnutls_x509_crt_t cert = cert_for("old curve", key, &lower);
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned int index = 99;

	(void)state;
	assert_error(nfstls_cert_match(key, &cert, 1, &index, &diag), NFSTLS_E_KEY_UNUSABLE, &diag);
	assert_int_equal(index, 99);
	gnutls_x509_crt_deinit(cert);
	gnutls_privkey_deinit(key);
}

static void match_of_none(void **state)
{
	unsigned int index = 99;

	(void)state;
	assert_error(nfstls_cert_match(leaf_key, NULL, 0, &index, NULL), NFSTLS_E_CERT_MISMATCH, NULL);
	assert_int_equal(index, 99);
}

/* The schemes of a certificate for this key, each of which the key can sign in. */
static void assert_schemes(gnutls_privkey_t key, const gnutls_sign_algorithm_t *wanted, unsigned int nwanted)
{
	gnutls_sign_algorithm_t schemes[NFSTLS_SCHEMES_MAX];
	gnutls_x509_crt_t cert = cert_for("schemes", key, &lower);
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned int count = 99;

	assert_ok(nfstls_cert_schemes(cert, schemes, &count, &diag), &diag);
	assert_int_equal(count, nwanted);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(schemes[i], wanted[i]);
		assert_ok(nfstls_cert_prove(key, cert, schemes[i], &diag), &diag);
		assert_error(nfstls_cert_prove(leaf_key, cert, schemes[i], &diag), NFSTLS_E_CERT_MISMATCH, &diag);
	}
	gnutls_x509_crt_deinit(cert);
	gnutls_privkey_deinit(key);
}

static void schemes_of_each_kind(void **state)
{
	static const gnutls_sign_algorithm_t rsae[] = {
		GNUTLS_SIGN_RSA_PSS_RSAE_SHA256,
		GNUTLS_SIGN_RSA_PSS_RSAE_SHA384,
		GNUTLS_SIGN_RSA_PSS_RSAE_SHA512,
	};
	static const gnutls_sign_algorithm_t ec[] = { GNUTLS_SIGN_ECDSA_SECP384R1_SHA384 };
	static const gnutls_sign_algorithm_t ed[] = { GNUTLS_SIGN_EDDSA_ED25519 };

	(void)state;
	assert_schemes(key_make(GNUTLS_PK_RSA, 2048), rsae, 3);
	/* no room for SHA-512 and its salt */
	assert_schemes(key_make(GNUTLS_PK_RSA, 1024), rsae, 2);
	assert_schemes(make_ec_key(GNUTLS_ECC_CURVE_SECP384R1), ec, 1);
	assert_schemes(make_ec_key(GNUTLS_ECC_CURVE_SECP224R1), NULL, 0);
	assert_schemes(key_make(GNUTLS_PK_EDDSA_ED25519, 256), ed, 1);
}

static gnutls_privkey_t make_pss_key(gnutls_digest_algorithm_t hash)
{
	gnutls_keygen_data_st parameters = { .type = GNUTLS_KEYGEN_SPKI };
	gnutls_x509_spki_t spki;
	gnutls_privkey_t key;

	assert_int_equal(gnutls_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_spki_init(&spki), 0);
	if (hash != GNUTLS_DIG_UNKNOWN)
		gnutls_x509_spki_set_rsa_pss_params(spki, hash, gnutls_hash_get_len(hash));
	parameters.data = (unsigned char *)spki;
	assert_int_equal(gnutls_privkey_generate2(key, GNUTLS_PK_RSA_PSS, 2048, 0, &parameters,
						  hash == GNUTLS_DIG_UNKNOWN ? 0 : 1),
			 0);
	gnutls_x509_spki_deinit(spki);
	return key;
}

/* With parameters an RSASSA-PSS key has one hash. */
static void schemes_of_rsa_pss(void **state)
{
	static const gnutls_sign_algorithm_t pss[] = {
		GNUTLS_SIGN_RSA_PSS_SHA256,
		GNUTLS_SIGN_RSA_PSS_SHA384,
		GNUTLS_SIGN_RSA_PSS_SHA512,
	};

	(void)state;
	assert_schemes(make_pss_key(GNUTLS_DIG_UNKNOWN), pss, 3);
	assert_schemes(make_pss_key(GNUTLS_DIG_SHA384), &pss[1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_in_any_order),
		cmocka_unit_test(chain_of_none),
		cmocka_unit_test(chain_with_a_gap_and_strangers),
		cmocka_unit_test(chain_of_a_loop),
		cmocka_unit_test(chain_next),
		cmocka_unit_test(chain_next_refuses),
		{ "match_rsa", match, NULL, NULL, (void *)&rsa },
		{ "match_p256", match, NULL, NULL, (void *)&p256 },
		{ "match_p384", match, NULL, NULL, (void *)&p384 },
		{ "match_p521", match, NULL, NULL, (void *)&p521 },
		{ "match_ed25519", match, NULL, NULL, (void *)&ed25519 },
		cmocka_unit_test(match_of_two),
		cmocka_unit_test(match_of_an_unusable_key),
		cmocka_unit_test(match_of_none),
		cmocka_unit_test(schemes_of_each_kind),
		cmocka_unit_test(schemes_of_rsa_pss),
	};

	return run_group(tests, set_up, tear_down);
}
