/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of the odd server, and what is said to it: over TCP, and later inside of TLS. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>

#include <gnutls/gnutls.h>

struct peer {
	int fd;
	gnutls_session_t session; /* NULL: not inside of TLS */
	long room;		  /* in a TLS handshake so many bytes are sent before the connection ends; 0: all */
	bool leaves;		  /* the connection ends when we have had our say in the handshake */
	bool has_spoken;
};

/*
 * Do what this word says:
 *	gone		end the connection, whatever the client has said
 *	close		end it when the client has said something
 *	reset		so too, with a reset
 *	silent		say nothing
 *	drip		promise much, and bring a byte in three seconds
 *	bye		end TLS as it should be when the client has said something
 *	flood		give one ticket after the other
 *	alert		hear the call, and send the alert that says the CA is not known; and end it
 *	alert-odd	so too, with an alert that has no name
 *	alert-handshake	so too, with one that is for the handshake
 *	alert-gone	so too, without hearing it
 * or hear a call, and answer it with one of the records in peer.c.
 * Returns 0, or -1 where the connection is at its end, or the word is none of these.
 */
int peer_act(struct peer *peer, const char *word);

/* Wait until the client has gone. */
void peer_drain(struct peer *peer);

/* A gnutls_push_func and a gnutls_pull_func; they end the connection as the structure says. */
ssize_t peer_push(gnutls_transport_ptr_t peer, const void *data, size_t size);
ssize_t peer_pull(gnutls_transport_ptr_t peer, void *data, size_t size);

#endif
