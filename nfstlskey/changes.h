/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an update would change. */
#ifndef CHANGES_H
#define CHANGES_H

#include "command.h"

/* A table of the parts of an identity, as they are and as they would be. --json and --noheadings are heeded. */
enum exit_code print_changes(const struct arguments *args, const struct keyring *keyring,
			     const struct material *material);

#endif
