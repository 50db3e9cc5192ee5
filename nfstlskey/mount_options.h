/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of a mount, as one string in the form of mount(8); libmount does the taking apart. */
#ifndef MOUNT_OPTIONS_H
#define MOUNT_OPTIONS_H

#include <stdbool.h>

#include "report.h"

/*
 * Takes tls_identity=NAME out of *options; the last one counts, as in mount(8). *identity is allocated, for the caller.
 * Sees to it that *options, which is allocated anew, say xprtsec=mtls at their end and name no serials. EXIT_USAGE:
 * they name no identity or not only an identity, or another transport security, or the kernel would take them apart in
 * another way than mount(8).
 */
enum exit_code options_take_identity(char **options, char **identity);

/* Adds name=value. 0, or -ENOMEM. */
int options_append(char **options, const char *name, const char *value);
int options_append_serial(char **options, const char *name, int serial);

/* They ask for NFSv3, which has no client owner. */
bool options_want_v3(const char *options);

/* They ask for a remount. */
bool options_want_remount(const char *options);

#endif
