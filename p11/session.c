/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pin.h"
#include "session.h"

/* The token's label and serial, padded with spaces in CK_TOKEN_INFO. */
static void name_token(struct session *session)
{
	const CK_TOKEN_INFO *token = &session->token;

	snprintf(session->name, sizeof(session->name), "token \"%.*s\" (serial %.*s)",
		 (int)p11_kit_space_strlen(token->label, sizeof(token->label)), (const char *)token->label,
		 (int)p11_kit_space_strlen(token->serialNumber, sizeof(token->serialNumber)),
		 (const char *)token->serialNumber);
}

static bool slot_matches(P11KitUri *uri, CK_FUNCTION_LIST *funcs, CK_SLOT_ID slot)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
	CK_SLOT_INFO info;

	if (wanted != (CK_SLOT_ID)-1 && wanted != slot)
		return false;
	return funcs->C_GetSlotInfo(slot, &info) == CKR_OK && p11_kit_uri_match_slot_info(uri, &info);
}

/* What the search for a token has seen so far. */
struct search {
	struct session *session; /* the last match */
	unsigned int matches;
	unsigned int uninitialised;
};

static void search_note(struct search *search, const struct module *module, CK_SLOT_ID slot, const CK_TOKEN_INFO *token,
			struct nfstls_diag *diag)
{
	struct session *session = search->session;
	char *text;

	if (!(token->flags & CKF_TOKEN_INITIALIZED)) {
		search->uninitialised++;
		return;
	}
	search->matches++;
	*session =
		(struct session){ .funcs = module->funcs, .module_path = module->path, .slot = slot, .token = *token };
	if (uri_format(token, NULL, 0, module->path, NULL, &text) == 0) {
		diag_candidate(diag, text);
		free(text);
	}
}

static int search_module(struct search *search, P11KitUri *uri, const struct module *module, struct nfstls_diag *diag)
{
	CK_ULONG count = 0;
	CK_SLOT_ID *slots;
	CK_INFO info;
	CK_RV rv;

	if (module->funcs->C_GetInfo(&info) != CKR_OK || !p11_kit_uri_match_module_info(uri, &info))
		return 0;
	rv = module->funcs->C_GetSlotList(CK_TRUE, NULL, &count);
	if (rv != CKR_OK)
		return diag_rv(diag, rv, module->path, "C_GetSlotList");
	slots = calloc(count + 1, sizeof(*slots));
	if (!slots)
		return NFSTLS_E_MEMORY;
	rv = module->funcs->C_GetSlotList(CK_TRUE, slots, &count);
	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
		CK_TOKEN_INFO token;

		if (slot_matches(uri, module->funcs, slots[i]) &&
		    module->funcs->C_GetTokenInfo(slots[i], &token) == CKR_OK &&
		    p11_kit_uri_match_token_info(uri, &token))
			search_note(search, module, slots[i], &token, diag);
	}
	free(slots);
	return rv == CKR_OK ? 0 : diag_rv(diag, rv, module->path, "C_GetSlotList");
}

static int find_token(P11KitUri *uri, struct session *session, struct nfstls_diag *diag)
{
	struct nfstls_diag tokens = NFSTLS_DIAG_INIT;
	struct search search = { .session = session };
	struct module *modules = NULL;
	size_t count = 0;
	int ret;

	ret = modules_for_uri(uri, &modules, &count, diag);
	for (size_t i = 0; ret == 0 && i < count; i++)
		ret = search_module(&search, uri, &modules[i], &tokens);

	if (ret < 0) {
		if (diag && tokens.text[0])
			memcpy(diag->text, tokens.text, sizeof(diag->text));
	} else if (search.matches == 1) {
		name_token(session);
	} else if (search.matches > 1) {
		ret = diag_set(diag, NFSTLS_E_TOKEN_AMBIGUOUS, "%u tokens match, name one by its serial or module-path",
			       search.matches);
		if (diag) {
			diag->candidates = tokens.candidates;
			tokens.candidates = NULL;
		}
	} else if (search.uninitialised > 0) {
		ret = diag_set(diag, NFSTLS_E_TOKEN_UNINIT, "the token that matches holds nothing yet");
	} else {
		ret = diag_set(diag, NFSTLS_E_TOKEN_ABSENT, "no token matches, of %zu module(s) asked", count);
	}
	nfstls_diag_clear(&tokens);
	free(modules);
	return ret;
}

/* One C_Login, never two. A PIN pad takes its PIN without us. */
static int login_as(const struct session *session, CK_USER_TYPE user, const char *pin_source, struct nfstls_diag *diag)
{
	struct pin pin;
	CK_RV rv;
	int ret;

	if (session->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) {
		rv = session->funcs->C_Login(session->id, user, NULL, 0);
	} else {
		ret = pin_read(pin_source, &pin, diag);
		if (ret == NFSTLS_E_PIN_NEEDED)
			return diag_set(diag, ret, "%s: add ?pin-source=file:PATH to the URI", session->name);
		if (ret < 0)
			return ret;
		rv = session->funcs->C_Login(session->id, user, pin.value, pin.len);
		pin_clear(&pin);
	}
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return 0;
	return diag_rv(diag, rv, session->name, "C_Login");
}

