/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces: by the name that ip-netns(8) gave, or by a path such as /proc/PID/ns/net. */
#ifndef NETNS_H
#define NETNS_H

#include <stdbool.h>

#include "report.h"

/* It can be the name or the path of one; whether there is one is another question. */
bool netns_is_named(const char *name_or_path);

/* Move this process there, before it asks for a keyring. EXIT_NOT_FOUND: there is none. */
enum exit_code netns_enter(const char *identity, const char *name_or_path);

#endif
