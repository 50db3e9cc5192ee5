/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RPC call that asks for TLS, byte for byte, and answers to it: right, refused, nonsense, and none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nfs_connect.h"
#include "unit.h"

#define XID 0x01020304

/* long enough for what is there already */
#define SOON_MS 200

/* RFC 5531 section 9, with the credential of RFC 9289 section 4.1 */
static const unsigned char wanted_call[] = {
	0x80, 0, 0, 40,			  /* the last fragment, 40 bytes */
	1,    2, 3, 4,	0, 0, 0,    0,	  /* XID, CALL */
	0,    0, 0, 2,	0, 1, 0x86, 0xa3, /* RPC 2, program 100003 */
	0,    0, 0, 4,	0, 0, 0,    0,	  /* version 4, NULL */
	0,    0, 0, 7,	0, 0, 0,    0,	  /* AUTH_TLS, empty */
	0,    0, 0, 0,	0, 0, 0,    0,	  /* AUTH_NONE, empty */
};

static const unsigned char starttls[] = {
	1, 2, 3, 4, 0, 0, 0, 1,							    /* XID, REPLY */
	0, 0, 0, 0,								    /* accepted */
	0, 0, 0, 0, 0, 0, 0, 8, 'S', 'T', 'A', 'R', 'T', 'T', 'L', 'S', 0, 0, 0, 0, /* success */
};

static void test_call(void **state)
{
	unsigned char record[RPC_MESSAGE_MAX];

	(void)state;
	assert_int_equal(rpc_null_call(XID, true, record), sizeof(wanted_call));
	assert_memory_equal(record, wanted_call, sizeof(wanted_call));
	assert_int_equal(rpc_null_call(XID, false, record), sizeof(wanted_call));
	assert_int_equal(record[31], 0);
}

static int answer_to(const void *message, size_t size, enum rpc_answer *answer)
{
	gnutls_datum_t copy = exact_copy(message, size);
	int ret = rpc_null_answer(XID, copy.data, copy.size, answer);

	free(copy.data);
	return ret;
}

static void test_starttls(void **state)
{
	unsigned char message[sizeof(starttls)];
	enum rpc_answer answer;

	(void)state;
	assert_int_equal(answer_to(starttls, sizeof(starttls), &answer), 0);
	assert_int_equal(answer, RPC_STARTTLS);
	memcpy(message, starttls, sizeof(message));
	message[20] = 's';
	assert_int_equal(answer_to(message, sizeof(message), &answer), 0);
	assert_int_equal(answer, RPC_ACCEPTED);
}

static void test_other_answers(void **state)
{
	static const unsigned char refused[] = { 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2 };
	static const unsigned char plain[] = { 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	/* the program in versions 2 to 3 alone */
	static const unsigned char mismatch[] = { 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
						  0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3 };
	enum rpc_answer answer;

	(void)state;
	assert_int_equal(answer_to(refused, sizeof(refused), &answer), 0);
	assert_int_equal(answer, RPC_REFUSED);
	assert_int_equal(answer_to(plain, sizeof(plain), &answer), 0);
	assert_int_equal(answer, RPC_ACCEPTED);
	assert_int_equal(answer_to(mismatch, sizeof(mismatch), &answer), 0);
	assert_int_equal(answer, RPC_ACCEPTED);
}

static void test_nonsense(void **state)
{
	unsigned char message[sizeof(starttls)];
	enum rpc_answer answer;

	(void)state;
	for (size_t size = 0; size < sizeof(starttls); size++)
		assert_int_equal(answer_to(starttls, size, &answer), -EPROTO);
	memcpy(message, starttls, sizeof(message));
	message[3] = 5; /* to another call */
	assert_int_equal(answer_to(message, sizeof(message), &answer), -EPROTO);
	memcpy(message, starttls, sizeof(message));
	message[18] = 0xff; /* a verifier that is longer than one may be */
	assert_int_equal(answer_to(message, sizeof(message), &answer), -EPROTO);
}

static void test_mark(void **state)
{
	static const unsigned char usual[] = { 0x80, 0, 0, 36 }, more[] = { 0, 0, 0, 36 }, longer[] = { 0x80, 0, 4, 1 };

	(void)state;
	assert_int_equal(rpc_record_size(usual), 36);
	assert_int_equal(rpc_record_size(more), -EPROTO);
	assert_int_equal(rpc_record_size(longer), -EPROTO);
}

/* Ask one end of a pair of sockets, of which the other has written this already, and is closed or not. */
static int ask(const void *answer, size_t size, bool goes_on)
{
	enum rpc_answer unused;
	int ends[2], ret;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[1], answer, size), size);
	if (!goes_on)
		assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
	ret = nfs_start_tls(ends[0], nfs_deadline(goes_on ? SOON_MS : NFS_ANSWER_MS), &unused);
	close(ends[0]);
	close(ends[1]);
	return ret;
}

