/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cert_text.h"
#include "table.h"

enum column { COL_TOKEN, COL_SERIAL, COL_STATE, COL_KEY, COL_TYPE, COL_SUBJECT, COL_EXPIRES, COL_URI, COL_COUNT };

static const struct table_column columns[COL_COUNT] = {
	[COL_TOKEN] = { "TOKEN" }, [COL_SERIAL] = { "SERIAL" },	  [COL_STATE] = { "STATE" },	 [COL_KEY] = { "KEY" },
	[COL_TYPE] = { "TYPE" },   [COL_SUBJECT] = { "SUBJECT" }, [COL_EXPIRES] = { "EXPIRES" }, [COL_URI] = { "URI" },
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

static int set_certificate(struct libscols_line *line, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t cert;

	errno = 0;
	cert = cert_read(der);
	if (!cert)
		return errno == ENOMEM ? -ENOMEM : 0;
	table_set(line, COL_TYPE, cert_key_type(cert));
	table_set(line, COL_SUBJECT, cert_subject(cert));
	table_set(line, COL_EXPIRES, cert_expiry(cert));
	gnutls_x509_crt_deinit(cert);
	return 0;
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
		if (set_certificate(line, &cert->cert) < 0)
			return -ENOMEM;
	}
	return 0;
}

static enum exit_code print_tokens(struct libscols_table *table, const struct arguments *args,
				   const struct nfstls_token *tokens, size_t count)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < count; i++)
		ret = add_token(table, &tokens[i]);
	return ret < 0 ? fail_errno(NULL, -ret, "printing the tokens") : table_print(table, "tokens", args);
}

/* What was found is printed also where a module or a token failed beside it. */
enum exit_code cmd_tokens(const struct arguments *args)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_token *tokens = NULL;
	struct libscols_table *table;
	enum exit_code code = table_new("tokens", columns, COL_COUNT, COL_COUNT, args, &table);
	size_t count = 0;
	int error;

	if (code != EXIT_OK)
		return code;
	error = nfstls_token_list(args->uri ? args->uri : "pkcs11:", &tokens, &count, &diag);
	if (count > 0 || error == 0)
		code = print_tokens(table, args, tokens, count);
	if (error < 0)
		code = fail_p11(NULL, error, &diag);
	scols_unref_table(table);
	nfstls_token_list_free(tokens, count);
	nfstls_diag_clear(&diag);
	return code;
}
