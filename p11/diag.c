/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/p11-kit.h>

#include "diag.h"

static const char *const messages[] = {
	[-NFSTLS_E_MEMORY] = "out of memory",
	[-NFSTLS_E_CRYPTO] = "GnuTLS failed",
	[-NFSTLS_E_HANDLE] = "not a well-formed token handle",
	[-NFSTLS_E_PEM] = "not a well-formed PEM file",
	[-NFSTLS_E_URI] = "not a well-formed PKCS#11 URI",
	[-NFSTLS_E_URI_SECRET] = "the PKCS#11 URI carries a PIN (pin-value); use pin-source with a file",
	[-NFSTLS_E_URI_TYPE] = "the PKCS#11 URI names neither a private key nor a certificate",
	[-NFSTLS_E_MODULE_DENIED] = "the PKCS#11 module lies outside the allowed places",
	[-NFSTLS_E_MODULE] = "the PKCS#11 module cannot be loaded",
	[-NFSTLS_E_TOKEN_ABSENT] = "the token is absent",
	[-NFSTLS_E_TOKEN_UNINIT] = "the token is not initialised",
	[-NFSTLS_E_TOKEN_AMBIGUOUS] = "the PKCS#11 URI matches more than one token",
	[-NFSTLS_E_TOKEN_BUSY] = "the token has no session left",
	[-NFSTLS_E_TOKEN] = "the token failed",
	[-NFSTLS_E_KEY_ABSENT] = "no private key on the token matches the PKCS#11 URI",
	[-NFSTLS_E_KEY_AMBIGUOUS] = "the PKCS#11 URI matches more than one private key",
	[-NFSTLS_E_KEY_UNUSABLE] = "the private key cannot sign as TLS 1.3 needs",
	[-NFSTLS_E_CERT_ABSENT] = "no certificate for the private key",
	[-NFSTLS_E_CERT_AMBIGUOUS] = "more than one certificate for the private key",
	[-NFSTLS_E_CERT_MISMATCH] = "the certificate does not belong to the private key",
	[-NFSTLS_E_CERT] = "not a readable certificate",
	[-NFSTLS_E_PIN_NEEDED] = "the token needs a PIN and there is none",
	[-NFSTLS_E_PIN_SOURCE] = "the pin-source cannot be used",
	[-NFSTLS_E_PIN_REFUSED] = "the token refused the PIN",
	[-NFSTLS_E_PIN_LOCKED] = "the PIN is locked or about to be; it was not tried",
	[-NFSTLS_E_KEYRING] = "the kernel key cannot be read",
	[-NFSTLS_E_KEYFILE] = "not a readable private key",
	[-NFSTLS_E_PIN_LATCHED] = "locked until nfstlskey unlock",
	[-NFSTLS_E_TIMEOUT] = "the PKCS#11 module did not answer in time",
	[-NFSTLS_E_MODULE_CRASHED] = "the PKCS#11 module crashed",
	[-NFSTLS_E_TLS] = "the TLS handshake failed",
	[-NFSTLS_E_CHANGING] = "the identity is being given another key",
};

const char *nfstls_strerror(int error)
{
	size_t index = error < 0 ? -(size_t)error : 0;

	if (index == 0)
		return "success";
	if (index >= sizeof(messages) / sizeof(messages[0]) || !messages[index])
		return "unknown error";
	return messages[index];
}

bool nfstls_error_is_transient(int error)
{
	switch (error) {
	case NFSTLS_E_MEMORY:
	case NFSTLS_E_TOKEN_ABSENT:
	case NFSTLS_E_TOKEN_BUSY:
	case NFSTLS_E_TOKEN:
	case NFSTLS_E_TIMEOUT:
	case NFSTLS_E_MODULE_CRASHED:
	case NFSTLS_E_CHANGING:
		return true;
	default:
		return false;
	}
}

