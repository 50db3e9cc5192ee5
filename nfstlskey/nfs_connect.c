/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "nfs_connect.h"

#define NFS_PORT "2049"

int nfs_server_name(const char *source, char **host)
{
	const char *end = source[0] == '[' ? strchr(source, ']') : strchr(source, ':');
	const char *start = source[0] == '[' ? source + 1 : source;

	if (!end || end == start || (*end == ']' && end[1] && end[1] != ':'))
		return -EINVAL;
	*host = strndup(start, end - start);
	return *host ? 0 : -ENOMEM;
}

int nfs_resolve(const char *host, struct addrinfo **addresses)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP };

	return getaddrinfo(host, NFS_PORT, &hints, addresses);
}

static int connect_one(const struct addrinfo *address)
{
	const struct timeval patience = { .tv_sec = NFS_ANSWER_MS / 1000 };
	int error, fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);

	if (fd < 0)
		return -errno;
	/* it is the time of connect(2) too (socket(7)) */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	    connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	error = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	return -error;
}

int nfs_connect(const struct addrinfo *addresses)
{
	int fd = -EADDRNOTAVAIL;

	for (; addresses && fd < 0; addresses = addresses->ai_next)
		fd = connect_one(addresses);
	return fd;
}

struct timespec nfs_deadline(int milliseconds)
{
	struct timespec deadline = { .tv_sec = 0 };

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += milliseconds / 1000;
	deadline.tv_nsec += milliseconds % 1000 * 1000000L;
	if (deadline.tv_nsec >= 1000000000L) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000L;
	}
	return deadline;
}

int nfs_time_left(const struct timespec *deadline)
{
	struct timespec now = { .tv_sec = 0 };
	long long left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (deadline->tv_sec - now.tv_sec) * 1000LL + (deadline->tv_nsec - now.tv_nsec) / 1000000;
	return left > 0 ? left : 0;
}

ssize_t nfs_receive(int fd, const struct timespec *deadline, void *data, size_t size)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	int left = nfs_time_left(deadline);
	ssize_t got;

	/* the time is looked at first: something is always there of a server that never stops */
	if (left == 0 || poll(&wanted, 1, left) == 0)
		return -ETIMEDOUT;
	got = recv(fd, data, size, MSG_DONTWAIT);
	return got < 0 ? -errno : got;
}

/* The question before TLS. */
struct question {
	int fd;
	struct timespec deadline;
};

static int send_all(void *arg, const unsigned char *data, size_t size)
{
	struct question *question = arg;
	ssize_t sent = send(question->fd, data, size, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)sent == size ? 0 : -ETIMEDOUT;
}

static int receive_all(void *arg, unsigned char *data, size_t size)
{
	struct question *question = arg;
	size_t have = 0;

	while (have < size) {
		ssize_t got = nfs_receive(question->fd, &question->deadline, data + have, size - have);

		if (got < 0)
			return got;
		if (got == 0)
			return -ECONNRESET;
		have += got;
	}
	return 0;
}

int nfs_start_tls(int fd, struct timespec deadline, enum rpc_answer *answer)
{
	struct question question = { fd, deadline };
	const struct rpc_connection connection = { send_all, receive_all, &question };

	return rpc_null_exchange(&connection, true, answer);
}
