/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command, linked once more: what it calls fails, one call after the other.
 *
 *     command [--prepare SHELL] [--parts] [--findings] -- ARGUMENT...
 *
 * Its main() runs in a child process for each call that it makes: memory, system calls, keys that go. The keyring, the
 * folder of identity files and what is said are looked at before and after. A run that fails must leave things as they
 * were and say so in one line; one that does not must do what it does without a failure. What else happens is printed,
 * a line each, and makes status 1. SHELL is run at first, and whenever things are not as they were.
 *
 * --parts: it does more than one thing: some may have been done, and each that was not has its line
 * --findings: what it prints are findings, and that it could not find out is one
 */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <keyutils.h>

#include "failing.h"
#include "keyring.h"

#define FOLDER	  "/etc/nfs/identities.d"
/* More calls than any command makes: what does not end is broken. */
#define CALLS_MAX 3000

/* What the linker has in the places of main(). */
int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

static struct settings {
	const char *prepare;
	bool parts;
	bool findings;
	char **argv;
	int argc;
} settings;

/* What a run leaves and says. */
struct run {
	int status; /* of waitpid(2) */
	char *out;
	char *err;
	char *state;
	char *litter; /* what the next command takes away: what a change has left, a file that was never finished */
};

static void run_clear(struct run *run)
{
	free(run->out);
	free(run->err);
	free(run->state);
	free(run->litter);
	*run = (struct run){ .status = 0 };
}

/* --- the state of things --- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void note_bytes(FILE *state, const unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fprintf(state, "%02x", data[i]);
	fputc('\n', state);
}

/* Its name, and what is in it. The names of keys differ, so that they are in order. */
static char *describe_key(key_serial_t key)
{
	char *text, *name, *line = NULL;
	void *data = NULL;
	size_t size;
	FILE *stream = open_memstream(&line, &size);
	int length;

	if (!stream || keyctl_describe_alloc(key, &text) < 0)
		err(2, "key %d", key);
	name = strrchr(text, ';');
	fprintf(stream, "%s ", name + 1);
	length = keyctl_read_alloc(key, &data);
	if (length > 0)
		note_bytes(stream, data, length);
	free(data);
	free(text);
	fclose(stream);
	return line;
}

static bool is_next(const char *line)
{
	const char *end = strchr(line, ' ');

	return end - line > 5 && strncmp(end - 5, ":next", 5) == 0;
}

static void note_keyring(FILE *state, FILE *litter)
{
	struct keyring keyring;
	key_serial_t *keys;
	char **lines;
	int size, ret = keyring_open(&keyring);

	if (ret < 0)
		errx(2, "the .nfs keyring: %s", strerror(-ret));
	size = keyctl_read_alloc(keyring.serial, (void **)&keys);
	if (size < 0)
		err(2, "the .nfs keyring");
	size /= sizeof(*keys);
	lines = calloc(size + 1, sizeof(*lines));
	if (!lines)
		err(2, "memory");
	for (int i = 0; i < size; i++)
		lines[i] = describe_key(keys[i]);
	qsort(lines, size, sizeof(*lines), compare_texts);
	for (int i = 0; i < size; i++) {
		fputs(lines[i], is_next(lines[i]) ? litter : state);
		free(lines[i]);
	}
	free(lines);
	free(keys);
}

static void note_file(FILE *state, const char *name)
{
	char text[4096], path[4096];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	file = fopen(path, "re");
	if (!file)
		err(2, "%s", path);
	size = fread(text, 1, sizeof(text), file);
	fprintf(state, "%s:\n%.*s", name, (int)size, text);
	fclose(file);
}

static void note_files(FILE *state, FILE *litter)
{
	struct dirent **list;
	int count = scandir(FOLDER, &list, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0)
			note_file(list[i]->d_name[0] == '.' ? litter : state, list[i]->d_name);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
}

static void note_state(struct run *run)
{
	size_t state_size, litter_size;
	FILE *state = open_memstream(&run->state, &state_size), *litter = open_memstream(&run->litter, &litter_size);

	if (!state || !litter)
		err(2, "memory");
	note_keyring(state, litter);
	note_files(state, litter);
	fclose(state);
	fclose(litter);
}

static bool same_state(const struct run *a, const struct run *b)
{
	return strcmp(a->state, b->state) == 0 && strcmp(a->litter, b->litter) == 0;
}

/* --- one run --- */

static char *read_whole(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, size + 1);

	if (!text || pread(fd, text, size, 0) != size)
		err(2, "what was said");
	close(fd);
	return text;
}

static void run_command(struct run *run, enum failing_kind kind, unsigned int nth)
{
	int out = memfd_create("out", MFD_CLOEXEC), said = memfd_create("err", MFD_CLOEXEC);
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(said, STDERR_FILENO);
		lseek(STDIN_FILENO, 0, SEEK_SET); /* of a file each has all */
		optind = 0;			  /* getopt(3) begins anew */
		failing_begin(kind, nth, false);
		status = __real_main(settings.argc, settings.argv);
		/* what is done at exit is not the command's: gcov writes its counts then */
		failing_end();
		exit(status);
	}
	if (child < 0 || waitpid(child, &run->status, 0) < 0)
		err(2, "a child");
	run->out = read_whole(out);
	run->err = read_whole(said);
	note_state(run);
}

