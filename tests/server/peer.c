/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

/* The call with its mark (RFC 5531 section 9), and where its number stands; an answer has it in the same place. */
#define CALL_SIZE 44
#define XID	  4
#define XID_SIZE  4
#define XID_HERE  0, 0, 0, 0

/* which RFC 8446 section 6 does not have */
#define NO_ALERT 200

static const struct record {
	const char *word;
	unsigned char bytes[48];
	size_t size;
} records[] = {
	{ "starttls",
	  { 0x80, 0, 0, 32, XID_HERE, 0,   0,	0,   1,	  0,   0,   0,	 0, 0, 0, 0, 0,
	    0,	  0, 0, 8,  'S',      'T', 'A', 'R', 'T', 'T', 'L', 'S', 0, 0, 0, 0 },
	  36 },
	{ "plain", { 0x80, 0, 0, 24, XID_HERE, 0, 0, 0, 1 }, 28 },
	{ "another-call", { 0x80, 0, 0, 24, [11] = 1 }, 28 },
	/* the program in versions 2 to 3 alone */
	{ "versions", { 0x80, 0, 0, 32, XID_HERE, 0, 0, 0, 1, [27] = 2, [31] = 2, [35] = 3 }, 36 },
	/* denied: the credential is too weak; RPC in other versions */
	{ "denied", { 0x80, 0, 0, 20, XID_HERE, 0, 0, 0, 1, [15] = 1, [19] = 1, [23] = 5 }, 24 },
	{ "rpc-versions", { 0x80, 0, 0, 24, XID_HERE, 0, 0, 0, 1, [15] = 1, [23] = 3, [27] = 4 }, 28 },
	{ "half", { 0x80, 0, 0, 24, XID_HERE }, 8 },
	{ "large", { 0x80, 1, 0, 0, XID_HERE, 0, 0, 0, 1 }, 48 },
	{ "fragment", { 0, 0, 0, 24, XID_HERE, 0, 0, 0, 1 }, 28 },
	/* a ServerHello of TLS 1.2 (RFC 5246 section 7.4.1.3) */
	{ "tls-1.2", { 0x16, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, [44] = 0xc0, 0x2f, 0 }, 47 },
	/* of TLS: an internal error */
	{ "tls-alert", { 0x15, 3, 3, 0, 2, 2, 80 }, 7 },
	{ "garbage", "HTTP/1.0 400 Bad Request\r\n\r\n", 28 },
};

static int say(struct peer *peer, const unsigned char *data, size_t size)
{
	if (peer->session)
		return gnutls_record_send(peer->session, data, size) == (ssize_t)size ? 0 : -1;
	return send(peer->fd, data, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

/* Whatever comes, up to so much. */
static ssize_t hear(struct peer *peer, unsigned char *data, size_t size)
{
	ssize_t got;

	if (!peer->session)
		return recv(peer->fd, data, size, 0);
	do {
		got = gnutls_record_recv(peer->session, data, size);
	} while (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED);
	return got;
}

static int hear_call(struct peer *peer, unsigned char call[CALL_SIZE])
{
	size_t have = 0;

	while (have < CALL_SIZE) {
		ssize_t got = hear(peer, call + have, CALL_SIZE - have);

		if (got <= 0)
			return -1;
		have += got;
	}
	return 0;
}

void peer_drain(struct peer *peer)
{
	unsigned char rest[1024];

	while (hear(peer, rest, sizeof(rest)) > 0)
		;
}

static int end_with_reset(struct peer *peer)
{
	const struct linger at_once = { .l_onoff = 1 };

	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return -1;
}

static int drip(struct peer *peer)
{
	/* of a record of RPC, and of a handshake of TLS, which are of such sizes */
	static const unsigned char call[] = { 0x80, 0, 4, 0 },
				   handshake[] = { 0x16, 3, 3, 0x3f, 0xff, 2, 0, 0x3f, 0xfb };
	unsigned char first;
	bool is_call = hear(peer, &first, 1) == 1 && first == 0x80;
	int ret = is_call ? say(peer, call, sizeof(call)) : say(peer, handshake, sizeof(handshake));

	while (ret == 0) {
		sleep(3);
		ret = say(peer, (const unsigned char *)"", 1);
	}
	return -1;
}

/* Tickets to come back with. */
static int flood(struct peer *peer)
{
	while (gnutls_session_ticket_send(peer->session, 1, 0) == 0)
		usleep(10000);
	return -1;
}

static int refuse(struct peer *peer, gnutls_alert_description_t alert)
{
	gnutls_alert_send(peer->session, GNUTLS_AL_FATAL, alert);
	return -1;
}

static int answer(struct peer *peer, const struct record *record)
{
	unsigned char call[CALL_SIZE], bytes[sizeof(record->bytes)];

	if (hear_call(peer, call) < 0)
		return -1;
	memcpy(bytes, record->bytes, sizeof(bytes));
	if (record->bytes[0] == 0x80 && strcmp(record->word, "another-call") != 0)
		memcpy(bytes + XID, call + XID, XID_SIZE);
	/* what is half goes no further */
	return say(peer, bytes, record->size) == 0 && strcmp(record->word, "half") != 0 ? 0 : -1;
}

int peer_act(struct peer *peer, const char *word)
{
	unsigned char something[1024];

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		if (strcmp(word, records[i].word) == 0)
			return answer(peer, &records[i]);
	if (strcmp(word, "drip") == 0)
		return drip(peer);
	if (strcmp(word, "alert-gone") == 0)
		return refuse(peer, GNUTLS_A_UNKNOWN_CA);
	if (strcmp(word, "gone") == 0 || hear(peer, something, sizeof(something)) <= 0)
		return -1;
	if (strcmp(word, "reset") == 0)
		return end_with_reset(peer);
	if (strcmp(word, "silent") == 0)
		peer_drain(peer);
	if (strcmp(word, "alert") == 0)
		return refuse(peer, GNUTLS_A_UNKNOWN_CA);
	if (strcmp(word, "alert-odd") == 0)
		return refuse(peer, NO_ALERT);
	if (strcmp(word, "bye") == 0)
		gnutls_bye(peer->session, GNUTLS_SHUT_WR);
	if (strcmp(word, "flood") == 0)
		return flood(peer);
	if (strcmp(word, "alert-handshake") == 0)
		return refuse(peer, GNUTLS_A_HANDSHAKE_FAILURE);
	return -1;
}

ssize_t peer_push(gnutls_transport_ptr_t ptr, const void *data, size_t size)
{
	struct peer *peer = ptr;
	size_t now = size;
	ssize_t sent;

	peer->has_spoken = true;
	if (peer->room > 0 && (long)size >= peer->room)
		now = peer->room;
	sent = send(peer->fd, data, now, MSG_NOSIGNAL);
	if (peer->room == 0 || sent < 0)
		return sent;
	peer->room -= sent;
	if (peer->room > 0)
		return sent;
	shutdown(peer->fd, SHUT_WR);
	errno = EPIPE;
	return -1;
}

ssize_t peer_pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
	struct peer *peer = ptr;

	if (!peer->leaves || !peer->has_spoken)
		return recv(peer->fd, data, size, 0);
	close(peer->fd);
	errno = ECONNRESET;
	return -1;
}
