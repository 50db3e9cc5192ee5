/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The adapter: token keys for a tlshd that knows nothing of them.
 *
 * Preloaded into an unmodified tlshd (ktls-utils 1.0.0 to 1.4.0), it stands in front of the few library calls through
 * which the child that does a handshake takes a certificate and a key from the keyring:
 *
 * - keyctl_read_alloc: which key is read, and so which identity is meant; certificate and key are those of one moment;
 * - gnutls_pcert_import_x509_raw: the certificate, beside which its intermediates are put;
 * - gnutls_privkey_import_x509_raw: the key; a token handle is opened on its token;
 * - gnutls_certificate_set_retrieve_function2: the certificates that are offered: with the intermediates, and from
 * where they are, for 1.4.0 points past its array for a certificate of the keyring;
 * - gnutls_handshake: how it ended; our certificate must have been sent.
 *
 * tlshd forks a child for each handshake, so that there is one handshake in a process and one state for it. A handshake
 * in which no certificate comes from the keyring passes through untouched.
 */
#include "config.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>

#include <keyutils.h>

#include "nfstls-p11.h"

#define CERTS_MAX   10
/* The kernel waits 10 s for a client's handshake; it has to hear of a token that does not answer before that. */
#define DEADLINE_MS 8000
/* knfsd closes the connection after 5 s, counted from a moment later. */
#define PATIENCE_MS 4500

static struct {
	struct timespec begun;	 /* when the child was made, for this handshake */
	key_serial_t serial;	 /* the key that was read last; 0 while tlshd keeps to its configuration */
	struct nfstls_keys keys; /* those of the identity that it belongs to; without a name if it is not ours */
	gnutls_pcert_st *leaf;	 /* where tlshd keeps the certificate of the keyring */
	gnutls_pcert_st certs[CERTS_MAX]; /* it and its intermediates; the leaf is tlshd's, the others are ours */
	unsigned int ncerts;
	bool has_handle;
	struct nfstls_key_info key;
	int error; /* an enum nfstls_error: why there can be no handshake */
	struct nfstls_diag diag;
	gnutls_certificate_retrieve_function2 *retrieve; /* tlshd's */
} state;

/* The library's own function. Without it tlshd would be linked to something else than it was built for. */
static void *next(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (!symbol) {
		syslog(LOG_ERR, "nfstls: %s is missing", name);
		abort();
	}
	return symbol;
}

static void note_begin(void)
{
	clock_gettime(CLOCK_MONOTONIC, &state.begun);
}

__attribute__((constructor)) static void begin(void)
{
	pthread_atfork(NULL, NULL, note_begin);
}

/* By then the child has told the kernel how the handshake ended. */
__attribute__((destructor)) static void end(void)
{
	nfstls_cleanup();
	nfstls_keys_clear(&state.keys);
}

static long passed_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - state.begun.tv_sec) * 1000 + (now.tv_nsec - state.begun.tv_nsec) / 1000000;
}

static unsigned int time_left_ms(void)
{
	long passed = passed_ms();

	return passed < DEADLINE_MS ? DEADLINE_MS - passed : 1;
}

/* As the library's own: with a NUL after the payload, and for free(). */
static int hand_out(const gnutls_datum_t *payload, void **buffer)
{
	char *copy = malloc(payload->size + 1);

	if (!copy)
		return -1;
	if (payload->size > 0)
		memcpy(copy, payload->data, payload->size);
	copy[payload->size] = '\0';
	*buffer = copy;
	return payload->size;
}

/* What cannot be read for one moment is not tlshd's to judge either. */
int keyctl_read_alloc(key_serial_t id, void **buffer)
{
	static typeof(keyctl_read_alloc) *real;
	gnutls_datum_t payload;
	int ret;

	if (!real)
		real = next(__func__);
	state.serial = id;
	ret = nfstls_keys_read(&state.keys, id, &payload);
	if (ret < 0) {
		state.error = ret;
		return real(id, buffer);
	}
	ret = hand_out(&payload, buffer);
	if (payload.data)
		explicit_bzero(payload.data, payload.size);
	gnutls_free(payload.data);
	return ret;
}

static int load_chain(void)
{
	gnutls_datum_t rest = state.keys.chain, cert;
	int ret;

	while ((ret = nfstls_chain_next(&rest, &cert)) == 0 && cert.size > 0) {
		if (state.ncerts == CERTS_MAX ||
		    gnutls_pcert_import_x509_raw(&state.certs[state.ncerts], &cert, GNUTLS_X509_FMT_DER, 0) < 0)
			return NFSTLS_E_CERT;
		state.ncerts++;
	}
	return ret;
}

int gnutls_pcert_import_x509_raw(gnutls_pcert_st *pcert, const gnutls_datum_t *cert, gnutls_x509_crt_fmt_t format,
				 unsigned int flags)
{
	static typeof(gnutls_pcert_import_x509_raw) *real;
	int ret;

	if (!real)
		real = next(__func__);
	ret = real(pcert, cert, format, flags);
	if (ret < 0 || state.serial == 0 || state.leaf)
		return ret;

	state.leaf = pcert;
	state.certs[0] = *pcert;
	state.ncerts = 1;
	if (state.error == 0)
		state.error = load_chain();
	return ret;
}

