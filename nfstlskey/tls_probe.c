/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>

#include "nfs_connect.h"
#include "tls_probe.h"

#define PRIORITY    "NORMAL:-VERS-ALL:+VERS-TLS1.3"
/* RFC 9289 section 5 */
#define ALPN	    "sunrpc"
/* As tlshd and its adapter have it. */
#define CERTS_MAX   10
#define DEADLINE_MS 8000
/* of those that a server names; there may be hundreds */
#define CAS_SHOWN   5

/* One handshake. */
struct attempt {
	struct tls_probe *probe;
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	gnutls_pcert_st certs[CERTS_MAX];
	unsigned int ncerts;
	gnutls_privkey_t key;
	struct timespec deadline; /* of the handshake, then of the answer */
	int net_error;		  /* an errno value, where the connection itself failed */
	int error;		  /* of GnuTLS, where the call inside of TLS fails */
};

static int add_cert(struct attempt *attempt, const gnutls_datum_t *der)
{
	if (attempt->ncerts == CERTS_MAX ||
	    gnutls_pcert_import_x509_raw(&attempt->certs[attempt->ncerts], der, GNUTLS_X509_FMT_DER, 0) < 0)
		return NFSTLS_E_CERT;
	attempt->ncerts++;
	return 0;
}

static int load_certs(struct attempt *attempt)
{
	gnutls_datum_t rest = attempt->probe->keys->chain, cert = attempt->probe->keys->cert;
	int ret = add_cert(attempt, &cert);

	while (ret == 0 && (ret = nfstls_chain_next(&rest, &cert)) == 0 && cert.size > 0)
		ret = add_cert(attempt, &cert);
	return ret;
}

static int load_key(struct attempt *attempt)
{
	struct tls_probe *probe = attempt->probe;
	const struct nfstls_access access = { .identity = &probe->keys->identity, .timeout_ms = DEADLINE_MS };
	const gnutls_datum_t *privkey = &probe->keys->privkey;

	if (gnutls_privkey_init(&attempt->key) < 0)
		return NFSTLS_E_MEMORY;
	if (nfstls_handle_detect(privkey))
		return nfstls_privkey_import_handle(attempt->key, privkey, &access, NULL, &probe->diag);
	return gnutls_privkey_import_x509_raw(attempt->key, privkey, GNUTLS_X509_FMT_DER, NULL, 0) < 0
		       ? NFSTLS_E_KEYFILE
		       : 0;
}

/* One more for the list; without memory it stays as it is. */
__attribute__((format(printf, 2, 3))) static void add_text(char **list, const char *format, ...)
{
	char *text, *longer;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0)
		return;
	if (asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? ", " : "", text) >= 0) {
		free(*list);
		*list = longer;
	}
	free(text);
}

static void add_ca(struct tls_probe *probe, const gnutls_datum_t *dn)
{
	gnutls_datum_t text;

	if (gnutls_x509_rdn_get2(dn, &text, 0) < 0)
		return;
	add_text(&probe->cas, "'%s'", text.data);
	gnutls_free(text.data);
}

static bool issued_ours(struct attempt *attempt, const gnutls_datum_t *dn)
{
	bool is = false;

	for (unsigned int i = 0; !is && i < attempt->ncerts; i++) {
		gnutls_datum_t issuer = { NULL, 0 };
		gnutls_x509_crt_t cert;

		if (gnutls_pcert_export_x509(&attempt->certs[i], &cert) < 0)
			continue;
		is = gnutls_x509_crt_get_raw_issuer_dn(cert, &issuer) == 0 && issuer.size == dn->size &&
		     memcmp(issuer.data, dn->data, dn->size) == 0;
		gnutls_free(issuer.data);
		gnutls_x509_crt_deinit(cert);
	}
	return is;
}

/* What is ours goes out whatever the server trusts, as with tlshd: GnuTLS by itself would send nothing at all. */
static int retrieve(gnutls_session_t session, const gnutls_datum_t *cas, int ncas,
		    const gnutls_pk_algorithm_t *algorithms, int nalgorithms, gnutls_pcert_st **certs,
		    unsigned int *ncerts, gnutls_privkey_t *key)
{
	struct attempt *attempt = gnutls_session_get_ptr(session);
	struct tls_probe *probe = attempt->probe;

	(void)algorithms;
	(void)nalgorithms;
	probe->is_asked = true;
	probe->knows_issuer = ncas == 0;
	for (int i = 0; i < ncas; i++) {
		if (i < CAS_SHOWN)
			add_ca(probe, &cas[i]);
		probe->knows_issuer |= issued_ours(attempt, &cas[i]);
	}
	if (ncas > CAS_SHOWN)
		add_text(&probe->cas, "and %d more", ncas - CAS_SHOWN);
	*certs = attempt->certs;
	*ncerts = attempt->ncerts;
	*key = attempt->key;
	return 0;
}

