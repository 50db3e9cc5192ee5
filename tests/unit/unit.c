/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

void unit_assert_error(int ret, int error, const struct nfstls_diag *diag, const char *file, int line)
{
	if (ret == error)
		return;
	print_error("%s:%d: returned %d (%s) for %d (%s): %s\n", file, line, ret, nfstls_strerror(ret), error,
		    nfstls_strerror(error), diag ? diag->text : "");
	_fail(file, line);
}

void unit_assert_says(const char *text, const char *words, const char *file, int line)
{
	if (strstr(text, words))
		return;
	print_error("%s:%d: \"%s\" does not say \"%s\"\n", file, line, text, words);
	_fail(file, line);
}

void assert_datum_equal(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	assert_int_equal(a->size, b->size);
	if (a->size > 0)
		assert_memory_equal(a->data, b->data, a->size);
}

gnutls_datum_t exact_copy(const void *data, size_t size)
{
	gnutls_datum_t copy = { malloc(size), size };

	assert_true(copy.data || size == 0);
	if (size > 0)
		memcpy(copy.data, data, size);
	return copy;
}

static void read_back(FILE *file, char *text, size_t size)
{
	rewind(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

void run_in_child(int (*child)(void *arg), void *arg, struct outcome *outcome)
{
	FILE *out = tmpfile(), *err = tmpfile();
	int status;
	pid_t pid;

	assert_non_null(out);
	assert_non_null(err);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		status = child(arg);
		fflush(NULL);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	outcome->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	read_back(out, outcome->out, sizeof(outcome->out));
	read_back(err, outcome->err, sizeof(outcome->err));
}

size_t count_lines(const char *text)
{
	size_t lines = 0, len = strlen(text);

	assert_true(len == 0 || text[len - 1] == '\n');
	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

size_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}
