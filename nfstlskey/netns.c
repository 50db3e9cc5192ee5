/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"

#define FOLDER "/run/netns/"

bool netns_is_named(const char *name_or_path)
{
	if (strchr(name_or_path, '/'))
		return name_or_path[0] == '/';
	return name_or_path[0] && strcmp(name_or_path, ".") != 0 && strcmp(name_or_path, "..") != 0 &&
	       strlen(name_or_path) <= NAME_MAX;
}

static enum exit_code enter(const char *identity, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0 && errno == ENOENT)
		return fail(EXIT_NOT_FOUND, identity, "there is no network namespace %s; see ip netns", path);
	if (fd < 0)
		return fail_errno(identity, errno, path);
	ret = setns(fd, CLONE_NEWNET) < 0 ? errno : 0;
	close(fd);
	if (ret == EINVAL)
		return fail(EXIT_USAGE, identity, "%s is no network namespace", path);
	return ret ? fail_errno(identity, ret, path) : EXIT_OK;
}

enum exit_code netns_enter(const char *identity, const char *name_or_path)
{
	enum exit_code code;
	char *path;

	if (!netns_is_named(name_or_path))
		return fail(EXIT_USAGE, identity, "'%s' is neither a name nor an absolute path of a network namespace",
			    name_or_path);
	if (asprintf(&path, "%s%s", name_or_path[0] == '/' ? "" : FOLDER, name_or_path) < 0)
		return fail_errno(identity, ENOMEM, "the network namespace");
	code = enter(identity, path);
	free(path);
	return code;
}
