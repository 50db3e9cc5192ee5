/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Latches, why nobody may log in: keys nfs:x509:<identity>:latch that hold the NFSTLS_PIN_ID digits which name a PIN, a
 * space, and the cause. nfstls-p11.h says how they are set and cleared.
 *
 * There may be thousands of keys on the keyring, and a latch of another identity is one of them. So that not every
 * handshake looks at them all, the key nfs:latched:<pin id> is there from before the first latch that is about that
 * PIN. It closes nothing, and is never taken away: where it is missing, no identity has such a latch.
 *
 * Each network namespace has a keyring of its own, and a PIN file may be that of several: the file
 * /run/nfstls-refused-<pin id> keeps the others from trying what was refused in one, until a login with that PIN is
 * good.
 */
#ifndef LATCH_H
#define LATCH_H

#include "diag.h"

/*
 * Whether a latch stands against an identity: its own, whatever it is about, or with a PIN that of another one which is
 * about the same PIN of the same token. 0, or NFSTLS_E_PIN_LATCHED with the cause. Errors: NFSTLS_E_KEYRING.
 * @pin_id: NULL where it is not known which PIN it will be
 */
int latch_check(const struct nfstls_identity *identity, const char *pin_id, struct nfstls_diag *diag);

/*
 * Take up the room of the key quota that a latch will want, so that one can be set whatever becomes of the login; where
 * there is none nobody logs in. It is given back when a latch is set, or with latch_give_room_back(), when none is.
 * Errors: NFSTLS_E_TOKEN, NFSTLS_E_MEMORY.
 */
int latch_make_room(const struct nfstls_identity *identity, const char *pin_id, struct nfstls_diag *diag);
void latch_give_room_back(void);

/* A login with this PIN was good: other namespaces may use it again. */
void latch_forget_refusal(const char *pin_id);

#endif
