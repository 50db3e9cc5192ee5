/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target without a fuzzer: it reads the files that it is given, standard input for "-", or its corpus in
 * tests/fuzz/corpus/ when it is given none, and prints TAP.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/* More than any input takes, also under valgrind. */
#define PATIENCE_S 30

static const char *reading = "nothing";

/* Whatever ends us, that it was this input is told; a sanitizer's own handler tells more. */
static void tell(int signal_number)
{
	static const char text[] = "not ok - ended by a signal: ";

	if (write(STDOUT_FILENO, text, strlen(text)) < 0 || write(STDOUT_FILENO, reading, strlen(reading)) < 0 ||
	    write(STDOUT_FILENO, "\n", 1) < 0)
		_exit(1);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static uint8_t *read_all(FILE *file, size_t *size)
{
	char *data = NULL, block[4096];
	FILE *out = open_memstream(&data, size);
	size_t got;

	while (out && (got = fread(block, 1, sizeof(block), file)) > 0)
		fwrite(block, 1, got, out);
	if (!out || ferror(file) || fclose(out) != 0) {
		free(data);
		return NULL;
	}
	return (uint8_t *)data;
}

/* In a block of just its size, so that valgrind and ASan see who reads past it. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size);

	if (size > 0)
		memcpy(exact, data, size);
	alarm(PATIENCE_S);
	LLVMFuzzerTestOneInput(exact, size);
	alarm(0);
	free(exact);
}

static int run_file(const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t size = 0;
	uint8_t *data = file ? read_all(file, &size) : NULL;

	if (!data) {
		printf("not ok - %s: %s\n", path, strerror(errno));
		return 1;
	}
	reading = path;
	run(data, size);
	free(data);
	if (file != stdin)
		fclose(file);
	return 0;
}

static int run_corpus(const char *name)
{
	const char *source = getenv("srcdir");
	struct dirent **entries;
	int count = 0, status = 0, found;
	char *folder, *path;

	if (asprintf(&folder, "%s/tests/fuzz/corpus/%s", source ? source : ".", name) < 0)
		return 1;
	found = scandir(folder, &entries, NULL, alphasort);
	for (int i = 0; i < found; i++) {
		if (entries[i]->d_name[0] != '.' && asprintf(&path, "%s/%s", folder, entries[i]->d_name) >= 0) {
			status |= run_file(path);
			count++;
			free(path);
		}
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
	/* one that is not there would prove nothing */
	printf("%s 1 - %d inputs of %s\n", count > 0 && status == 0 ? "ok" : "not ok", count, folder);
	puts("1..1");
	free(folder);
	return status || count == 0;
}

int main(int argc, char **argv)
{
	static const int deaths[] = { SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV };
	struct sigaction before;
	int status = 0;

	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
		if (sigaction(deaths[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			signal(deaths[i], tell);
	if (argc < 2)
		return run_corpus(strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0]);
	for (int i = 1; i < argc; i++)
		status |= run_file(argv[i]);
	return status;
}
