/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To an NFS server, as a mount goes: TCP, and the question whether it goes on with TLS. */
#ifndef NFS_CONNECT_H
#define NFS_CONNECT_H

#include <netdb.h>
#include <sys/types.h>
#include <time.h>

#include "rpc_null.h"

/* How long a mount waits for a handshake, and we for that and for each answer; in milliseconds. */
#define NFS_ANSWER_MS 10000

/*
 * The name or address of "SERVER:/PATH" or "[ADDRESS]:/PATH", for free(). -EINVAL: it is neither.
 */
int nfs_server_name(const char *source, char **host);

/* The addresses of its NFS service, for freeaddrinfo(). An EAI_ value of getaddrinfo(3), for gai_strerror(3). */
int nfs_resolve(const char *host, struct addrinfo **addresses);

/* A connection to the first of them that takes one; a descriptor, or the negative errno value of the last. */
int nfs_connect(const struct addrinfo *addresses);

/* When this time is over, if it begins now. */
struct timespec nfs_deadline(int milliseconds);

/* What is left until then, in milliseconds; 0: nothing. */
int nfs_time_left(const struct timespec *deadline);

/*
 * As recv(2), but not beyond that time, however the server deals out what it says. The number of bytes, 0 at the end of
 * the connection, or a negative errno value: -ETIMEDOUT when the time is over.
 */
ssize_t nfs_receive(int fd, const struct timespec *deadline, void *data, size_t size);

/* Ask whether it goes on with TLS. A negative errno value where it does not answer as RPC does, or not in time. */
int nfs_start_tls(int fd, struct timespec deadline, enum rpc_answer *answer);

#endif