static int login_if_needed(const struct session *session, const char *pin_source, struct nfstls_diag *diag)
{
	CK_FLAGS flags = session->token.flags;
	CK_SESSION_INFO info;

	if (!(flags & CKF_LOGIN_REQUIRED))
		return 0;
	if (session->funcs->C_GetSessionInfo(session->id, &info) == CKR_OK &&
	    (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS))
		return 0;
	if (flags & CKF_USER_PIN_LOCKED)
		return diag_set(diag, NFSTLS_E_PIN_LOCKED,
				"%s: the PIN is locked, unblock it with the token's own tool", session->name);
	if (flags & CKF_USER_PIN_FINAL_TRY)
		return diag_set(diag, NFSTLS_E_PIN_LOCKED,
				"%s: one try is left for the PIN, log in once with the token's own tool",
				session->name);
	return login_as(session, CKU_USER, pin_source, diag);
}

int session_open(P11KitUri *uri, struct session *session, struct nfstls_diag *diag)
{
	struct session opened;
	CK_RV rv;
	int ret;

	ret = find_token(uri, &opened, diag);
	if (ret < 0)
		return ret;
	rv = opened.funcs->C_OpenSession(opened.slot, CKF_SERIAL_SESSION, NULL, NULL, &opened.id);
	if (rv != CKR_OK)
		return diag_rv(diag, rv, opened.name, "C_OpenSession");
	ret = login_if_needed(&opened, p11_kit_uri_get_pin_source(uri), diag);
	if (ret < 0)
		session_close(&opened);
	else
		*session = opened;
	return ret;
}

void session_close(struct session *session)
{
	session->funcs->C_CloseSession(session->id);
}

int session_reauthenticate(const struct session *session, const char *pin_source, struct nfstls_diag *diag)
{
	return login_as(session, CKU_CONTEXT_SPECIFIC, pin_source, diag);
}

int session_find(const struct session *session, CK_ATTRIBUTE *attrs, CK_ULONG nattrs, CK_OBJECT_HANDLE **objects,
		 size_t *count, struct nfstls_diag *diag)
{
	CK_OBJECT_HANDLE *list = NULL, batch[16];
	size_t have = 0;
	CK_ULONG got;
	CK_RV rv;

	rv = session->funcs->C_FindObjectsInit(session->id, attrs, nattrs);
	if (rv != CKR_OK)
		return diag_rv(diag, rv, session->name, "C_FindObjectsInit");
	do {
		CK_OBJECT_HANDLE *grown;

		got = 0;
		rv = session->funcs->C_FindObjects(session->id, batch, sizeof(batch) / sizeof(batch[0]), &got);
		grown = rv == CKR_OK ? reallocarray(list, have + got + 1, sizeof(*list)) : NULL;
		if (!grown) {
			rv = rv == CKR_OK ? CKR_HOST_MEMORY : rv;
			break;
		}
		list = grown;
		memcpy(list + have, batch, got * sizeof(*list));
		have += got;
	} while (got > 0);
	session->funcs->C_FindObjectsFinal(session->id);

	if (rv != CKR_OK) {
		free(list);
		return diag_rv(diag, rv, session->name, "C_FindObjects");
	}
	*objects = list;
	*count = have;
	return 0;
}

int session_get(const struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, gnutls_datum_t *value,
		struct nfstls_diag *diag)
{
	CK_ATTRIBUTE attr = { type, NULL, 0 };
	CK_RV rv;

	rv = session->funcs->C_GetAttributeValue(session->id, object, &attr, 1);
	if (rv != CKR_OK || attr.ulValueLen == 0 || attr.ulValueLen == (CK_ULONG)-1) {
		*value = (gnutls_datum_t){ NULL, 0 };
		return 0;
	}
	attr.pValue = gnutls_malloc(attr.ulValueLen);
	if (!attr.pValue)
		return NFSTLS_E_MEMORY;
	rv = session->funcs->C_GetAttributeValue(session->id, object, &attr, 1);
	if (rv != CKR_OK) {
		gnutls_free(attr.pValue);
		return diag_rv(diag, rv, session->name, "C_GetAttributeValue");
	}
	*value = (gnutls_datum_t){ attr.pValue, attr.ulValueLen };
	return 0;
}

bool session_get_fixed(const struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value,
		       size_t size)
{
	CK_ATTRIBUTE attr = { type, value, size };

	return session->funcs->C_GetAttributeValue(session->id, object, &attr, 1) == CKR_OK && attr.ulValueLen == size;
}