/* What the administrator of the host does next; the log of a daemon is where it is read. */
static const char *remedy(int error)
{
	switch (error) {
	case NFSTLS_E_MODULE:
	case NFSTLS_E_MODULE_DENIED:
	case NFSTLS_E_MODULE_CRASHED:
		return "see p11-kit list-modules";
	case NFSTLS_E_TOKEN_ABSENT:
		return "insert the token; the kernel tries again";
	case NFSTLS_E_TOKEN_BUSY:
	case NFSTLS_E_TOKEN:
	case NFSTLS_E_TIMEOUT:
	case NFSTLS_E_MEMORY:
		return "the kernel tries again; if it goes on, see nfstlskey verify";
	case NFSTLS_E_CHANGING:
		return "the kernel tries again; if it goes on, nfstlskey show brings the change to its end";
	case NFSTLS_E_PIN_NEEDED:
		return "give the PIN with nfstlskey unlock";
	case NFSTLS_E_PIN_SOURCE:
		return "mend the PIN file";
	case NFSTLS_E_PIN_REFUSED:
		return "correct the PIN, then nfstlskey unlock";
	case NFSTLS_E_PIN_LATCHED:
		return "if the PIN was refused, correct it before nfstlskey unlock";
	case NFSTLS_E_PIN_LOCKED:
		return "unblock the PIN, or log in once, with the token's own tool";
	case NFSTLS_E_TLS:
		return "see the server's log, and whether each side trusts the other's CA";
	case NFSTLS_E_KEYRING:
		return "see nfstlskey list, and keyrings=.nfs in tlshd's configuration";
	default:
		return "see nfstlskey verify; mend it with nfstlskey update";
	}
}

/*
 * Labels and names are foreign text: no control characters into a log or onto a terminal, nor those that UTF-8 writes
 * with two bytes, U+0080 to U+009F.
 */
static void make_plain(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = '?';
	}
}

void nfstls_failure_text(const char *identity, int error, const struct nfstls_diag *diag, char *text, size_t size)
{
	bool detail = diag && diag->text[0];

	snprintf(text, size, "identity '%s': no handshake: %s%s%s; %s", identity ? identity : "?",
		 nfstls_strerror(error), detail ? ": " : "", detail ? diag->text : "", remedy(error));
	make_plain(text);
}

void nfstls_diag_clear(struct nfstls_diag *diag)
{
	diag->text[0] = '\0';
	free(diag->candidates);
	diag->candidates = NULL;
}

int diag_set(struct nfstls_diag *diag, int error, const char *format, ...)
{
	va_list args;

	if (!diag)
		return error;
	free(diag->candidates);
	diag->candidates = NULL;
	va_start(args, format);
	vsnprintf(diag->text, sizeof(diag->text), format, args);
	va_end(args);
	make_plain(diag->text);
	return error;
}

static int error_of_rv(CK_RV rv)
{
	switch (rv) {
	case CKR_HOST_MEMORY:
		return NFSTLS_E_MEMORY;
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_DEVICE_REMOVED:
	case CKR_SLOT_ID_INVALID:
		return NFSTLS_E_TOKEN_ABSENT;
	case CKR_SESSION_COUNT:
	case CKR_DEVICE_MEMORY:
		return NFSTLS_E_TOKEN_BUSY;
	case CKR_USER_NOT_LOGGED_IN:
		return NFSTLS_E_PIN_NEEDED;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_EXPIRED:
	case CKR_USER_PIN_NOT_INITIALIZED:
		return NFSTLS_E_PIN_REFUSED;
	case CKR_PIN_LOCKED:
		return NFSTLS_E_PIN_LOCKED;
	case CKR_KEY_FUNCTION_NOT_PERMITTED:
	case CKR_KEY_TYPE_INCONSISTENT:
	case CKR_KEY_SIZE_RANGE:
	case CKR_MECHANISM_INVALID:
	case CKR_MECHANISM_PARAM_INVALID:
		return NFSTLS_E_KEY_UNUSABLE;
	default:
		return NFSTLS_E_TOKEN;
	}
}

bool rv_is_breakdown(CK_RV rv)
{
	int error = error_of_rv(rv);

	return error == NFSTLS_E_MEMORY || error == NFSTLS_E_TOKEN_ABSENT || error == NFSTLS_E_TOKEN_BUSY ||
	       rv == CKR_DEVICE_ERROR || rv == CKR_SESSION_CLOSED || rv == CKR_SESSION_HANDLE_INVALID;
}

int diag_rv(struct nfstls_diag *diag, CK_RV rv, const char *who, const char *call)
{
	return diag_set(diag, error_of_rv(rv), "%s: %s: %s (0x%lx)", who, call, p11_kit_strerror(rv), rv);
}

int diag_gnutls(struct nfstls_diag *diag, int ret, int error, const char *what)
{
	if (ret == GNUTLS_E_MEMORY_ERROR)
		error = NFSTLS_E_MEMORY;
	return diag_set(diag, error, "%s: %s", what, gnutls_strerror(ret));
}

void diag_candidate(struct nfstls_diag *diag, const char *uri)
{
	char *list;

	if (!diag || asprintf(&list, "%s%s\n", diag->candidates ? diag->candidates : "", uri) < 0)
		return;
	free(diag->candidates);
	diag->candidates = list;
}
