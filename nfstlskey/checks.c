/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <gnutls/abstract.h>

#include "checks.h"

/* knfsd waits no longer for a handshake; the client waits 10 s, and tlshd gives up a token after 8 s. */
#define SERVER_WAITS_MS 5000
/* A token that thinks this long about a signature is waiting for a finger. */
#define TOUCH_MS	1000

const char *const check_names[CHECK_COUNT] = {
	[CHECK_IDENTITY] = "identity", [CHECK_CERTIFICATE] = "certificate",
	[CHECK_HANDLE] = "handle",     [CHECK_MODULE] = "module",
	[CHECK_TOKEN] = "token",       [CHECK_PIN] = "pin",
	[CHECK_KEY] = "key",	       [CHECK_SIGNATURE] = "signature",
	[CHECK_TIME] = "time",	       [CHECK_VALIDITY] = "validity",
	[CHECK_PURPOSE] = "purpose",   [CHECK_CHAIN] = "chain",
};

const char *const verdict_names[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_WARNING] = "warning",
	[VERDICT_FAILED] = "failed",
};

void findings_add(struct findings *findings, enum check check, enum verdict verdict, enum exit_code code,
		  const char *format, ...)
{
	struct finding *finding = &findings->list[findings->count++];
	va_list args;

	*finding = (struct finding){ .check = check, .verdict = verdict, .code = code };
	va_start(args, format);
	if (vasprintf(&finding->detail, format, args) < 0)
		finding->detail = NULL;
	va_end(args);
	/* names in a certificate are foreign text */
	for (char *p = finding->detail; p && *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

static void add_error(struct findings *findings, enum check check, int error, const struct nfstls_diag *diag)
{
	char *text;
	enum exit_code code = describe_p11(error, diag, &text);

	findings_add(findings, check, VERDICT_FAILED, code, "%s", text ? text : nfstls_strerror(error));
	free(text);
}

void findings_clear(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->list[i].detail);
	findings->count = 0;
}

static const struct finding *first_failure(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->list[i].verdict == VERDICT_FAILED)
			return &findings->list[i];
	return NULL;
}

enum exit_code findings_code(const struct findings *findings)
{
	const struct finding *failure = first_failure(findings);

	return failure ? failure->code : EXIT_OK;
}

enum exit_code findings_report(const char *identity, const struct findings *findings)
{
	const struct finding *failure = first_failure(findings);

