/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

/* Enough for most messages. */
#define FIRST_ROOM 256

void wire_clear(struct wire *wire)
{
	/* a PIN may have passed */
	if (wire->bytes.data)
		explicit_bzero(wire->bytes.data, wire->bytes.size);
	gnutls_free(wire->bytes.data);
	*wire = (struct wire)WIRE_INIT;
}

/*
 * To twice what is needed, or many small fields would have all of it copied again and again. Not gnutls_realloc(),
 * which leaves copies.
 */
static bool grow(struct wire *wire, size_t size)
{
	struct wire grown = { .next = wire->next, .room = 2 * (wire->bytes.size + size) + FIRST_ROOM };

	grown.bytes.data = gnutls_malloc(grown.room);
	if (!grown.bytes.data)
		return false;
	grown.bytes.size = wire->bytes.size;
	if (wire->bytes.size > 0)
		memcpy(grown.bytes.data, wire->bytes.data, wire->bytes.size);
	wire_clear(wire);
	*wire = grown;
	return true;
}

static void append(struct wire *wire, const void *data, size_t size)
{
	if (wire->broken || size > WIRE_MAX - wire->bytes.size ||
	    (wire->bytes.size + size > wire->room && !grow(wire, size))) {
		wire->broken = true;
		return;
	}
	if (size > 0)
		memcpy(wire->bytes.data + wire->bytes.size, data, size);
	wire->bytes.size += size;
}

void wire_put(struct wire *wire, const void *data, size_t size)
{
	uint32_t length = size;

	append(wire, &length, sizeof(length));
	append(wire, data, size);
}

void wire_put_number(struct wire *wire, uint32_t number)
{
	wire_put(wire, &number, sizeof(number));
}

void wire_put_text(struct wire *wire, const char *text)
{
	wire_put(wire, text, text ? strlen(text) : 0);
}

void wire_append(struct wire *wire, const struct wire *other)
{
	append(wire, other->bytes.data, other->bytes.size);
	wire->broken |= other->broken;
}

void wire_get(struct wire *wire, gnutls_datum_t *data)
{
	unsigned int left = wire->bytes.size - wire->next;
	uint32_t length;

	*data = (gnutls_datum_t){ NULL, 0 };
	if (wire->broken || left < sizeof(length)) {
		wire->broken = true;
		return;
	}
	memcpy(&length, wire->bytes.data + wire->next, sizeof(length));
	if (length > left - sizeof(length)) {
		wire->broken = true;
		return;
	}
	*data = (gnutls_datum_t){ wire->bytes.data + wire->next + sizeof(length), length };
	wire->next += sizeof(length) + length;
}

uint32_t wire_get_number(struct wire *wire)
{
	gnutls_datum_t data;
	uint32_t number = 0;

	wire_get(wire, &data);
	if (data.size == sizeof(number))
		memcpy(&number, data.data, sizeof(number));
	else
		wire->broken = true;
	return number;
}

char *wire_get_text(struct wire *wire)
{
	gnutls_datum_t data;
	char *text;

	wire_get(wire, &data);
	if (wire->broken)
		return NULL;
	text = data.size > 0 ? strndup((const char *)data.data, data.size) : strdup("");
	if (!text)
		wire->broken = true;
	return text;
}

void wire_get_copy(struct wire *wire, gnutls_datum_t *data)
{
	gnutls_datum_t found;

	wire_get(wire, &found);
	*data = (gnutls_datum_t){ NULL, 0 };
	if (found.size == 0)
		return;
	data->data = gnutls_malloc(found.size);
	if (!data->data) {
		wire->broken = true;
		return;
	}
	memcpy(data->data, found.data, found.size);
	data->size = found.size;
}

void wire_put_outcome(struct wire *wire, int error, const struct nfstls_diag *diag)
{
	wire_put_number(wire, -error);
	if (error == 0)
		return;
	wire_put_text(wire, diag->text);
	wire_put_text(wire, diag->candidates);
}

int wire_get_outcome(struct wire *wire, struct nfstls_diag *diag)
{
	uint32_t number = wire_get_number(wire);
	char *text, *candidates;
	int error;

	if (number > INT_MAX)
		wire->broken = true;
	if (number == 0 || wire->broken)
		return wire->broken ? NFSTLS_E_MODULE_CRASHED : 0;
	error = -(int)number;
	text = wire_get_text(wire);
	candidates = wire_get_text(wire);
	if (wire->broken) {
		error = NFSTLS_E_MODULE_CRASHED;
	} else {
		diag_set(diag, error, "%s", text);
		if (diag && candidates[0]) {
			diag->candidates = candidates;
			candidates = NULL;
		}
	}
	free(text);
	free(candidates);
	return error;
}
