/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an agent has its process do, which has the keyrings: an agent is a new process and possesses nothing that the
 * kernel linked for a handshake, and foreign code is better off without it.
 */
#ifndef ERRAND_H
#define ERRAND_H

#include "wire.h"

/*
 * In the agent: key_read_pin(), latch_check() and nfstls_latch_set() for the identity that it works for; with a PIN
 * latch_check() is followed by latch_make_room(). Errors: theirs, and NFSTLS_E_MEMORY where there was none to ask.
 */
int errand_read_pin(unsigned char *pin, size_t size, size_t *len, struct nfstls_diag *diag);
int errand_check_latch(const char *pin_id, struct nfstls_diag *diag);
int errand_set_latch(const char *pin_id, const char *cause);

/* For whom an agent works. */
struct errand_owner {
	struct nfstls_identity identity; /* whose keys it may ask for; without a name: nobody's */
	gnutls_datum_t handle;		 /* of the key that it opens; without one it gets no PIN from a key */
};

/* In the process: run one for a struct errand_owner; an agent_errand. */
void errand_run(struct wire *errand, struct wire *answer, void *owner);

#endif
