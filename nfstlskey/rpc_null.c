/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <rpc/rpc.h>

#include "rpc_null.h"

#define NFS_PROGRAM   100003
#define NFS_VERSION   4
#define LAST_FRAGMENT 0x80000000U
/* RFC 9289 sections 4.1 and 8.1 */
#define AUTH_TLS      7
static const char starttls[] = "STARTTLS";

size_t rpc_null_call(uint32_t xid, bool start_tls, unsigned char record[RPC_MESSAGE_MAX])
{
	struct rpc_msg call = {
		.rm_xid = xid,
		.rm_direction = CALL,
		.rm_call = {
			.cb_rpcvers = RPC_MSG_VERSION,
			.cb_prog = NFS_PROGRAM,
			.cb_vers = NFS_VERSION,
			.cb_proc = NULLPROC,
			.cb_cred.oa_flavor = start_tls ? AUTH_TLS : AUTH_NONE,
			.cb_verf.oa_flavor = AUTH_NONE,
		},
	};
	uint32_t mark;
	size_t size = 0;
	XDR xdr;

	xdrmem_create(&xdr, (char *)record + RPC_MARK_SIZE, RPC_MESSAGE_MAX - RPC_MARK_SIZE, XDR_ENCODE);
	if (xdr_callmsg(&xdr, &call))
		size = xdr_getpos(&xdr);
	xdr_destroy(&xdr);
	mark = htonl(LAST_FRAGMENT | size);
	memcpy(record, &mark, sizeof(mark));
	return size > 0 ? RPC_MARK_SIZE + size : 0;
}

int rpc_record_size(const unsigned char mark[RPC_MARK_SIZE])
{
	uint32_t size;

	memcpy(&size, mark, sizeof(size));
	size = ntohl(size);
	if (!(size & LAST_FRAGMENT) || (size & ~LAST_FRAGMENT) > RPC_MESSAGE_MAX)
		return -EPROTO;
	return size & ~LAST_FRAGMENT;
}

static enum rpc_answer judge(const struct rpc_msg *reply)
{
	const struct opaque_auth *verifier = &reply->acpted_rply.ar_verf;

	if (reply->rm_reply.rp_stat != MSG_ACCEPTED)
		return RPC_REFUSED;
	return verifier->oa_flavor == AUTH_NONE && verifier->oa_length == strlen(starttls) &&
			       memcmp(verifier->oa_base, starttls, strlen(starttls)) == 0
		       ? RPC_STARTTLS
		       : RPC_ACCEPTED;
}

/* xdr_void(3) is of another type in C. */
static bool_t no_results(XDR *xdr, ...)
{
	(void)xdr;
	return TRUE;
}

int rpc_null_answer(uint32_t xid, unsigned char *message, size_t size, enum rpc_answer *answer)
{
	char verifier[MAX_AUTH_BYTES];
	struct rpc_msg reply = {
		.acpted_rply = {
			.ar_verf.oa_base = verifier,
			.ar_results.proc = no_results,
		},
	};
	bool whole;
	XDR xdr;

	xdrmem_create(&xdr, (char *)message, size, XDR_DECODE);
	whole = xdr_replymsg(&xdr, &reply);
	xdr_destroy(&xdr);
	if (!whole || reply.rm_xid != xid)
		return -EPROTO;
	*answer = judge(&reply);
	return 0;
}

int rpc_null_exchange(const struct rpc_connection *connection, bool start_tls, enum rpc_answer *answer)
{
	unsigned char message[RPC_MESSAGE_MAX];
	uint32_t xid = time(NULL);
	size_t size = rpc_null_call(xid, start_tls, message);
	int ret = size > 0 ? connection->send(connection->arg, message, size) : -ENOMEM;

	if (ret == 0)
		ret = connection->receive(connection->arg, message, RPC_MARK_SIZE);
	if (ret == 0)
		ret = rpc_record_size(message);
	if (ret < 0)
		return ret;
	size = ret;
	ret = connection->receive(connection->arg, message, size);
	return ret < 0 ? ret : rpc_null_answer(xid, message, size, answer);
}