/* --- what is wrong with it --- */

/* Serials are new each time. */
static bool same_but_for_numbers(const char *a, const char *b)
{
	while (*a && *b) {
		if (strchr("0123456789", *a) && strchr("0123456789", *b)) {
			a += strspn(a, "0123456789");
			b += strspn(b, "0123456789");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

static unsigned int count_lines(const char *text)
{
	unsigned int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* Where that is what failed, something may be left that was to be taken away. */
static bool is_left_as(const struct run *run, const struct run *wanted, const struct failing_call *failed)
{
	return strcmp(run->state, wanted->state) == 0 &&
	       (strcmp(run->litter, wanted->litter) == 0 || (failed && strstr(failed->name, "unlink")));
}

static const char *judge_success(const struct run *run, const struct run *good, const struct failing_call *failed)
{
	if (!is_left_as(run, good, failed))
		return "status 0, and what is there is not as it should be";
	/* less is said where a warning tells why */
	if (!settings.findings && !same_but_for_numbers(run->out, good->out) &&
	    count_lines(run->err) <= count_lines(good->err))
		return "status 0, and what was printed is not as it should be";
	return NULL;
}

static const char *judge_failure(const struct run *run, const struct run *before, const struct run *good,
				 const struct failing_call *failed)
{
	bool said = *run->err || (settings.findings && *run->out);

	if (!said || (!settings.findings && !settings.parts && count_lines(run->err) > count_lines(good->err) + 1))
		return "it failed, and did not say so in one line";
	/* what could not be said was done */
	if (!settings.parts && !is_left_as(run, strstr(run->err, "standard output: ") ? good : before, failed))
		return "it failed, and has changed something";
	return NULL;
}

static const char *judge(const struct run *run, const struct run *before, const struct run *good,
			 enum failing_kind kind, const struct failing_call *failed)
{
	if (WIFSIGNALED(run->status))
		return "it was killed";
	if (WEXITSTATUS(run->status) == 0 && WEXITSTATUS(good->status) != 0)
		return "status 0 where it should fail";
	if (WEXITSTATUS(run->status) != 0)
		return judge_failure(run, before, good, failed);
	/* what a key was part of that is gone */
	return kind == FAILING_GONE ? NULL : judge_success(run, good, failed);
}

/* --- all runs --- */

static void prepare(struct run *before)
{
	int status;

	run_clear(before);
	fflush(stdout);
	status = system(settings.prepare);
	if (status != 0)
		errx(2, "status %d of: %s", status, settings.prepare);
	note_state(before);
}

static void tell(const struct run *run, const struct failing_call *failed, unsigned int nth, const char *wrong)
{
	printf("%s: call %u (%s at 0x%lx): %s; status 0x%x\n%s%s", settings.argv[1], nth,
	       failed ? failed->name : "none", failed ? failed->from : 0, wrong, run->status, run->out, run->err);
}

/* The number of calls that failed; *faults goes up. */
static unsigned int fail_each(enum failing_kind kind, struct run *before, const struct run *good, unsigned int *faults)
{
	const struct failing_call *failed;
	unsigned int nth = 0;

	do {
		struct run run = { .status = 0 };
		const char *wrong;

		run_command(&run, kind, nth);
		failed = failing_end();
		wrong = nth == CALLS_MAX ? "it does not come to an end" : judge(&run, before, good, kind, failed);
		if (wrong) {
			tell(&run, failed, nth, wrong);
			++*faults;
		}
		if (!same_state(&run, before))
			prepare(before);
		run_clear(&run);
	} while (failed && nth++ < CALLS_MAX);
	return nth;
}

static void read_settings(int argc, char **argv)
{
	static const struct option options[] = {
		{ "prepare", required_argument, NULL, 'p' },
		{ "parts", no_argument, NULL, 'm' },
		{ "findings", no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int letter;

	settings.prepare = "true";
	while ((letter = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (letter == 'p')
			settings.prepare = optarg;
		else if (letter == 'm')
			settings.parts = true;
		else if (letter == 'f')
			settings.findings = true;
		else
			exit(2);
	}
	settings.argv = argv + optind - 1;
	settings.argc = argc - optind + 1;
}

int __wrap_main(int argc, char **argv)
{
	struct run before = { .status = 0 }, good = { .status = 0 };
	unsigned int faults = 0, memory, system_calls, gone;

	read_settings(argc, argv);
	prepare(&before);
	run_command(&good, FAILING_MEMORY, UINT_MAX);
	if (!same_state(&before, &good))
		prepare(&before);
	memory = fail_each(FAILING_MEMORY, &before, &good, &faults);
	system_calls = fail_each(FAILING_SYSTEM, &before, &good, &faults);
	fail_each(FAILING_INTERRUPT, &before, &good, &faults);
	gone = fail_each(FAILING_GONE, &before, &good, &faults);
	printf("status %d; %u calls for memory failed, %u of the kernel, %u keys went; %u faults\n",
	       WEXITSTATUS(good.status), memory, system_calls, gone, faults);
	run_clear(&before);
	run_clear(&good);
	return faults > 0;
}
