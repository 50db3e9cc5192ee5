/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a server answers to an RPC call, and may be anything. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "rpc_null.h"

#define XID 0x01020304

static void check_answer(unsigned char *message, size_t size)
{
	static const unsigned char xid[] = { 1, 2, 3, 4 };
	enum rpc_answer answer = (enum rpc_answer) - 1;
	int ret = rpc_null_answer(XID, message, size, &answer);

	must_hold(ret == 0 || ret == -EPROTO);
	must_hold(ret == 0 || answer == (enum rpc_answer) - 1);
	if (ret < 0)
		return;
	must_hold(answer == RPC_ACCEPTED || answer == RPC_STARTTLS || answer == RPC_REFUSED);
	must_hold(size >= sizeof(xid) && memcmp(message, xid, sizeof(xid)) == 0);
	/* RFC 9289 section 4.1: the verifier, behind XID, REPLY, MSG_ACCEPTED, AUTH_NONE and its length */
	must_hold((answer == RPC_STARTTLS) ==
		  (size >= 28 && memcmp(message + 4, "\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\10STARTTLS", 24) == 0));
}

/* A mark of four bytes, and the record behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *message;
	int length;

	if (size < RPC_MARK_SIZE)
		return 0;
	length = rpc_record_size(data);
	must_hold(length == -EPROTO || (length >= 0 && length <= RPC_MESSAGE_MAX));
	/* whatever the mark says, so that the fuzzer need not get it right */
	size -= RPC_MARK_SIZE;
	if (size > RPC_MESSAGE_MAX)
		size = RPC_MESSAGE_MAX;
	message = malloc(size);
	if (size > 0)
		memcpy(message, data + RPC_MARK_SIZE, size);
	check_answer(message, size);
	free(message);
	return 0;
}
