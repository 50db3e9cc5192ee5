/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity files: which of them count, what they say, and what is wrong with them, on which line. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "idfile.h"
#include "scratch.h"
#include "unit.h"

static const char *put(const char *name, const char *text)
{
	return scratch_file(&test_scratch, name, text, strlen(text), 0600);
}

/* The file is that of root, or its owner is the first problem: these are about the others. */
static struct idfile read_text(const char *identity, const char *text)
{
	struct idfile file = { .identity = strdup(identity), .path = strdup(put("file.conf", text)) };

	if (geteuid() != 0)
		skip_because("only root's files are read");
	assert_int_equal(idfile_read(&file), 0);
	return file;
}

static void values(void **state)
{
	struct idfile file = read_text("lab", "# mine\n"
					      "\n"
					      "pkcs11 = pkcs11:token=a%20b;id=%01\n"
					      "  cert=/etc/my certs/lab.pem  \n"
					      "chain\t=\t/etc/chain.pem\n"
					      "pin-file = \"/etc/pin\"\n"
					      "netns = tenant");
	struct source source = idfile_source(&file);

	(void)state;
	assert_int_equal(file.problem_count, 0);
	assert_string_equal(source.pkcs11, "pkcs11:token=a%20b;id=%01");
	assert_int_equal(file.line[IDFILE_PKCS11], 3);
	assert_string_equal(source.cert_file, "/etc/my certs/lab.pem");
	assert_string_equal(source.chain_file, "/etc/chain.pem");
	assert_string_equal(source.pin.file, "/etc/pin");
	assert_string_equal(file.value[IDFILE_NETNS], "tenant");
	assert_int_equal(file.line[IDFILE_NETNS], 7);
	assert_null(source.key_file);
	assert_int_equal(source.pin.fd, -1);
	assert_false(source.pin.prompt);
	idfile_clear(&file);
}

static void problems(void **state)
{
	static const struct {
		const char *identity;
		const char *text;
		unsigned long line;
		const char *says;
	} cases[] = {
		{ "lab", "", 0, "neither pkcs11 nor key" },
		{ "lab", "key = /k\nsize = 3\n", 2, "unknown key 'size'" },
		{ "lab", "key = /k\nKey = /k\n", 2, "unknown key 'Key'" },
		{ "lab", "key = /k\nkey = /l\n", 1, "twice" },
		{ "lab", "key = /k\nkey = /k\n", 1, "twice" },
		{ "lab", "key = /k\npkcs11 = pkcs11:\n", 1, "not both" },
		{ "lab", "key = k\n", 1, "absolute" },
		{ "lab", "key = /k#1\n", 1, "comment" },
		{ "lab", "key =\n", 1, "no value" },
		{ "lab", "key = /k\nhello\n", 2, "no KEY = VALUE" },
		{ "lab", "[lab\nkey = /k\n", 1, "bracket" },
		{ "lab", "pkcs11 = pkcs11:?pin-value=1\n", 1, "PIN" },
		{ "lab", "pkcs11 = pkcs11:?pin-source=/a\npin-file = /b\n", 2, "line 1 names a PIN file" },
		{ "lab", "key = /k\nnetns = ..\n", 2, "network namespace" },
		{ "a:b", "key = /k\n", 0, "that of no identity" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct idfile file = read_text(cases[i].identity, cases[i].text);

		if (file.problem_count == 0)
			print_error("%s:\n", cases[i].text);
		assert_true(file.problem_count > 0);
		assert_says(file.problems[0].text, cases[i].says);
		assert_int_equal(file.problems[0].line, cases[i].line);
		/* a secret that should not be there does not get further */
		assert_null(strstr(file.problems[0].text, "pin-value=1"));
		idfile_clear(&file);
	}
}

static void unreadable(void **state)
{
	struct idfile file = { .identity = strdup("lab"), .path = strdup("/nowhere/lab.conf") };

	(void)state;
	assert_int_equal(idfile_read(&file), 0);
	assert_true(file.problem_count > 0);
	assert_says(file.problems[0].text, strerror(ENOENT));
	idfile_clear(&file);
}

static void order(void **state)
{
	const char *const folders[] = { scratch_path(&test_scratch, "etc"), scratch_path(&test_scratch, "none"),
					scratch_path(&test_scratch, "lib"), NULL };
	struct idfile_list list;
	struct idfile file;

	(void)state;
	assert_int_equal(mkdir(folders[0], 0700), 0);
	assert_int_equal(mkdir(folders[2], 0700), 0);
	put("etc/b.conf", "x");
	put("lib/b.conf", "y");
	put("lib/a.conf", "x");
	put("lib/hidden.conf", "x");
	put("etc/hidden.conf", "");
	put("lib/masked.conf", "x");
	assert_int_equal(symlink("/dev/null", scratch_path(&test_scratch, "etc/masked.conf")), 0);
	put("etc/.c.conf.123456", "x");
	put("etc/.d.conf", "x");
	put("etc/e.conf~", "x");
	put("etc/.conf", "x");

	assert_int_equal(idfile_list(folders, &list), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.files[0].identity, "a");
	assert_string_equal(list.files[0].path, scratch_path(&test_scratch, "lib/a.conf"));
	assert_string_equal(list.files[1].identity, "b");
	assert_string_equal(list.files[1].path, scratch_path(&test_scratch, "etc/b.conf"));
	idfile_list_clear(&list);

	assert_int_equal(idfile_find(folders, "b", &file), 0);
	assert_string_equal(file.path, scratch_path(&test_scratch, "etc/b.conf"));
	idfile_clear(&file);
	assert_int_equal(idfile_find(folders, "masked", &file), -ENOENT);
	assert_int_equal(idfile_find(folders, "hidden", &file), -ENOENT);
	assert_int_equal(idfile_find(folders, "../lib/a", &file), -ENOENT);
	assert_int_equal(idfile_find(folders, ".d", &file), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(problems),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(order),
	};

	return run_group(tests, scratch_set_up, scratch_tear_down);
}
