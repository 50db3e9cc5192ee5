/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tlshd's child asks the kernel's keyrings, on a session keyring of the test's own. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keyutils.h>

#include "unit.h"

static int no_keyring; /* an errno value: containers often forbid keyctl(2) */

static int set_up(void **state)
{
	(void)state;
	no_keyring = keyctl_join_session_keyring(NULL) < 0 ? errno : 0;
	return 0;
}

#define need_keyring()                                                                                                 \
	do {                                                                                                           \
		if (no_keyring)                                                                                        \
			skip_because("there is no joining a session keyring here: %s", strerror(no_keyring));          \
	} while (0)

static int add(const char *name, const void *payload, size_t size)
{
	key_serial_t serial = add_key("user", name, payload, size, KEY_SPEC_SESSION_KEYRING);

	assert_true(serial > 0);
	return serial;
}

static void assert_identity(const char *key_name, const char *expected)
{
	char *identity = NULL, *part = NULL;

	assert_ok(nfstls_keyring_identity(add(key_name, "x", 1), &identity, &part), NULL);
	assert_string_equal(identity, expected);
	assert_string_equal(part, strrchr(key_name, ':') + 1);
	free(identity);
	free(part);
}

static void assert_no_identity(const char *key_name)
{
	char *identity = NULL;

	if (nfstls_keyring_identity(add(key_name, "x", 1), &identity, NULL) == 0)
		fail_msg("a key named %s belongs to identity %s", key_name, identity);
	assert_null(identity);
}

static void identity(void **state)
{
	char name[256], longest[201];

	(void)state;
	need_keyring();
	assert_identity("nfs:x509:lab:cert", "lab");
	assert_identity("nfs:x509:lab:privkey", "lab");
	assert_identity("nfs:x509:a@b.example/c:cert", "a@b.example/c");
	snprintf(longest, sizeof(longest), "%0200d", 7);
	snprintf(name, sizeof(name), "nfs:x509:%s:cert", longest);
	assert_identity(name, longest);
}

static void no_identity(void **state)
{
	char *identity = NULL;
	int gone;

	(void)state;
	need_keyring();
	assert_no_identity("nfs:x509:");
	assert_no_identity("nfs:x509::cert");
	assert_no_identity("nfs:x509:lab");
	assert_no_identity("nfs:x510:lab:cert");
	assert_no_identity("other:nfs:x509:lab:cert");
	/* the keyring's own separator, so that the name looks like another field */
	assert_no_identity("other;nfs:x509:lab:cert");

	gone = add("nfs:x509:gone:cert", "x", 1);
	assert_int_equal(keyctl_revoke(gone), 0);
	assert_error(nfstls_keyring_identity(gone, &identity, NULL), NFSTLS_E_KEYRING, NULL);
	assert_error(nfstls_keyring_identity(0x7fffffff, &identity, NULL), NFSTLS_E_KEYRING, NULL);
	assert_null(identity);
}

static void chain(void **state)
{
	/* as long as a key can be; users other than root have 20,000 bytes for all of theirs (keyrings(7)) */
	size_t size = getuid() == 0 ? 32767 : 10000;
	unsigned char payload[32767];
	gnutls_datum_t chain;

	(void)state;
	need_keyring();
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = i;
	add("nfs:x509:long:chain", payload, size);
	assert_ok(nfstls_keyring_chain("long", &chain), NULL);
	assert_int_equal(chain.size, size);
	assert_memory_equal(chain.data, payload, size);
	gnutls_free(chain.data);

	add("nfs:x509:short:chain", "0", 1);
	assert_ok(nfstls_keyring_chain("short", &chain), NULL);
	assert_int_equal(chain.size, 1);
	gnutls_free(chain.data);
}

static void no_chain(void **state)
{
	gnutls_datum_t chain = { (void *)"x", 1 };

	(void)state;
	need_keyring();
	add("nfs:x509:lonely:cert", "x", 1);
	assert_ok(nfstls_keyring_chain("lonely", &chain), NULL);
	assert_int_equal(chain.size, 0);
	assert_null(chain.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity),
		cmocka_unit_test(no_identity),
		cmocka_unit_test(chain),
		cmocka_unit_test(no_chain),
	};

	return run_group(tests, set_up, NULL);
}
