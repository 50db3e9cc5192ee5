/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "login.h"

/* No token comes near either; they bound what a module gone wrong makes us take. */
#define OBJECTS_MAX 100000
#define VALUE_MAX   (1024 * 1024)

/* What the search for a token has seen so far. */
struct search {
	struct token *token; /* the last match */
	unsigned int matches;
	unsigned int uninitialised;
};

static int note_token(const struct token *token, void *arg, struct nfstls_diag *diag)
{
	struct search *search = arg;

	(void)diag;
	if (!(token->info.flags & CKF_TOKEN_INITIALIZED)) {
		search->uninitialised++;
		return 0;
	}
	search->matches++;
	*search->token = *token;
	return 0;
}

static int note_candidate(const struct token *token, void *arg, struct nfstls_diag *diag)
{
	char *text;

	(void)diag;
	if ((token->info.flags & CKF_TOKEN_INITIALIZED) &&
	    uri_format(&token->info, NULL, 0, &token->module, NULL, &text) == 0) {
		diag_candidate(arg, text);
		free(text);
	}
	return 0;
}

/* "\"lab\"", as far as the URI has a label. */
static void name_wanted(P11KitUri *uri, char *name, size_t size)
{
	const unsigned char *label = p11_kit_uri_get_token_info(uri)->label;
	size_t len = p11_kit_space_strlen(label, sizeof(((CK_TOKEN_INFO *)NULL)->label));

	name[0] = '\0';
	if (len > 0 && label[0])
		snprintf(name, size, " \"%.*s\"", (int)len, (const char *)label);
}

/* What the search has found, as an outcome. */
static int judge_search(P11KitUri *uri, const struct search *search, size_t modules, struct nfstls_diag *diag)
{
	char wanted[64];

	if (search->matches == 1)
		return 0;
	if (search->matches > 1) {
		diag_set(diag, NFSTLS_E_TOKEN_AMBIGUOUS, "%u tokens match, name one by its serial or module-path",
			 search->matches);
		tokens_visit(uri, note_candidate, diag, &modules, NULL);
		return NFSTLS_E_TOKEN_AMBIGUOUS;
	}
	if (search->uninitialised > 0)
		return diag_set(diag, NFSTLS_E_TOKEN_UNINIT, "the token that matches holds nothing yet");
	name_wanted(uri, wanted, sizeof(wanted));
	return diag_set(diag, NFSTLS_E_TOKEN_ABSENT, "no token%s in the slots of %zu module(s)", wanted, modules);
}

static int find_token(P11KitUri *uri, struct token *token, struct nfstls_diag *diag)
{
	struct search search = { .token = token };
	size_t modules;
	int ret = tokens_visit(uri, note_token, &search, &modules, diag);

	return ret < 0 ? ret : judge_search(uri, &search, modules, diag);
}

/* The token's label and serial, padded with spaces in CK_TOKEN_INFO. Not every token has a serial. */
static void name_token(struct session *session)
{
	const CK_TOKEN_INFO *token = &session->token;
	int label = p11_kit_space_strlen(token->label, sizeof(token->label));
	int serial = p11_kit_space_strlen(token->serialNumber, sizeof(token->serialNumber));

	snprintf(session->name, sizeof(session->name), "token \"%.*s\" (%s%.*s)", label, (const char *)token->label,
		 serial ? "serial " : "no serial", serial, (const char *)token->serialNumber);
}

int session_open_public(const struct token *token, struct session *session, struct nfstls_diag *diag)
{
	struct session opened = {
		.module = token->module,
		.slot = token->slot,
		.token = token->info,
	};
	CK_RV rv;

	name_token(&opened);
	agent_step(opened.name, "C_OpenSession");
	rv = opened.module.funcs->C_OpenSession(opened.slot, CKF_SERIAL_SESSION, NULL, NULL, &opened.id);
	if (rv != CKR_OK)
		return diag_rv(diag, rv, opened.name, "C_OpenSession");
	*session = opened;
	return 0;
}

static int login_if_needed(const struct session *session, const char *pin_source, const struct nfstls_access *access,
			   char *pin_id, struct nfstls_diag *diag)
{
	CK_SESSION_INFO info;

	if (!(session->token.flags & CKF_LOGIN_REQUIRED))
		return 0;
	if (session->module.funcs->C_GetSessionInfo(session->id, &info) == CKR_OK &&
	    (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS))
		return 0;
	return login(session, CKU_USER, pin_source, access, pin_id, diag);
}

int session_open(P11KitUri *uri, const struct nfstls_access *access, struct session *session, char *pin_id,
		 struct nfstls_diag *diag)
{
	struct session opened = { .name = "" };
	struct token token;
	int ret;

	pin_id[0] = '\0';
	ret = find_token(uri, &token, diag);
	if (ret == 0)
		ret = session_open_public(&token, &opened, diag);
	modules_unlock();
	if (ret < 0)
		return ret;
	ret = login_if_needed(&opened, p11_kit_uri_get_pin_source(uri), access, pin_id, diag);
	if (ret < 0)
		session_close(&opened);
	else
		*session = opened;
	return ret;
}

