/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each kind of key in a real token signs a real TLS 1.3 handshake with a server that requires a certificate. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "softhsm.h"
#include "unit.h"

static struct softhsm hsm;
static struct authority root;

static struct kind {
	enum softhsm_key key;
	const char *label;
	gnutls_sign_algorithm_t scheme; /* what GnuTLS must agree on for it */
	bool missing;			/* this SoftHSM cannot make such a key */
	gnutls_x509_crt_t cert;
} rsa_2048 = { .key = KEY_RSA_2048, .label = "rsa-2048", .scheme = GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 },
  rsa_3072 = { .key = KEY_RSA_3072, .label = "rsa-3072", .scheme = GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 },
  rsa_4096 = { .key = KEY_RSA_4096, .label = "rsa-4096", .scheme = GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 },
  p256 = { .key = KEY_P256, .label = "p-256", .scheme = GNUTLS_SIGN_ECDSA_SECP256R1_SHA256 },
  p384 = { .key = KEY_P384, .label = "p-384", .scheme = GNUTLS_SIGN_ECDSA_SECP384R1_SHA384 },
  p521 = { .key = KEY_P521, .label = "p-521", .scheme = GNUTLS_SIGN_ECDSA_SECP521R1_SHA512 },
  ed25519 = { .key = KEY_ED25519, .label = "ed25519", .scheme = GNUTLS_SIGN_EDDSA_ED25519 };

static struct kind *const kinds[] = { &rsa_2048, &rsa_3072, &rsa_4096, &p256, &p384, &p521, &ed25519 };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void fill(CK_SESSION_HANDLE session, struct kind *kind)
{
	const struct softhsm_name name = { kind->label, strlen(kind->label), kind->label };
	gnutls_pubkey_t key;

	kind->missing = !softhsm_can(&hsm, kind->key);
	if (kind->missing)
		return;
	key = softhsm_key(&hsm, session, kind->key, &name);
	kind->cert = cert_issue(kind->label, key, &root, false);
	gnutls_pubkey_deinit(key);
}

static int set_up(void **state)
{
	CK_SESSION_HANDLE session;

	(void)state;
	if (!softhsm_module())
		return 0;
	authority_make(&root, "root", NULL);
	softhsm_make(&hsm);
	softhsm_open(&hsm);
	session = softhsm_token(&hsm, "unit");
	for (size_t i = 0; i < KINDS; i++)
		fill(session, kinds[i]);
	softhsm_close(&hsm);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!softhsm_module())
		return 0;
	softhsm_remove(&hsm);
	for (size_t i = 0; i < KINDS; i++)
		gnutls_x509_crt_deinit(kinds[i]->cert);
	authority_clear(&root);
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	nfstls_cleanup();
	return 0;
}

/* One end of a connection: who it is, and how it takes part. */
struct end {
	gnutls_session_t session;
	gnutls_certificate_credentials_t cred;
	gnutls_pcert_st cert;
	gnutls_privkey_t key;
};

static int retrieve(gnutls_session_t session, const gnutls_datum_t *issuers, int nissuers,
		    const gnutls_pk_algorithm_t *algos, int nalgos, gnutls_pcert_st **certs, unsigned int *ncerts,
		    gnutls_privkey_t *key)
{
	struct end *end = gnutls_session_get_ptr(session);

	(void)issuers;
	(void)nissuers;
	(void)algos;
	(void)nalgos;
	*certs = &end->cert;
	*ncerts = 1;
	*key = end->key;
	return 0;
}

/* Takes over the key. */
static void end_make(struct end *end, unsigned int flags, int fd, gnutls_x509_crt_t cert, gnutls_privkey_t key)
{
	end->key = key;
	assert_int_equal(gnutls_pcert_import_x509(&end->cert, cert, 0), 0);
	assert_int_equal(gnutls_certificate_allocate_credentials(&end->cred), 0);
	gnutls_certificate_set_retrieve_function2(end->cred, retrieve);
	assert_int_equal(gnutls_certificate_set_x509_trust(end->cred, &root.cert, 1), 1);
	assert_int_equal(gnutls_init(&end->session, flags | GNUTLS_NONBLOCK), 0);
	gnutls_session_set_ptr(end->session, end);
	assert_int_equal(gnutls_priority_set_direct(end->session, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL), 0);
	assert_int_equal(gnutls_credentials_set(end->session, GNUTLS_CRD_CERTIFICATE, end->cred), 0);
	gnutls_transport_set_int(end->session, fd);
}

