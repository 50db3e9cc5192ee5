/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
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
	const struct timeval patience = { .tv_sec = NFS_ANSWER_S };
	int error, fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);

	if (fd < 0)
		return -errno;
	/* the one for sending is that of connect(2) too (socket(7)) */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
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

static int send_all(void *fd, const unsigned char *data, size_t size)
{
	ssize_t sent = send(*(int *)fd, data, size, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)sent == size ? 0 : -ETIMEDOUT;
}

static int receive_all(void *fd, unsigned char *data, size_t size)
{
	size_t have = 0;

	/* less than all comes before an end, and before a time that is over: the next call tells which */
	while (have < size) {
		ssize_t got = recv(*(int *)fd, data + have, size - have, MSG_WAITALL);

		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (got == 0)
			return -ECONNRESET;
		have += got;
	}
	return 0;
}

int nfs_start_tls(int fd, enum rpc_answer *answer)
{
	const struct rpc_connection connection = { send_all, receive_all, &fd };

	return rpc_null_exchange(&connection, true, answer);
}
