/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mounts use an identity, as far as this mount namespace shows. */
#ifndef MOUNTS_H
#define MOUNTS_H

struct libmnt_table;

/* What is mounted now, read once, for mnt_unref_table(). NULL: it cannot be read, and no mount is known. */
struct libmnt_table *mounts_read(void);

/*
 * The mount points, a comma between them, of the NFS mounts that name the identity: in their options, or in what
 * mount.nfstls recorded. The kernel does not tell the serials of a mount. For free(); NULL: there are none.
 */
char *mounts_of(struct libmnt_table *mounts, const char *identity);

#endif
