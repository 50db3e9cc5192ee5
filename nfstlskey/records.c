/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* What the columns are filled from. */
enum need { NEED_CERT = 1, NEED_PRIVKEY = 2, NEED_NETNS = 4, NEED_MOUNTS = 8 };

/* One identity; of its keys, what a column that is shown needs. */
struct record {
	const struct records *records;
	const struct identity_keys *serials;
	struct nfstls_keys keys;
	gnutls_x509_crt_t cert; /* NULL: it is not there, or cannot be read */
	char *token; /* the label of the token that the private key is on; NULL: it is on none, or its handle cannot be
			read */
};

/* Where the private key lives: "token LABEL", or the keyring itself. */
static char *key_text(const struct record *record)
{
	char *text;

	if (record->keys.privkey.size == 0)
		return NULL;
	if (!nfstls_handle_detect(&record->keys.privkey))
		return strdup("keyring");
	if (!record->token)
		return strdup("unreadable handle");
	return asprintf(&text, "token %s", record->token) < 0 ? NULL : text;
}

static char *uri_text(const struct record *record)
{
	char *uri;

	return record->token && nfstls_handle_decode(&record->keys.privkey, &uri) == 0 ? uri : NULL;
}

/* Without a login. What cannot be asked is not called absent. */
static bool token_is_absent(const struct record *record)
{
	char *uri = uri_text(record);
	struct nfstls_token *tokens = NULL;
	size_t count = 0;
	int ret = uri ? nfstls_token_list(uri, &tokens, &count, NULL) : 0;

	nfstls_token_list_free(tokens, count);
	free(uri);
	return ret == NFSTLS_E_TOKEN_ABSENT;
}

/* The first word that holds. */
static const char *state(const struct record *record)
{
	const struct nfstls_keys *keys = &record->keys;
	bool by_person;

	if (keys->cert.size == 0 || keys->privkey.size == 0)
		return "half";
	/* one that another tool has left behind a private key of its own stands in nobody's way */
	if (record->serials->serial[PART_LATCH] > 0 && nfstls_handle_detect(&keys->privkey) &&
	    nfstls_latch_get(&keys->identity, &by_person) == 0)
		return by_person ? "locked" : "latched";
	if (!record->cert || (nfstls_handle_detect(&keys->privkey) && !record->token))
		return "unreadable";
	if (gnutls_x509_crt_get_expiration_time(record->cert) < time(NULL))
		return "expired";
	return record->records->probe && token_is_absent(record) ? "absent" : "ready";
}

static char *state_text(const struct record *record)
{
	return strdup(state(record));
}

static char *name_text(const struct record *record)
{
	return strdup(record->keys.identity.name);
}

static char *serial_text(const struct record *record, enum part part)
{
	int32_t serial = record->serials->serial[part];
	char *text;

	return serial > 0 && asprintf(&text, "%d", serial) >= 0 ? text : NULL;
}

static char *cert_serial_text(const struct record *record)
{
	return serial_text(record, PART_CERT);
}

static char *privkey_serial_text(const struct record *record)
{
	return serial_text(record, PART_PRIVKEY);
}

static char *chain_serial_text(const struct record *record)
{
	return serial_text(record, PART_CHAIN);
}

static char *netns_text(const struct record *record)
{
	return record->records->netns ? strdup(record->records->netns) : NULL;
}

static char *mounts_text(const struct record *record)
{
	return mounts_of(record->records->mounts, record->keys.identity.name);
}

