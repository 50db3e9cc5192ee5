/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PKCS#11 module that counts, and goes wrong on demand: what a real token will not do when a test wants it to.
 *
 * It stands in front of a real module, SoftHSM unless told otherwise. At each call it reads /run/nfstls-fault/rules:
 *
 *	FUNCTION hang|crash|empty|NUMBER [after N] [once]
 *		the function never returns, ends the process, finds nothing (C_GetSlotList, C_FindObjects), or returns
 *		this CK_RV in the place of doing anything. After N: the first N calls in each process go well. Once:
 *		of all processes one call goes wrong; that it did is the file once.FUNCTION.
 *	FUNCTION slow MILLISECONDS
 *		it goes well after that time
 *	flags NUMBER
 *		what every token has among its CK_TOKEN_INFO.flags
 *	one-session
 *		one session at a time, over all processes
 *	module PATH
 *		the real module, read when the module is loaded
 *
 * Each call that comes back adds a line "FUNCTION PID CK_RV [user|context|so]" to /run/nfstls-fault/calls, which has
 * nothing else of the arguments. One that hangs or crashes has its line before, with that word for the CK_RV.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#define FOLDER	"/run/nfstls-fault"
#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;

struct rule {
	char action[256];
	unsigned long after, slow;
	bool once;
};

/* The rule that begins with this word. */
static bool find_rule(const char *word, struct rule *rule)
{
	FILE *file = fopen(FOLDER "/rules", "re");
	char line[512], first[64];
	const char *after;
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		*rule = (struct rule){ .action = "" };
		found = sscanf(line, "%63s %255s", first, rule->action) >= 1 && strcmp(first, word) == 0;
		after = strstr(line, " after ");
		if (after)
			rule->after = strtoul(after + strlen(" after "), NULL, 10);
		sscanf(line, "%*s slow %lu", &rule->slow);
		rule->once = strstr(line, " once") != NULL;
	}
	if (file)
		fclose(file);
	return found;
}

static void note(const char *function, const char *outcome, const char *more)
{
	int fd = open(FOLDER "/calls", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	dprintf(fd, "%s %d %s%s%s\n", function, getpid(), outcome, *more ? " " : "", more);
	close(fd);
}

static CK_RV noted(const char *function, CK_RV rv, const char *more)
{
	char outcome[32];

	snprintf(outcome, sizeof(outcome), "0x%lx", rv);
	note(function, outcome, more);
	return rv;
}

/* Whether this call is the one. */
static bool first_of_all(const char *function)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), FOLDER "/once.%s", function);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Nothing but SIGKILL ends it. */
static _Noreturn void hang(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (;;)
		pause();
}

enum fault { GOES_WELL, FINDS_NOTHING, RETURNS };

/* What becomes of a call; *calls were made of this function in this process. */
static enum fault fault(const char *function, unsigned long *calls, CK_RV *rv, const char *more)
{
	struct rule rule;
	bool hangs, crashes;

	if (!find_rule(function, &rule) || (*calls)++ < rule.after || (rule.once && !first_of_all(function)))
		return GOES_WELL;
	if (rule.slow > 0) {
		usleep(rule.slow * 1000);
		return GOES_WELL;
	}
	hangs = strcmp(rule.action, "hang") == 0;
	crashes = strcmp(rule.action, "crash") == 0;
	if (hangs || crashes)
		note(function, rule.action, more);
	if (hangs)
		hang();
	if (crashes)
		abort();
	*rv = strtoul(rule.action, NULL, 0);
	return strcmp(rule.action, "empty") == 0 ? FINDS_NOTHING : RETURNS;
}

/*
 * The function of this name: a call, unless a rule says otherwise. found_nothing is the statement that makes its result
 * empty; more goes into the record.
 */
