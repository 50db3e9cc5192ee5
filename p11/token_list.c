/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tokens show to everybody: no login, no PIN, and so no private keys. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "session.h"
#include "token.h"

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

/* The URI of the key that belongs to a certificate: found by its CKA_ID, in the module that showed it. */
static int uri_of_key(const struct session *session, const gnutls_datum_t *id, char **uri)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	const CK_ATTRIBUTE attrs[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_ID, id->data, id->size } };

	return uri_format(&session->token, attrs, 2, &session->module, NULL, uri);
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

	token->flags = token_flags(&seen->info);
	token->label = token_label(&seen->info);
	token->serial = token_serial(&seen->info);
	if (!token->label || !token->serial)
		return NFSTLS_E_MEMORY;
	ret = uri_format(&seen->info, NULL, 0, &seen->module, NULL, &token->uri);
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

/* --- between the agent that sees the tokens and the one who asks --- */

static void put_token(struct wire *answer, const struct nfstls_token *token)
{
	wire_put_text(answer, token->uri);
	wire_put_text(answer, token->label);
	wire_put_text(answer, token->serial);
	wire_put_number(answer, token->flags);
	wire_put_number(answer, token->ncerts);
	for (size_t i = 0; i < token->ncerts; i++) {
		wire_put_text(answer, token->certs[i].uri);
		wire_put(answer, token->certs[i].cert.data, token->certs[i].cert.size);
		wire_put_number(answer, token->certs[i].shows_key);
	}
}

static void get_cert(struct wire *answer, struct nfstls_token_cert *cert)
{
	cert->uri = wire_get_text(answer);
	wire_get_copy(answer, &cert->cert);
	cert->shows_key = wire_get_number(answer);
}

static void get_token(struct wire *answer, struct nfstls_token *token)
{
	unsigned int ncerts;

	token->uri = wire_get_text(answer);
	token->label = wire_get_text(answer);
	token->serial = wire_get_text(answer);
	token->flags = wire_get_number(answer);
	ncerts = wire_get_number(answer);
	for (unsigned int i = 0; !answer->broken && i < ncerts; i++) {
		struct nfstls_token_cert *grown = reallocarray(token->certs, i + 1, sizeof(*grown));

		if (!grown) {
			answer->broken = true;
			return;
		}
		token->certs = grown;
		get_cert(answer, &grown[i]);
		token->ncerts = i + 1;
	}
}

static int get_tokens(struct wire *answer, struct list *list)
{
	unsigned int count = wire_get_number(answer);

	for (unsigned int i = 0; !answer->broken && i < count; i++) {
		struct nfstls_token *grown = reallocarray(list->tokens, i + 1, sizeof(*grown));

		if (!grown)
			return NFSTLS_E_MEMORY;
		list->tokens = grown;
		grown[i] = (struct nfstls_token){ .uri = NULL };
		get_token(answer, &grown[i]);
		if (answer->broken)
			token_clear(&grown[i]);
		else
			list->count = i + 1;
	}
	return answer->broken ? NFSTLS_E_MODULE_CRASHED : 0;
}

/* In the agent. What was found is answered also beside an error. */
static void look(int fd, void *uri)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct list list = { .tokens = NULL };
	struct wire answer = WIRE_INIT;
	size_t modules;
	int ret = tokens_visit(uri, add_token, &list, &modules, &diag);

	if (ret == 0)
		ret = list.error;
	if (ret == 0 && list.count == 0)
		ret = diag_set(&diag, NFSTLS_E_TOKEN_ABSENT, "no token matches, of %zu module(s) asked", modules);
	wire_put_outcome(&answer, ret, &diag);
	wire_put_number(&answer, list.count);
	for (size_t i = 0; i < list.count; i++)
		put_token(&answer, &list.tokens[i]);
	agent_reply(fd, &answer);
	wire_clear(&answer);
	nfstls_token_list_free(list.tokens, list.count);
	nfstls_diag_clear(&diag);
}

static int ask(P11KitUri *uri, struct list *list, struct nfstls_diag *diag)
{
	struct wire answer = WIRE_INIT;
	struct agent *agent;
	int ret, error;

	ret = agent_start(look, uri, AGENT_TIMEOUT_MS, &agent, diag);
	if (ret < 0)
		return ret;
	ret = agent_call(agent, NULL, &answer, diag);
	if (ret == 0) {
		ret = wire_get_outcome(&answer, diag);
		error = get_tokens(&answer, list);
		if (ret == 0)
			ret = error;
	}
	wire_clear(&answer);
	agent_release(agent);
	return ret;
}

int nfstls_token_list(const char *text, struct nfstls_token **tokens, size_t *count, struct nfstls_diag *diag)
{
	struct list list = { .tokens = NULL };
	P11KitUri *uri;
	int ret = uri_parse(text, &uri, diag);

	if (ret < 0)
		return ret;
	ret = ask(uri, &list, diag);
	p11_kit_uri_free(uri);
	*tokens = list.tokens;
	*count = list.count;
	return ret;
}
