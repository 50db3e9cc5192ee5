/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One NFSv4 client for each identity, on a kernel that does not know tls_identity=.
 *
 * To an NFSv4 server a client is its client owner (RFC 8881, section 2.4), which Linux makes from the node name of the
 * process that mounts. Two identities with one owner are one client to the server, and end on one connection, the
 * first one's. So each identity mounts under a node name of its own, in a UTS namespace that nobody else sees and that
 * ends with the process: nothing is to be locked or to be put back.
 */
#ifndef OWNER_H
#define OWNER_H

#include "keyring.h"

/* A node name has 64 bytes at most (uname(2)). */
#define OWNER_NAME_SIZE 65

/*
 * The node name: the start of the host's, and a digest of the host's, the identity's and the generation, which tells
 * nobody the identity's. The same after a reboot, and with a renewed certificate. 0 or -EIO.
 */
int owner_name(const char *host, const char *identity, unsigned int generation, char name[OWNER_NAME_SIZE]);

/*
 * How often since the boot an identity of this name was removed and added again, as seen by this function. Such a
 * kernel remembers the serials of a mount: a mount that was made before will not connect again, and must not be joined
 * by a new one. Kept in a file of the folder. 0 or a negative errno value.
 */
int owner_generation(const char *folder, const char *identity, const struct identity_keys *keys,
		     unsigned int *generation);

/* Take that node name, in a UTS namespace of this process. 0 or a negative errno value. */
int owner_enter(const char *name);

#endif
