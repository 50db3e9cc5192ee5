/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mounts use an identity, as far as this mount namespace shows. */
#ifndef MOUNTS_H
#define MOUNTS_H

struct mounts;

/* What is mounted now, read once, for mounts_free(). NULL: it cannot be read, and no mount is known. */
struct mounts *mounts_read(void);
void mounts_free(struct mounts *mounts);

/*
 * The mount points, a comma between them, of the NFS mounts that name the identity: in their options, or in what
 * mount.nfstls recorded. The kernel does not tell the serials of a mount. For free(); NULL: there are none.
 */
char *mounts_of(const struct mounts *mounts, const char *identity);

#endif
