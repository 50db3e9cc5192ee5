/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the library alone calls that fails: p11-kit, an agent, a module. */
#include "config.h"

#include <string.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "agent.h"
#include "failing_wrap.h"

static CK_RV token_says = CKR_DEVICE_REMOVED;

void failing_token_says(CK_RV rv)
{
	token_says = rv;
}

/* clang-format off */
WRAP(P11KitUri *, p11_kit_uri_new, (void), (), NO_MEMORY, NULL)
WRAP(int, p11_kit_uri_format, (P11KitUri *uri, P11KitUriType type, char **text), (uri, type, text), NO_MEMORY,
     P11_KIT_URI_UNEXPECTED)
WRAP(int, p11_kit_uri_set_attribute, (P11KitUri *uri, CK_ATTRIBUTE *attr), (uri, attr), NO_MEMORY, P11_KIT_URI_UNEXPECTED)
/* clang-format on */

/* How far behind the next cut is. */
#define CUT 32

int __real_agent_call(struct agent *agent, const struct wire *request, struct wire *answer, struct nfstls_diag *diag);
int __wrap_agent_call(struct agent *agent, const struct wire *request, struct wire *answer, struct nfstls_diag *diag);
int __wrap_agent_call(struct agent *agent, const struct wire *request, struct wire *answer, struct nfstls_diag *diag)
{
	int ret = __real_agent_call(agent, request, answer, diag);
	unsigned int kept = failing.left / 2 * CUT;

	if (!failing.armed || failing.kind != FAILING_ANSWER || ret < 0)
		return ret;
	if (failing.left % 2 > 0) {
		failing.left--;
		return ret;
	}
	failing.left = 0;
	if (kept >= answer->bytes.size)
		failing.armed = false;
	else if (FAILS(FAILING_ANSWER, 0))
		answer->bytes.size = kept;
	return ret;
}

/* A module whose functions are the real ones, but when they fail. */
static CK_FUNCTION_LIST real;

#define GONE(name, parameters, arguments)                                                                              \
	static CK_RV gone_##name parameters                                                                            \
	{                                                                                                              \
		return FAILS(FAILING_TOKEN, 0) ? token_says : real.name arguments;                                     \
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

	if (!loaded || !failing.armed || failing.kind != FAILING_TOKEN)
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
