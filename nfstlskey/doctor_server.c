/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server: whether it can be reached, does TLS, is whom the mount names, and takes the identity. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cert_text.h"
#include "doctor.h"
#include "nfs_connect.h"
#include "tls_probe.h"

static void say_trust(struct doctor *doctor, const struct tls_probe *probe)
{
	gnutls_datum_t text = { NULL, 0 };
	char *issuer = cert_issuer(probe->server);
	const char *cas = doctor->trust_name ? doctor->trust_name : "what this host trusts";

	if (probe->status == 0)
		doctor_say(doctor, "certificate", probe->host, VERDICT_OK, EXIT_OK, "issued by '%s', by %s",
			   issuer ? issuer : "", cas);
	else if (probe->status & GNUTLS_CERT_SIGNER_NOT_FOUND && !doctor->knows_trust)
		doctor_say(doctor, "certificate", probe->host, VERDICT_WARNING, EXIT_OK,
			   "it is issued by '%s'; whether tlshd trusts that is not known", issuer ? issuer : "");
	else if (probe->status & GNUTLS_CERT_SIGNER_NOT_FOUND)
		doctor_say(doctor, "certificate", probe->host, VERDICT_FAILED, EXIT_FILE,
			   "it is issued by '%s', which is not in %s; put that CA there, or see who this server is",
			   issuer ? issuer : "", cas);
	else if (gnutls_certificate_verification_status_print(probe->status, GNUTLS_CRT_X509, &text, 0) == 0)
		doctor_say(doctor, "certificate", probe->host, VERDICT_FAILED, EXIT_FILE,
			   "%sIs the clock of this host right? If so, the server wants another certificate", text.data);
	else
		doctor_say(doctor, "certificate", probe->host, VERDICT_FAILED, EXIT_FILE, "it cannot be verified");
	gnutls_free(text.data);
	free(issuer);
}

static void say_name(struct doctor *doctor, const struct tls_probe *probe)
{
	char *sans;

	if (probe->name_fits) {
		doctor_say(doctor, "name", probe->host, VERDICT_OK, EXIT_OK, "its certificate is for this name");
		return;
	}
	sans = cert_sans(probe->server);
	doctor_say(
		doctor, "name", probe->host, VERDICT_FAILED, EXIT_FILE,
		"its certificate is for %s, and not for this name; mount it by one of those, or have it issued for this one",
		sans ? sans : "no name at all");
	free(sans);
}

static void say_key_error(struct doctor *doctor, const struct tls_probe *probe)
{
	char *text;
	enum exit_code code = describe_p11(probe->key_error, &probe->diag, &text);

	doctor_say(doctor, "handshake", doctor->presented, VERDICT_FAILED, code, "%s",
		   text ? text : nfstls_strerror(probe->key_error));
	free(text);
}

/* Before we say who we are. */
static void say_no_handshake(struct doctor *doctor, const struct tls_probe *probe)
{
	const char *what = "it gave up before it showed a certificate";
	const char *next = "see whether tlshd runs there, and its log";

	if (probe->server) {
		what = "the handshake broke off";
		next = "see the log of its tlshd";
	} else if (probe->end == TLS_UNLIKE) {
		what = "it does no TLS 1.3 that this host does too";
		next = "update TLS there, or see what crypto policies leave of it";
	} else if (probe->end == TLS_FOREIGN) {
		what = "its TLS is not for RPC";
		next = "see what listens on its port 2049";
	} else if (probe->end == TLS_STRANGE) {
		what = "what it says is no handshake of TLS 1.3";
		next = "see what listens on its port 2049";
	} else if (probe->end == TLS_LATE) {
		what = "it does not show a certificate";
	}
	doctor_say(doctor, "handshake", probe->host, VERDICT_FAILED, EXIT_OTHER, "%s (%s); %s", what, probe->reason,
		   next);
}

/* The server may know who we are. */
static void say_refusal(struct doctor *doctor, const struct tls_probe *probe)
{
	if (!probe->knows_issuer)
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_FAILED, EXIT_FILE,
			   "the server refuses the certificate (%s): it trusts %s; have our CA put into its "
			   "x509.truststore, or take a certificate of one of those",
			   probe->reason, probe->cas ? probe->cas : "others");
	else if (probe->end == TLS_CLOSED)
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_FAILED, EXIT_FILE,
			   "the server ended the connection when it was to take the certificate (%s); the log of its "
			   "tlshd says why",
			   probe->reason);
	else
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_FAILED, EXIT_FILE,
			   "the server refuses the certificate (%s); the log of its tlshd says why", probe->reason);
}

static void say_unanswered(struct doctor *doctor, const struct tls_probe *probe)
{
	const char *subject = doctor->presented ? doctor->presented : probe->host;

	if (probe->end == TLS_STRANGE)
		doctor_say(doctor, "accepted", subject, VERDICT_FAILED, EXIT_OTHER,
			   "what the server answers inside TLS is not NFS; see what listens on its port 2049");
	else
		doctor_say(doctor, "accepted", subject, VERDICT_FAILED, EXIT_OTHER,
			   "the server does not answer inside TLS (%s); see whether nfsd runs there, and the log of "
			   "its kernel",
			   probe->reason);
}

