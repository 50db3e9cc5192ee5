/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

enum column { COL_TOKEN, COL_SERIAL, COL_STATE, COL_KEY, COL_TYPE, COL_SUBJECT, COL_EXPIRES, COL_URI, COL_COUNT };

static const char *const column_names[COL_COUNT] = {
	[COL_TOKEN] = "TOKEN", [COL_SERIAL] = "SERIAL",	  [COL_STATE] = "STATE",     [COL_KEY] = "KEY",
	[COL_TYPE] = "TYPE",   [COL_SUBJECT] = "SUBJECT", [COL_EXPIRES] = "EXPIRES", [COL_URI] = "URI",
};

static const struct {
	enum nfstls_token_flags flag;
	const char *word;
} states[] = {
	{ NFSTLS_TOKEN_UNINITIALISED, "uninitialised" },
	{ NFSTLS_TOKEN_LOGIN, "login" },
	{ NFSTLS_TOKEN_PIN_PAD, "pin-pad" },
	{ NFSTLS_TOKEN_PIN_LOW, "pin-low" },
	{ NFSTLS_TOKEN_FINAL_TRY, "final-try" },
	{ NFSTLS_TOKEN_LOCKED, "locked" },
};

/* "login,pin-low", or "open" where nothing stands in the way of a signature. */
static char *state(unsigned int flags)
{
	char text[64] = "";

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!(flags & states[i].flag))
			continue;
		if (text[0])
			strcat(text, ",");
		strcat(text, states[i].word);
	}
	return strdup(text[0] ? text : "open");
}

static struct libscols_line *add_line(struct libscols_table *table, const struct nfstls_token *token, const char *uri)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return NULL;
	table_set(line, COL_TOKEN, strdup(token->label));
	table_set(line, COL_SERIAL, strdup(token->serial));
	table_set(line, COL_STATE, state(token->flags));
	table_set(line, COL_URI, strdup(uri));
	return line;
}

/* A line for each certificate; without any, one for the token. */
static int add_token(struct libscols_table *table, const struct nfstls_token *token)
{
	if (token->ncerts == 0)
		return add_line(table, token, token->uri) ? 0 : -ENOMEM;
	for (size_t i = 0; i < token->ncerts; i++) {
		const struct nfstls_token_cert *cert = &token->certs[i];
		struct libscols_line *line = add_line(table, token, cert->uri);

		if (!line)
			return -ENOMEM;
		table_set(line, COL_KEY, strdup(cert->shows_key ? "seen" : "unseen"));
		table_set_certificate(line, COL_TYPE, &cert->cert);
	}
	return 0;
}

static int print_tokens(const struct arguments *args, const struct nfstls_token *tokens, size_t count)
{
	struct libscols_table *table = table_new("tokens", column_names, COL_COUNT, args);
	int ret = table ? 0 : -ENOMEM;

	for (size_t i = 0; ret == 0 && i < count; i++)
		ret = add_token(table, &tokens[i]);
	if (ret == 0)
		ret = table_print(table, "tokens");
	scols_unref_table(table);
	return ret;
}

/* What was found is printed also where a module or a token failed beside it. */
enum exit_code cmd_tokens(const struct arguments *args)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_token *tokens = NULL;
	enum exit_code code = EXIT_OK;
	size_t count = 0;
	int error, ret;

	error = nfstls_token_list(args->uri ? args->uri : "pkcs11:", &tokens, &count, &diag);
	ret = count > 0 || error == 0 ? print_tokens(args, tokens, count) : 0;
	if (error < 0)
		code = fail_p11(NULL, error, &diag);
	else if (ret < 0)
		code = fail_errno(NULL, -ret, "printing the tokens");
	nfstls_token_list_free(tokens, count);
	nfstls_diag_clear(&diag);
	return code;
}
