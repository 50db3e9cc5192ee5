/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "agent.h"
#include "failing.h"
#include "unit.h"

static struct {
	bool armed;
	enum failing_kind kind;
	unsigned int left;
	pid_t where;  /* 0: everywhere */
	bool *failed; /* all processes share it */
	CK_RV rv;
} state = { .rv = CKR_DEVICE_REMOVED };

void failing_token_says(CK_RV rv)
{
	state.rv = rv;
}

void failing_begin(enum failing_kind kind, unsigned int nth, bool here_alone)
{
	if (!state.failed)
		state.failed = mmap(NULL, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(state.failed != MAP_FAILED);
	*state.failed = false;
	state.kind = kind;
	state.left = nth;
	state.where = here_alone ? getpid() : 0;
	state.armed = true;
}

bool failing_end(void)
{
	state.armed = false;
	return *state.failed;
}

static bool fails(enum failing_kind kind)
{
	if (!state.armed || state.kind != kind || (state.where && state.where != getpid()) || state.left-- > 0)
		return false;
	state.armed = false;
	*state.failed = true;
	return true;
}

static bool fails_with(enum failing_kind kind, int error)
{
	bool now = fails(kind);

	if (now)
		errno = error;
	return now;
}

/* The call of this name, with a name for each parameter, or what it returns where it fails. */
#define WRAP(type, name, parameters, arguments, failure, returned)                                                     \
	type __real_##name parameters;                                                                                 \
	type __wrap_##name parameters;                                                                                 \
	type __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		return (failure) ? (returned) : __real_##name arguments;                                               \
	}

#define NO_MEMORY fails_with(FAILING_MEMORY, ENOMEM)
#define REFUSED	  fails_with(FAILING_SYSTEM, EAGAIN)
#define EITHER	  (REFUSED || fails_with(FAILING_INTERRUPT, EINTR))

/* clang-format off */
WRAP(void *, malloc, (size_t size), (size), NO_MEMORY, NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NO_MEMORY, NULL)
WRAP(void *, reallocarray, (void *old, size_t n, size_t size), (old, n, size), NO_MEMORY, NULL)
WRAP(char *, strdup, (const char *text), (text), NO_MEMORY, NULL)
WRAP(char *, strndup, (const char *text, size_t size), (text, size), NO_MEMORY, NULL)
WRAP(P11KitUri *, p11_kit_uri_new, (void), (), NO_MEMORY, NULL)
WRAP(int, p11_kit_uri_format, (P11KitUri *uri, P11KitUriType type, char **text), (uri, type, text), NO_MEMORY,
     P11_KIT_URI_UNEXPECTED)
WRAP(int, p11_kit_uri_set_attribute, (P11KitUri *uri, CK_ATTRIBUTE *attr), (uri, attr), NO_MEMORY, P11_KIT_URI_UNEXPECTED)
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
WRAP(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size), fails_with(FAILING_INTERRUPT, EINTR), -1)
WRAP(int, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout), EITHER, -1)
WRAP(pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags), fails_with(FAILING_INTERRUPT, EINTR), -1)
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
	return fails_with(FAILING_SYSTEM, ENFILE) ? -1 : __real_open(path, flags, mode);
}

/* Nothing fails from here on: gcov writes then what it has counted. */
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap__exit(int status)
{
	state.armed = false;
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

/* How far behind the next cut is. */
#define CUT 32

int __real_agent_call(struct agent *agent, const struct wire *request, struct wire *answer, struct nfstls_diag *diag);
int __wrap_agent_call(struct agent *agent, const struct wire *request, struct wire *answer, struct nfstls_diag *diag);
int __wrap_agent_call(struct agent *agent, const struct wire *request, struct wire *answer, struct nfstls_diag *diag)
{
	int ret = __real_agent_call(agent, request, answer, diag);
	unsigned int kept = state.left / 2 * CUT;

	if (!state.armed || state.kind != FAILING_ANSWER || ret < 0)
		return ret;
	if (state.left % 2 > 0) {
		state.left--;
	} else {
		state.armed = false;
		*state.failed = kept < answer->bytes.size;
		answer->bytes.size = *state.failed ? kept : answer->bytes.size;
	}
	return ret;
}

/* A module whose functions are the real ones, but when they fail. */
static CK_FUNCTION_LIST real;

#define GONE(name, parameters, arguments)                                                                              \
	static CK_RV gone_##name parameters                                                                            \
	{                                                                                                              \
		return fails(FAILING_TOKEN) ? state.rv : real.name arguments;                                          \
	}

/* clang-format off */
GONE(C_Initialize, (void *args), (args))
GONE(C_GetInfo, (CK_INFO *info), (info))
GONE(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count), (present, slots, count))
GONE(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
GONE(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info), (slot, type, info))
GONE(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify, CK_SESSION_HANDLE *session),
     (slot, flags, data, notify, session))
GONE(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG size), (session, user, pin, size))
GONE(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attrs, CK_ULONG count), (session, attrs, count))
GONE(C_FindObjects, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count),
     (session, objects, room, count))
GONE(C_GetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs, CK_ULONG count),
     (session, object, attrs, count))
GONE(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
GONE(C_Sign, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size, CK_BYTE *signature, CK_ULONG *room),
     (session, data, size, signature, room))
/* clang-format on */

CK_FUNCTION_LIST *__real_p11_kit_module_load(const char *path, int flags);
CK_FUNCTION_LIST *__wrap_p11_kit_module_load(const char *path, int flags);
CK_FUNCTION_LIST *__wrap_p11_kit_module_load(const char *path, int flags)
{
	CK_FUNCTION_LIST *loaded = __real_p11_kit_module_load(path, flags);

	if (!loaded || !state.armed || state.kind != FAILING_TOKEN)
		return loaded;
	/* p11-kit knows the module by this list, which nothing else in this process uses */
	real = *loaded;
	loaded->C_Initialize = gone_C_Initialize;
	loaded->C_GetInfo = gone_C_GetInfo;
	loaded->C_GetSlotList = gone_C_GetSlotList;
	loaded->C_GetTokenInfo = gone_C_GetTokenInfo;
	loaded->C_GetMechanismInfo = gone_C_GetMechanismInfo;
	loaded->C_OpenSession = gone_C_OpenSession;
	loaded->C_Login = gone_C_Login;
	loaded->C_FindObjectsInit = gone_C_FindObjectsInit;
	loaded->C_FindObjects = gone_C_FindObjects;
	loaded->C_GetAttributeValue = gone_C_GetAttributeValue;
	loaded->C_SignInit = gone_C_SignInit;
	loaded->C_Sign = gone_C_Sign;
	return loaded;
}
