/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

void fuzz_finding(const char *condition, const char *file, int line)
{
	/* stderr may be listened to */
	dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = size > 0 ? strndup((const char *)data, size) : strdup("");

	if (!text)
		abort();
	return text;
}

const char *fuzz_file(const void *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return path;
}

static char *heard;
static size_t heard_size;

void fuzz_listen(void)
{
	if (heard)
		return;
	stderr = open_memstream(&heard, &heard_size);
	if (!stderr)
		abort();
}

const char *fuzz_said(void)
{
	static char said[8192];
	long size;

	fflush(stderr);
	size = ftell(stderr);
	snprintf(said, sizeof(said), "%.*s", (int)size, size > 0 ? heard : "");
	rewind(stderr);
	return said;
}

bool fuzz_is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' && !(text[0] == '\n' && text[1] == '\0'))
			return false;
	return true;
}

bool fuzz_equal(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}
