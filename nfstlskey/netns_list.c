/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"
#include "netns_list.h"

#define OWN "/proc/self/ns/net"

/* Two names of one namespace have one inode (namespaces(7)). 1, 0 or a negative errno value; one that goes is not ours.
 */
static int is_own(int folder, const char *name)
{
	struct stat own, other;

	if (stat(OWN, &own) < 0)
		return -errno;
	if (fstatat(folder, name, &other, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Take from the folder the names that are, or are not, those of our own namespace. */
static int collect(bool own, char ***names, size_t *count)
{
	struct dirent **entries;
	int found = scandir(NETNS_FOLDER, &entries, not_hidden, alphasort), folder, ret = 0;

	*names = NULL;
	*count = 0;
	if (found < 0)
		return errno == ENOENT ? 0 : -errno;
	folder = open(NETNS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*names = calloc(found + 1, sizeof(**names));
	if (folder < 0 || !*names)
		ret = *names ? -errno : -ENOMEM;
	for (int i = 0; i < found; i++) {
		int is = ret == 0 ? is_own(folder, entries[i]->d_name) : ret;

		if (is < 0) {
			ret = is;
		} else if (is == own) {
			(*names)[*count] = strdup(entries[i]->d_name);
			if (!(*names)[*count])
				ret = -ENOMEM;
			else
				++*count;
		}
		free(entries[i]);
	}
	free(entries);
	if (folder >= 0)
		close(folder);
	if (ret < 0)
		netns_names_free(*names, *count);
	return ret;
}

char *netns_own_name(void)
{
	char **names, *name = NULL;
	size_t count;
	int ret = collect(true, &names, &count);

	if (ret == 0) {
		name = count > 0 ? strdup(names[0]) : NULL;
		ret = count > 0 && !name ? -ENOMEM : 0;
		netns_names_free(names, count);
	}
	errno = -ret;
	return name;
}

int netns_others(char ***names, size_t *count)
{
	return collect(false, names, count);
}

void netns_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
