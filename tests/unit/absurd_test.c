/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module that says it has given more than there was room for is not believed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "search.h"
#include "session.h"
#include "signer.h"
#include "unit.h"

#define ALL_ONES ((CK_ULONG)-1)

static struct nfstls_diag diag;

/* What the module says: a count or a length, in the first and in the second call. */
static CK_ULONG says[2];
static unsigned int calls;

static CK_ULONG next_word(void)
{
	return says[calls++ > 0];
}

static CK_RV slots(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
	(void)present;
	if (list)
		memset(list, 0, *count * sizeof(*list));
	*count = next_word();
	return CKR_OK;
}

static CK_RV no_token(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	(void)slot;
	(void)info;
	return CKR_TOKEN_NOT_PRESENT;
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attrs, CK_ULONG count)
{
	(void)session;
	(void)attrs;
	(void)count;
	return CKR_OK;
}

static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count)
{
	(void)session;
	memset(objects, 0, room * sizeof(*objects));
	*count = next_word();
	return CKR_OK;
}

static CK_RV find_final(CK_SESSION_HANDLE session)
{
	(void)session;
	return CKR_OK;
}

static CK_RV get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attr, CK_ULONG count)
{
	(void)session;
	(void)object;
	(void)count;
	attr->ulValueLen = next_word();
	return CKR_OK;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	(void)session;
	(void)mechanism;
	(void)key;
	return CKR_OK;
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG size, unsigned char *signature,
		  CK_ULONG *signature_size)
{
	(void)session;
	(void)data;
	(void)size;
	memset(signature, 0, *signature_size);
	*signature_size = next_word();
	return CKR_OK;
}

static CK_FUNCTION_LIST module = {
	.C_GetSlotList = slots,
	.C_GetTokenInfo = no_token,
	.C_FindObjectsInit = find_init,
	.C_FindObjects = find,
	.C_FindObjectsFinal = find_final,
	.C_GetAttributeValue = get,
	.C_SignInit = sign_init,
	.C_Sign = sign,
};

static const struct session session = { .module.funcs = &module, .name = "token" };

static void will_say(CK_ULONG first, CK_ULONG second)
{
	says[0] = first;
	says[1] = second;
	calls = 0;
}

/* In the place of the library's, as local.mk has the linker see to. */
int __wrap_modules_for_uri(P11KitUri *uri, struct module **list, size_t *count, struct nfstls_diag *unused);
int __wrap_modules_for_uri(P11KitUri *uri, struct module **list, size_t *count, struct nfstls_diag *unused)
{
	(void)uri;
	(void)unused;
	*list = calloc(1, sizeof(**list));
	assert_non_null(*list);
	**list = (struct module){ .funcs = &module, .path = "/module" };
	*count = 1;
	return 0;
}

static int no_visitor(const struct token *token, void *arg, struct nfstls_diag *unused)
{
	(void)token;
	(void)arg;
	(void)unused;
	fail();
	return 0;
}

static void more_slots_than_there_are(void **state)
{
	static const CK_ULONG counts[] = { 1000000, ALL_ONES / 8, ALL_ONES - 1, ALL_ONES };
	P11KitUri *uri = p11_kit_uri_new();
	size_t modules;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		will_say(counts[i], counts[i]);
		assert_error(tokens_visit(uri, no_visitor, NULL, &modules, &diag), NFSTLS_E_TOKEN, &diag);
		assert_says(diag.text, "/module: C_GetSlotList: ");
	}
	will_say(2, ALL_ONES);
	assert_ok(tokens_visit(uri, no_visitor, NULL, &modules, &diag), &diag);
	p11_kit_uri_free(uri);
}

static void more_objects_than_asked_for(void **state)
{
	static const CK_ULONG counts[] = { 17, 1000000, ALL_ONES / 8, ALL_ONES };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(counts) / sizeof(counts[0]); i++) {
		CK_OBJECT_HANDLE *objects;
		size_t count;

		/* at once, or when there are some */
		will_say(i % 2 ? 16 : counts[i / 2], counts[i / 2]);
		assert_error(session_find(&session, NULL, 0, &objects, &count, &diag), NFSTLS_E_TOKEN, &diag);
		assert_says(diag.text, "token: C_FindObjects: ");
	}
}

static void objects_without_end(void **state)
{
	CK_OBJECT_HANDLE *objects;
	size_t count;

	(void)state;
	will_say(16, 16);
	assert_error(session_find(&session, NULL, 0, &objects, &count, &diag), NFSTLS_E_TOKEN, &diag);
	assert_true(calls > 1000);
}

static void value_longer_than_it_was(void **state)
{
	static const CK_ULONG sizes[] = { 9, 1000000, ALL_ONES };
	gnutls_datum_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		will_say(8, sizes[i]);
		assert_error(session_get(&session, 1, CKA_ID, &value, &diag), NFSTLS_E_TOKEN, &diag);
		assert_says(diag.text, "C_GetAttributeValue: ");
	}
	will_say(1UL << 40, 1UL << 40);
	assert_error(session_get(&session, 1, CKA_ID, &value, &diag), NFSTLS_E_TOKEN, &diag);
	will_say(8, 4);
	assert_ok(session_get(&session, 1, CKA_ID, &value, &diag), &diag);
	assert_int_equal(value.size, 4);
	gnutls_free(value.data);
}

static void signature_longer_than_the_room(void **state)
{
	static const struct signer keys[] = {
		{ .session = { .module.funcs = &module, .name = "token" }, .type = CKK_EC },
		{ .session = { .module.funcs = &module, .name = "token" }, .type = CKK_EC_EDWARDS },
	};
	static const gnutls_sign_algorithm_t schemes[] = { GNUTLS_SIGN_ECDSA_SECP256R1_SHA256,
							   GNUTLS_SIGN_EDDSA_ED25519 };
	const gnutls_datum_t data = { (unsigned char *)"data", 4 };
	gnutls_datum_t signature;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		will_say(100000, 0);
		assert_error(signer_sign(&keys[i], schemes[i], &data, &signature, &diag), NFSTLS_E_TOKEN, &diag);
		will_say(ALL_ONES - 1, 0);
		assert_error(signer_sign(&keys[i], schemes[i], &data, &signature, &diag), NFSTLS_E_TOKEN, &diag);
		will_say(0, 0);
		assert_error(signer_sign(&keys[i], schemes[i], &data, &signature, &diag), NFSTLS_E_TOKEN, &diag);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_slots_than_there_are),
		cmocka_unit_test(more_objects_than_asked_for),
		cmocka_unit_test(objects_without_end),
		cmocka_unit_test(value_longer_than_it_was),
		cmocka_unit_test(signature_longer_than_the_room),
	};

	return run_group(tests, NULL, NULL);
}