static void say_unsent(struct doctor *doctor, const struct tls_probe *probe)
{
	const char *next = doctor->identities.count > 1 ? "name one IDENTITY" : "mend the identity first";

	if (doctor->presented)
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_FAILED, EXIT_KEY,
			   "its certificate was not sent: the key signs in no scheme that the server takes; take a "
			   "key of another type");
	else if (probe->end == TLS_ANSWERED)
		doctor_say(doctor, "accepted", NULL, VERDICT_WARNING, EXIT_OK, "nobody was presented to the server; %s",
			   next);
	else
		doctor_say(doctor, "accepted", NULL, VERDICT_FAILED, EXIT_OTHER,
			   "nobody was presented to the server, which insists (%s); %s", probe->reason, next);
}

static void say_acceptance(struct doctor *doctor, const struct tls_probe *probe)
{
	bool is_refused = (probe->end == TLS_REFUSED || probe->end == TLS_CLOSED) && !probe->is_heard;

	if (probe->key_error < 0)
		say_key_error(doctor, probe);
	else if (!probe->is_shaken)
		say_no_handshake(doctor, probe);
	else if (probe->is_asked && !probe->is_sent && (is_refused || probe->end == TLS_ANSWERED))
		say_unsent(doctor, probe);
	else if (probe->is_sent && is_refused)
		say_refusal(doctor, probe);
	else if (probe->end != TLS_ANSWERED)
		say_unanswered(doctor, probe);
	else if (!probe->is_asked)
		doctor_say(
			doctor, "accepted", probe->host, VERDICT_WARNING, EXIT_OK,
			"it does not ask who we are: its tlshd has no [authenticate.server] for client certificates");
	else
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_OK, EXIT_OK,
			   "the server takes its certificate, and answers inside TLS");
}

static void look_inside(struct doctor *doctor, int fd, const char *host)
{
	struct nfstls_keys keys = { .identity = { (char *)doctor->presented, doctor->keyring.serial } };
	struct tls_probe probe = { .fd = fd, .host = host, .trust_file = doctor->trust_file };
	int ret = 0;

	if (doctor->presented) {
		keys.identity.name = strdup(doctor->presented);
		ret = keys.identity.name ? nfstls_keys_load(&keys) : NFSTLS_E_MEMORY;
		/* it was there when it was checked */
		if (ret == 0 && (keys.cert.size == 0 || keys.privkey.size == 0))
			ret = NFSTLS_E_KEYRING;
		probe.keys = &keys;
	}
	if (ret == 0)
		ret = tls_probe_run(&probe);
	if (probe.server) {
		say_trust(doctor, &probe);
		say_name(doctor, &probe);
	}
	if (ret < 0 && probe.key_error == 0)
		doctor_say(doctor, "handshake", host, VERDICT_FAILED, EXIT_OTHER,
			   "it could not be tried (%s); try again", nfstls_strerror(ret));
	else
		say_acceptance(doctor, &probe);
	tls_probe_clear(&probe);
	nfstls_keys_clear(&keys);
}

static void ask(struct doctor *doctor, int fd, const char *host)
{
	enum rpc_answer answer;
	int ret = nfs_start_tls(fd, nfs_deadline(NFS_ANSWER_MS), &answer);

	if (ret < 0) {
		doctor_say(doctor, "tls", host, VERDICT_FAILED, EXIT_OTHER,
			   "it does not answer as an NFS server does (%s); see what listens on its port 2049",
			   strerror(-ret));
	} else if (answer != RPC_STARTTLS) {
		doctor_say(doctor, "tls", host, VERDICT_FAILED, EXIT_OTHER,
			   "the server does no TLS; Linux does from 6.4 on, with tlshd and xprtsec= in /etc/exports");
	} else {
		doctor_say(doctor, "tls", host, VERDICT_OK, EXIT_OK, "the server does TLS (RPC_AUTH_TLS)");
		look_inside(doctor, fd, host);
	}
}

static void reach(struct doctor *doctor, const char *host)
{
	struct addrinfo *addresses;
	int fd, ret = nfs_resolve(host, &addresses);

	if (ret != 0) {
		doctor_say(doctor, "server", host, VERDICT_FAILED, EXIT_NOT_FOUND,
			   "it has no address: %s; see /etc/hosts and DNS", gai_strerror(ret));
		return;
	}
	fd = nfs_connect(addresses);
	freeaddrinfo(addresses);
	if (fd < 0) {
		doctor_say(doctor, "server", host, VERDICT_FAILED, EXIT_OTHER,
			   "port 2049: %s; see whether the NFS server runs, and what stands between", strerror(-fd));
		return;
	}
	doctor_say(doctor, "server", host, VERDICT_OK, EXIT_OK, "it is reached on port 2049");
	ask(doctor, fd, host);
	close(fd);
}

void doctor_server(struct doctor *doctor)
{
	char *host;

	if (!doctor->args->server)
		return;
	if (nfs_server_name(doctor->args->server, &host) < 0) {
		doctor_say(doctor, "server", doctor->args->server, VERDICT_FAILED, EXIT_USAGE,
			   "it is no SERVER:/PATH or [ADDRESS]:/PATH");
		return;
	}
	reach(doctor, host);
	free(host);
}
