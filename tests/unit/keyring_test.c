/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tlshd's child asks the kernel's keyrings, on a session keyring of the test's own. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keyutils.h>

#include "keys.h"
#include "latch.h"
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

static int find(const char *name)
{
	long serial = keyctl_search(KEY_SPEC_SESSION_KEYRING, "user", name, 0);

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

	/* another type, which is not found by this name either */
	gone = add_key("keyring", "nfs:x509:lab:cert", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	assert_error(nfstls_keyring_identity(gone, &identity, NULL), NFSTLS_E_KEYRING, NULL);

	gone = add("nfs:x509:gone:cert", "x", 1);
	assert_int_equal(keyctl_revoke(gone), 0);
	assert_error(nfstls_keyring_identity(gone, &identity, NULL), NFSTLS_E_KEYRING, NULL);
	assert_error(nfstls_keyring_identity(0x7fffffff, &identity, NULL), NFSTLS_E_KEYRING, NULL);
	assert_null(identity);
}

/* An identity on the session keyring, in the place of .nfs. */
static const struct nfstls_identity *on_session(const char *name)
{
	static struct nfstls_identity identity;

	identity.name = (char *)name;
	identity.keyring = keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0);
	return &identity;
}

/* It is found by the kernel's own keyring alone, which is not here. */
static void identity_elsewhere(void **state)
{
	struct nfstls_identity identity = { .name = NULL };

	(void)state;
	need_keyring();
	assert_error(nfstls_identity_find(add("nfs:x509:lab:cert", "x", 1), &identity), NFSTLS_E_KEYRING, NULL);
	assert_null(identity.name);
}

#define CERT	  "\x30\x03\x02\x01\x01"
#define KEY	  "\x30\x04\x02\x02\x11\x11"
#define OTHER_KEY "\x30\x04\x02\x02\x22\x22"
#define CHAIN	  "\x30\x01\x00\x30\x02\x00\x00"

#define datum(text) ((const gnutls_datum_t){ (unsigned char *)(text), sizeof(text) - 1 })

#define assert_part(part, expected)                                                                                    \
	do {                                                                                                           \
		assert_int_equal((part).size, sizeof(expected) - 1);                                                   \
		if ((part).size > 0)                                                                                   \
			assert_memory_equal((part).data, expected, (part).size);                                       \
	} while (0)

static void load(const char *name, struct nfstls_keys *keys)
{
	*keys = (struct nfstls_keys){ .identity = *on_session(name) };
	keys->identity.name = strdup(name);
	assert_ok(nfstls_keys_load(keys), NULL);
	assert_string_equal(keys->identity.name, name);
}

static void parts(void **state)
{
	struct nfstls_keys keys;

	(void)state;
	need_keyring();
	load("nobody", &keys);
	assert_int_equal(keys.cert.size + keys.privkey.size + keys.chain.size, 0);
	nfstls_keys_clear(&keys);

	add("nfs:x509:whole:cert", CERT, sizeof(CERT) - 1);
	add("nfs:x509:whole:privkey", KEY, sizeof(KEY) - 1);
	load("whole", &keys);
	assert_part(keys.cert, CERT);
	assert_part(keys.privkey, KEY);
	assert_part(keys.chain, "");
	nfstls_keys_clear(&keys);
	add("nfs:x509:whole:chain", CHAIN, sizeof(CHAIN) - 1);
	load("whole", &keys);
	assert_part(keys.chain, CHAIN);
	nfstls_keys_clear(&keys);
}

static void long_part(void **state)
{
	/* as long as a key can be; users other than root have 20,000 bytes for all of theirs (keyrings(7)) */
	size_t size = getuid() == 0 ? 32767 : 10000;
	unsigned char payload[32767];
	struct nfstls_keys keys;

	(void)state;
	need_keyring();
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = i;
	add("nfs:x509:long:chain", payload, size);
	load("long", &keys);
	assert_int_equal(keys.chain.size, size);
	assert_memory_equal(keys.chain.data, payload, size);
	nfstls_keys_clear(&keys);
}

/* What is to be counts as a whole, also what it has not. */
static void next(void **state)
{
	struct nfstls_keys keys;

	(void)state;
	need_keyring();
	add("nfs:x509:changing:cert", "old", 3);
	add("nfs:x509:changing:privkey", KEY, sizeof(KEY) - 1);
	add("nfs:x509:changing:chain", "old", 3);
	add("nfs:x509:changing:next", CERT OTHER_KEY, sizeof(CERT OTHER_KEY) - 1);
	load("changing", &keys);
	assert_part(keys.cert, CERT);
	assert_part(keys.privkey, OTHER_KEY);
	assert_part(keys.chain, "");
	nfstls_keys_clear(&keys);

	add("nfs:x509:changing:next", "nonsense", 8);
	keys.identity.name = strdup("changing");
	keys.identity.keyring = keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0);
	assert_error(nfstls_keys_load(&keys), NFSTLS_E_KEYRING, NULL);
	nfstls_keys_clear(&keys);
}

