/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The opposite of unlock: the PIN is forgotten, and nobody logs in for the identity until a person unlocks it. */
#include "config.h"

#include "command.h"

enum exit_code cmd_lock(const struct arguments *args)
{
	struct nfstls_identity identity = { .name = (char *)args->identity };
	gnutls_datum_t handle = { NULL, 0 };
	struct keyring keyring;
	enum exit_code code = open_handle(args->identity, true, &keyring, &handle);
	int ret;

	datum_wipe(&handle);
	if (code != EXIT_OK)
		return code;
	identity.keyring = keyring.serial;
	/* first the latch: a handshake in between finds the PIN and may not use it */
	ret = nfstls_latch_set(&identity, NULL, "locked with nfstlskey lock");
	if (ret < 0)
		return fail(EXIT_OTHER, args->identity, "no latch could be set: %s", nfstls_strerror(ret));
	ret = keyring_drop_pin(&keyring, args->identity);
	if (ret < 0)
		return fail_errno(args->identity, -ret, "forgetting the PIN");
	note_if_shared(&keyring);
	return EXIT_OK;
}
