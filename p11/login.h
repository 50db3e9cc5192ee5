/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PIN policy: one wrong PIN is one C_Login, until a person acts.
 *
 * A token counts wrong PINs, and after a few it locks, for good on many a smartcard; a mount that connects again and
 * again would get there in a minute. So whoever logs in holds a lock of that token's, from looking at what the token
 * says and at the latches until the outcome is known and, if the PIN was refused, the latch is set.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include "session.h"

/*
 * Log in once (PKCS#11 v2.40 section 5.6): as CKU_USER for the session, or as CKU_CONTEXT_SPECIFIC for the signature
 * that was begun.
 * @pin_id: NFSTLS_PIN_ID + 1 bytes, gets the PIN that was taken; may be NULL
 * Errors: NFSTLS_E_PIN_NEEDED, _PIN_SOURCE, _PIN_LOCKED and _PIN_LATCHED (nobody was asked), NFSTLS_E_PIN_REFUSED, and
 * what else a token says.
 */
int login(const struct session *session, CK_USER_TYPE user, const char *pin_source, const struct nfstls_access *access,
	  char *pin_id, struct nfstls_diag *diag);

#endif