	if (failure && failure->check <= CHECK_SIGNATURE)
		return fail(failure->code, identity, "%s", failure->detail ? failure->detail : "out of memory");
	for (size_t i = 0; i < findings->count; i++)
		if (findings->list[i].verdict != VERDICT_OK && findings->list[i].detail)
			warn(identity, "%s", findings->list[i].detail);
	return EXIT_OK;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

/* The check that an error of opening a key is about. */
static enum check check_of(int error)
{
	switch (error) {
	case NFSTLS_E_HANDLE:
	case NFSTLS_E_URI:
	case NFSTLS_E_URI_SECRET:
	case NFSTLS_E_URI_TYPE:
		return CHECK_HANDLE;
	case NFSTLS_E_TOKEN_ABSENT:
	case NFSTLS_E_TOKEN_UNINIT:
	case NFSTLS_E_TOKEN_AMBIGUOUS:
	case NFSTLS_E_TOKEN_BUSY:
	case NFSTLS_E_TOKEN:
		return CHECK_TOKEN;
	case NFSTLS_E_PIN_NEEDED:
	case NFSTLS_E_PIN_SOURCE:
	case NFSTLS_E_PIN_REFUSED:
	case NFSTLS_E_PIN_LOCKED:
	case NFSTLS_E_PIN_LATCHED:
	case NFSTLS_E_KEYRING:
		return CHECK_PIN;
	case NFSTLS_E_KEY_ABSENT:
	case NFSTLS_E_KEY_AMBIGUOUS:
	case NFSTLS_E_KEY_UNUSABLE:
		return CHECK_KEY;
	default:
		return CHECK_MODULE;
	}
}

static void add_module(struct findings *findings, const gnutls_datum_t *handle)
{
	char *module = NULL;

	nfstls_handle_module(handle, &module);
	if (module)
		findings_add(findings, CHECK_MODULE, VERDICT_OK, EXIT_OK, "%s", module);
	else
		findings_add(findings, CHECK_MODULE, VERDICT_WARNING, EXIT_OK,
			     "the handle names none, so each handshake loads them all; use nfstlskey update");
	free(module);
}

static void add_token(struct findings *findings, const gnutls_datum_t *handle, const struct nfstls_key_info *info)
{
	char *label = NULL;

	nfstls_handle_token(handle, &label);
	if (info->token[0])
		findings_add(findings, CHECK_TOKEN, VERDICT_OK, EXIT_OK, "%s", info->token);
	else
		findings_add(findings, CHECK_TOKEN, VERDICT_OK, EXIT_OK, "token \"%s\"", label ? label : "");
	free(label);
}

/* The token took the PIN, or wanted none; where the key was not found afterwards nobody has told which. */
static void add_pin(struct findings *findings, const gnutls_datum_t *handle, const struct nfstls_key_info *info)
{
	char *source = NULL;

	nfstls_handle_pin_source(handle, &source);
	if (!info->token[0])
		findings_add(findings, CHECK_PIN, VERDICT_OK, EXIT_OK, "accepted, or not needed");
	else if (!info->pin_id[0])
		findings_add(findings, CHECK_PIN, VERDICT_OK, EXIT_OK, "not needed");
	else if (info->flags & NFSTLS_TOKEN_PIN_PAD)
		findings_add(findings, CHECK_PIN, VERDICT_WARNING, EXIT_OK,
			     "the token takes it by itself, from somebody who must be there at each handshake");
	else if (info->flags & NFSTLS_TOKEN_PIN_LOW)
		findings_add(findings, CHECK_PIN, VERDICT_WARNING, EXIT_OK,
			     "accepted, but a wrong one was given before; see who still has that");
	else
		findings_add(findings, CHECK_PIN, VERDICT_OK, EXIT_OK, "accepted, from %s",
			     source ? source : "the keyring or a systemd credential");
	free(source);
}

/* What opening the key has shown, up to the check that failed. */
static void add_opening(struct findings *findings, const gnutls_datum_t *handle, const struct nfstls_key_info *info,
			int error, const struct nfstls_diag *diag)
{
	enum check end = error < 0 ? check_of(error) : CHECK_SIGNATURE;

	if (end > CHECK_MODULE)
		add_module(findings, handle);
	if (end > CHECK_TOKEN)
		add_token(findings, handle, info);
	if (end > CHECK_PIN)
		add_pin(findings, handle, info);
	if (error < 0)
		add_error(findings, end, error, diag);
	else if (info->always_authenticates)
		findings_add(findings, CHECK_KEY, VERDICT_WARNING, EXIT_OK,
			     "it always authenticates: the token wants the PIN again for each signature");
	else
		findings_add(findings, CHECK_KEY, VERDICT_OK, EXIT_OK, "on the token");
}

/*
 * One signature; how long it took, or -1. A server takes any of the schemes as a rule, and GnuTLS the first of them:
 * that one must work, as must the token be there for the next.
 */
static int64_t check_signature(gnutls_privkey_t key, gnutls_x509_crt_t cert, gnutls_sign_algorithm_t scheme, bool first,
			       struct findings *findings)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	int64_t start = now_ms(), took = 0;
	int ret = nfstls_cert_prove(key, cert, scheme, &diag);

	if (ret == 0) {
		took = now_ms() - start;
		findings_add(findings, CHECK_SIGNATURE, VERDICT_OK, EXIT_OK, "%s, %.2f s", gnutls_sign_get_name(scheme),
			     took / 1000.0);
	} else if (!first && (ret == NFSTLS_E_KEY_UNUSABLE || ret == NFSTLS_E_TOKEN)) {
		findings_add(findings, CHECK_SIGNATURE, VERDICT_WARNING, EXIT_OK,
			     "not in %s, so a server that takes nothing else will refuse it: %s",
			     gnutls_sign_get_name(scheme), diag.text);
	} else {
		add_error(findings, CHECK_SIGNATURE, ret, &diag);
		took = -1;
	}
	nfstls_diag_clear(&diag);
	return took;
}

