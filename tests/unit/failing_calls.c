/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of the C library, the kernel and GnuTLS that fail, of whoever is linked with this: failing_calls in
 * local.mk. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "failing_wrap.h"

/* clang-format off */
WRAP(void *, malloc, (size_t size), (size), NO_MEMORY, NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NO_MEMORY, NULL)
WRAP(void *, reallocarray, (void *old, size_t n, size_t size), (old, n, size), NO_MEMORY, NULL)
WRAP(char *, strdup, (const char *text), (text), NO_MEMORY, NULL)
WRAP(char *, strndup, (const char *text, size_t size), (text, size), NO_MEMORY, NULL)
WRAP(int, gnutls_pubkey_init, (gnutls_pubkey_t *key), (key), NO_MEMORY, GNUTLS_E_MEMORY_ERROR)
WRAP(int, gnutls_privkey_init, (gnutls_privkey_t *key), (key), NO_MEMORY, GNUTLS_E_MEMORY_ERROR)
WRAP(int, gnutls_x509_crt_init, (gnutls_x509_crt_t *cert), (cert), NO_MEMORY, GNUTLS_E_MEMORY_ERROR)
WRAP(int, gnutls_x509_spki_init, (gnutls_x509_spki_t *spki), (spki), NO_MEMORY, GNUTLS_E_MEMORY_ERROR)
WRAP(int, gnutls_x509_crt_export2, (gnutls_x509_crt_t cert, gnutls_x509_crt_fmt_t format, gnutls_datum_t *out),
     (cert, format, out), NO_MEMORY, GNUTLS_E_MEMORY_ERROR)
WRAP(int, gnutls_pubkey_import_x509, (gnutls_pubkey_t key, gnutls_x509_crt_t cert, unsigned int flags), (key, cert, flags),
     NO_MEMORY, GNUTLS_E_MEMORY_ERROR)
WRAP(int, gnutls_hash_init, (gnutls_hash_hd_t *hash, gnutls_digest_algorithm_t algorithm), (hash, algorithm), NO_MEMORY,
     GNUTLS_E_MEMORY_ERROR)
WRAP(int, gnutls_rnd, (gnutls_rnd_level_t level, void *data, size_t size), (level, data, size), NO_MEMORY,
     GNUTLS_E_RANDOM_FAILED)

WRAP(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset), (at, size, prot, flags, fd, offset),
     REFUSED, MAP_FAILED)
WRAP(int, socketpair, (int domain, int type, int protocol, int *fds), (domain, type, protocol, fds), REFUSED, -1)
WRAP(pid_t, fork, (void), (), REFUSED, -1)
WRAP(int, dup2, (int from, int to), (from, to), REFUSED, -1)
WRAP(int, close_range, (unsigned int first, unsigned int last, int flags), (first, last, flags), REFUSED, -1)
WRAP(int, flock, (int fd, int operation), (fd, operation), REFUSED, -1)
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), EITHER, -1)
WRAP(ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags), EITHER, -1)
WRAP(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size), INTERRUPTED, -1)
WRAP(int, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout), EITHER, -1)
WRAP(pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags), INTERRUPTED, -1)
/* clang-format on */

int __wrap_asprintf(char **text, const char *format, ...);
int __wrap_asprintf(char **text, const char *format, ...)
{
	va_list args;
	int ret;

	if (NO_MEMORY)
		return -1;
	va_start(args, format);
	ret = vasprintf(text, format, args);
	va_end(args);
	return ret;
}

/* Those with a mode, which the library makes, have one; the others have something of no use in its place. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, mode_t mode)
{
	return FAILS(FAILING_SYSTEM, ENFILE) ? -1 : __real_open(path, flags, mode);
}

/* Nothing fails from here on: gcov writes then what it has counted. */
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap__exit(int status)
{
	failing.armed = false;
	__real__exit(status);
}

/* GnuTLS has them as variables. */
extern gnutls_alloc_function __real_gnutls_malloc;
extern gnutls_realloc_function __real_gnutls_realloc;

static void *no_malloc(size_t size)
{
	return NO_MEMORY ? NULL : __real_gnutls_malloc(size);
}

static void *no_realloc(void *old, size_t size)
{
	return NO_MEMORY ? NULL : __real_gnutls_realloc(old, size);
}

extern gnutls_alloc_function __wrap_gnutls_malloc;
extern gnutls_realloc_function __wrap_gnutls_realloc;
gnutls_alloc_function __wrap_gnutls_malloc = no_malloc;
gnutls_realloc_function __wrap_gnutls_realloc = no_realloc;
