/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each rule of where a PIN may come from. */
#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pin.h"
#include "scratch.h"
#include "unit.h"

#define NOBODY 65534

static const char *pin_file(const char *name, const char *text)
{
	return scratch_file(&test_scratch, name, text, strlen(text), 0600);
}

static void assert_pin(const char *source, const void *value, size_t len)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct pin pin;

	assert_ok(pin_read(source, &pin, &diag), &diag);
	assert_int_equal(pin.len, len);
	assert_memory_equal(pin.value, value, len);
	pin_clear(&pin);
}

/* Refused, with a text that has this in it. */
static void assert_refused(const char *source, const char *text)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct pin pin;

	assert_error(pin_read(source, &pin, &diag), NFSTLS_E_PIN_SOURCE, &diag);
	assert_says(diag.text, text);
}

static void forms_of_a_path(void **state)
{
	const char *path = pin_file("forms", "4711");

	(void)state;
	assert_pin(path, "4711", 4);
	assert_pin(scratch_join(&test_scratch, "file:", path, NULL), "4711", 4);
	assert_pin(scratch_join(&test_scratch, "file://", path, NULL), "4711", 4);
}

/* One that is refused is refused under each name of its file: that is what the latches of other identities go by. */
static void names_of_one_file(void **state)
{
	const char *path = pin_file("named", "4711"), *folder = scratch_path(&test_scratch, "way");
	const char *const sources[] = {
		scratch_join(&test_scratch, test_scratch.dir, "/./named", NULL),
		scratch_join(&test_scratch, test_scratch.dir, "//named", NULL),
		scratch_join(&test_scratch, "file:", folder, "/way/named", NULL),
	};
	struct pin pin, other;

	(void)state;
	assert_int_equal(symlink(".", folder), 0);
	assert_ok(pin_read(path, &pin, NULL), NULL);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		assert_ok(pin_read(sources[i], &other, NULL), NULL);
		assert_string_equal(other.source, pin.source);
		pin_clear(&other);
	}
	assert_ok(pin_read(pin_file("other name", "4711"), &other, NULL), NULL);
	assert_string_not_equal(other.source, pin.source);
	pin_clear(&other);
	pin_clear(&pin);
}

static void no_source(void **state)
{
	const struct nfstls_access nobody = { .identity = NULL };
	struct pin pin;

	(void)state;
	assert_error(pin_find(NULL, &nobody, &pin, NULL), NFSTLS_E_PIN_NEEDED, NULL);
}

static void other_forms(void **state)
{
	const char *path = pin_file("other", "4711");

	(void)state;
	assert_int_equal(chdir(test_scratch.dir), 0);
	assert_refused("other", "absolute path");
	assert_refused("./other", "absolute path");
	assert_refused("file:other", "absolute path");
	assert_int_equal(chdir("/"), 0);

	assert_refused("", "absolute path");
	assert_refused("file:", "absolute path");
	assert_refused("file://", "absolute path");
	assert_refused(scratch_join(&test_scratch, "file://localhost", path, NULL), "absolute path");
	assert_refused(scratch_join(&test_scratch, "file:/", path, NULL), "absolute path");
	assert_refused(scratch_join(&test_scratch, "/", path, NULL), "absolute path");
	assert_refused(scratch_join(&test_scratch, "FILE:", path, NULL), "absolute path");
	assert_refused(scratch_join(&test_scratch, "|cat ", path, NULL), "absolute path");
	assert_refused("https://host/pin", "absolute path");
}

static void line_ends(void **state)
{
	(void)state;
	assert_pin(pin_file("one", "4711\n"), "4711", 4);
	assert_pin(pin_file("two", "4711\n\n"), "4711\n", 5);
	assert_pin(pin_file("front", "\n4711"), "\n4711", 5);
	assert_pin(pin_file("spaces", " 47 11 "), " 47 11 ", 7);
	assert_pin(scratch_file(&test_scratch, "nul", "47\0PIN", 6, 0600), "47\0PIN", 6);
}

static void sizes(void **state)
{
	char text[4098];

	(void)state;
	memset(text, '7', sizeof(text));
	assert_pin(scratch_file(&test_scratch, "one", text, 1, 0600), text, 1);
	assert_pin(scratch_file(&test_scratch, "4096", text, 4096, 0600), text, 4096);
	assert_refused(scratch_file(&test_scratch, "4097", text, 4097, 0600), "longer than 4096 bytes");
	text[4096] = '\n';
	assert_pin(scratch_file(&test_scratch, "4096 and a line end", text, 4097, 0600), text, 4096);
	text[4096] = text[0];
	assert_refused(scratch_file(&test_scratch, "4098", text, 4098, 0600), "longer than 4096 bytes");
}

