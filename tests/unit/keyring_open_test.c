/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of the .nfs keyring: taken at its word only if it is all as it should be. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "keyring.h"
#include "unit.h"

static void assert_serial(const char *digits, int32_t expected)
{
	int32_t serial = 0;

	assert_int_equal(keyring_parse_serial(digits, strlen(digits), &serial), 0);
	assert_int_equal(serial, expected);
}

static void assert_no_serial(const char *digits, size_t len)
{
	int32_t serial = 4711;

	assert_int_equal(keyring_parse_serial(digits, len, &serial), -EPROTO);
	assert_int_equal(serial, 4711);
}

static void serial(void **state)
{
	(void)state;
	assert_serial("1", 1);
	assert_serial("1014657372", 1014657372);
	assert_serial("2147483647", 2147483647);
}

static void no_serial(void **state)
{
	(void)state;
	assert_no_serial("", 0);
	assert_no_serial("0", 1);
	assert_no_serial("-1", 2);
	assert_no_serial(" 1", 2);
	assert_no_serial("1\n", 2);
	assert_no_serial("1\0", 2);
	assert_no_serial("0x10", 4);
	assert_no_serial("2147483648", 10);
	assert_no_serial("99999999999", 11);
}

static void description(void **state)
{
	(void)state;
	assert_true(keyring_is_nfs("keyring;0;0;1f010000;.nfs"));
	assert_true(keyring_is_nfs("keyring;0;65534;1f1f0000;.nfs"));
	assert_false(keyring_is_nfs("keyring;1000;0;1f010000;.nfs"));
	assert_false(keyring_is_nfs("user;0;0;1f010000;.nfs"));
	assert_false(keyring_is_nfs("keyring;0;0;1f010000;.nfs2"));
	assert_false(keyring_is_nfs("keyring;0;0;1f010000;x;.nfs"));
	assert_false(keyring_is_nfs("keyring;0;0;1f010000;"));
	assert_false(keyring_is_nfs("keyring;0;0"));
	assert_false(keyring_is_nfs(""));
}

static void line(void **state)
{
	int32_t serial = 4711;

	(void)state;
	assert_false(keyring_parse_line("", &serial));
	assert_false(
		keyring_parse_line("2801a2c7 I------     2 perm 1f1f0000  1000     0 keyring   .nfs: 4\n", &serial));
	assert_false(
		keyring_parse_line("2801a2c7 I------     2 perm 1f1f0000     0     0 user      .nfs: 4\n", &serial));
	assert_false(
		keyring_parse_line("2801a2c7 I------     2 perm 1f1f0000     0     0 keyring   .nfs2: 4\n", &serial));
	assert_false(
		keyring_parse_line("2801a2c7 I------     2 perm 1f1f0000     0     0 keyring   x.nfs: 4\n", &serial));
	assert_false(keyring_parse_line("2801a2c7 I------     2 perm 1f1f0000     0     0 keyring   .nfs", &serial));
	assert_false(
		keyring_parse_line("f801a2c7 I------     2 perm 1f1f0000     0     0 keyring   .nfs: 4\n", &serial));
	assert_false(
		keyring_parse_line("00000000 I------     2 perm 1f1f0000     0     0 keyring   .nfs: 4\n", &serial));
	assert_int_equal(serial, 4711);
	assert_true(keyring_parse_line("2801a2c7 I------     2 perm 1f1f0000     0     0 keyring   .nfs: empty\n",
				       &serial));
	assert_int_equal(serial, 0x2801a2c7);
	assert_true(
		keyring_parse_line("0000a2c7 I------  1234   3d 1f1f0000     0 65534 keyring   .nfs: 12\n", &serial));
	assert_int_equal(serial, 0xa2c7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serial),
		cmocka_unit_test(no_serial),
		cmocka_unit_test(description),
		cmocka_unit_test(line),
	};

	return run_group(tests, NULL, NULL);
}
