/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client of an identity is called, and when that changes. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "owner.h"
#include "scratch.h"
#include "unit.h"

static void assert_name(const char *host, const char *identity, unsigned int generation, const char *expected)
{
	char name[OWNER_NAME_SIZE];

	assert_int_equal(owner_name(host, identity, generation, name), 0);
	assert_string_equal(name, expected);
}

/* Mounts from before and after a new version of this program are to be one client: printf 'nfstls %s %s %u' | sha256sum
 */
static void name(void **state)
{
	(void)state;
	assert_name("host", "lab", 0, "host-e507adc9f1adbf61933eee7b8266ff33");
	assert_name("host", "lab", 1, "host-f4387870624cfd5dd3d33f8a3cbe1a98");
	assert_name("host", "lab2", 0, "host-6f769ef9d9f17194e42377f7509b179f");
	assert_name("other", "lab", 0, "other-c908bf962d2fcb770407a5586faa62cf");
}

static void long_name(void **state)
{
	char host[65], one[OWNER_NAME_SIZE], two[OWNER_NAME_SIZE];

	(void)state;
	memset(host, 'h', 64);
	host[64] = '\0';
	assert_int_equal(owner_name(host, "lab", UINT_MAX, one), 0);
	assert_int_equal(strlen(one), 64);
	/* the digest is of the whole of it */
	host[63] = 'x';
	assert_int_equal(owner_name(host, "lab", UINT_MAX, two), 0);
	assert_string_not_equal(one, two);
}

static unsigned int generation(const char *identity, int32_t cert, int32_t privkey)
{
	struct identity_keys keys = { .serial = { [PART_CERT] = cert, [PART_PRIVKEY] = privkey } };
	unsigned int generation = 4711;

	assert_int_equal(owner_generation(scratch_path(&test_scratch, "run"), identity, &keys, &generation), 0);
	return generation;
}

static void generations(void **state)
{
	(void)state;
	assert_int_equal(generation("lab", 11, 12), 0);
	assert_int_equal(generation("lab", 11, 12), 0);
	assert_int_equal(generation("a/../b", 11, 12), 0);
	assert_int_equal(generation("lab", 13, 14), 1);
	assert_int_equal(generation("lab", 13, 15), 2);
	/* serials that only begin alike */
	assert_int_equal(generation("lab", 1, 12), 3);
	assert_int_equal(generation("lab", INT_MAX, INT_MAX), 4);
	assert_int_equal(generation("lab", 13, 14), 1);
	assert_int_equal(generation("a/../b", 11, 12), 0);
}

static void nobody_else(void **state)
{
	struct stat st;

	(void)state;
	generation("lab", 11, 12);
	assert_int_equal(stat(scratch_path(&test_scratch, "run"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void no_folder(void **state)
{
	const char *file = scratch_file(&test_scratch, "file", "", 0, 0600);
	struct identity_keys keys = { .serial = { 1, 2 } };
	unsigned int generation;

	(void)state;
	assert_int_equal(owner_generation(file, "lab", &keys, &generation), -ENOTDIR);
	assert_int_equal(owner_generation("/nowhere/run", "lab", &keys, &generation), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name),
		cmocka_unit_test(long_name),
		cmocka_unit_test_setup_teardown(generations, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(nobody_else, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(no_folder, scratch_set_up, scratch_tear_down),
	};

	return run_group(tests, NULL, NULL);
}