static void pack(void **state)
{
	const struct nfstls_keys keys = { .cert = datum(CERT), .privkey = datum(KEY), .chain = datum(CHAIN) };
	struct nfstls_keys unpacked = { .identity.name = NULL };
	gnutls_datum_t packed;

	(void)state;
	assert_ok(nfstls_keys_pack(&keys, &packed), NULL);
	assert_part(packed, CERT KEY CHAIN);
	assert_ok(nfstls_keys_unpack(&packed, &unpacked), NULL);
	assert_part(unpacked.cert, CERT);
	assert_part(unpacked.privkey, KEY);
	assert_part(unpacked.chain, CHAIN);
	nfstls_keys_clear(&unpacked);

	/* all that is cut off or empty is refused */
	for (packed.size = 0; packed.size < sizeof(CERT KEY) - 1; packed.size++)
		assert_error(nfstls_keys_unpack(&packed, &unpacked), NFSTLS_E_KEYRING, NULL);
	gnutls_free(packed.data);
}

static void pin(void **state)
{
	const gnutls_datum_t handle = datum(KEY), other = datum(OTHER_KEY);
	unsigned char value[8];
	size_t len = 0;

	(void)state;
	need_keyring();
	add("nfs:x509:open:privkey", KEY, sizeof(KEY) - 1);
	assert_error(key_read_pin(on_session("open"), &handle, value, sizeof(value), &len, NULL), NFSTLS_E_PIN_NEEDED,
		     NULL);
	add("nfs:x509:open:pin", "4711", 4);
	assert_ok(key_read_pin(on_session("open"), &handle, value, sizeof(value), &len, NULL), NULL);
	assert_int_equal(len, 4);
	assert_memory_equal(value, "4711", 4);
	/* it is not for the token that another handle names, which the identity may have had or is about to have */
	assert_error(key_read_pin(on_session("open"), &other, value, sizeof(value), &len, NULL), NFSTLS_E_CHANGING,
		     NULL);
	add("nfs:x509:open:pin", "123456789", 9);
	assert_ok(key_read_pin(on_session("open"), &handle, value, sizeof(value), &len, NULL), NULL);
	assert_true(len > sizeof(value));
}

static void expired_pin(void **state)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned char value[8];
	const gnutls_datum_t handle = datum(KEY);
	size_t len;

	(void)state;
	need_keyring();
	add("nfs:x509:brief:privkey", KEY, sizeof(KEY) - 1);
	assert_int_equal(keyctl_set_timeout(add("nfs:x509:brief:pin", "4711", 4), 1), 0);
	sleep(2);
	assert_error(key_read_pin(on_session("brief"), &handle, value, sizeof(value), &len, &diag), NFSTLS_E_PIN_NEEDED,
		     &diag);
	assert_non_null(strstr(diag.text, "expired"));
}

static char first_pin[NFSTLS_PIN_ID + 1], second_pin[NFSTLS_PIN_ID + 1];
/* Each of one test alone: the keyring remembers about which PINs there were latches. */
static char many_pin[NFSTLS_PIN_ID + 1], twos_pin[NFSTLS_PIN_ID + 1], doubt_pin[NFSTLS_PIN_ID + 1];

static void assert_latched(const char *name, const char *pin_id, const char *cause)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;

	assert_error(latch_check(on_session(name), pin_id, &diag), NFSTLS_E_PIN_LATCHED, &diag);
	assert_string_equal(diag.text, cause);
}

static void assert_free(const char *name, const char *pin_id)
{
	assert_ok(latch_check(on_session(name), pin_id, NULL), NULL);
}

/* A latch stands against its identity, and against the same PIN for another one. */
static void latch(void **state)
{
	(void)state;
	need_keyring();
	assert_free("one", first_pin);
	assert_ok(nfstls_latch_set(on_session("one"), first_pin, "refused"), NULL);
	assert_latched("one", first_pin, "refused");
	assert_latched("one", second_pin, "refused");
	assert_latched("two", first_pin, "refused (by identity 'one')");
	assert_free("two", second_pin);

	assert_ok(nfstls_latch_clear(on_session("two"), second_pin), NULL);
	assert_latched("one", first_pin, "refused");
	assert_ok(nfstls_latch_clear(on_session("two"), first_pin), NULL);
	assert_free("one", first_pin);
	assert_free("two", first_pin);
	assert_ok(nfstls_latch_clear(on_session("two"), NULL), NULL);
}

