/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known about identities of mounts: by the kernel, or by libmount's records of what was mounted. */
#ifndef MOUNT_KNOWN_H
#define MOUNT_KNOWN_H

#include <stdbool.h>

/*
 * Whether the NFS client of this kernel knows the mount option tls_identity=; loads it if need be. 0 or a negative
 * errno value; -ENODEV: there is no NFS client.
 */
int kernel_knows_identities(bool *knows);

/*
 * The mount option for user space in which mount.nfs leaves the identity of a mount in /run/mount/utab, for kernels
 * that cannot tell it.
 */
#define RECORD_OPTION "x-nfstls.identity"

/* The record of the topmost mount on the target says this identity. */
bool mount_is_recorded(const char *target, const char *identity);

#endif