static void nothing_in_it(void **state)
{
	(void)state;
	assert_refused(pin_file("empty", ""), "is empty");
	assert_refused(pin_file("newline", "\n"), "is empty");
	assert_refused(scratch_path(&test_scratch, "missing"), "No such file");
	assert_refused(scratch_path(&test_scratch, "missing/pin"), "No such file");
}

static void modes(void **state)
{
	static const mode_t open_modes[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666, 0777 };

	(void)state;
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++)
		assert_refused(scratch_file(&test_scratch, "open", "4711", 4, open_modes[i]), "open to others");
	assert_pin(scratch_file(&test_scratch, "read-only", "4711", 4, 0400), "4711", 4);
}

/* Become another user for a moment; only root can. */
static void become(uid_t uid)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(uid), 0);
}

static void unreadable(void **state)
{
	const char *path = scratch_file(&test_scratch, "unreadable", "4711", 4, getuid() == 0 ? 0600 : 0000);
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct pin pin;
	int ret;

	(void)state;
	become(NOBODY);
	ret = pin_read(path, &pin, &diag);
	become(0);
	assert_error(ret, NFSTLS_E_PIN_SOURCE, &diag);
	assert_says(diag.text, "Permission denied");
}

static void of_another_owner(void **state)
{
	const char *path = pin_file("foreign", "4711");

	(void)state;
	if (getuid() != 0)
		skip_because("only root can give a file away");
	assert_int_equal(chown(path, NOBODY, -1), 0);
	assert_refused(path, "not owned by root");
}

static void of_a_process_that_is_not_root(void **state)
{
	const char *path = pin_file("own", "4711");
	struct pin pin;
	int ret;

	(void)state;
	if (getuid() == 0)
		assert_int_equal(chown(path, NOBODY, -1), 0);
	become(NOBODY);
	ret = pin_read(path, &pin, NULL);
	become(0);
	assert_ok(ret, NULL);
	assert_int_equal(pin.len, 4);
	pin_clear(&pin);
}

static void not_a_regular_file(void **state)
{
	const char *fifo = scratch_path(&test_scratch, "fifo"), *dir = scratch_path(&test_scratch, "dir");

	(void)state;
	/* Nobody writes to it: reading from it would never end. */
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_refused(fifo, "not a regular file");
	assert_refused(dir, "not a regular file");
	assert_refused("/dev/null", "not a regular file");
	assert_refused("/dev/zero", "not a regular file");
}

static void symbolic_link(void **state)
{
	const char *link = scratch_path(&test_scratch, "link"), *dangling = scratch_path(&test_scratch, "dangling");

	(void)state;
	assert_int_equal(symlink(pin_file("target", "4711"), link), 0);
	assert_int_equal(symlink("/nowhere", dangling), 0);
	assert_refused(link, "symbolic link");
	assert_refused(dangling, "symbolic link");
}

/* A file that cannot be a PIN may still hold one: what was read of it must not stay on the stack. */
static void wiped_after_failure(void **state)
{
	static const struct pin zero;
	char text[PIN_MAX + 1];
	struct pin pin;

	(void)state;
	memset(text, '7', sizeof(text));
	memset(&pin, 0xa5, sizeof(pin));
	assert_error(pin_read(scratch_file(&test_scratch, "long", text, sizeof(text), 0600), &pin, NULL),
		     NFSTLS_E_PIN_SOURCE, NULL);
	assert_memory_equal(&pin, &zero, sizeof(pin));

	memset(&pin, 0xa5, sizeof(pin));
	assert_error(pin_read(pin_file("blank", "\n"), &pin, NULL), NFSTLS_E_PIN_SOURCE, NULL);
	assert_memory_equal(&pin, &zero, sizeof(pin));

	memset(&pin, 0xa5, sizeof(pin));
	assert_error(pin_read(scratch_file(&test_scratch, "open", "4711", 4, 0644), &pin, NULL), NFSTLS_E_PIN_SOURCE,
		     NULL);
	assert_memory_equal(&pin, &zero, sizeof(pin));
}

static void clear(void **state)
{
	static const struct pin zero;
	struct pin pin;

	(void)state;
	assert_ok(pin_read(pin_file("clear", "4711"), &pin, NULL), NULL);
	pin_clear(&pin);
	assert_memory_equal(&pin, &zero, sizeof(pin));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_a_path),
		cmocka_unit_test(names_of_one_file),
		cmocka_unit_test(no_source),
		cmocka_unit_test(other_forms),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(sizes),
		cmocka_unit_test(nothing_in_it),
		cmocka_unit_test(modes),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(of_another_owner),
		cmocka_unit_test(of_a_process_that_is_not_root),
		cmocka_unit_test(not_a_regular_file),
		cmocka_unit_test(symbolic_link),
		cmocka_unit_test(wiped_after_failure),
		cmocka_unit_test(clear),
	};

	return run_group(tests, scratch_set_up, scratch_tear_down);
}