/*
 * What cannot be opened is not tlshd's to judge: it would report EIO for all of it. gnutls_handshake() will tell.
 * Without the identity there is no latch, and so no login.
 */
static void open_handle(gnutls_privkey_t key, const gnutls_datum_t *handle)
{
	/* A mount may name the certificate of one identity and the key of another: the PIN is of the key. */
	const struct nfstls_access access = { .identity = &state.keys.identity, .timeout_ms = time_left_ms() };

	/* tlshd ignores SIGCHLD for its children's sake, and the agent is a child of this one. */
	signal(SIGCHLD, SIG_DFL);
	state.has_handle = true;
	if (state.error == 0 && !state.keys.identity.name)
		state.error = NFSTLS_E_KEYRING;
	if (state.error == 0)
		state.error = nfstls_privkey_import_handle(key, handle, &access, &state.key, &state.diag);
}

int gnutls_privkey_import_x509_raw(gnutls_privkey_t key, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format,
				   const char *password, unsigned int flags)
{
	static typeof(gnutls_privkey_import_x509_raw) *real;

	if (!real)
		real = next(__func__);
	if (format != GNUTLS_X509_FMT_DER || !nfstls_handle_detect(data))
		return real(key, data, format, password, flags);
	open_handle(key, data);
	return 0;
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *issuers, int nissuers,
		    const gnutls_pk_algorithm_t *algos, int nalgos, gnutls_pcert_st **certs, unsigned int *ncerts,
		    gnutls_privkey_t *key)
{
	int ret = state.retrieve(session, issuers, nissuers, algos, nalgos, certs, ncerts, key);

	if (ret == 0 && state.leaf && (state.ncerts > 1 || *certs != state.leaf)) {
		*certs = state.certs;
		*ncerts = state.ncerts;
	}
	return ret;
}

void gnutls_certificate_set_retrieve_function2(gnutls_certificate_credentials_t cred,
					       gnutls_certificate_retrieve_function2 *func)
{
	static typeof(gnutls_certificate_set_retrieve_function2) *real;

	if (!real)
		real = next(__func__);
	state.retrieve = func;
	real(cred, func ? retrieve : NULL);
}

static void tell(int error, const struct nfstls_diag *diag)
{
	char text[1024];

	nfstls_failure_text(state.keys.identity.name, error, diag, text, sizeof(text));
	syslog(LOG_NOTICE, "nfstls: %s", text);
}

/*
 * Log the one line that a failed handshake gets, and give tlshd the GnuTLS error that it turns into ETIMEDOUT, after
 * which the kernel tries again, or into EACCES.
 */
static int refuse(int error, const struct nfstls_diag *diag)
{
	tell(error, diag);
	return nfstls_error_is_transient(error) ? GNUTLS_E_PREMATURE_TERMINATION : GNUTLS_E_INSUFFICIENT_CREDENTIALS;
}

/* What is not about the key is for tlshd to judge; it does not know whose handshake it was. */
static int pass_on(gnutls_session_t session, int error)
{
	bool is_alert = error == GNUTLS_E_FATAL_ALERT_RECEIVED;
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;

	snprintf(diag.text, sizeof(diag.text), "%s%s%s", state.key.token, state.key.token[0] ? ": " : "",
		 is_alert ? gnutls_alert_get_name(gnutls_alert_get(session)) : gnutls_strerror(error));
	tell(NFSTLS_E_TLS, &diag);
	return error;
}

/* GnuTLS goes on with no certificate when the key cannot do what the server asks for. */
static bool sent_our_certificate(gnutls_session_t session)
{
	const gnutls_datum_t *sent = gnutls_certificate_get_ours(session);
	const gnutls_datum_t *ours = &state.certs[0].cert;

	return sent && sent->size == ours->size && memcmp(sent->data, ours->data, ours->size) == 0;
}

/*
 * TLS 1.3 does not wait for a word of the server after the signature. A server that closed the connection before, for
 * it had waited long enough, is one to try again; tlshd would say EIO, as kTLS takes no such connection. When there was
 * time enough it may have refused us.
 */
static bool server_gave_up(gnutls_session_t session)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	return state.has_handle && passed_ms() > PATIENCE_MS &&
	       getsockopt(gnutls_transport_get_int(session), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	       info.tcpi_state != TCP_ESTABLISHED;
}

static int judge(gnutls_session_t session, int ret)
{
	static const struct nfstls_diag not_sent = { .text = "the handshake ended without our certificate" };
	static const struct nfstls_diag gave_up = { .text = "the server did not wait for the signature" };

	if (!sent_our_certificate(session))
		return refuse(NFSTLS_E_KEY_UNUSABLE, &not_sent);
	return server_gave_up(session) ? refuse(NFSTLS_E_TIMEOUT, &gave_up) : ret;
}

int gnutls_handshake(gnutls_session_t session)
{
	static typeof(gnutls_handshake) *real;
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	int ret, error;

	if (!real)
		real = next(__func__);
	if (state.error < 0)
		return refuse(state.error, &state.diag);
	ret = real(session);
	if (!state.leaf || (ret < 0 && !gnutls_error_is_fatal(ret)))
		return ret;
	if (ret < 0) {
		error = nfstls_last_sign_error(&diag);
		return error ? refuse(error, &diag) : pass_on(session, ret);
	}
	return judge(session, ret);
}