#define WRAP(name, parameters, call, found_nothing, more)                                                              \
	static CK_RV fault_##name parameters                                                                           \
	{                                                                                                              \
		static unsigned long calls;                                                                            \
		CK_RV rv = CKR_OK;                                                                                     \
                                                                                                                       \
		switch (fault(#name, &calls, &rv, more)) {                                                             \
		case GOES_WELL:                                                                                        \
			rv = call;                                                                                     \
			break;                                                                                         \
		case FINDS_NOTHING:                                                                                    \
			found_nothing;                                                                                 \
			break;                                                                                         \
		case RETURNS:                                                                                          \
			break;                                                                                         \
		}                                                                                                      \
		return noted(#name, rv, more);                                                                         \
	}

static const char *user_name(CK_USER_TYPE user)
{
	switch (user) {
	case CKU_USER:
		return "user";
	case CKU_CONTEXT_SPECIFIC:
		return "context";
	default:
		return "so";
	}
}

/* The lock that stands for the one session; a process that ends gives it back. */
static int only_session = -1;

static CK_RV one_session(void)
{
	struct rule rule;
	int fd;

	if (!find_rule("one-session", &rule))
		return CKR_OK;
	fd = open(FOLDER "/session", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (only_session >= 0 || fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (fd >= 0)
			close(fd);
		return CKR_SESSION_COUNT;
	}
	only_session = fd;
	return CKR_OK;
}

static void no_session(void)
{
	if (only_session >= 0)
		close(only_session);
	only_session = -1;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	CK_RV rv = one_session();

	if (rv != CKR_OK)
		return rv;
	rv = real->C_OpenSession(slot, flags, data, notify, session);
	if (rv != CKR_OK)
		no_session();
	return rv;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	no_session();
	return real->C_CloseSession(session);
}

static CK_RV finalize(void *reserved)
{
	no_session();
	return real->C_Finalize(reserved);
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = real->C_GetTokenInfo(slot, info);
	struct rule rule;

	if (rv == CKR_OK && find_rule("flags", &rule))
		info->flags |= strtoul(rule.action, NULL, 0);
	return rv;
}

/* clang-format off */
WRAP(C_Initialize, (void *args), real->C_Initialize(args), (void)0, "")
WRAP(C_Finalize, (void *reserved), finalize(reserved), (void)0, "")
WRAP(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count), real->C_GetSlotList(present, slots, count),
     *count = 0, "")
WRAP(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), get_token_info(slot, info), (void)0, "")
WRAP(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify, CK_SESSION_HANDLE *session),
     open_session(slot, flags, data, notify, session), (void)0, "")
WRAP(C_CloseSession, (CK_SESSION_HANDLE session), close_session(session), (void)0, "")
WRAP(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG size),
     real->C_Login(session, user, pin, size), (void)0, user_name(user))
WRAP(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attrs, CK_ULONG count),
     real->C_FindObjectsInit(session, attrs, count), (void)0, "")
WRAP(C_FindObjects, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count),
     real->C_FindObjects(session, objects, room, count), *count = 0, "")
WRAP(C_GetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs, CK_ULONG count),
     real->C_GetAttributeValue(session, object, attrs, count), (void)0, "")
WRAP(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
     real->C_SignInit(session, mechanism, key), (void)0, "")
WRAP(C_Sign, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size, CK_BYTE *signature, CK_ULONG *room),
     real->C_Sign(session, data, size, signature, room), (void)0, "")
/* clang-format on */

/* Where the real module is not, there is none. The other functions are the real ones. */
static CK_RV load(void)
{
	struct rule rule;
	void *module = dlopen(find_rule("module", &rule) ? rule.action : SOFTHSM, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
	CK_RV rv = get ? get(&real) : CKR_GENERAL_ERROR;

	if (rv != CKR_OK)
		return rv;
	list = *real;
	list.C_GetFunctionList = C_GetFunctionList;
	list.C_Initialize = fault_C_Initialize;
	list.C_Finalize = fault_C_Finalize;
	list.C_GetSlotList = fault_C_GetSlotList;
	list.C_GetTokenInfo = fault_C_GetTokenInfo;
	list.C_OpenSession = fault_C_OpenSession;
	list.C_CloseSession = fault_C_CloseSession;
	list.C_Login = fault_C_Login;
	list.C_FindObjectsInit = fault_C_FindObjectsInit;
	list.C_FindObjects = fault_C_FindObjects;
	list.C_GetAttributeValue = fault_C_GetAttributeValue;
	list.C_SignInit = fault_C_SignInit;
	list.C_Sign = fault_C_Sign;
	return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **functions)
{
	CK_RV rv = real ? CKR_OK : load();

	if (rv == CKR_OK)
		*functions = &list;
	return rv;
}
