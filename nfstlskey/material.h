/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what the command line names to what goes onto the keyring, proved to belong together. */
#ifndef MATERIAL_H
#define MATERIAL_H

#include "keyring.h"
#include "pin_entry.h"

/* What the command line names: a URI and perhaps a certificate file, or two files. NULL where it does not. */
struct source {
	const char *pkcs11;
	const char *cert_file;
	const char *key_file;
	struct pin_choice pin;
	bool expires; /* it goes from the keyring when the certificate is valid no longer */
};

/*
 * Gather the certificate, the key or its handle, and the chain, and make the checks of checks.h, of which the
 * signatures prove that they belong together. On failure it has said why, returns the exit code, and *material is
 * empty. What will not do at a server, such as a certificate that is not valid today, is worth a warning.
 */
enum exit_code material_load(const char *identity, const struct source *source, struct material *material);

/*
 * The same for another certificate of the private key that the identity has; only source->cert_file is looked at. A
 * login is made as a handshake makes it: with the PIN that is kept, and not against a latch.
 */
enum exit_code material_renew(const char *identity, const struct source *source, const struct keyring *keyring,
			      struct material *material);

#endif
