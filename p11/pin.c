/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pin.h"

/* RFC 8089: file:/path and file:///path are the same file; any other host is not ours. */
static const char *pin_path(const char *source)
{
	if (strncmp(source, "file:", 5) == 0) {
		source += 5;
		if (strncmp(source, "///", 3) == 0)
			source += 2;
	}
	return source[0] == '/' && source[1] != '/' ? source : NULL;
}

static int pin_check(int fd, const char *path, struct nfstls_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s is not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s is not owned by root", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s is open to others, make it mode 0600", path);
	return 0;
}

static ssize_t read_all(int fd, unsigned char *buf, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, buf + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += n;
	}
	return have;
}

static int pin_fill(int fd, const char *path, struct pin *pin, struct nfstls_diag *diag)
{
	ssize_t len = read_all(fd, pin->value, sizeof(pin->value));

	if (len < 0)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s: %s", path, strerror(errno));
	if (len > 0 && pin->value[len - 1] == '\n')
		len--;
	if (len > PIN_MAX)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s is longer than %d bytes", path, PIN_MAX);
	if (len == 0)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s is empty", path);
	pin->len = len;
	return 0;
}

int pin_read(const char *source, struct pin *pin, struct nfstls_diag *diag)
{
	const char *path;
	int fd, ret;

	if (!source)
		return NFSTLS_E_PIN_NEEDED;
	path = pin_path(source);
	if (!path)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "pin-source is not the absolute path of a file");

	/* O_NONBLOCK: a FIFO must not hold up the handshake before fstat() can refuse it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s: %s", path,
				errno == ELOOP ? "it is a symbolic link" : strerror(errno));
	ret = pin_check(fd, path, diag);
	if (ret == 0)
		ret = pin_fill(fd, path, pin, diag);
	close(fd);
	if (ret < 0)
		pin_clear(pin);
	return ret;
}

void pin_clear(struct pin *pin)
{
	explicit_bzero(pin, sizeof(*pin));
}
