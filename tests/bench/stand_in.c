/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To be preloaded where there is no NFS client, so that nfstlskey meets the host's own kernel: a keyring of the name
 * that NFSTLS_STAND_IN has is found in the place of .nfs, in the way of a kernel that has one for all namespaces. All
 * else is as it is.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <keyutils.h>

#define NAMER_TYPE "nfs_keyring"

key_serial_t request_key(const char *type, const char *description, const char *callout, key_serial_t dest)
{
	if (strcmp(type, NAMER_TYPE) != 0)
		return syscall(SYS_request_key, type, description, callout, dest);
	errno = ENOKEY;
	return -1;
}

key_serial_t add_key(const char *type, const char *description, const void *payload, size_t size, key_serial_t keyring)
{
	if (strcmp(type, NAMER_TYPE) != 0)
		return syscall(SYS_add_key, type, description, payload, size, keyring);
	errno = ENODEV;
	return -1;
}

key_serial_t find_key_by_type_and_desc(const char *type, const char *description, key_serial_t dest)
{
	key_serial_t (*find)(const char *, const char *, key_serial_t) = dlsym(RTLD_NEXT, __func__);
	const char *name = getenv("NFSTLS_STAND_IN");

	return find(type, name && strcmp(description, ".nfs") == 0 ? name : description, dest);
}
