/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every way to an identity does first: its name, the .nfs keyring, and its keys there. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "keyring.h"
#include "report.h"

/*
 * A name has 1 to 200 bytes of printable ASCII without space, colon, semicolon and comma: it is a part of key
 * descriptions and of mount options. EXIT_USAGE otherwise.
 */
enum exit_code identity_check_name(const char *name);

/* The same for one that is shown or removed: another tool may have given it a longer name. */
enum exit_code identity_check_found_name(const char *name);

/* The same without a message: what is wrong with it, or NULL. */
const char *identity_name_fault(const char *name);

/* Root, and the .nfs keyring. With a lock for those that change it. */
enum exit_code open_keyring(const char *identity, bool to_change, struct keyring *keyring);

/* The same, and the identity's keys on it; one of them at least. EXIT_NOT_FOUND: there is none. */
enum exit_code open_identity(const char *identity, bool to_change, struct keyring *keyring, struct identity_keys *keys);

/* The keys of an identity that is to be mounted: certificate and private key, both. */
enum exit_code open_whole_identity(const char *identity, struct identity_keys *keys);

/* An identity whose private key is on a token, and its handle, for datum_wipe(). EXIT_USAGE: the key is on no token. */
enum exit_code open_handle(const char *identity, bool to_change, struct keyring *keyring, gnutls_datum_t *handle);

/* keyring_lookup(), and where somebody else has left a change on its way, that is brought to its end. */
int lookup_identity(const struct keyring *keyring, const char *identity, struct identity_keys *keys);

/* keyring_list(), in the same way. */
int list_identities(const struct keyring *keyring, struct identity_list *list);

/* The same of an identity that is open already. */
enum exit_code read_handle(const char *identity, const struct identity_keys *keys, gnutls_datum_t *handle);

/* After a change: "lab: cert_serial=1 privkey_serial=2", as the nfstlskey of ktls-utils says it. */
void print_put(const struct keyring *keyring, const char *identity);

/* After a change, on a kernel with one keyring for all: say so. */
void note_if_shared(const struct keyring *keyring);

#endif