/* What a person has locked is nobody else's; and what cannot be read is closed. */
static void latch_without_pin(void **state)
{
	char longer[4096];

	(void)state;
	need_keyring();
	assert_ok(nfstls_latch_set(on_session("one"), NULL, "by hand"), NULL);
	assert_latched("one", first_pin, "by hand");
	assert_free("two", first_pin);
	assert_ok(nfstls_latch_clear(on_session("one"), NULL), NULL);
	assert_free("one", first_pin);

	memset(longer, 'x', sizeof(longer));
	add("nfs:x509:one:latch", longer, sizeof(longer));
	assert_latched("one", first_pin, "unreadable");
	add("nfs:x509:one:latch", "odd", 3);
	assert_latched("one", first_pin, "unreadable");
	assert_ok(nfstls_latch_clear(on_session("one"), first_pin), NULL);
	assert_free("one", first_pin);
}

/* What looks at a key is counted. */
static int described;

long keyctl_describe(key_serial_t serial, char *text, size_t size)
{
	described++;
	return keyctl(KEYCTL_DESCRIBE, serial, text, size);
}

/* A handshake does not look at the keys of all identities: not before a latch is about its PIN. */
static void latch_among_many(void **state)
{
	char name[64];

	(void)state;
	need_keyring();
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "nfs:x509:many%d:cert", i);
		add(name, "x", 1);
	}
	described = 0;
	assert_free("many1", NULL);
	assert_free("many1", many_pin);
	assert_int_equal(described, 0);

	assert_ok(nfstls_latch_set(on_session("many2"), many_pin, "refused"), NULL);
	/* at the keyring itself */
	assert_int_equal(described, 1);
	described = 0;
	assert_free("many1", doubt_pin);
	assert_latched("many2", doubt_pin, "refused");
	assert_int_equal(described, 0);
	assert_latched("many1", many_pin, "refused (by identity 'many2')");
	assert_true(described > 0);
}

/* Whoever takes one latch away, another about the same PIN stands. */
static void latches_of_two(void **state)
{
	(void)state;
	need_keyring();
	assert_ok(nfstls_latch_set(on_session("one"), twos_pin, "refused"), NULL);
	assert_ok(nfstls_latch_set(on_session("two"), twos_pin, "refused too"), NULL);
	assert_int_equal(keyctl_unlink(find("nfs:x509:one:latch"), KEY_SPEC_SESSION_KEYRING), 0);
	assert_latched("one", twos_pin, "refused too (by identity 'two')");
	assert_int_equal(keyctl_unlink(find("nfs:x509:two:latch"), KEY_SPEC_SESSION_KEYRING), 0);
	assert_free("one", twos_pin);
	assert_ok(nfstls_latch_set(on_session("two"), twos_pin, "again"), NULL);
	assert_latched("one", twos_pin, "again (by identity 'two')");
	assert_ok(nfstls_latch_clear(on_session("one"), twos_pin), NULL);
}

/* What cannot be looked up is not taken for nothing. */
static void latch_in_doubt(void **state)
{
	struct nfstls_identity nowhere = { .name = (char *)"one", .keyring = 0x7fffffff };
	char name[sizeof("nfs:latched:") + NFSTLS_PIN_ID];

	(void)state;
	need_keyring();
	assert_error(latch_check(&nowhere, first_pin, NULL), NFSTLS_E_KEYRING, NULL);

	assert_ok(nfstls_latch_set(on_session("one"), doubt_pin, "refused"), NULL);
	snprintf(name, sizeof(name), "nfs:latched:%s", doubt_pin);
	assert_int_equal(keyctl_setperm(find(name), 0), 0);
	assert_latched("two", doubt_pin, "refused (by identity 'one')");
	assert_int_equal(keyctl_setperm(find("nfs:x509:one:latch"), 0), 0);
	assert_error(latch_check(on_session("one"), NULL, NULL), NFSTLS_E_KEYRING, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity),
		cmocka_unit_test(no_identity),
		cmocka_unit_test(identity_elsewhere),
		cmocka_unit_test(parts),
		cmocka_unit_test(long_part),
		cmocka_unit_test(next),
		cmocka_unit_test(pack),
		cmocka_unit_test(pin),
		cmocka_unit_test(expired_pin),
		cmocka_unit_test(latch),
		cmocka_unit_test(latch_without_pin),
		cmocka_unit_test(latch_among_many),
		cmocka_unit_test(latches_of_two),
		cmocka_unit_test(latch_in_doubt),
	};

	memset(first_pin, 'a', NFSTLS_PIN_ID);
	memset(second_pin, 'b', NFSTLS_PIN_ID);
	memset(many_pin, 'c', NFSTLS_PIN_ID);
	memset(twos_pin, 'd', NFSTLS_PIN_ID);
	memset(doubt_pin, 'e', NFSTLS_PIN_ID);
	return run_group(tests, set_up, NULL);
}
