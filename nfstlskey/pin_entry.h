/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PIN on its way in: typed at the terminal, or read from a descriptor; never an argument, never in the environment.
 */
#ifndef PIN_ENTRY_H
#define PIN_ENTRY_H

#include "keyring.h"
#include "report.h"

/* A day: a mount that connects again in the night finds it, and a forgotten one does not stay. */
#define PIN_TIMEOUT_S	  (24 * 60 * 60)
#define PIN_TIMEOUT_MAX_S (366 * PIN_TIMEOUT_S)

/* What the command line says of the PIN: at most one of prompt, fd and file. */
struct pin_choice {
	bool prompt;
	int fd;		      /* -1: none */
	const char *file;     /* a pin-source; nothing to enter */
	unsigned int timeout; /* s, how long the kernel keeps an entered PIN */
};

bool pin_is_chosen(const struct pin_choice *choice);

/*
 * Get the PIN that is to be entered: 1 to 4096 bytes, without the line end. *pin stays empty where there is nothing to
 * enter. Release with datum_wipe().
 */
enum exit_code pin_enter(const char *identity, const struct pin_choice *choice, gnutls_datum_t *pin);

#endif
