/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TLS handshake with an NFS server, as tlshd makes it for a mount (RFC 9289), and what came of it. */
#ifndef TLS_PROBE_H
#define TLS_PROBE_H

#include <stdbool.h>

#include <gnutls/x509.h>

#include "nfstls-p11.h"

/* How it ended. */
enum tls_end {
	TLS_ANSWERED, /* the server has taken our certificate, or does without, and answers inside TLS */
	TLS_REFUSED,  /* it gave a reason, and closed the connection */
	TLS_CLOSED,   /* without a reason */
	TLS_LATE,     /* it did not go on in time */
	TLS_UNLIKE,   /* it does no TLS 1.3, or none with algorithms that we have */
	TLS_FOREIGN,  /* it does TLS, but not for RPC */
	TLS_STRANGE,  /* it says what it should not; or we fail in what we should */
};

/* Start from one that is zeroed but for what it is to be done with; release with tls_probe_clear(). */
struct tls_probe {
	/* what it is to be done with */
	int fd;			  /* the server has said that TLS follows */
	const char *host;	  /* the name or address that the mount says */
	const char *trust_file;	  /* the CAs of servers; NULL: those that this host trusts */
	struct nfstls_keys *keys; /* who we are; NULL: nobody */

	/* what came of it */
	int key_error; /* an enum nfstls_error: our key could not be opened, or did not sign; see diag */
	struct nfstls_diag diag;
	enum tls_end end;
	const char *reason;	  /* in words, never to be freed; NULL where it answered */
	bool is_shaken;		  /* the handshake was done, as far as we are concerned */
	bool is_heard;		  /* and the server said something inside TLS */
	gnutls_x509_crt_t server; /* its certificate; NULL: it has sent none */
	unsigned int status;	  /* of its chain, a set of gnutls_certificate_status_t; 0: we trust it */
	bool name_fits;		  /* that certificate is for host */
	bool is_asked;		  /* the server wants to know who we are */
	bool knows_issuer;	  /* it names no CAs that it trusts, or one of them issued a certificate of ours */
	char *cas;		  /* those that it names, for people; NULL: it names none */
	bool is_sent;		  /* our certificate, that is */
};

/* 0, or an enum nfstls_error where it could not be tried. The connection stays the caller's. */
int tls_probe_run(struct tls_probe *probe);
void tls_probe_clear(struct tls_probe *probe);

#endif