static void test_no_answer(void **state)
{
	static const unsigned char record[] = { 0x80, 0, 0, 4, 1, 2, 3, 4 }, fragment[] = { 0, 0, 0, 4, 1, 2, 3, 4 };

	(void)state;
	assert_int_equal(ask("", 0, false), -ECONNRESET);
	assert_int_equal(ask("", 0, true), -ETIMEDOUT);
	assert_int_equal(ask(record, 3, false), -ECONNRESET);
	assert_int_equal(ask(record, 6, false), -ECONNRESET);
	assert_int_equal(ask(record, 6, true), -ETIMEDOUT);
	assert_int_equal(ask(record, sizeof(record), true), -EPROTO);
	assert_int_equal(ask(fragment, sizeof(fragment), true), -EPROTO);
}

static void drip(int fd)
{
	static const unsigned char mark[] = { 0x80, 0, 4, 0 };
	bool goes_on = send(fd, mark, sizeof(mark), MSG_NOSIGNAL) > 0;

	while (goes_on) {
		usleep(SOON_MS * 1000 / 10);
		goes_on = send(fd, "", 1, MSG_NOSIGNAL) > 0;
	}
	_exit(0);
}

/* Some of it comes again and again, before the time is over. */
static void test_drip(void **state)
{
	enum rpc_answer unused;
	int ends[2], status;
	pid_t server;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	server = fork();
	if (server == 0) {
		close(ends[0]);
		drip(ends[1]);
	}
	assert_true(server > 0);
	close(ends[1]);
	assert_int_equal(nfs_start_tls(ends[0], nfs_deadline(SOON_MS), &unused), -ETIMEDOUT);
	close(ends[0]);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_int_equal(status, 0);
}

/* Neither is the call that cannot be sent: to nobody, or to somebody who does not read. */
static void test_no_call(void **state)
{
	const struct timeval patience = { .tv_usec = 10000 };
	enum rpc_answer unused;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
	while (send(ends[0], "x", 1, MSG_DONTWAIT) == 1)
		;
	assert_int_equal(nfs_start_tls(ends[0], nfs_deadline(NFS_ANSWER_MS), &unused), -ETIMEDOUT);
	close(ends[1]);
	assert_int_equal(nfs_start_tls(ends[0], nfs_deadline(NFS_ANSWER_MS), &unused), -EPIPE);
	close(ends[0]);
	assert_int_equal(nfs_start_tls(ends[0], nfs_deadline(NFS_ANSWER_MS), &unused), -EBADF);
}

static void answer_one(int fd)
{
	static const unsigned char mark[] = { 0x80, 0, 0, sizeof(starttls) };
	unsigned char call[sizeof(wanted_call)], reply[sizeof(starttls)];

	if (recv(fd, call, sizeof(call), MSG_WAITALL) != sizeof(call))
		_exit(1);
	memcpy(reply, starttls, sizeof(reply));
	memcpy(reply, call + RPC_MARK_SIZE, 4);
	/* a part at a time, as a network may bring it */
	if (write(fd, mark, 2) != 2 || write(fd, mark + 2, 2) != 2 || write(fd, reply, sizeof(reply)) != sizeof(reply))
		_exit(1);
	_exit(0);
}

static void test_exchange(void **state)
{
	enum rpc_answer answer;
	int ends[2], status;
	pid_t server;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	server = fork();
	if (server == 0)
		answer_one(ends[1]);
	assert_true(server > 0);
	assert_int_equal(nfs_start_tls(ends[0], nfs_deadline(NFS_ANSWER_MS), &answer), 0);
	assert_int_equal(answer, RPC_STARTTLS);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(ends[1]);
}

static void test_connect(void **state)
{
	const struct addrinfo none = { .ai_family = -1, .ai_socktype = SOCK_STREAM };

	(void)state;
	assert_int_equal(nfs_connect(NULL), -EADDRNOTAVAIL);
	assert_int_equal(nfs_connect(&none), -EAFNOSUPPORT);
}

static void assert_server(const char *source, const char *wanted)
{
	char *host = NULL;
	int ret = nfs_server_name(source, &host);

	if (wanted) {
		assert_int_equal(ret, 0);
		assert_string_equal(host, wanted);
	} else {
		assert_int_equal(ret, -EINVAL);
	}
	free(host);
}

static void test_server_name(void **state)
{
	(void)state;
	assert_server("server:/export", "server");
	assert_server("192.0.2.1:/", "192.0.2.1");
	assert_server("server:", "server");
	assert_server("[2001:db8::1]:/export", "2001:db8::1");
	assert_server("[fe80::1%eth0]:/", "fe80::1%eth0");
	assert_server("[2001:db8::1]", "2001:db8::1");
	assert_server(":/export", NULL);
	assert_server("[]:/export", NULL);
	assert_server("[2001:db8::1]/export", NULL);
	assert_server("[2001:db8::1", NULL);
	assert_server("server", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),	  cmocka_unit_test(test_starttls), cmocka_unit_test(test_other_answers),
		cmocka_unit_test(test_nonsense),  cmocka_unit_test(test_mark),	   cmocka_unit_test(test_server_name),
		cmocka_unit_test(test_no_answer), cmocka_unit_test(test_no_call),  cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_connect),	  cmocka_unit_test(test_drip),
	};

	return run_group(tests, NULL, NULL);
}
