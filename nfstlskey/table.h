/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table on stdout, or the same as JSON: libsmartcols with what our tables have in common. */
#ifndef TABLE_H
#define TABLE_H

#include <libsmartcols.h>

#include <gnutls/gnutls.h>

#include "command.h"

/*
 * A table with these columns; name is that of the list in JSON. --json and --noheadings are heeded. NULL: no memory.
 * Release with scols_unref_table().
 */
struct libscols_table *table_new(const char *name, const char *const *columns, size_t count,
				 const struct arguments *args);

/* The text is taken over; without one the cell stays empty. */
void table_set(struct libscols_line *line, size_t column, char *text);

/* What a certificate says: type of the key, subject, expiry, in three columns from this one on. Empty if unreadable. */
void table_set_certificate(struct libscols_line *line, size_t column, const gnutls_datum_t *der);

/* Print it, also when it is empty. 0 or a negative errno value. */
int table_print(struct libscols_table *table, const char *name);

#endif