static int set_up_trust(struct attempt *attempt)
{
	const char *file = attempt->probe->trust_file;

	if (file)
		return gnutls_certificate_set_x509_trust_file(attempt->credentials, file, GNUTLS_X509_FMT_PEM);
	return gnutls_certificate_set_x509_system_trust(attempt->credentials);
}

static bool is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* A gnutls_pull_func: GnuTLS by itself begins to wait anew with each byte. */
static ssize_t pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
	struct attempt *attempt = ptr;
	ssize_t got = nfs_receive(attempt->probe->fd, &attempt->deadline, data, size);

	if (got > 0)
		return got;
	attempt->net_error = got == 0 ? ECONNRESET : -got;
	if (got == 0)
		return 0;
	gnutls_transport_set_errno(attempt->session, got == -ETIMEDOUT ? EAGAIN : -got);
	return -1;
}

/* The same call again: what came was not for us, and there is time. */
static bool goes_on(const struct attempt *attempt, int ret)
{
	return (ret == GNUTLS_E_AGAIN || ret == GNUTLS_E_INTERRUPTED || ret == GNUTLS_E_WARNING_ALERT_RECEIVED) &&
	       attempt->net_error == 0 && nfs_time_left(&attempt->deadline) > 0;
}

static int set_up_session(struct attempt *attempt)
{
	const gnutls_datum_t alpn = { (unsigned char *)ALPN, strlen(ALPN) };
	const char *host = attempt->probe->host;
	/* a server that is gone is an error like others, and no SIGPIPE */
	int ret = gnutls_init(&attempt->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);

	if (ret < 0)
		return ret;
	gnutls_session_set_ptr(attempt->session, attempt);
	gnutls_certificate_set_retrieve_function2(attempt->credentials, retrieve);
	ret = gnutls_priority_set_direct(attempt->session, PRIORITY, NULL);
	if (ret == 0)
		ret = gnutls_credentials_set(attempt->session, GNUTLS_CRD_CERTIFICATE, attempt->credentials);
	if (ret == 0)
		ret = gnutls_alpn_set_protocols(attempt->session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
	if (ret == 0 && !is_address(host))
		ret = gnutls_server_name_set(attempt->session, GNUTLS_NAME_DNS, host, strlen(host));
	gnutls_transport_set_int(attempt->session, attempt->probe->fd);
	gnutls_transport_set_ptr2(attempt->session, attempt, gnutls_transport_get_ptr(attempt->session));
	gnutls_transport_set_pull_function(attempt->session, pull);
	return ret;
}

static int set_up(struct attempt *attempt)
{
	struct tls_probe *probe = attempt->probe;

	if (gnutls_certificate_allocate_credentials(&attempt->credentials) < 0)
		return NFSTLS_E_MEMORY;
	/* without any CA we trust nobody, which is an answer too */
	set_up_trust(attempt);
	if (probe->keys) {
		probe->key_error = load_certs(attempt);
		if (probe->key_error == 0)
			probe->key_error = load_key(attempt);
		if (probe->key_error < 0)
			return probe->key_error;
	}
	return set_up_session(attempt) < 0 ? NFSTLS_E_CRYPTO : 0;
}

static void tear_down(struct attempt *attempt)
{
	if (attempt->session)
		gnutls_deinit(attempt->session);
	for (unsigned int i = 0; i < attempt->ncerts; i++)
		gnutls_pcert_deinit(&attempt->certs[i]);
	gnutls_privkey_deinit(attempt->key);
	if (attempt->credentials)
		gnutls_certificate_free_credentials(attempt->credentials);
	nfstls_cleanup();
}

/* What the server has shown, also where it did not go on afterwards. */
static void look_at_server(struct attempt *attempt)
{
	struct tls_probe *probe = attempt->probe;
	const gnutls_datum_t *sent, *chain;
	unsigned int count = 0;

	chain = gnutls_certificate_get_peers(attempt->session, &count);
	if (!chain || gnutls_x509_crt_init(&probe->server) < 0)
		return;
	if (gnutls_x509_crt_import(probe->server, &chain[0], GNUTLS_X509_FMT_DER) < 0) {
		gnutls_x509_crt_deinit(probe->server);
		probe->server = NULL;
		return;
	}
	if (gnutls_certificate_verify_peers2(attempt->session, &probe->status) < 0)
		probe->status = GNUTLS_CERT_INVALID;
	probe->name_fits = gnutls_x509_crt_check_hostname(probe->server, probe->host);
	sent = gnutls_certificate_get_ours(attempt->session);
	probe->is_sent = attempt->ncerts > 0 && sent && sent->size == attempt->certs[0].cert.size &&
			 memcmp(sent->data, attempt->certs[0].cert.data, sent->size) == 0;
}

static int fail_call(struct attempt *attempt, int error)
{
	attempt->error = error;
	return -EIO;
}

/* The call inside of TLS. */
static int send_all(void *arg, const unsigned char *data, size_t size)
{
	struct attempt *attempt = arg;
	ssize_t sent = gnutls_record_send(attempt->session, data, size);

	/* a server that has gone may have said why, and that is there to be read */
	return sent < 0 && sent != GNUTLS_E_PUSH_ERROR ? fail_call(attempt, sent) : 0;
}

static int receive_all(void *arg, unsigned char *data, size_t size)
{
	struct attempt *attempt = arg;
	size_t have = 0;

	while (have < size) {
		ssize_t got = gnutls_record_recv(attempt->session, data + have, size - have);

		if (got == 0)
			return fail_call(attempt, GNUTLS_E_PREMATURE_TERMINATION);
		if (got < 0 && !goes_on(attempt, got))
			return fail_call(attempt, got);
		have += got > 0 ? got : 0;
		attempt->probe->is_heard |= got > 0;
	}
	return 0;
}

/* A client of TLS 1.3 hears with the first answer, and not in the handshake, that it is not let in (RFC 8446 4.4.2.4).
 */
static int call_null(struct attempt *attempt)
{
	const struct rpc_connection connection = { send_all, receive_all, attempt };
	enum rpc_answer answer;

	attempt->deadline = nfs_deadline(NFS_ANSWER_MS);
	attempt->error = GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
	return rpc_null_exchange(&connection, false, &answer) < 0 ? attempt->error : 0;
}

static enum tls_end end_by_alert(const struct attempt *attempt)
{
	/* what we offered it has taken */
	if (attempt->probe->is_shaken)
		return TLS_REFUSED;
	switch (gnutls_alert_get(attempt->session)) {
	case GNUTLS_A_PROTOCOL_VERSION:
	case GNUTLS_A_HANDSHAKE_FAILURE:
	case GNUTLS_A_INSUFFICIENT_SECURITY:
		return TLS_UNLIKE;
	case GNUTLS_A_NO_APPLICATION_PROTOCOL:
		return TLS_FOREIGN;
	default:
		return TLS_REFUSED;
	}
}

static enum tls_end end_of(const struct attempt *attempt, int error)
{
	if (error == 0)
		return TLS_ANSWERED;
	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
		return end_by_alert(attempt);
	if (error == GNUTLS_E_UNSUPPORTED_VERSION_PACKET)
		return TLS_UNLIKE;
	/* of which GnuTLS may say that it is to be called again */
	if (attempt->net_error == ETIMEDOUT)
		return TLS_LATE;
	if (attempt->net_error || error == GNUTLS_E_PREMATURE_TERMINATION || error == GNUTLS_E_PUSH_ERROR)
		return TLS_CLOSED;
	/* it never ran out of what is not for us */
	if (nfs_time_left(&attempt->deadline) == 0)
		return TLS_LATE;
	return TLS_STRANGE;
}

static const char *reason_of(const struct attempt *attempt, int error)
{
	const char *text = NULL;

	if (error == 0)
		return NULL;
	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
		text = gnutls_alert_get_name(gnutls_alert_get(attempt->session));
	else if (attempt->probe->end == TLS_LATE)
		text = strerrordesc_np(ETIMEDOUT);
	else if (attempt->probe->end == TLS_CLOSED)
		text = strerrordesc_np(attempt->net_error ? attempt->net_error : ECONNRESET);
	/* there are alerts that have no name */
	return text ? text : gnutls_strerror(error);
}

static void shake_hands(struct attempt *attempt)
{
	struct tls_probe *probe = attempt->probe;
	int ret;

	attempt->deadline = nfs_deadline(NFS_ANSWER_MS);
	do {
		ret = gnutls_handshake(attempt->session);
	} while (goes_on(attempt, ret));
	look_at_server(attempt);
	probe->is_shaken = ret == 0;
	if (ret < 0 && probe->keys)
		probe->key_error = nfstls_last_sign_error(&probe->diag);
	if (ret == 0)
		ret = call_null(attempt);
	probe->end = end_of(attempt, ret);
	probe->reason = reason_of(attempt, ret);
}

int tls_probe_run(struct tls_probe *probe)
{
	struct attempt attempt = { .probe = probe };
	int ret = set_up(&attempt);

	if (ret == 0)
		shake_hands(&attempt);
	tear_down(&attempt);
	return ret;
}

void tls_probe_clear(struct tls_probe *probe)
{
	if (probe->server)
		gnutls_x509_crt_deinit(probe->server);
	probe->server = NULL;
	free(probe->cas);
	probe->cas = NULL;
	nfstls_diag_clear(&probe->diag);
}
