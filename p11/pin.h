/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The PIN: where it comes from, and that it does not stay. */
#ifndef PIN_H
#define PIN_H

#include "diag.h"

#define PIN_MAX 4096

/* Always on the stack of the function that logs in, and cleared before it returns. */
struct pin {
	unsigned char value[PIN_MAX + 2]; /* room for the line end, and to notice one that is too long */
	size_t len;
	char *source; /* names the place that it came from, "file:/etc/nfs/pin", and so which PIN it is */
};

/*
 * Find the PIN: the one that a person gave, else that of the pin-source, else that of the systemd credential
 * nfstls.<identity>.pin, else that of the key nfs:x509:<identity>:pin. A source that is there and cannot be used is an
 * error, and no reason to go on to the next.
 * Errors: NFSTLS_E_PIN_NEEDED where there is no source, NFSTLS_E_PIN_SOURCE, NFSTLS_E_MEMORY.
 */
int pin_find(const char *pin_source, const struct nfstls_access *access, struct pin *pin, struct nfstls_diag *diag);

/*
 * Read the PIN that a pin-source names (RFC 7512 section 2.4): a path, "file:" in front or not. The file must be
 * regular and no link, owned by root and closed to everybody else; one line end after the PIN does not count; it has
 * at most PIN_MAX bytes. A process of another user may use files of its own (the tests do).
 * Errors: NFSTLS_E_PIN_SOURCE, NFSTLS_E_MEMORY.
 */
int pin_read(const char *source, struct pin *pin, struct nfstls_diag *diag);

/*
 * The absolute path that a pin-source names, within its text; NULL: none. RFC 8089: file:/path and file:///path are the
 * same file; any other host is not ours.
 */
const char *pin_path(const char *source);

/* Wipe and release. */
void pin_clear(struct pin *pin);

#endif
