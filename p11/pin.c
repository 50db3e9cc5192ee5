/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errand.h"
#include "pin.h"

#define CREDENTIAL_NAME "nfstls.%s.pin"

const char *pin_path(const char *source)
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

/* The file by one name, however it was reached: an identity whose URI has another is latched with the others. */
static int name_source(const char *path, char **source)
{
	char *real = realpath(path, NULL);
	int ret = asprintf(source, "file:%s", real ? real : path) < 0 ? NFSTLS_E_MEMORY : 0;

	free(real);
	return ret;
}

/* What was read, at most one byte more than is looked at, becomes the PIN. */
static int pin_accept(struct pin *pin, size_t len, const char *path, struct nfstls_diag *diag)
{
	if (len > 0 && pin->value[len - 1] == '\n')
		len--;
	if (len > PIN_MAX)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s is longer than %d bytes", path, PIN_MAX);
	if (len == 0)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s is empty", path);
	pin->len = len;
	return name_source(path, &pin->source);
}

static int pin_fill(int fd, const char *path, struct pin *pin, struct nfstls_diag *diag)
{
	ssize_t len = read_all(fd, pin->value, sizeof(pin->value));

	if (len < 0)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "PIN file %s: %s", path, strerror(errno));
	return pin_accept(pin, len, path, diag);
}

static int read_file(int fd, const char *path, struct pin *pin, struct nfstls_diag *diag)
{
	int ret = pin_check(fd, path, diag);

	if (ret == 0)
		ret = pin_fill(fd, path, pin, diag);
	close(fd);
	if (ret < 0)
		pin_clear(pin);
	return ret;
}

/* O_NONBLOCK: a FIFO must not hold up the handshake before fstat() can refuse it. */
static int open_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
}

static int cannot_open(const char *path, struct nfstls_diag *diag)
{
	/* that there is no descriptor left says nothing of the file */
	int error = errno == ENFILE || errno == EMFILE || errno == ENOMEM ? NFSTLS_E_MEMORY : NFSTLS_E_PIN_SOURCE;

	return diag_set(diag, error, "PIN file %s: %s", path,
			errno == ELOOP ? "it is a symbolic link" : strerror(errno));
}

int pin_read(const char *source, struct pin *pin, struct nfstls_diag *diag)
{
	const char *path = pin_path(source);
	int fd;

	*pin = (struct pin){ .source = NULL };
	if (!path)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "pin-source is not the absolute path of a file");
	fd = open_file(path);
	return fd < 0 ? cannot_open(path, diag) : read_file(fd, path, pin, diag);
}

/* systemd.exec(5), LoadCredential=. An identity that is no file name has none. NFSTLS_E_PIN_NEEDED: there is none. */
static int read_credential(const char *identity, struct pin *pin, struct nfstls_diag *diag)
{
	const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
	int ret = NFSTLS_E_PIN_NEEDED, fd;
	char *path;

	if (!folder || strchr(identity, '/'))
		return ret;
	if (asprintf(&path, "%s/" CREDENTIAL_NAME, folder, identity) < 0)
		return NFSTLS_E_MEMORY;
	fd = open_file(path);
	if (fd >= 0)
		ret = read_file(fd, path, pin, diag);
	else if (errno != ENOENT)
		ret = cannot_open(path, diag);
	free(path);
	return ret;
}

static int take_given(const gnutls_datum_t *given, struct pin *pin, struct nfstls_diag *diag)
{
	if (given->size < 1 || given->size > PIN_MAX)
		return diag_set(diag, NFSTLS_E_PIN_SOURCE, "a PIN has 1 to %d bytes", PIN_MAX);
	memcpy(pin->value, given->data, given->size);
	pin->len = given->size;
	pin->source = strdup("given");
	return pin->source ? 0 : NFSTLS_E_MEMORY;
}

static int read_key(const struct nfstls_identity *identity, struct pin *pin, struct nfstls_diag *diag)
{
	int ret = errand_read_pin(pin->value, sizeof(pin->value), &pin->len, diag);

	if (ret == 0 && (pin->len < 1 || pin->len > PIN_MAX))
		ret = diag_set(diag, NFSTLS_E_PIN_SOURCE, "the PIN key has no PIN of 1 to %d bytes", PIN_MAX);
	if (ret == 0 && asprintf(&pin->source, "key:%d:%s", identity->keyring, identity->name) < 0)
		ret = NFSTLS_E_MEMORY;
	return ret;
}

int pin_find(const char *pin_source, const struct nfstls_access *access, struct pin *pin, struct nfstls_diag *diag)
{
	const struct nfstls_identity *identity = access->identity;
	int ret = NFSTLS_E_PIN_NEEDED;

	*pin = (struct pin){ .source = NULL };
	if (access->pin)
		ret = take_given(access->pin, pin, diag);
	else if (pin_source)
		ret = pin_read(pin_source, pin, diag);
	else if (identity)
		ret = read_credential(identity->name, pin, diag);
	if (ret == NFSTLS_E_PIN_NEEDED && identity && identity->keyring)
		ret = read_key(identity, pin, diag);
	if (ret < 0)
		pin_clear(pin);
	return ret;
}

void pin_clear(struct pin *pin)
{
	free(pin->source);
	explicit_bzero(pin, sizeof(*pin));
}
