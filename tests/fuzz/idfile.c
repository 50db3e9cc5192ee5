/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity files: what is read can be written and is read the same; what is wrong is told in one line. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "idfile.h"
#include "netns.h"

static void read_bytes(const void *data, size_t size, struct idfile *file)
{
	*file = (struct idfile){ .identity = strdup("lab"), .path = strdup(fuzz_file(data, size)) };
	must_hold(file->identity && file->path);
	must_hold(idfile_read(file) == 0);
}

static void check_problems(const struct idfile *file)
{
	for (size_t i = 0; i < file->problem_count; i++)
		must_hold(file->problems[i].text[0] && !strchr(file->problems[i].text, '\n'));
}

static bool is_path(const char *value)
{
	return !value || value[0] == '/';
}

/* What a file without fault says. */
static void check_sense(const struct idfile *file)
{
	char *pin_file = NULL;

	must_hold(!file->value[IDFILE_PKCS11] != !file->value[IDFILE_KEY]);
	must_hold(is_path(file->value[IDFILE_KEY]) && is_path(file->value[IDFILE_CERT]));
	must_hold(is_path(file->value[IDFILE_CHAIN]) && is_path(file->value[IDFILE_PIN_FILE]));
	must_hold(!file->value[IDFILE_NETNS] || netns_is_named(file->value[IDFILE_NETNS]));
	if (file->value[IDFILE_PKCS11])
		must_hold(nfstls_uri_check(file->value[IDFILE_PKCS11], &pin_file, NULL) == 0);
	must_hold(!pin_file || !file->value[IDFILE_PIN_FILE]);
	free(pin_file);
}

/* As add --persist would write it. */
static void check_again(const struct idfile *file)
{
	struct idfile again;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int key = 0; key < IDFILE_KEY_COUNT; key++)
		if (file->value[key])
			fprintf(out, "%s = %s\n", idfile_key_names[key], file->value[key]);
	fclose(out);
	read_bytes(text, size, &again);
	must_hold(again.problem_count == 0);
	for (int key = 0; key < IDFILE_KEY_COUNT; key++)
		must_hold(file->value[key] ? again.value[key] && strcmp(file->value[key], again.value[key]) == 0
					   : !again.value[key]);
	idfile_clear(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct idfile file;

	read_bytes(data, size, &file);
	check_problems(&file);
	if (file.problem_count == 0) {
		check_sense(&file);
		check_again(&file);
	}
	idfile_clear(&file);
	return 0;
}
