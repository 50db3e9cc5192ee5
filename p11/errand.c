/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "errand.h"
#include "keys.h"
#include "latch.h"
#include "pin.h"

enum kind { READ_PIN, CHECK_LATCH, SET_LATCH };

static int send_off(enum kind kind, const char *pin_id, const char *cause, struct wire *answer,
		    struct nfstls_diag *diag)
{
	struct wire errand = WIRE_INIT;
	int ret = NFSTLS_E_MEMORY;

	wire_put_number(&errand, kind);
	wire_put_text(&errand, pin_id);
	wire_put_text(&errand, cause);
	if (agent_ask(&errand, answer))
		ret = wire_get_outcome(answer, diag);
	wire_clear(&errand);
	return ret;
}

int errand_read_pin(unsigned char *pin, size_t size, size_t *len, struct nfstls_diag *diag)
{
	struct wire answer = WIRE_INIT;
	gnutls_datum_t got;
	int ret = send_off(READ_PIN, NULL, NULL, &answer, diag);

	if (ret == 0) {
		wire_get(&answer, &got);
		*len = got.size;
		if (got.size > 0)
			memcpy(pin, got.data, got.size < size ? got.size : size);
	}
	wire_clear(&answer);
	return ret;
}

int errand_check_latch(const char *pin_id, struct nfstls_diag *diag)
{
	struct wire answer = WIRE_INIT;
	int ret = send_off(CHECK_LATCH, pin_id, NULL, &answer, diag);

	wire_clear(&answer);
	return ret;
}

int errand_set_latch(const char *pin_id, const char *cause)
{
	struct wire answer = WIRE_INIT;
	int ret = send_off(SET_LATCH, pin_id, cause, &answer, NULL);

	wire_clear(&answer);
	return ret;
}

static void run_read_pin(const struct errand_owner *owner, struct wire *answer)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned char pin[PIN_MAX + 1];
	size_t len = 0;
	int ret = key_read_pin(&owner->identity, &owner->handle, pin, sizeof(pin), &len, &diag);

	wire_put_outcome(answer, ret, &diag);
	if (ret == 0)
		wire_put(answer, pin, len < sizeof(pin) ? len : sizeof(pin));
	explicit_bzero(pin, sizeof(pin));
}

/* Who knows which PIN it will be is about to log in. */
static void run_check_latch(const struct nfstls_identity *identity, const char *pin_id, struct wire *answer)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	int ret = latch_check(identity, pin_id[0] ? pin_id : NULL, &diag);

	if (ret == 0 && pin_id[0])
		ret = latch_make_room(identity, pin_id, &diag);
	wire_put_outcome(answer, ret, &diag);
}

void errand_run(struct wire *errand, struct wire *answer, void *arg)
{
	const struct errand_owner *owner = arg;
	const struct nfstls_identity *identity = &owner->identity;
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	uint32_t kind = wire_get_number(errand);
	char *pin_id = wire_get_text(errand), *cause = wire_get_text(errand);

	/* or foreign code has sent nonsense */
	if (errand->broken)
		wire_put_outcome(answer, NFSTLS_E_MEMORY, &diag);
	else if (!identity->name || !identity->keyring)
		wire_put_outcome(answer, NFSTLS_E_KEYRING, &diag);
	else if (kind == READ_PIN)
		run_read_pin(owner, answer);
	else if (kind == CHECK_LATCH)
		run_check_latch(identity, pin_id, answer);
	else
		wire_put_outcome(answer, nfstls_latch_set(identity, pin_id, cause), &diag);
	free(pin_id);
	free(cause);
}
