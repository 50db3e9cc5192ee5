/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file a subcommand; main.c holds the table of them. */
#ifndef COMMAND_H
#define COMMAND_H

#include "material.h"

/* What the command line said, checked by the command's row of the table. */
struct arguments {
	const char *identity;
	struct source source;
	bool json;
	bool no_headings;
};

enum exit_code cmd_add(const struct arguments *args);
enum exit_code cmd_list(const struct arguments *args);
enum exit_code cmd_remove(const struct arguments *args);
enum exit_code cmd_show(const struct arguments *args);
enum exit_code cmd_update(const struct arguments *args);

/*
 * What every command does first: root, and the .nfs keyring. With a lock for those that change it.
 */
enum exit_code open_keyring(const char *identity, bool to_change, struct keyring *keyring);

/* The same, and the identity's keys on it, which must be there. */
enum exit_code open_identity(const char *identity, bool to_change, struct keyring *keyring, struct identity_keys *keys);

/* After a change, on a kernel with one keyring for all: say so. */
void note_if_shared(const struct keyring *keyring);

#endif
