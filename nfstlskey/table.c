/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "table.h"

static struct libscols_column *find_column(struct libscols_table *table, const char *name)
{
	struct libscols_column *column;

	for (size_t i = 0; (column = scols_table_get_column(table, i)) != NULL; i++)
		if (strcasecmp(scols_column_get_name(column), name) == 0)
			return column;
	return NULL;
}

static enum exit_code no_such_column(struct libscols_table *table, const char *name)
{
	struct libscols_column *column;
	char all[256] = "";

	for (size_t i = 0; (column = scols_table_get_column(table, i)) != NULL; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? "," : "",
			 scols_column_get_name(column));
	return fail(EXIT_USAGE, NULL, "there is no column '%s'; there are %s", name, all);
}

/* Show the columns that are named, in their order: each is moved behind the one before. */
static enum exit_code order_columns(struct libscols_table *table, char *names, bool move)
{
	struct libscols_column *before = NULL, *column;
	enum exit_code code = EXIT_OK;
	char *name;

	while (code == EXIT_OK && (name = strsep(&names, ",")) != NULL) {
		column = find_column(table, name);
		if (!column) {
			code = no_such_column(table, name);
		} else {
			scols_column_set_flags(column, scols_column_get_flags(column) & ~SCOLS_FL_HIDDEN);
			if (move && column != before)
				scols_table_move_column(table, before, column);
			before = column;
		}
	}
	return code;
}

static enum exit_code choose_columns(struct libscols_table *table, const struct arguments *args, bool move)
{
	enum exit_code code;
	char *names;

	if (!args->output)
		return EXIT_OK;
	names = strdup(args->output);
	code = names ? order_columns(table, names, move) : fail_errno(NULL, ENOMEM, "the table");
	free(names);
	return code;
}

static int add_column(struct libscols_table *table, const struct table_column *column, bool hidden)
{
	int flags = (hidden ? SCOLS_FL_HIDDEN : 0) | (column->is_number ? SCOLS_FL_RIGHT : 0) |
		    (column->is_long ? SCOLS_FL_WRAP : 0);
	struct libscols_column *added = scols_table_new_column(table, column->name, 0, flags);

	if (!added)
		return -ENOMEM;
	return scols_column_set_json_type(added, column->is_number ? SCOLS_JSON_NUMBER : SCOLS_JSON_STRING);
}

bool table_is_asked_for(const struct arguments *args)
{
	return args->json || args->raw || args->no_headings || args->output || args->output_all;
}

enum exit_code table_new(const char *name, const struct table_column *columns, size_t count, size_t shown,
			 const struct arguments *args, struct libscols_table **table)
{
	struct libscols_table *made = scols_new_table();
	int ret = made ? 0 : -ENOMEM;
	enum exit_code code;

	for (size_t i = 0; ret == 0 && i < count; i++)
		ret = add_column(made, &columns[i], args->output || (i >= shown && !args->output_all));
	if (ret == 0)
		ret = scols_table_set_name(made, name);
	code = ret < 0 ? fail_errno(NULL, -ret, "the table") : choose_columns(made, args, false);
	if (code != EXIT_OK) {
		scols_unref_table(made);
		return code;
	}
	scols_table_enable_json(made, args->json);
	scols_table_enable_raw(made, args->raw && !args->json);
	scols_table_enable_noheadings(made, args->no_headings);
	*table = made;
	return EXIT_OK;
}

bool table_shows(struct libscols_table *table, size_t column)
{
	return !scols_column_is_hidden(scols_table_get_column(table, column));
}

/* A process prints one table. */
static bool is_incomplete;

void table_set(struct libscols_line *line, size_t column, char *text)
{
	if (!text)
		is_incomplete |= errno == ENOMEM;
	else if (scols_line_refer_data(line, column, text) < 0) {
		is_incomplete = true;
		free(text);
	}
}

enum exit_code table_print(struct libscols_table *table, const char *name, const struct arguments *args)
{
	enum exit_code code = choose_columns(table, args, true);
	int ret = 0;

	if (code != EXIT_OK)
		return code;
	/* An empty table prints nothing at all, which is no JSON. */
	if (scols_table_is_empty(table) && scols_table_is_json(table))
		printf("{\n   \"%s\": []\n}\n", name);
	else
		ret = scols_print_table(table);
	if (ret == 0 && is_incomplete)
		ret = -ENOMEM;
	return ret < 0 ? fail_errno(NULL, -ret, "printing the table") : EXIT_OK;
}
