/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to say of an identity: a line of a table, for list and for show. */
#ifndef RECORDS_H
#define RECORDS_H

#include "table.h"

enum record_column {
	COL_NAME,
	COL_STATE,
	COL_KEY,
	COL_TYPE,
	COL_SUBJECT,
	COL_EXPIRES,
	COL_SHOWN, /* so many are shown unless others are asked for */
	COL_ISSUER = COL_SHOWN,
	COL_SANS,
	COL_DAYS,
	COL_URI,
	COL_CERT_SERIAL,
	COL_PRIVKEY_SERIAL,
	COL_CHAIN_SERIAL,
	COL_NETNS,
	COL_MOUNTS,
	COL_COUNT
};

struct mounts;

/* What one run of the command works with. */
struct records {
	struct libscols_table *table;
	bool shows[COL_COUNT];
	unsigned int needs; /* what must be looked at for the columns that are shown */
	struct mounts *mounts;
	char *netns; /* the name of the namespace that we are in, or NULL */
	bool probe;  /* ask for each token whether it is there */
};

/* Where we are now. Release with records_clear(). */
enum exit_code records_start(const struct arguments *args, struct records *records);
void records_clear(struct records *records);

/* A line for an identity. 0 or a negative errno value. */
int records_add(struct records *records, const struct keyring *keyring, const char *name,
		const struct identity_keys *keys);

#endif
