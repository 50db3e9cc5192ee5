/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table on stdout, or the same as JSON: libsmartcols with what our tables have in common. */
#ifndef TABLE_H
#define TABLE_H

#include <libsmartcols.h>

#include "command.h"

struct table_column {
	const char *name;
	bool is_number;
	bool is_long; /* it goes on below where the terminal is too narrow */
};

/* Whether the command line says how a table is to be printed. */
bool table_is_asked_for(const struct arguments *args);

/*
 * A table with these columns, of which the first ones are shown unless the command line names others; name is that of
 * the list in JSON. --json, --raw, --noheadings, --output and --output-all are heeded. EXIT_USAGE: there is no such
 * column. Release with scols_unref_table().
 */
enum exit_code table_new(const char *name, const struct table_column *columns, size_t count, size_t shown,
			 const struct arguments *args, struct libscols_table **table);

/* Whether a column is to be shown; what fills the others need not be found out. Not after table_print(). */
bool table_shows(struct libscols_table *table, size_t column);

/*
 * The text is taken over; without one the cell stays empty. Where that is for want of memory, which errno tells then,
 * table_print() fails: whoever fills a cell that may be empty sets errno to 0 before.
 */
void table_set(struct libscols_line *line, size_t column, char *text);

/* Print it, also when it is empty. EXIT_OTHER: there was no memory or no room for it. */
enum exit_code table_print(struct libscols_table *table, const char *name, const struct arguments *args);

#endif
