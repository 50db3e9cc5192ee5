/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/crypto.h>

#include "owner.h"

#define DIGEST_BYTES 16
#define DIGEST_SIZE  (2 * DIGEST_BYTES + 1)

/* Half of a SHA-256, in hexadecimal digits. */
static int digest(const char *text, char hex[DIGEST_SIZE])
{
	unsigned char hash[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), hash) < 0)
		return -EIO;
	for (int i = 0; i < DIGEST_BYTES; i++)
		sprintf(hex + 2 * i, "%02x", hash[i]);
	return 0;
}

int owner_name(const char *host, const char *identity, unsigned int generation, char name[OWNER_NAME_SIZE])
{
	char hex[DIGEST_SIZE], *text;
	int ret;

	/* neither a host name nor an identity's has a space */
	if (asprintf(&text, "nfstls %s %s %u", host, identity, generation) < 0)
		return -ENOMEM;
	ret = digest(text, hex);
	free(text);
	if (ret < 0)
		return ret;
	snprintf(name, OWNER_NAME_SIZE, "%.*s-%s", OWNER_NAME_SIZE - DIGEST_SIZE - 1, host, hex);
	return 0;
}

/* The file of an identity, locked until it is closed. A name may have slashes in it. */
static FILE *open_generations(const char *folder, const char *identity)
{
	char hex[DIGEST_SIZE], *path;
	FILE *file = NULL;
	int fd;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return NULL;
	if (digest(identity, hex) < 0 || asprintf(&path, "%s/%s", folder, hex) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (fd < 0)
		return NULL;
	if (flock(fd, LOCK_EX) == 0)
		file = fdopen(fd, "a+");
	if (!file)
		close(fd);
	return file;
}

/* Each line has the serials of a generation; those of today are found, or added. */
int owner_generation(const char *folder, const char *identity, const struct identity_keys *keys,
		     unsigned int *generation)
{
	FILE *file = open_generations(folder, identity);
	char today[32], line[sizeof(today)];
	bool known = false;
	int ret = 0;

	if (!file)
		return -errno;
	snprintf(today, sizeof(today), "%d %d\n", keys->serial[PART_CERT], keys->serial[PART_PRIVKEY]);
	*generation = 0;
	rewind(file);
	while (!known && fgets(line, sizeof(line), file)) {
		known = strcmp(line, today) == 0;
		if (!known)
			++*generation;
	}
	/* C wants a step between reading and writing, wherever it leads */
	if (!known && (fseek(file, 0, SEEK_END) < 0 || fputs(today, file) < 0))
		ret = -EIO;
	if (fclose(file) != 0)
		ret = -errno;
	return ret;
}

int owner_enter(const char *name)
{
	if (unshare(CLONE_NEWUTS) < 0 || sethostname(name, strlen(name)) < 0)
		return -errno;
	return 0;
}
