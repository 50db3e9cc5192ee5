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

/* The server has heard who we are. */
static void say_refusal(struct doctor *doctor, const struct tls_probe *probe)
{
	const char *reason = probe->alert ? probe->alert : gnutls_strerror(probe->error);

	if (probe->key_error < 0) {
		char *text;
		enum exit_code code = describe_p11(probe->key_error, &probe->diag, &text);

		doctor_say(doctor, "handshake", probe->host, VERDICT_FAILED, code, "%s",
			   text ? text : nfstls_strerror(probe->key_error));
		free(text);
	} else if (!probe->server) {
		doctor_say(doctor, "handshake", probe->host, VERDICT_FAILED, EXIT_OTHER,
			   "it gave up before it showed a certificate (%s); see whether tlshd runs there, and its log",
			   reason);
	} else if (probe->is_sent && !probe->knows_issuer) {
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_FAILED, EXIT_FILE,
			   "the server refuses the certificate (%s): it trusts %s; have our CA put into its "
			   "x509.truststore, or take a certificate of one of those",
			   reason, probe->cas);
	} else if (probe->is_sent) {
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_FAILED, EXIT_FILE,
			   "the server refuses the certificate (%s); the log of its tlshd says why", reason);
	} else {
		doctor_say(doctor, "handshake", probe->host, VERDICT_FAILED, EXIT_OTHER, "%s; see the log of its tlshd",
			   reason);
	}
}

static void say_acceptance(struct doctor *doctor, const struct tls_probe *probe)
{
	if (!probe->is_answered)
		say_refusal(doctor, probe);
	else if (!probe->is_asked)
		doctor_say(
			doctor, "accepted", probe->host, VERDICT_WARNING, EXIT_OK,
			"it does not ask who we are: its tlshd has no [authenticate.server] for client certificates");
	else if (probe->is_sent)
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_OK, EXIT_OK,
			   "the server takes its certificate, and answers inside TLS");
	else if (doctor->presented)
		doctor_say(doctor, "accepted", doctor->presented, VERDICT_FAILED, EXIT_KEY,
			   "its certificate was not sent: the key signs in no scheme that the server takes");
	else
		doctor_say(doctor, "accepted", NULL, VERDICT_WARNING, EXIT_OK, "nobody was presented to the server; %s",
			   doctor->identities.count > 1 ? "name one IDENTITY" : "mend the identity first");
}

static void look_inside(struct doctor *doctor, int fd, const char *host)
{
	struct nfstls_keys keys = { .identity = { (char *)doctor->presented, doctor->keyring.serial } };
	struct tls_probe probe = { .fd = fd, .host = host, .trust_file = doctor->trust_file };
	int ret = 0;

	if (doctor->presented) {
		keys.identity.name = strdup(doctor->presented);
		ret = keys.identity.name ? nfstls_keys_load(&keys) : NFSTLS_E_MEMORY;
		probe.keys = &keys;
	}
	if (ret == 0)
		ret = tls_probe_run(&probe);
	if (probe.server) {
		say_trust(doctor, &probe);
		say_name(doctor, &probe);
	}
	if (ret < 0 && probe.key_error == 0)
		doctor_say(doctor, "handshake", host, VERDICT_FAILED, EXIT_OTHER, "it could not be tried: %s",
			   nfstls_strerror(ret));
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
