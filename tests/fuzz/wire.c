/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an agent, in which foreign code runs, may send: nothing is read that is not there. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire.h"

static void check_inside(const struct wire *wire, const gnutls_datum_t *data)
{
	must_hold(wire->next <= wire->bytes.size);
	must_hold(data->size == 0 || (data->data >= wire->bytes.data &&
				      data->size <= (size_t)(wire->bytes.data + wire->next - data->data)));
}

static void read_field(struct wire *wire, uint8_t kind)
{
	gnutls_datum_t data = { NULL, 0 };
	bool was_broken = wire->broken;
	char *text;

	switch (kind % 4) {
	case 0:
		wire_get(wire, &data);
		check_inside(wire, &data);
		break;
	case 1:
		must_hold(wire_get_number(wire) == 0 || !was_broken);
		break;
	case 2:
		text = wire_get_text(wire);
		must_hold(!text == wire->broken);
		free(text);
		break;
	case 3:
		wire_get_copy(wire, &data);
		must_hold(!wire->broken || !data.data);
		gnutls_free(data.data);
		break;
	}
	must_hold(wire->broken || !was_broken);
}

static void read_outcome(struct wire *wire)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	int error = wire_get_outcome(wire, &diag);

	must_hold(error <= 0);
	must_hold(error < 0 || (!diag.text[0] && !diag.candidates));
	must_hold(error < 0 || !wire->broken);
	must_hold(nfstls_strerror(error)[0]);
	nfstls_diag_clear(&diag);
}

/* What was put is what is got. */
static void check_returns(const uint8_t *data, size_t size)
{
	struct wire wire = WIRE_INIT;
	gnutls_datum_t got;

	wire_put(&wire, data, size);
	wire_put_number(&wire, size);
	must_hold(!wire.broken);
	wire_get(&wire, &got);
	must_hold(fuzz_equal(&got, &(gnutls_datum_t){ (unsigned char *)data, size }));
	must_hold(wire_get_number(&wire) == size && !wire.broken);
	wire_clear(&wire);
}

/* The first byte says how many kinds of fields follow, which are read from the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t kinds = size > 0 && data[0] < size ? data[0] % 16 : 0, start = size > 0 ? kinds + 1 : 0;
	struct wire wire = WIRE_INIT;

	if (start > size)
		return 0;
	wire.bytes = (gnutls_datum_t){ gnutls_malloc(size - start), size - start };
	if (size > start)
		memcpy(wire.bytes.data, data + start, size - start);
	for (size_t i = 0; i < kinds; i++)
		read_field(&wire, data[1 + i]);
	read_outcome(&wire);
	wire_clear(&wire);
	check_returns(data, size);
	return 0;
}
