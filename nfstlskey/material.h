/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what the command line names to what goes onto the keyring, proved to belong together. */
#ifndef MATERIAL_H
#define MATERIAL_H

#include "keyring.h"
#include "pin_entry.h"

/* What the command line or an identity file names: a URI and perhaps a certificate file, or two files. NULL elsewhere.
 */
struct source {
	const char *pkcs11;
	const char *cert_file;
	const char *key_file;
	const char *chain_file; /* the intermediates, in the place of those that come with the certificate */
	struct pin_choice pin;
	bool expires; /* it goes from the keyring when the certificate is valid no longer */
	/*
	 * The serial of the .nfs keyring where nobody is there to see a PIN refused: the login is then like that of a
	 * handshake, in what it takes the PIN from, in time, and in heeding and setting latches. 0: a person asks.
	 */
	int32_t unattended;
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

/*
 * Whether the key file of a source holds this private key. A token handle, which has still to be resolved, holds none.
 * EXIT_OK, or the exit code of a file that cannot be read, of which it has said so.
 */
enum exit_code material_key_holds(const char *identity, const struct source *source, const gnutls_datum_t *privkey,
				  bool *hold);

/*
 * Whether the certificate files of a source still lead to this certificate and chain (size 0: none), as far as that can
 * be told without the key. A source without such files leads anywhere. EXIT_OK, or the exit code of a file that cannot
 * be read, of which it has said so.
 */
enum exit_code material_certs_hold(const char *identity, const struct source *source, const gnutls_datum_t *cert,
				   const gnutls_datum_t *chain, bool *hold);

#endif