/* Every scheme; how long the slowest took, or -1 where the key is of no use. */
static int64_t check_signatures(gnutls_privkey_t key, gnutls_x509_crt_t cert, struct findings *findings)
{
	gnutls_sign_algorithm_t schemes[NFSTLS_SCHEMES_MAX];
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned int count = 0;
	int64_t slowest = 0;
	int ret = nfstls_cert_schemes(cert, schemes, &count, &diag);

	if (ret == 0 && count == 0)
		ret = NFSTLS_E_KEY_UNUSABLE;
	if (ret < 0) {
		add_error(findings, CHECK_SIGNATURE, ret, &diag);
		slowest = -1;
	}
	for (unsigned int i = 0; slowest >= 0 && i < count; i++) {
		int64_t took = check_signature(key, cert, schemes[i], i == 0, findings);

		slowest = took < 0 || took > slowest ? took : slowest;
	}
	nfstls_diag_clear(&diag);
	return slowest;
}

static void check_time(int64_t opened, int64_t signature, struct findings *findings)
{
	const char *touch = signature > TOUCH_MS ? "; the token seems to wait for a touch" : "";
	double total = (opened + signature) / 1000.0;

	if (opened + signature >= SERVER_WAITS_MS)
		findings_add(findings, CHECK_TIME, VERDICT_FAILED, EXIT_KEY,
			     "%.2f s to open the key and sign, and the server gives up after 5 s%s", total, touch);
	else if (opened + signature > SERVER_WAITS_MS / 2 || touch[0])
		findings_add(findings, CHECK_TIME, VERDICT_WARNING, EXIT_OK,
			     "%.2f s to open the key and sign, of the 5 s that the server waits%s", total, touch);
	else
		findings_add(findings, CHECK_TIME, VERDICT_OK, EXIT_OK,
			     "%.2f s to open the key and sign; the server waits 5 s, the client 10 s", total);
}

static void check_token_key(const struct check_request *request, gnutls_x509_crt_t cert, struct findings *findings,
			    struct nfstls_key_info *info)
{
	const gnutls_datum_t *handle = &request->material->part[PART_PRIVKEY];
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	int64_t start, opened, signature;
	gnutls_privkey_t key;
	int ret;

	if (gnutls_privkey_init(&key) < 0) {
		add_error(findings, CHECK_KEY, NFSTLS_E_MEMORY, &diag);
		return;
	}
	/* Some tokens have one session only: it must be free again. */
	nfstls_cleanup();
	start = now_ms();
	ret = nfstls_privkey_import_handle(key, handle, request->access, info, &diag);
	opened = now_ms() - start;
	add_opening(findings, handle, info, ret, &diag);
	signature = ret == 0 ? check_signatures(key, cert, findings) : -1;
	if (signature >= 0)
		check_time(opened, signature, findings);
	gnutls_privkey_deinit(key);
	nfstls_cleanup();
	nfstls_diag_clear(&diag);
}

static void check_plain_key(const struct check_request *request, gnutls_x509_crt_t cert, struct findings *findings)
{
	const gnutls_datum_t *payload = &request->material->part[PART_PRIVKEY];
	const struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_privkey_t key;

	if (gnutls_privkey_init(&key) < 0) {
		add_error(findings, CHECK_KEY, NFSTLS_E_MEMORY, &diag);
		return;
	}
	if (gnutls_privkey_import_x509_raw(key, payload, GNUTLS_X509_FMT_DER, NULL, 0) < 0) {
		add_error(findings, CHECK_KEY, NFSTLS_E_KEYFILE, &diag);
	} else {
		findings_add(findings, CHECK_KEY, VERDICT_OK, EXIT_OK, "on the keyring");
		check_signatures(key, cert, findings);
	}
	gnutls_privkey_deinit(key);
}

void checks_run(const struct check_request *request, struct findings *findings, struct nfstls_key_info *info)
{
	const struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	gnutls_x509_crt_t cert = NULL;

	findings->count = 0;
	*info = (struct nfstls_key_info){ .flags = 0 };
	if (gnutls_x509_crt_init(&cert) < 0 ||
	    gnutls_x509_crt_import(cert, &request->material->part[PART_CERT], GNUTLS_X509_FMT_DER) < 0) {
		add_error(findings, CHECK_CERTIFICATE, NFSTLS_E_CERT, &diag);
	} else {
		if (nfstls_handle_detect(&request->material->part[PART_PRIVKEY]))
			check_token_key(request, cert, findings, info);
		else
			check_plain_key(request, cert, findings);
		check_validity(cert, findings);
		check_purpose(cert, findings);
		check_chain(cert, request, findings);
	}
	gnutls_x509_crt_deinit(cert);
}
