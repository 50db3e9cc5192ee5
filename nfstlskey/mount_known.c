/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <libmount.h>

#include "mount_known.h"

int kernel_knows_identities(bool *knows)
{
	int ret, fd = fsopen("nfs", FSOPEN_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* a name that is well-formed; nothing is mounted */
	ret = fsconfig(fd, FSCONFIG_SET_STRING, "tls_identity", "probe", 0) < 0 ? -errno : 0;
	close(fd);
	*knows = ret == 0;
	return ret == -EINVAL ? 0 : ret;
}

static bool says_identity(struct libmnt_fs *fs, const char *identity)
{
	const char *options = fs ? mnt_fs_get_user_options(fs) : NULL;
	char *value;
	size_t len;

	return options && mnt_optstr_get_option(options, RECORD_OPTION, &value, &len) == 0 && value &&
	       len == strlen(identity) && memcmp(value, identity, len) == 0;
}

bool mount_is_recorded(const char *target, const char *identity)
{
	struct libmnt_table *table = mnt_new_table();
	bool is;

	is = table && mnt_table_parse_mtab(table, NULL) == 0 &&
	     says_identity(mnt_table_find_target(table, target, MNT_ITER_BACKWARD), identity);
	mnt_unref_table(table);
	return is;
}
