/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tokens show to everybody: no login, no PIN, and so no private keys. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"

struct list {
	struct nfstls_token *tokens;
	size_t count;
	int error; /* of the first token that could not be read */
};

static void token_clear(struct nfstls_token *token)
{
	for (size_t i = 0; i < token->ncerts; i++) {
		free(token->certs[i].uri);
		gnutls_free(token->certs[i].cert.data);
	}
	free(token->certs);
	free(token->uri);
	free(token->label);
	free(token->serial);
}

void nfstls_token_list_free(struct nfstls_token *tokens, size_t count)
{
	for (size_t i = 0; i < count; i++)
		token_clear(&tokens[i]);
	free(tokens);
}

/* The fields of CK_TOKEN_INFO are padded with spaces. */
static char *unpadded(const unsigned char *field, size_t size)
{
	return strndup((const char *)field, p11_kit_space_strlen(field, size));
}

static unsigned int flags_of(const CK_TOKEN_INFO *info)
{
	static const struct {
		CK_FLAGS has;
		unsigned int flag;
	} flags[] = {
		{ CKF_LOGIN_REQUIRED, NFSTLS_TOKEN_LOGIN },	    { CKF_PROTECTED_AUTHENTICATION_PATH, NFSTLS_TOKEN_PIN_PAD },
		{ CKF_USER_PIN_COUNT_LOW, NFSTLS_TOKEN_PIN_LOW },   { CKF_USER_PIN_FINAL_TRY, NFSTLS_TOKEN_FINAL_TRY },
		{ CKF_USER_PIN_LOCKED, NFSTLS_TOKEN_LOCKED },
	};
	unsigned int found = 0;

	/* what else such a token says is about a PIN that it has not got */
	if (!(info->flags & CKF_TOKEN_INITIALIZED))
		return NFSTLS_TOKEN_UNINITIALISED;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (info->flags & flags[i].has)
			found |= flags[i].flag;
	return found;
}

/* The URI of the key that belongs to a certificate: found by its CKA_ID, in the module that showed it. */
static int uri_of_key(const struct session *session, const gnutls_datum_t *id, char **uri)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	const CK_ATTRIBUTE attrs[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_ID, id->data, id->size } };

	return uri_format(&session->token, attrs, 2, session->module_path, NULL, uri);
}

/* A key of either kind with this CKA_ID; without a login a token shows its public keys at best. */
static bool shows_key(const struct session *session, const gnutls_datum_t *id)
{
	static CK_OBJECT_CLASS classes[] = { CKO_PUBLIC_KEY, CKO_PRIVATE_KEY };
	bool shows = false;

	for (size_t i = 0; !shows && i < sizeof(classes) / sizeof(classes[0]); i++) {
		CK_ATTRIBUTE attrs[] = { { CKA_CLASS, &classes[i], sizeof(classes[i]) },
					 { CKA_ID, id->data, id->size } };
		CK_OBJECT_HANDLE *objects;
		size_t count;

		if (session_find(session, attrs, 2, &objects, &count, NULL) < 0)
			continue;
		shows = count > 0;
		free(objects);
	}
	return shows;
}

static int add_cert(struct nfstls_token *token, const struct session *session, CK_OBJECT_HANDLE object,
		    struct nfstls_diag *diag)
{
	struct nfstls_token_cert cert = { .uri = NULL };
	struct nfstls_token_cert *grown;
	gnutls_datum_t id = { NULL, 0 };
	int ret = session_get(session, object, CKA_ID, &id, diag);

	/* without an id there is no telling which key it is for, and so no URI */
	if (ret < 0 || id.size == 0)
		goto out;
	ret = session_get(session, object, CKA_VALUE, &cert.cert, diag);
	if (ret < 0)
		goto out;
	cert.shows_key = shows_key(session, &id);
	ret = uri_of_key(session, &id, &cert.uri);
	if (ret < 0)
		goto out;
	ret = NFSTLS_E_MEMORY;
	grown = reallocarray(token->certs, token->ncerts + 1, sizeof(*grown));
	if (!grown)
		goto out;
	token->certs = grown;
	grown[token->ncerts++] = cert;
	cert = (struct nfstls_token_cert){ .uri = NULL };
	ret = 0;
out:
	free(cert.uri);
	gnutls_free(cert.cert.data);
	gnutls_free(id.data);
	return ret;
}

static int add_certs(struct nfstls_token *token, const struct session *session, struct nfstls_diag *diag)
{
	CK_OBJECT_HANDLE *objects;
	size_t count;
	int ret = session_find_certs(session, &objects, &count, diag);

	if (ret < 0)
		return ret;
	for (size_t i = 0; ret == 0 && i < count; i++)
		ret = add_cert(token, session, objects[i], diag);
	free(objects);
	return ret;
}

static int fill(struct nfstls_token *token, const struct token *seen, struct nfstls_diag *diag)
{
	struct session session;
	int ret;

	token->flags = flags_of(&seen->info);
	token->label = unpadded(seen->info.label, sizeof(seen->info.label));
	token->serial = unpadded(seen->info.serialNumber, sizeof(seen->info.serialNumber));
	if (!token->label || !token->serial)
		return NFSTLS_E_MEMORY;
	ret = uri_format(&seen->info, NULL, 0, seen->module.path, NULL, &token->uri);
	if (ret < 0 || (token->flags & NFSTLS_TOKEN_UNINITIALISED))
		return ret;
	ret = session_open_public(seen, &session, diag);
	if (ret < 0)
		return ret;
	ret = add_certs(token, &session, diag);
	session_close(&session);
	return ret;
}

/* A token that cannot be read hides no other one. */
static int add_token(const struct token *seen, void *arg, struct nfstls_diag *diag)
{
	struct list *list = arg;
	struct nfstls_token token = { .uri = NULL };
	struct nfstls_token *grown = reallocarray(list->tokens, list->count + 1, sizeof(*grown));
	int ret;

	if (!grown)
		return NFSTLS_E_MEMORY;
	list->tokens = grown;
	ret = fill(&token, seen, list->error ? NULL : diag);
	if (ret == 0) {
		grown[list->count++] = token;
		return 0;
	}
	token_clear(&token);
	if (list->error == 0)
		list->error = ret;
	return 0;
}

int nfstls_token_list(const char *text, struct nfstls_token **tokens, size_t *count, struct nfstls_diag *diag)
{
	struct list list = { .tokens = NULL };
	P11KitUri *uri;
	size_t modules;
	int ret = uri_parse(text, &uri, diag);

	if (ret < 0)
		return ret;
	ret = tokens_visit(uri, add_token, &list, &modules, diag);
	p11_kit_uri_free(uri);
	if (ret == 0)
		ret = list.error;
	if (ret == 0 && list.count == 0)
		ret = diag_set(diag, NFSTLS_E_TOKEN_ABSENT, "no token matches, of %zu module(s) asked", modules);
	*tokens = list.tokens;
	*count = list.count;
	return ret;
}