void session_close(struct session *session)
{
	session->module.funcs->C_CloseSession(session->id);
}

/* The next few objects, behind those that the list has; how many they are, 0 at the end. */
static CK_RV find_more(const struct session *session, CK_OBJECT_HANDLE **list, size_t have, CK_ULONG *got)
{
	CK_OBJECT_HANDLE batch[16], *grown;
	CK_RV rv;

	*got = 0;
	rv = session->module.funcs->C_FindObjects(session->id, batch, sizeof(batch) / sizeof(batch[0]), got);
	if (rv != CKR_OK)
		return rv;
	/* such a module may find as many again and again, or says that it has given more than there was room for */
	if (*got > sizeof(batch) / sizeof(batch[0]) || have + *got > OBJECTS_MAX)
		return CKR_GENERAL_ERROR;
	grown = reallocarray(*list, have + *got + 1, sizeof(*grown));
	if (!grown)
		return CKR_HOST_MEMORY;
	memcpy(grown + have, batch, *got * sizeof(*grown));
	*list = grown;
	return CKR_OK;
}

int session_find(const struct session *session, CK_ATTRIBUTE *attrs, CK_ULONG nattrs, CK_OBJECT_HANDLE **objects,
		 size_t *count, struct nfstls_diag *diag)
{
	CK_OBJECT_HANDLE *list = NULL;
	size_t have = 0;
	CK_ULONG got = 1;
	CK_RV rv;

	agent_step(session->name, "C_FindObjects");
	rv = session->module.funcs->C_FindObjectsInit(session->id, attrs, nattrs);
	if (rv != CKR_OK)
		return diag_rv(diag, rv, session->name, "C_FindObjectsInit");
	while (rv == CKR_OK && got > 0) {
		rv = find_more(session, &list, have, &got);
		have += got;
	}
	session->module.funcs->C_FindObjectsFinal(session->id);

	if (rv != CKR_OK) {
		free(list);
		return diag_rv(diag, rv, session->name, "C_FindObjects");
	}
	*objects = list;
	*count = have;
	return 0;
}

int session_find_certs(const struct session *session, CK_OBJECT_HANDLE **objects, size_t *count,
		       struct nfstls_diag *diag)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_ATTRIBUTE attrs[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_CERTIFICATE_TYPE, &type, sizeof(type) },
	};

	return session_find(session, attrs, 2, objects, count, diag);
}

int session_get(const struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, gnutls_datum_t *value,
		struct nfstls_diag *diag)
{
	CK_ATTRIBUTE attr = { type, NULL, 0 };
	CK_ULONG room;
	CK_RV rv;

	agent_step(session->name, "C_GetAttributeValue");
	rv = session->module.funcs->C_GetAttributeValue(session->id, object, &attr, 1);
	if (rv_is_breakdown(rv))
		return diag_rv(diag, rv, session->name, "C_GetAttributeValue");
	if (rv != CKR_OK || attr.ulValueLen == 0 || attr.ulValueLen == (CK_ULONG)-1) {
		*value = (gnutls_datum_t){ NULL, 0 };
		return 0;
	}
	room = attr.ulValueLen;
	if (room > VALUE_MAX)
		return diag_rv(diag, CKR_ATTRIBUTE_VALUE_INVALID, session->name, "C_GetAttributeValue");
	attr.pValue = gnutls_malloc(room);
	if (!attr.pValue)
		return NFSTLS_E_MEMORY;
	rv = session->module.funcs->C_GetAttributeValue(session->id, object, &attr, 1);
	/* a value that has changed between the two calls is not there as a whole */
	if (rv == CKR_OK && attr.ulValueLen > room)
		rv = CKR_BUFFER_TOO_SMALL;
	if (rv != CKR_OK) {
		gnutls_free(attr.pValue);
		return diag_rv(diag, rv, session->name, "C_GetAttributeValue");
	}
	*value = (gnutls_datum_t){ attr.pValue, attr.ulValueLen };
	return 0;
}

/* Of a call that fails for one attribute, what it has left of the others is not worth relying on. */
int session_get_fixed(const struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs, size_t nattrs,
		      struct nfstls_diag *diag)
{
	CK_ATTRIBUTE asked[FIXED_MAX];
	CK_RV rv;

	memcpy(asked, attrs, nattrs * sizeof(*attrs));
	rv = session->module.funcs->C_GetAttributeValue(session->id, object, asked, nattrs);
	if (rv == CKR_OK) {
		memcpy(attrs, asked, nattrs * sizeof(*attrs));
		return 0;
	}
	for (size_t i = 0; i < nattrs && !rv_is_breakdown(rv); i++) {
		rv = session->module.funcs->C_GetAttributeValue(session->id, object, &attrs[i], 1);
		if (rv != CKR_OK)
			attrs[i].ulValueLen = 0;
	}
	return rv_is_breakdown(rv) ? diag_rv(diag, rv, session->name, "C_GetAttributeValue") : 0;
}
