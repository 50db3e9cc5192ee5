/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "unit.h"

struct scratch test_scratch;

/* Takes the string over. */
static const char *keep(struct scratch *scratch, char *string)
{
	char **grown = reallocarray(scratch->strings, scratch->count + 1, sizeof(*grown));

	assert_non_null(string);
	assert_non_null(grown);
	scratch->strings = grown;
	scratch->strings[scratch->count++] = string;
	return string;
}

void scratch_make(struct scratch *scratch)
{
	const char *parent = getenv("TMPDIR");

	*scratch = (struct scratch){ .dir = NULL };
	assert_true(asprintf(&scratch->dir, "%s/nfstls-unit-XXXXXX", parent && *parent ? parent : "/tmp") > 0);
	assert_non_null(mkdtemp(scratch->dir));
	assert_int_equal(chmod(scratch->dir, 0711), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_remove(struct scratch *scratch)
{
	if (scratch->dir)
		nftw(scratch->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(scratch->dir);
	for (size_t i = 0; i < scratch->count; i++)
		free(scratch->strings[i]);
	free(scratch->strings);
	*scratch = (struct scratch){ .dir = NULL };
}

int scratch_set_up(void **state)
{
	(void)state;
	scratch_make(&test_scratch);
	return 0;
}

int scratch_tear_down(void **state)
{
	(void)state;
	scratch_remove(&test_scratch);
	return 0;
}

const char *scratch_join(struct scratch *scratch, ...)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	const char *word;
	va_list words;

	assert_non_null(stream);
	va_start(words, scratch);
	while ((word = va_arg(words, const char *)) != NULL)
		fputs(word, stream);
	va_end(words);
	fclose(stream);
	return keep(scratch, text);
}

const char *scratch_path(struct scratch *scratch, const char *name)
{
	return scratch_join(scratch, scratch->dir, "/", name, NULL);
}

const char *scratch_file(struct scratch *scratch, const char *name, const void *data, size_t size, mode_t mode)
{
	const char *path = scratch_path(scratch, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}
