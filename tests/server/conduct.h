/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the odd server is to treat a client: words with a comma between them, as in "tls=close" or "ask=no,inside=half".
 */
#ifndef CONDUCT_H
#define CONDUCT_H

struct conduct {
	const char *answer;   /* to the call before TLS, a word of peer_act(); starttls unless it is told otherwise */
	const char *tls;      /* in the place of a handshake, a word of peer_act() */
	const char *cut;      /* the handshake ends after the server has sent so many bytes */
	const char *leaves;   /* "yes": it ends the connection when it has had its say in the handshake */
	const char *versions; /* of TLS, as in GnuTLS's priority strings */
	const char *schemes;  /* the only ones that the server takes, as there */
	const char *cert;     /* of the server: FILE.pem and FILE.key */
	const char *ca;	      /* the PEM file of CAs that it says it trusts; it takes any certificate */
	const char *ask;      /* for a client certificate: no, may (as it does unless it is told otherwise) or must */
	const char *alpn;     /* the only one that it has; "none": it has none */
	const char *inside;   /* what it does with the call inside of TLS, a word of peer_act(); plain unless it is told
			 otherwise */
	const char *tickets;  /* "yes": it gives some to come back with, as most servers but NFS's do */
};

/*
 * Take them from the first line of a file.
 * @line: what they are made of, for free()
 * Returns 0, or -1 where the file cannot be read or has another word, after it has said so on stderr.
 */
int conduct_read(const char *file, struct conduct *conduct, char **line);

#endif
