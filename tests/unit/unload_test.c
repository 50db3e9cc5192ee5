/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules are loaded when they are asked for, no more of them than needed, and leave nothing behind. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/p11-kit.h>

#include "signer.h"
#include "softhsm.h"
#include "unit.h"

#define ROUNDS	  50
#define PROCESSES 60

static struct softhsm hsm;

static int set_up(void **state)
{
	static const struct softhsm_name name = { "\1", 1, "key" };
	struct authority root;
	CK_SESSION_HANDLE session;
	gnutls_pubkey_t key;
	gnutls_x509_crt_t cert;

	(void)state;
	if (!softhsm_module())
		return 0;
	authority_make(&root, "root", NULL);
	softhsm_make(&hsm);
	softhsm_open(&hsm);
	session = softhsm_token(&hsm, "lab");
	key = softhsm_key(&hsm, session, KEY_P256, &name);
	cert = cert_issue("leaf", key, &root, false);
	softhsm_cert(&hsm, session, cert, &name);
	softhsm_close(&hsm);
	gnutls_x509_crt_deinit(cert);
	gnutls_pubkey_deinit(key);
	authority_clear(&root);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	softhsm_remove(&hsm);
	return 0;
}

/* Whether a line of /proc/self/maps has this in it. */
static bool is_mapped(const char *what)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];
	bool found = false;

	if (!maps)
		return false;
	while (!found && fgets(line, sizeof(line), maps))
		found = strstr(line, what) != NULL;
	fclose(maps);
	return found;
}

/* One signature through a handle: 0, or 1 when there is none. */
static int sign_once(const char *uri)
{
	/* many at once take longer, and under valgrind longer still */
	const struct nfstls_access patient = { .timeout_ms = 10 * 60 * 1000 };
	const gnutls_datum_t data = { (void *)"text", 4 };
	gnutls_datum_t handle, signature = { NULL, 0 };
	gnutls_privkey_t key;
	int ret = nfstls_handle_encode(uri, &handle);

	if (ret < 0 || gnutls_privkey_init(&key) < 0)
		return 1;
	ret = nfstls_privkey_import_handle(key, &handle, &patient, NULL, NULL);
	if (ret == 0)
		ret = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 0, &data, &signature);
	gnutls_free(signature.data);
	gnutls_free(handle.data);
	gnutls_privkey_deinit(key);
	return ret < 0;
}

static void rounds_leave_nothing_open(void **state)
{
	struct nfstls_token_key found;
	size_t before = 0;

	(void)state;
	softhsm_need();
	for (int i = 0; i < ROUNDS; i++) {
		assert_ok(nfstls_token_key_find(softhsm_uri(&hsm, "token=lab"), NULL, NULL, 0, &found, NULL), NULL);
		assert_int_equal(sign_once(found.uri), 0);
		nfstls_token_key_clear(&found);
		nfstls_cleanup();
		if (i == 0)
			before = count_descriptors();
	}
	assert_int_equal(count_descriptors(), before);
}

/*
 * A login with SoftHSM truncates and rewrites what others read when they start: without the lock of the module some of
 * them see no token, or one without a PIN.
 */
static void many_processes_at_once(void **state)
{
	struct nfstls_token_key found;
	int status, failed = 0;

	(void)state;
	softhsm_need();
	if (geteuid() != 0)
		skip_because("only root has the locks of the modules");
	assert_ok(nfstls_token_key_find(softhsm_uri(&hsm, "token=lab"), NULL, NULL, 0, &found, NULL), NULL);
	nfstls_cleanup();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < PROCESSES; i++) {
			pid_t pid = fork();

			assert_true(pid >= 0);
			if (pid == 0) {
				status = sign_once(found.uri);
				nfstls_cleanup();
				_exit(status);
			}
		}
		for (int i = 0; i < PROCESSES; i++)
			failed += wait(&status) > 0 && status != 0;
	}
	assert_int_equal(failed, 0);
	nfstls_token_key_clear(&found);
}

