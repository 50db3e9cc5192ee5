/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dlfcn.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/pkcs11.h>
#include <p11-kit/pkcs11.h>

#include "nfstls-p11.h"
#include "ways.h"

#define SLOTS_MAX 64

static const gnutls_datum_t message = { (unsigned char *)"what a handshake signs", 22 };

void need(const char *what, int ret)
{
	if (ret < 0)
		errx(1, "%s: %s", what, gnutls_strerror(ret));
}

static void need_rv(const char *call, CK_RV rv)
{
	if (rv != CKR_OK)
		errx(1, "%s: 0x%lx", call, rv);
}

static CK_SLOT_ID find_slot(CK_FUNCTION_LIST *funcs)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_TOKEN_INFO info;

	need_rv("C_GetSlotList", funcs->C_GetSlotList(CK_TRUE, slots, &count));
	for (CK_ULONG i = 0; i < count; i++)
		if (funcs->C_GetTokenInfo(slots[i], &info) == CKR_OK && p11_kit_uri_match_token_info(key.uri, &info))
			return slots[i];
	errx(1, "there is no token %s", key.text);
}

static CK_OBJECT_HANDLE find_key(CK_FUNCTION_LIST *funcs, CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE object;
	CK_ULONG nattrs, count = 0;
	CK_ATTRIBUTE *attrs = p11_kit_uri_get_attributes(key.uri, &nattrs);

	need_rv("C_FindObjectsInit", funcs->C_FindObjectsInit(session, attrs, nattrs));
	need_rv("C_FindObjects", funcs->C_FindObjects(session, &object, 1, &count));
	need_rv("C_FindObjectsFinal", funcs->C_FindObjectsFinal(session));
	if (count == 0)
		errx(1, "there is no key %s", key.text);
	return object;
}

static void raw_sign(CK_FUNCTION_LIST *funcs, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
	CK_MECHANISM rsa = { CKM_RSA_PKCS_PSS, &pss, sizeof(pss) }, ecdsa = { CKM_ECDSA, NULL, 0 };
	unsigned char digest[32], signature[1024];
	CK_ULONG size = sizeof(signature);

	need("digest", gnutls_hash_fast(GNUTLS_DIG_SHA256, message.data, message.size, digest));
	need_rv("C_SignInit",
		funcs->C_SignInit(session, key.scheme == GNUTLS_SIGN_ECDSA_SHA256 ? &ecdsa : &rsa, object));
	need_rv("C_Sign", funcs->C_Sign(session, digest, sizeof(digest), signature, &size));
	times->signature = clock_ms();
}

/* A module, and behind a space what its C_Initialize is to be given as p11-kit's x-init-reserved. */
static CK_FUNCTION_LIST *start_module(const char *what)
{
	const char *space = strchrnul(what, ' ');
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK, .pReserved = (void *)(space + 1) };
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *funcs;
	char path[256];
	void *module;

	snprintf(path, sizeof(path), "%.*s", (int)(space - what), what);
	module = dlopen(path, RTLD_NOW);
	get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
	if (!get)
		errx(1, "%s: %s", path, dlerror());
	need_rv("C_GetFunctionList", get(&funcs));
	need_rv("C_Initialize", funcs->C_Initialize(*space ? &args : NULL));
	return funcs;
}

static void open_and_sign(const char *what, bool only_sign)
{
	CK_FUNCTION_LIST *funcs = start_module(what);
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE object;

	need_rv("C_OpenSession", funcs->C_OpenSession(find_slot(funcs), CKF_SERIAL_SESSION, NULL, NULL, &session));
	need_rv("C_Login", funcs->C_Login(session, CKU_USER, (unsigned char *)key.pin, strlen(key.pin)));
	object = find_key(funcs, session);
	if (only_sign)
		times->begin = clock_ms();
	raw_sign(funcs, session, object);
	funcs->C_CloseSession(session);
	funcs->C_Finalize(NULL);
}

/* No more calls than it takes. */
static void raw(const char *what)
{
	open_and_sign(what, false);
}

/* What is left of them for who holds a session that is logged in, and knows the key. */
static void held(const char *what)
{
	open_and_sign(what, true);
}

/* The same, in one more process: what it costs to keep a module out of one's own. */
static void apart(const char *what)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		raw(what);
		_exit(0);
	}
	if (waitpid(child, &status, 0) < 0 || status != 0)
		errx(1, "the process apart has failed");
}

static void sign_and_release(gnutls_privkey_t privkey)
{
	gnutls_datum_t signature;

	need("signature", gnutls_privkey_sign_data2(privkey, key.scheme, 0, &message, &signature));
	times->signature = clock_ms();
	gnutls_free(signature.data);
	gnutls_privkey_deinit(privkey);
}

static int give_pin(void *arg, int attempt, const char *url, const char *label, unsigned int flags, char *pin,
		    size_t size)
{
	(void)arg;
	(void)url;
	(void)label;
	(void)flags;
	if (attempt > 0)
		return -1;
	snprintf(pin, size, "%s", key.pin);
	return 0;
}

static void gnutls_import(void)
{
	gnutls_privkey_t privkey;

	gnutls_pkcs11_set_pin_function(give_pin, NULL);
	need("key", gnutls_privkey_init(&privkey));
	need(key.text, gnutls_privkey_import_url(privkey, key.text, 0));
	sign_and_release(privkey);
	gnutls_pkcs11_deinit();
}

/* As p11-kit is configured. */
static void gnutls_all(const char *nothing)
{
	(void)nothing;
	gnutls_import();
}

static void gnutls_one(const char *module)
{
	need("PKCS#11", gnutls_pkcs11_init(GNUTLS_PKCS11_FLAG_MANUAL, NULL));
	need(module, gnutls_pkcs11_add_provider(module, NULL));
	gnutls_import();
}

/*
 * What nfstlskey add has made long before a handshake, from when on it waits on the keyring: a handle that has in its
 * query the module, by its path or its name.
 */
static void make_handle(const char *query)
{
	char uri[1024];
	int ret;

	snprintf(uri, sizeof(uri), "%s?%s&pin-source=file:%s", key.text, query, key.pin_file);
	gnutls_free(key.handle.data);
	ret = nfstls_handle_encode(uri, &key.handle);
	if (ret < 0)
		errx(1, "%s: %s", uri, nfstls_strerror(ret));
}

static void library(const char *query)
{
	const struct nfstls_access access = { .identity = NULL };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_privkey_t privkey;
	int ret;

	(void)query;
	need("key", gnutls_privkey_init(&privkey));
	ret = nfstls_privkey_import_handle(privkey, &key.handle, &access, NULL, &diag);
	if (ret < 0)
		errx(1, "%s: %s", nfstls_strerror(ret), diag.text);
	sign_and_release(privkey);
	nfstls_cleanup();
}

static void der(const char *path)
{
	gnutls_privkey_t privkey;
	gnutls_datum_t data;

	need(path, gnutls_load_file(path, &data));
	need("key", gnutls_privkey_init(&privkey));
	need(path, gnutls_privkey_import_x509_raw(privkey, &data, GNUTLS_X509_FMT_DER, NULL, 0));
	sign_and_release(privkey);
}

const struct way ways[] = {
	{ "raw", raw, NULL },
	{ "held", held, NULL },
	{ "apart", apart, NULL },
	{ "gnutls-all", gnutls_all, NULL },
	{ "gnutls-one", gnutls_one, NULL },
	{ "library", library, make_handle },
	{ "der", der, NULL },
};

const size_t ways_count = sizeof(ways) / sizeof(ways[0]);
