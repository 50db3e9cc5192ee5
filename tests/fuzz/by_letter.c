/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "by_letter.h"
#include "fuzz.h"

/* All of RFC 7512 section 2.3, and what p11-kit takes besides. */
static const char *const path_names[] = {
	"token",
	"manufacturer",
	"serial",
	"model",
	"library-manufacturer",
	"library-version",
	"library-description",
	"object",
	"type",
	"id",
	"slot-description",
	"slot-id",
	"slot-manufacturer",
	"object-type",
	"objecttype",
	"pin-source",
	"pinfile",
};

static bool is_path_name(const char *name)
{
	for (size_t i = 0; i < sizeof(path_names) / sizeof(path_names[0]); i++)
		if (strcmp(name, path_names[i]) == 0)
			return true;
	return false;
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void take_value(struct reading *reading, const char *value)
{
	reading->size = 0;
	for (; *value; value++) {
		unsigned char byte = *value;

		if (byte == '%') {
			byte = digit(value[1]) << 4 | digit(value[2]);
			value += 2;
		}
		reading->value[reading->size++] = byte;
	}
}

/* Takes the part apart. */
static void read_part(char *part, const char *separator, bool is_path, struct reading *reading)
{
	for (char *attribute, *value; (attribute = strsep(&part, separator));) {
		value = strchr(attribute, '=');
		must_hold(value);
		*value++ = '\0';
		must_hold(!is_path || is_path_name(attribute));
		must_hold(strcmp(attribute, "pin-value") != 0);
		if (strcmp(attribute, reading->name) == 0) {
			reading->count++;
			take_value(reading, value);
		}
	}
}

void read_by_letter(const char *text, struct reading *reading)
{
	char *copy = strdup(text), *path = strchr(copy, ':') + 1, *query = strchr(path, '?');

	if (query)
		*query++ = '\0';
	reading->count = 0;
	if (*path)
		read_part(path, ";", true, reading);
	if (query && *query)
		read_part(query, "&", false, reading);
	free(copy);
	must_hold(reading->count < 2);
}
