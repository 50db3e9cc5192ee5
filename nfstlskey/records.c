/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmount.h>

#include "cert_text.h"
#include "mounts.h"
#include "netns_list.h"
#include "records.h"

static const struct table_column columns[COL_COUNT] = {
	[COL_NAME] = { "NAME" },
	[COL_STATE] = { "STATE" },
	[COL_KEY] = { "KEY" },
	[COL_TYPE] = { "TYPE" },
	[COL_SUBJECT] = { "SUBJECT" },
	[COL_EXPIRES] = { "EXPIRES" },
	[COL_ISSUER] = { "ISSUER" },
	[COL_SANS] = { "SANS" },
	[COL_DAYS] = { "DAYS", true },
	[COL_URI] = { "URI" },
	[COL_CERT_SERIAL] = { "CERT-SERIAL", true },
	[COL_PRIVKEY_SERIAL] = { "PRIVKEY-SERIAL", true },
	[COL_CHAIN_SERIAL] = { "CHAIN-SERIAL", true },
	[COL_NETNS] = { "NETNS" },
	[COL_MOUNTS] = { "MOUNTS" },
};

enum exit_code records_start(const struct arguments *args, struct records *records)
{
	*records = (struct records){ .probe = args->probe };
	return table_new("identities", columns, COL_COUNT, COL_SHOWN, args, &records->table);
}

void records_clear(struct records *records)
{
	scols_unref_table(records->table);
	mnt_unref_table(records->mounts);
	free(records->netns);
}

/* Where the private key lives: "token LABEL", or the keyring itself. */
static char *key_place(const gnutls_datum_t *payload)
{
	char *label, *text = NULL;

	if (!nfstls_handle_detect(payload))
		return strdup("keyring");
	if (nfstls_handle_token(payload, &label) < 0)
		return strdup("unreadable handle");
	if (asprintf(&text, "token %s", label) < 0)
		text = NULL;
	free(label);
	return text;
}

/* Without a login. What cannot be asked is not called absent. */
static bool token_is_absent(const char *uri)
{
	struct nfstls_token *tokens = NULL;
	size_t count = 0;
	int ret = nfstls_token_list(uri, &tokens, &count, NULL);

	nfstls_token_list_free(tokens, count);
	return ret == NFSTLS_E_TOKEN_ABSENT;
}

/* The first word that holds. */
static const char *state(const struct records *records, const struct nfstls_keys *keys,
			 const struct identity_keys *serials, gnutls_x509_crt_t cert, const char *uri)
{
	bool by_person;

	if (keys->cert.size == 0 || keys->privkey.size == 0)
		return "half";
	/* one that another tool has left behind a private key of its own stands in nobody's way */
	if (serials->serial[PART_LATCH] > 0 && nfstls_handle_detect(&keys->privkey) &&
	    nfstls_latch_get(&keys->identity, &by_person) == 0)
		return by_person ? "locked" : "latched";
	if (!cert || (nfstls_handle_detect(&keys->privkey) && !uri))
		return "unreadable";
	if (gnutls_x509_crt_get_expiration_time(cert) < time(NULL))
		return "expired";
	return records->probe && uri && token_is_absent(uri) ? "absent" : "ready";
}

static void set_certificate(struct libscols_line *line, gnutls_x509_crt_t cert)
{
	table_set(line, COL_TYPE, cert_key_type(cert));
	table_set(line, COL_SUBJECT, cert_subject(cert));
	table_set(line, COL_EXPIRES, cert_expiry(cert));
	table_set(line, COL_ISSUER, cert_issuer(cert));
	table_set(line, COL_SANS, cert_sans(cert));
	table_set(line, COL_DAYS, cert_days_left(cert));
}

static void set_serial(struct libscols_line *line, enum record_column column, int32_t serial)
{
	char *text;

	if (serial > 0 && asprintf(&text, "%d", serial) >= 0)
		table_set(line, column, text);
}

static void fill(struct records *records, struct libscols_line *line, const struct nfstls_keys *keys,
		 const struct identity_keys *serials)
{
	gnutls_x509_crt_t cert = keys->cert.size > 0 ? cert_read(&keys->cert) : NULL;
	char *uri = NULL;

	if (nfstls_handle_detect(&keys->privkey))
		nfstls_handle_decode(&keys->privkey, &uri);
	table_set(line, COL_NAME, strdup(keys->identity.name));
	table_set(line, COL_STATE, strdup(state(records, keys, serials, cert, uri)));
	if (keys->privkey.size > 0)
		table_set(line, COL_KEY, key_place(&keys->privkey));
	if (cert)
		set_certificate(line, cert);
	table_set(line, COL_URI, uri);
	set_serial(line, COL_CERT_SERIAL, serials->serial[PART_CERT]);
	set_serial(line, COL_PRIVKEY_SERIAL, serials->serial[PART_PRIVKEY]);
	set_serial(line, COL_CHAIN_SERIAL, serials->serial[PART_CHAIN]);
	table_set(line, COL_NETNS, records->netns ? strdup(records->netns) : NULL);
	table_set(line, COL_MOUNTS, mounts_of(records->mounts, keys->identity.name));
	if (cert)
		gnutls_x509_crt_deinit(cert);
}

static void read_key(int32_t serial, gnutls_datum_t *payload)
{
	if (serial > 0)
		keyring_read(serial, payload);
}

int records_add(struct records *records, const struct keyring *keyring, const char *name,
		const struct identity_keys *serials)
{
	struct libscols_line *line = scols_table_new_line(records->table, NULL);
	struct nfstls_keys keys = { .identity = { strdup(name), keyring->serial } };
	int ret = line && keys.identity.name ? 0 : -ENOMEM;

	if (!records->mounts)
		records->mounts = mounts_read();
	if (ret == 0) {
		/* by their serials, for speed; what cannot be read, or vanished just now, leaves its cells empty */
		read_key(serials->serial[PART_CERT], &keys.cert);
		read_key(serials->serial[PART_PRIVKEY], &keys.privkey);
		fill(records, line, &keys, serials);
	}
	nfstls_keys_clear(&keys);
	return ret;
}
