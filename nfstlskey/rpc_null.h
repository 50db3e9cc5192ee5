/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RPC call that does nothing, NULL of the NFS program, and what a server answers; over TCP each is one record (RFC
 * 5531 section 11). With the credential AUTH_TLS it asks whether the server goes on with TLS (RFC 9289 section 4.1).
 */
#ifndef RPC_NULL_H
#define RPC_NULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In front of a record: its size, and that it is the last fragment. */
#define RPC_MARK_SIZE	4
/* No answer to this call is longer; in bytes. */
#define RPC_MESSAGE_MAX 1024

enum rpc_answer {
	RPC_ACCEPTED, /* also where the server has the program in other versions */
	RPC_STARTTLS, /* what follows on this connection is TLS */
	RPC_REFUSED,  /* the credential, or the version of RPC */
};

/* The call with its mark. The size, or 0 where it cannot be made. */
size_t rpc_null_call(uint32_t xid, bool start_tls, unsigned char record[RPC_MESSAGE_MAX]);

/* The size of the answer behind this mark. -EPROTO: it is none that could be. */
int rpc_record_size(const unsigned char mark[RPC_MARK_SIZE]);

/* What the answer says. -EPROTO: it is no answer to this call. */
int rpc_null_answer(uint32_t xid, unsigned char *message, size_t size, enum rpc_answer *answer);

/* A connection, with or without TLS. Each function moves just so many bytes, and returns 0 or a negative errno value.
 */
struct rpc_connection {
	int (*send)(void *arg, const unsigned char *data, size_t size);
	int (*receive)(void *arg, unsigned char *data, size_t size);
	void *arg;
};

/* Make the call, and wait for the answer. A negative errno value where there is none, or not one to this call. */
int rpc_null_exchange(const struct rpc_connection *connection, bool start_tls, enum rpc_answer *answer);

#endif
