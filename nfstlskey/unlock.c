/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A person says that the PIN is right now: one login proves it, and what stood against further ones is taken away. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "command.h"

/* An open key has logged in. */
static int try_login(const gnutls_datum_t *handle, const struct nfstls_access *access, struct nfstls_key_info *info,
		     struct nfstls_diag *diag)
{
	gnutls_privkey_t key;
	int ret;

	if (gnutls_privkey_init(&key) < 0)
		return NFSTLS_E_MEMORY;
	ret = nfstls_privkey_import_handle(key, handle, access, info, diag);
	gnutls_privkey_deinit(key);
	return ret;
}

/* Without a word of where it comes from, whoever sits at a terminal is asked, unless the handle names a PIN file. */
static enum exit_code find_pin(const struct arguments *args, const gnutls_datum_t *handle, gnutls_datum_t *pin)
{
	struct pin_choice choice = args->source.pin;
	char *source;
	int ret = nfstls_handle_pin_source(handle, &source);

	if (ret < 0)
		return fail(EXIT_FILE, args->identity, "%s; use nfstlskey update", nfstls_strerror(ret));
	if (source && pin_is_chosen(&choice)) {
		enum exit_code code = fail(EXIT_USAGE, args->identity,
					   "its PIN is that of %s; correct it there, or use nfstlskey update", source);

		free(source);
		return code;
	}
	if (!source && !pin_is_chosen(&choice))
		choice.prompt = isatty(STDIN_FILENO);
	free(source);
	return pin_enter(args->identity, &choice, pin);
}

static enum exit_code store(const struct arguments *args, const struct keyring *keyring,
			    const struct nfstls_identity *identity, const struct nfstls_key_info *info,
			    const gnutls_datum_t *pin)
{
	int ret = 0;

	if (pin->size > 0 && info->pin_id[0])
		ret = keyring_set_pin(keyring, args->identity, pin, args->source.pin.timeout);
	if (ret < 0)
		return fail_errno(args->identity, -ret, "keeping the PIN");
	ret = nfstls_latch_clear(identity, info->pin_id[0] ? info->pin_id : NULL);
	return ret < 0 ? fail(EXIT_OTHER, args->identity, "the latch cannot be taken away: %s", nfstls_strerror(ret))
		       : EXIT_OK;
}

static enum exit_code unlock(const struct arguments *args, const struct keyring *keyring, const gnutls_datum_t *handle,
			     const gnutls_datum_t *pin)
{
	struct nfstls_identity identity = { (char *)args->identity, keyring->serial };
	const struct nfstls_access access = {
		.identity = &identity,
		.pin = pin->size > 0 ? pin : NULL,
		.by_person = true,
	};
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_key_info info;
	enum exit_code code;
	int ret = try_login(handle, &access, &info, &diag);

	code = ret < 0 ? fail_p11(args->identity, ret, &diag) : store(args, keyring, &identity, &info, pin);
	nfstls_diag_clear(&diag);
	return code;
}

/* One that load could not put there for a PIN that was refused: the next load tries the PIN once more. */
static enum exit_code unlock_unloaded(const struct arguments *args, const struct keyring *keyring)
{
	struct nfstls_identity identity = { (char *)args->identity, keyring->serial };
	int ret;

	if (pin_is_chosen(&args->source.pin))
		return fail(EXIT_USAGE, args->identity, "it is not loaded; give the PIN to nfstlskey load");
	ret = nfstls_latch_clear(&identity, NULL);
	return ret < 0 ? fail(EXIT_OTHER, args->identity, "the latch cannot be taken away: %s", nfstls_strerror(ret))
		       : EXIT_OK;
}

static enum exit_code unlock_loaded(const struct arguments *args, const struct keyring *keyring,
				    const struct identity_keys *keys)
{
	gnutls_datum_t handle = { NULL, 0 }, pin = { NULL, 0 };
	enum exit_code code = read_handle(args->identity, keys, &handle);

	if (code == EXIT_OK)
		code = find_pin(args, &handle, &pin);
	if (code == EXIT_OK)
		code = unlock(args, keyring, &handle, &pin);
	datum_wipe(&handle);
	datum_wipe(&pin);
	return code;
}

enum exit_code cmd_unlock(const struct arguments *args)
{
	struct identity_keys keys;
	struct keyring keyring;
	enum exit_code code = open_identity(args->identity, true, &keyring, &keys);

	if (code != EXIT_OK)
		return code;
	if (keys.serial[PART_LATCH] > 0 && keyring_is_rest(&keys))
		code = unlock_unloaded(args, &keyring);
	else
		code = unlock_loaded(args, &keyring, &keys);
	if (code == EXIT_OK)
		note_if_shared(&keyring);
	return code;
}
