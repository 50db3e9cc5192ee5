/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert_text.h"
#include "changes.h"
#include "table.h"

enum column { COL_PART, COL_NOW, COL_NEW, COL_COUNT };

static const struct table_column columns[COL_COUNT] = {
	[COL_PART] = { "PART" },
	[COL_NOW] = { "NOW", .is_long = true },
	[COL_NEW] = { "NEW", .is_long = true },
};

/* How a payload is told, for free(). */
typedef char *payload_teller(const gnutls_datum_t *payload);

static char *tell_certificate(const gnutls_datum_t *der)
{
	gnutls_datum_t line = { NULL, 0 };
	gnutls_x509_crt_t cert = cert_read(der);
	char *text = NULL;

	if (cert && gnutls_x509_crt_print(cert, GNUTLS_CRT_PRINT_ONELINE, &line) == 0)
		text = strndup((const char *)line.data, line.size);
	gnutls_free(line.data);
	gnutls_x509_crt_deinit(cert);
	return text;
}

static char *tell_key(const gnutls_datum_t *payload)
{
	char *uri;
	int ret;

	if (!nfstls_handle_detect(payload))
		return strdup("on the keyring");
	ret = nfstls_handle_decode(payload, &uri);
	if (ret == NFSTLS_E_MEMORY)
		return NULL;
	return ret == 0 ? uri : strdup("unreadable handle");
}

static char *tell_chain(const gnutls_datum_t *payload)
{
	gnutls_datum_t rest = *payload, cert;
	unsigned int count = 0;
	char *text;

	while (nfstls_chain_next(&rest, &cert) == 0 && cert.size > 0)
		count++;
	return asprintf(&text, "%u intermediate%s", count, count == 1 ? "" : "s") < 0 ? NULL : text;
}

static char *tell(const gnutls_datum_t *payload, payload_teller *teller)
{
	return payload->size > 0 ? teller(payload) : strdup("none");
}

static int add_line(struct libscols_table *table, const char *part, payload_teller *teller, const gnutls_datum_t *now,
		    const gnutls_datum_t *new)
{
	bool same = datum_equal(now, new);
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return -ENOMEM;
	table_set(line, COL_PART, strdup(part));
	table_set(line, COL_NOW, tell(now, teller));
	table_set(line, COL_NEW, same ? strdup("unchanged") : tell(new, teller));
	return 0;
}

static int fill(struct libscols_table *table, const struct nfstls_keys *now, const struct material *material)
{
	int ret = add_line(table, "certificate", tell_certificate, &now->cert, &material->part[PART_CERT]);

	if (ret == 0)
		ret = add_line(table, "private key", tell_key, &now->privkey, &material->part[PART_PRIVKEY]);
	return ret < 0 ? ret : add_line(table, "chain", tell_chain, &now->chain, &material->part[PART_CHAIN]);
}

enum exit_code print_changes(const struct arguments *args, const struct keyring *keyring,
			     const struct material *material)
{
	struct nfstls_keys now = { .identity = { strdup(args->identity), keyring->serial } };
	struct libscols_table *table = NULL;
	enum exit_code code;
	int ret = now.identity.name ? nfstls_keys_load(&now) : NFSTLS_E_MEMORY;

	code = ret < 0 ? fail_p11(args->identity, ret, NULL)
		       : table_new("changes", columns, COL_COUNT, COL_COUNT, args, &table);
	if (code == EXIT_OK) {
		ret = fill(table, &now, material);
		code = ret < 0 ? fail_errno(args->identity, -ret, "printing the changes")
			       : table_print(table, "changes", args);
	}
	scols_unref_table(table);
	nfstls_keys_clear(&now);
	return code;
}
