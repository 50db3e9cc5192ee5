/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <gnutls/crypto.h>

#include "agent.h"
#include "errand.h"
#include "login.h"
#include "pin.h"

#define LOCK_FILE "/run/nfstls-login-%.16s.lock"

/* A token, and with a source a PIN of it, as hexadecimal digits: SHA-256 over what names them. */
static int name_by_digest(const CK_TOKEN_INFO *token, const char *source, char name[NFSTLS_PIN_ID + 1])
{
	unsigned char digest[NFSTLS_PIN_ID / 2];
	gnutls_hash_hd_t hash;

	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		return NFSTLS_E_CRYPTO;
	gnutls_hash(hash, token->label, sizeof(token->label));
	gnutls_hash(hash, token->manufacturerID, sizeof(token->manufacturerID));
	gnutls_hash(hash, token->model, sizeof(token->model));
	gnutls_hash(hash, token->serialNumber, sizeof(token->serialNumber));
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a PIN that was found has a source */
	gnutls_hash(hash, source, strlen(source));
	gnutls_hash_deinit(hash, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(name + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

/* One process at a time: a descriptor that holds the token's lock. A person without root's rights tests, and has none.
 */
static int lock_token(const struct session *session, int *lock, struct nfstls_diag *diag)
{
	char name[NFSTLS_PIN_ID + 1], path[sizeof(LOCK_FILE) + 16];
	int ret, fd;

	*lock = -1;
	if (geteuid() != 0)
		return 0;
	ret = name_by_digest(&session->token, "", name);
	if (ret < 0)
		return ret;
	snprintf(path, sizeof(path), LOCK_FILE, name);
	agent_step(session->name, "another login");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX) == 0) {
		*lock = fd;
		return 0;
	}
	ret = diag_set(diag, NFSTLS_E_TOKEN, "%s: no PIN is tried without the lock %s: %s", session->name, path,
		       strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

/* What the token says now, not when it was found: another process may have tried a PIN since. */
static int check_token(const struct session *session, struct nfstls_diag *diag)
{
	CK_TOKEN_INFO now;
	CK_RV rv = session->module.funcs->C_GetTokenInfo(session->slot, &now);

	if (rv != CKR_OK)
		return diag_rv(diag, rv, session->name, "C_GetTokenInfo");
	if (now.flags & CKF_USER_PIN_LOCKED)
		return diag_set(diag, NFSTLS_E_PIN_LOCKED, "%s: the PIN is locked", session->name);
	if (now.flags & CKF_USER_PIN_FINAL_TRY)
		return diag_set(diag, NFSTLS_E_PIN_LOCKED, "%s: one try is left for the PIN", session->name);
	return 0;
}

/*
 * Whether a failure may have cost a try; a token without a PIN has none to count. Some modules have a word of their own
 * for a wrong PIN; then the token counts what they do not say. Where it does not count either, a failure without a
 * cause is taken for a wrong PIN, as long as the token is there to have refused it.
 */
static bool cost_a_try(const struct session *session, CK_RV rv, int error)
{
	const CK_FLAGS counted = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
	bool no_cause = rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED;
	CK_TOKEN_INFO now;

	if (rv == CKR_USER_PIN_NOT_INITIALIZED)
		return false;
	if (error == NFSTLS_E_PIN_REFUSED || error == NFSTLS_E_PIN_LOCKED)
		return true;
	if (error != NFSTLS_E_TOKEN || rv == CKR_FUNCTION_CANCELED)
		return false;
	return session->module.funcs->C_GetTokenInfo(session->slot, &now) == CKR_OK &&
	       (no_cause || (now.flags & counted & ~session->token.flags));
}

static int judge(const struct session *session, CK_RV rv, const struct nfstls_access *access, const char *pin_id,
		 struct nfstls_diag *diag)
{
	const struct nfstls_identity *identity = access->identity;
	struct nfstls_diag cause = NFSTLS_DIAG_INIT;
	int ret;

	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return 0;
	ret = diag_rv(&cause, rv, session->name, "C_Login");
	if (cost_a_try(session, rv, ret)) {
		if (ret == NFSTLS_E_TOKEN)
			ret = NFSTLS_E_PIN_REFUSED;
		if (identity && identity->keyring && !access->pin && errand_set_latch(pin_id, cause.text) < 0)
			return diag_set(diag, ret, "%s, and no latch could be set", cause.text);
	}
	return diag_set(diag, ret, "%s", cause.text);
}

static int check_latch(const struct nfstls_access *access, const char *pin_id, struct nfstls_diag *diag)
{
	const struct nfstls_identity *identity = access->identity;

	if (!identity || !identity->keyring || access->by_person)
		return 0;
	return errand_check_latch(pin_id, diag);
}

/* Under the lock. */
static int login_once(const struct session *session, CK_USER_TYPE user, struct pin *pin,
		      const struct nfstls_access *access, const char *pin_id, struct nfstls_diag *diag)
{
	int ret = check_token(session, diag);
	CK_RV rv;

	if (ret == 0)
		ret = check_latch(access, pin_id, diag);
	if (ret < 0)
		return ret;
	agent_step(session->name, "C_Login");
	/* A PIN pad takes its PIN without us. */
	rv = session->module.funcs->C_Login(session->id, user, pin->len ? pin->value : NULL, pin->len);
	return judge(session, rv, access, pin_id, diag);
}

int login(const struct session *session, CK_USER_TYPE user, const char *pin_source, const struct nfstls_access *access,
	  char *pin_id, struct nfstls_diag *diag)
{
	bool pad = session->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH;
	char id[NFSTLS_PIN_ID + 1];
	struct pin pin = { .source = NULL };
	int lock = -1, ret;

	/* What a person has locked need not be told that it has no PIN either. */
	ret = check_latch(access, NULL, diag);
	if (ret == 0 && !pad)
		ret = pin_find(pin_source, access, &pin, diag);
	if (ret == NFSTLS_E_PIN_NEEDED && (!diag || !diag->text[0]))
		ret = diag_set(diag, ret, "%s", session->name);
	if (ret == 0)
		ret = name_by_digest(&session->token, pad ? "pad" : pin.source, id);
	if (ret == 0)
		ret = lock_token(session, &lock, diag);
	if (ret == 0)
		ret = module_lock(session->module.path, diag);
	if (ret == 0)
		ret = login_once(session, user, &pin, access, id, diag);
	modules_unlock();
	pin_clear(&pin);
	if (lock >= 0)
		close(lock);
	if (ret == 0 && pin_id)
		memcpy(pin_id, id, sizeof(id));
	return ret;
}
