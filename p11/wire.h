/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages between a process and its agent: fields one after the other, each with its length in front, in the byte
 * order of the machine. What is read is not trusted: an agent runs foreign code.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

/* No list of tokens or certificates comes near it; it bounds what an agent gone wild can make us allocate. */
#define WIRE_MAX (16 * 1024 * 1024)

/* Start from WIRE_INIT, release with wire_clear(). */
struct wire {
	gnutls_datum_t bytes;
	unsigned int room; /* of bytes, for what is put; 0 in a message that was received */
	unsigned int next; /* the first byte that was not read yet */
	bool broken;	   /* out of memory, or a read went past the end or met another size */
};

#define WIRE_INIT                                                                                                      \
	{                                                                                                              \
		.bytes = { NULL, 0 }                                                                                   \
	}

void wire_clear(struct wire *wire);

/* Errors stay in wire->broken, so that a message is written or read whole and asked about once. */
void wire_put(struct wire *wire, const void *data, size_t size);
void wire_put_number(struct wire *wire, uint32_t number);
void wire_put_text(struct wire *wire, const char *text); /* NULL is the same as "" */

/* All of another message, as it stands. */
void wire_append(struct wire *wire, const struct wire *other);

/* *data points into the message. */
void wire_get(struct wire *wire, gnutls_datum_t *data);
uint32_t wire_get_number(struct wire *wire);
/* A copy: a string for free(), never NULL but where the message is broken; data for gnutls_free(), NULL when empty. */
char *wire_get_text(struct wire *wire);
void wire_get_copy(struct wire *wire, gnutls_datum_t *data);

/* How every answer begins: an enum nfstls_error or 0, and on an error what a person needs to know. */
void wire_put_outcome(struct wire *wire, int error, const struct nfstls_diag *diag);
int wire_get_outcome(struct wire *wire, struct nfstls_diag *diag);

#endif
