/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An identity in one piece, as it stands in nfs:x509:<identity>:next: what is taken apart is put together the same. */
#include "config.h"

#include "fuzz.h"

static void check_parts(const struct nfstls_keys *keys, const gnutls_datum_t *next)
{
	gnutls_datum_t again;

	must_hold(keys->cert.size > 0 && keys->privkey.size > 0);
	must_hold(nfstls_keys_pack(keys, &again) == 0);
	must_hold(fuzz_equal(&again, next));
	gnutls_free(again.data);
}

/* Each step takes something, up to the end or to what is none. */
static void walk(gnutls_datum_t rest)
{
	gnutls_datum_t cert = { NULL, 1 };

	while (cert.size > 0) {
		const gnutls_datum_t before = rest;

		if (nfstls_chain_next(&rest, &cert) < 0)
			return;
		must_hold(cert.size + rest.size == before.size);
		must_hold(cert.size == 0 || cert.data == before.data);
	}
	must_hold(rest.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const gnutls_datum_t next = { (unsigned char *)data, size };
	struct nfstls_keys keys = { .identity.name = NULL };

	if (nfstls_keys_unpack(&next, &keys) == 0)
		check_parts(&keys, &next);
	else
		must_hold(!keys.cert.data && !keys.privkey.data && !keys.chain.data);
	nfstls_keys_clear(&keys);
	walk(next);
	return 0;
}