static void end_clear(struct end *end)
{
	gnutls_deinit(end->session);
	gnutls_certificate_free_credentials(end->cred);
	gnutls_pcert_deinit(&end->cert);
	gnutls_privkey_deinit(end->key);
}

/* Both ends by turns, until neither has anything left to do. */
static void shake_hands(struct end *client, struct end *server)
{
	int ours = GNUTLS_E_AGAIN, theirs = GNUTLS_E_AGAIN;
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;

	for (int turn = 0; turn < 20 && (ours < 0 || theirs < 0); turn++) {
		if (ours < 0)
			ours = gnutls_handshake(client->session);
		if (ours < 0 && gnutls_error_is_fatal(ours))
			assert_ok(nfstls_last_sign_error(&diag), &diag);
		if (theirs < 0)
			theirs = gnutls_handshake(server->session);
		assert_false(gnutls_error_is_fatal(ours));
		assert_false(gnutls_error_is_fatal(theirs));
	}
	assert_int_equal(ours, 0);
	assert_int_equal(theirs, 0);
}

/* The server has the certificate of this kind of key, trusts it, and saw it proved with the scheme. */
static void assert_saw(const struct end *server, const struct kind *kind)
{
	gnutls_datum_t expected = cert_der(kind->cert);
	unsigned int count, status;
	const gnutls_datum_t *certs = gnutls_certificate_get_peers(server->session, &count);

	assert_non_null(certs);
	assert_int_equal(count, 1);
	assert_datum_equal(certs, &expected);
	gnutls_free(expected.data);
	assert_int_equal(gnutls_certificate_verify_peers2(server->session, &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(gnutls_protocol_get_version(server->session), GNUTLS_TLS1_3);
	assert_int_equal(gnutls_sign_algorithm_get_client(server->session), kind->scheme);
}

static gnutls_privkey_t import(const struct kind *kind)
{
	const char *attributes = scratch_join(&hsm.scratch, "token=unit;object=", kind->label, NULL);
	const struct nfstls_access access = { .identity = NULL };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_datum_t handle;
	gnutls_privkey_t key;

	assert_ok(nfstls_handle_encode(softhsm_uri(&hsm, attributes), &handle), NULL);
	assert_int_equal(gnutls_privkey_init(&key), 0);
	assert_ok(nfstls_privkey_import_handle(key, &handle, &access, NULL, &diag), &diag);
	gnutls_free(handle.data);
	return key;
}

static void handshake(void **state)
{
	const struct kind *kind = *state;
	struct end client, server;
	gnutls_x509_crt_t cert;
	gnutls_privkey_t key;
	int fds[2];

	softhsm_need();
	if (kind->missing)
		skip_because("this SoftHSM2 makes no such key");
	key = key_make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	cert = cert_for("server", key, &root);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	end_make(&client, GNUTLS_CLIENT, fds[0], kind->cert, import(kind));
	end_make(&server, GNUTLS_SERVER, fds[1], cert, key);
	gnutls_certificate_server_set_request(server.session, GNUTLS_CERT_REQUIRE);

	shake_hands(&client, &server);
	assert_saw(&server, kind);

	end_clear(&client);
	end_clear(&server);
	gnutls_x509_crt_deinit(cert);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "handshake_rsa_2048", handshake, NULL, clean_up, &rsa_2048 },
		{ "handshake_rsa_3072", handshake, NULL, clean_up, &rsa_3072 },
		{ "handshake_rsa_4096", handshake, NULL, clean_up, &rsa_4096 },
		{ "handshake_p256", handshake, NULL, clean_up, &p256 },
		{ "handshake_p384", handshake, NULL, clean_up, &p384 },
		{ "handshake_p521", handshake, NULL, clean_up, &p521 },
		{ "handshake_ed25519", handshake, NULL, clean_up, &ed25519 },
	};

	return run_group(tests, set_up, tear_down);
}