/* What fails half way must leave as little. */
static void failing_rounds_leave_nothing_open(void **state)
{
	static const char *const attributes[] = { "token=nowhere", "token=lab;id=%7f", "model=nothing" };
	struct nfstls_token_key found;
	size_t before = 0;

	(void)state;
	softhsm_need();
	for (int i = 0; i < ROUNDS; i++) {
		const char *wanted = attributes[i % (sizeof(attributes) / sizeof(attributes[0]))];

		assert_true(nfstls_token_key_find(softhsm_uri(&hsm, wanted), NULL, NULL, 0, &found, NULL) < 0);
		nfstls_cleanup();
		if (i == 0)
			before = count_descriptors();
	}
	assert_int_equal(count_descriptors(), before);
}

static void unload_of_nothing(void **state)
{
	(void)state;
	nfstls_cleanup();
	nfstls_cleanup();
}

/* Modules of p11-kit's own configuration on this host, other than SoftHSM's. */
static const char *other_module(void)
{
	static char name[256];
	CK_FUNCTION_LIST **modules = p11_kit_modules_load(NULL, 0);

	for (size_t i = 0; modules && modules[i]; i++) {
		char *path = p11_kit_module_get_filename(modules[i]);
		const char *base = path ? strrchr(path, '/') : NULL;

		if (base && !strstr(base, "softhsm"))
			snprintf(name, sizeof(name), "%s", base);
		free(path);
	}
	if (modules)
		p11_kit_modules_release(modules);
	return name[0] ? name : NULL;
}

/*
 * What this program does when it is run with arguments: in a fresh process, for one that has loaded modules and let go
 * of them may still have them mapped. It does itself what else an agent would.
 */
enum { LOADED_OTHERS = 2, LOADED_NONE, LOADED_EARLY };

static int open_here(const char *text)
{
	const struct nfstls_access nobody = { .identity = NULL };
	static struct signer *signer; /* stays open, for what it has mapped */
	P11KitUri *uri;
	int ret = uri_parse(text, &uri, NULL);

	if (ret < 0)
		return ret;
	ret = signer_open(uri, &nobody, &signer, NULL);
	p11_kit_uri_free(uri);
	return ret;
}

static int import_alone(const char *uri, const char *other)
{
	/* an agent has come and gone, and there is nothing of it here */
	if (sign_once(uri) != 0)
		return 1;
	if (is_mapped("libsofthsm2") || is_mapped(other))
		return LOADED_EARLY;
	if (open_here(uri) < 0)
		return 1;
	if (!is_mapped("libsofthsm2"))
		return LOADED_NONE;
	return is_mapped(other) ? LOADED_OTHERS : 0;
}

/* The counter-proof: a search over all that is configured is seen by the same means. */
static int search_alone(const char *uri, const char *other)
{
	open_here(uri);
	return is_mapped(other) ? LOADED_OTHERS : 0;
}

static int child_executes(void *argv)
{
	/* not /proc/self/exe, which under valgrind is valgrind */
	execv(program_invocation_name, argv);
	return 127;
}

static void assert_alone(const char *mode, const char *uri, const char *other, int status)
{
	char *argv[] = { (char *)"unload_test", (char *)mode, (char *)uri, (char *)other, NULL };
	struct outcome outcome;

	run_in_child(child_executes, argv, &outcome);
	assert_int_equal(outcome.status, status);
}

static void only_the_module_of_the_handle(void **state)
{
	const char *other = other_module();

	(void)state;
	softhsm_need();
	if (!other)
		skip_because("p11-kit has no other module configured here");
	assert_alone("search", "pkcs11:token=nfstls-nowhere", other, LOADED_OTHERS);
	assert_alone("import", softhsm_uri(&hsm, "token=lab"), other, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unload_of_nothing),	     cmocka_unit_test(only_the_module_of_the_handle),
		cmocka_unit_test(rounds_leave_nothing_open), cmocka_unit_test(failing_rounds_leave_nothing_open),
		cmocka_unit_test(many_processes_at_once),
	};

	if (argc == 4)
		return (strcmp(argv[1], "import") == 0 ? import_alone : search_alone)(argv[2], argv[3]);
	return run_group(tests, set_up, tear_down);
}