/* From what a cell is made, and by which of the two. NULL leaves it empty. */
static const struct cell {
	unsigned int needs; /* enum need */
	char *(*of_record)(const struct record *record);
	char *(*of_cert)(gnutls_x509_crt_t cert);
} cells[COL_COUNT] = {
	[COL_NAME] = { 0, name_text },
	[COL_STATE] = { NEED_CERT | NEED_PRIVKEY, state_text },
	[COL_KEY] = { NEED_PRIVKEY, key_text },
	[COL_TYPE] = { NEED_CERT, .of_cert = cert_key_type },
	[COL_SUBJECT] = { NEED_CERT, .of_cert = cert_subject },
	[COL_EXPIRES] = { NEED_CERT, .of_cert = cert_expiry },
	[COL_ISSUER] = { NEED_CERT, .of_cert = cert_issuer },
	[COL_SANS] = { NEED_CERT, .of_cert = cert_sans },
	[COL_DAYS] = { NEED_CERT, .of_cert = cert_days_left },
	[COL_URI] = { NEED_PRIVKEY, uri_text },
	[COL_CERT_SERIAL] = { 0, cert_serial_text },
	[COL_PRIVKEY_SERIAL] = { 0, privkey_serial_text },
	[COL_CHAIN_SERIAL] = { 0, chain_serial_text },
	[COL_NETNS] = { NEED_NETNS, netns_text },
	[COL_MOUNTS] = { NEED_MOUNTS, mounts_text },
};

enum exit_code records_start(const struct arguments *args, struct records *records)
{
	enum exit_code code;

	*records = (struct records){ .probe = args->probe };
	code = table_new("identities", columns, COL_COUNT, COL_SHOWN, args, &records->table);
	if (code != EXIT_OK)
		return code;
	for (size_t column = 0; column < COL_COUNT; column++) {
		records->shows[column] = table_shows(records->table, column);
		if (records->shows[column])
			records->needs |= cells[column].needs;
	}
	if (records->needs & NEED_NETNS) {
		records->netns = netns_own_name();
		if (!records->netns && errno != 0)
			warn(NULL, "the name of this network namespace cannot be told: %s", strerror(errno));
	}
	if (records->needs & NEED_MOUNTS) {
		records->mounts = mounts_read();
		if (!records->mounts)
			warn(NULL, "what is mounted cannot be read, so that no mount is shown");
	}
	return EXIT_OK;
}

void records_clear(struct records *records)
{
	scols_unref_table(records->table);
	mounts_free(records->mounts);
	free(records->netns);
}

static int read_key(int32_t serial, gnutls_datum_t *payload)
{
	return serial > 0 && keyring_read(serial, payload) == -ENOMEM ? -ENOMEM : 0;
}

/* By their serials, for speed; what cannot be read, or vanished just now, leaves its cells empty. */
static int read_keys(struct record *record)
{
	const int32_t *serials = record->serials->serial;
	struct nfstls_keys *keys = &record->keys;
	int ret = 0;

	if (record->records->needs & NEED_CERT)
		ret = read_key(serials[PART_CERT], &keys->cert);
	if (ret == 0 && record->records->needs & NEED_PRIVKEY)
		ret = read_key(serials[PART_PRIVKEY], &keys->privkey);
	errno = 0;
	if (ret == 0 && keys->cert.size > 0) {
		record->cert = cert_read(&keys->cert);
		ret = !record->cert && errno == ENOMEM ? -ENOMEM : 0;
	}
	if (ret == 0 && nfstls_handle_detect(&keys->privkey)) {
		ret = nfstls_handle_token(&keys->privkey, &record->token);
		if (ret < 0)
			record->token = NULL;
		ret = ret == NFSTLS_E_MEMORY ? -ENOMEM : 0;
	}
	return ret;
}

static void fill(const struct record *record, struct libscols_line *line)
{
	errno = 0;
	for (size_t column = 0; column < COL_COUNT; column++) {
		const struct cell *cell = &cells[column];

		if (!record->records->shows[column])
			continue;
		if (cell->of_record)
			table_set(line, column, cell->of_record(record));
		else if (record->cert)
			table_set(line, column, cell->of_cert(record->cert));
	}
}

int records_add(struct records *records, const struct keyring *keyring, const char *name,
		const struct identity_keys *serials)
{
	struct libscols_line *line = scols_table_new_line(records->table, NULL);
	struct record record = {
		.records = records,
		.serials = serials,
		.keys = { .identity = { strdup(name), keyring->serial } },
	};
	int ret = line && record.keys.identity.name ? 0 : -ENOMEM;

	if (ret == 0)
		ret = read_keys(&record);
	if (ret == 0)
		fill(&record, line);
	if (record.cert)
		gnutls_x509_crt_deinit(record.cert);
	free(record.token);
	nfstls_keys_clear(&record.keys);
	return ret;
}
