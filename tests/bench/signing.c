/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes to open a key and sign once, in several ways. Each time in a child of its own, as in tlshd, and one way
 * after the other, so that what else the machine does falls on all of them. Prints a line for each run: the way, the ms
 * from the fork until there was a signature, and until all was closed and the child gone, and the ms of a processor
 * that the child and its own children had.
 */
#include "config.h"

#include <dlfcn.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/pkcs11.h>
#include <p11-kit/pkcs11.h>

#include "nfstls-p11.h"

#define SLOTS_MAX 64

/* The key, as the command line has it. */
static struct {
	gnutls_sign_algorithm_t scheme;
	const char *token, *object, *pin_file;
	char pin[64];
	gnutls_datum_t handle;
} key;

static const gnutls_datum_t message = { (unsigned char *)"what a handshake signs", 22 };
static double *signed_at; /* ms; shared with the child */

static double clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double usage_ms(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

static void need(const char *what, int ret)
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
		if (funcs->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    strncmp((char *)info.label, key.token, strlen(key.token)) == 0)
			return slots[i];
	errx(1, "there is no token %s", key.token);
}

static CK_OBJECT_HANDLE find_key(CK_FUNCTION_LIST *funcs, CK_SESSION_HANDLE session)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE attrs[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, (void *)key.object, strlen(key.object) },
	};
	CK_OBJECT_HANDLE object;
	CK_ULONG count = 0;

	need_rv("C_FindObjectsInit", funcs->C_FindObjectsInit(session, attrs, 2));
	need_rv("C_FindObjects", funcs->C_FindObjects(session, &object, 1, &count));
	need_rv("C_FindObjectsFinal", funcs->C_FindObjectsFinal(session));
	if (count == 0)
		errx(1, "there is no key %s", key.object);
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
	*signed_at = clock_ms();
}

/* No more calls than it takes. */
static void raw(const char *path)
{
	void *module = dlopen(path, RTLD_NOW);
	CK_C_GetFunctionList get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
	CK_FUNCTION_LIST *funcs;
	CK_SESSION_HANDLE session;

	if (!get)
		errx(1, "%s: %s", path, dlerror());
	need_rv("C_GetFunctionList", get(&funcs));
	need_rv("C_Initialize", funcs->C_Initialize(NULL));
	need_rv("C_OpenSession", funcs->C_OpenSession(find_slot(funcs), CKF_SERIAL_SESSION, NULL, NULL, &session));
	need_rv("C_Login", funcs->C_Login(session, CKU_USER, (unsigned char *)key.pin, strlen(key.pin)));
	raw_sign(funcs, session, find_key(funcs, session));
	funcs->C_CloseSession(session);
	funcs->C_Finalize(NULL);
}

/* The same, in one more process: what it costs to keep a module out of one's own. */
static void apart(const char *path)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		raw(path);
		_exit(0);
	}
	if (waitpid(child, &status, 0) < 0 || status != 0)
		errx(1, "the process apart has failed");
}

static void sign_and_release(gnutls_privkey_t privkey)
{
	gnutls_datum_t signature;

	need("signature", gnutls_privkey_sign_data2(privkey, key.scheme, 0, &message, &signature));
	*signed_at = clock_ms();
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
	char uri[512];

	gnutls_pkcs11_set_pin_function(give_pin, NULL);
	snprintf(uri, sizeof(uri), "pkcs11:token=%s;object=%s;type=private", key.token, key.object);
	need("key", gnutls_privkey_init(&privkey));
	need(uri, gnutls_privkey_import_url(privkey, uri, 0));
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

/* What nfstlskey add has made long before a handshake, from when on it waits on the keyring. */
static void make_handle(const char *module)
{
	char uri[1024];
	int ret;

	snprintf(uri, sizeof(uri), "pkcs11:token=%s;object=%s;type=private?module-path=%s&pin-source=file:%s",
		 key.token, key.object, module, key.pin_file);
	gnutls_free(key.handle.data);
	ret = nfstls_handle_encode(uri, &key.handle);
	if (ret < 0)
		errx(1, "%s: %s", uri, nfstls_strerror(ret));
}

static void library(const char *module)
{
	const struct nfstls_access access = { .identity = NULL };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_privkey_t privkey;
	int ret;

	(void)module;
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

static const struct way {
	const char *name;
	void (*run)(const char *what);
	void (*prepare)(const char *what); /* before the time begins */
} ways[] = {
	{ "raw", raw, NULL },
	{ "apart", apart, NULL },
	{ "gnutls-all", gnutls_all, NULL },
	{ "gnutls-one", gnutls_one, NULL },
	{ "library", library, make_handle },
	{ "der", der, NULL },
};

/* WAY[+TEXT]=WHAT */
static const struct way *find_way(const char *word)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		size_t len = strlen(ways[i].name);

		if (strncmp(word, ways[i].name, len) == 0 && (word[len] == '=' || word[len] == '+'))
			return &ways[i];
	}
	errx(2, "%s is no way", word);
}

static void measure(const char *word)
{
	const struct way *way = find_way(word);
	const char *what = strchr(word, '=');
	struct rusage usage;
	double begin;
	pid_t child;
	int status;

	if (!what)
		errx(1, "%s", word);
	if (way->prepare)
		way->prepare(what + 1);
	begin = clock_ms();
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		way->run(what + 1);
		_exit(0);
	}
	if (wait4(child, &status, 0, &usage) < 0 || status != 0)
		errx(1, "%s has failed", word);
	printf("%.*s %.3f %.3f %.3f\n", (int)(what - word), word, *signed_at - begin, clock_ms() - begin,
	       usage_ms(&usage));
}

int main(int argc, char **argv)
{
	gnutls_datum_t pin;

	if (argc < 7) {
		fprintf(stderr, "signing ROUNDS rsa|ecdsa TOKEN OBJECT PIN-FILE WAY[+TEXT]=[MODULE|FILE]...\n");
		return 2;
	}
	key.scheme = strcmp(argv[2], "rsa") == 0 ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 : GNUTLS_SIGN_ECDSA_SHA256;
	key.token = argv[3];
	key.object = argv[4];
	key.pin_file = argv[5];
	need(argv[5], gnutls_load_file(argv[5], &pin));
	snprintf(key.pin, sizeof(key.pin), "%.*s", (int)strcspn((char *)pin.data, "\n"), (char *)pin.data);
	signed_at = mmap(NULL, sizeof(*signed_at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (signed_at == MAP_FAILED)
		err(1, "mmap");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int round = atoi(argv[1]); round > 0; round--)
		for (int i = 6; i < argc; i++)
			measure(argv[i]);
	return 0;
}
