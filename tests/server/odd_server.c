/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NFS server that goes wrong on demand, up to the first call inside of TLS: odd_server FOLDER
 *
 * It listens on port 2049. A client of its address ADDRESS is treated as the file FOLDER/ADDRESS says in that moment,
 * see conduct.h; each in a process of its own. It says "listening" when it does.
 */
#include "config.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "conduct.h"
#include "peer.h"

#define NFS_PORT 2049

static int complain(const char *what, int error)
{
	if (error < 0)
		fprintf(stderr, "odd_server: %s: %s\n", what, gnutls_strerror(error));
	return error;
}

static int set_up_credentials(gnutls_certificate_credentials_t credentials, const struct conduct *conduct)
{
	char cert[512], key[512];
	int ret;

	snprintf(cert, sizeof(cert), "%s.pem", conduct->cert);
	snprintf(key, sizeof(key), "%s.key", conduct->cert);
	ret = gnutls_certificate_set_x509_key_file(credentials, cert, key, GNUTLS_X509_FMT_PEM);
	if (complain(cert, ret) < 0 || !conduct->ca)
		return ret;
	return complain(conduct->ca,
			gnutls_certificate_set_x509_trust_file(credentials, conduct->ca, GNUTLS_X509_FMT_PEM));
}

static int set_up_session(struct peer *peer, const struct conduct *conduct)
{
	const gnutls_datum_t alpn = { (unsigned char *)conduct->alpn, strlen(conduct->alpn) };
	gnutls_datum_t ticket_key;
	char priority[512];
	int ret;

	snprintf(priority, sizeof(priority), "NORMAL:-VERS-ALL:%s:-SIGN-ALL:%s", conduct->versions, conduct->schemes);
	ret = complain(priority, gnutls_priority_set_direct(peer->session, priority, NULL));
	if (ret == 0 && strcmp(conduct->alpn, "none") != 0)
		ret = complain("alpn", gnutls_alpn_set_protocols(peer->session, &alpn, 1, GNUTLS_ALPN_MANDATORY));
	if (ret == 0 && conduct->tickets) {
		ret = complain("tickets", gnutls_session_ticket_key_generate(&ticket_key));
		if (ret == 0)
			ret = gnutls_session_ticket_enable_server(peer->session, &ticket_key);
	}
	if (strcmp(conduct->ask, "no") != 0)
		gnutls_certificate_server_set_request(
			peer->session, strcmp(conduct->ask, "must") == 0 ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
	peer->room = conduct->cut ? atol(conduct->cut) : 0;
	peer->leaves = conduct->leaves != NULL;
	gnutls_transport_set_ptr(peer->session, peer);
	gnutls_transport_set_pull_function(peer->session, peer_pull);
	gnutls_transport_set_push_function(peer->session, peer_push);
	return ret;
}

static void inside(struct peer *peer, const struct conduct *conduct)
{
	int ret;

	do {
		ret = gnutls_handshake(peer->session);
	} while (ret < 0 && !gnutls_error_is_fatal(ret));
	/* the reason of the alert is the server's too */
	if (ret < 0) {
		complain("handshake", ret);
		gnutls_alert_send_appropriate(peer->session, ret);
	} else if (peer_act(peer, conduct->inside) == 0) {
		peer_drain(peer);
	}
}

static void go_on(struct peer *peer, const struct conduct *conduct)
{
	gnutls_certificate_credentials_t credentials;

	if (gnutls_certificate_allocate_credentials(&credentials) < 0)
		return;
	if (set_up_credentials(credentials, conduct) >= 0 &&
	    gnutls_init(&peer->session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL) == 0) {
		if (set_up_session(peer, conduct) == 0 &&
		    gnutls_credentials_set(peer->session, GNUTLS_CRD_CERTIFICATE, credentials) == 0)
			inside(peer, conduct);
		gnutls_deinit(peer->session);
	}
	gnutls_certificate_free_credentials(credentials);
}

static void serve(struct peer *peer, const char *folder)
{
	struct sockaddr_in here;
	socklen_t size = sizeof(here);
	struct conduct conduct;
	char file[512], address[INET_ADDRSTRLEN], *line = NULL;

	if (getsockname(peer->fd, (struct sockaddr *)&here, &size) < 0 ||
	    !inet_ntop(AF_INET, &here.sin_addr, address, sizeof(address)))
		return;
	snprintf(file, sizeof(file), "%s/%s", folder, address);
	if (conduct_read(file, &conduct, &line) == 0 && peer_act(peer, conduct.answer) == 0) {
		if (strcmp(conduct.answer, "starttls") != 0)
			peer_drain(peer);
		else if (conduct.tls)
			peer_act(peer, conduct.tls);
		else
			go_on(peer, &conduct);
	}
	free(line);
	close(peer->fd);
}

int main(int argc, char **argv)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(NFS_PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (argc != 2 || fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 16) < 0) {
		perror("odd_server FOLDER");
		return 1;
	}
	puts("listening");
	fflush(stdout);
	signal(SIGCHLD, SIG_IGN);
	while (1) {
		struct peer peer = { .fd = accept(fd, NULL, NULL) };

		if (peer.fd >= 0 && fork() == 0) {
			close(fd);
			serve(&peer, argv[1]);
			return 0;
		}
		close(peer.fd);
	}
}
