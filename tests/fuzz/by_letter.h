/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PKCS#11 URIs as another reader finds them, by the letter of RFC 7512 and without p11-kit: what ours is held against.
 */
#ifndef BY_LETTER_H
#define BY_LETTER_H

#include <stddef.h>

/* One attribute of a URI that was accepted: that has no more than BY_LETTER_MAX bytes, and all in their places. */
#define BY_LETTER_MAX 4096
struct reading {
	const char *name; /* for the caller to set: as the RFC has it, no alias */
	unsigned char value[BY_LETTER_MAX];
	size_t size;
	unsigned int count; /* 0: it is not there */
};

/* That it is there twice is a finding. */
void read_by_letter(const char *text, struct reading *reading);

#endif
