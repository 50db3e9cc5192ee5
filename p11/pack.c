/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An identity in one piece: its certificate, its private key and its intermediates, one after the other. */
#include "config.h"

#include <string.h>

#include "bytes.h"
#include "nfstls-p11.h"

int nfstls_keys_pack(const struct nfstls_keys *keys, gnutls_datum_t *next)
{
	const gnutls_datum_t *parts[] = { &keys->cert, &keys->privkey, &keys->chain };
	gnutls_datum_t packed = { NULL, keys->cert.size + keys->privkey.size + keys->chain.size };
	unsigned char *end;

	end = packed.data = gnutls_malloc(packed.size);
	if (!packed.data)
		return NFSTLS_E_MEMORY;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i]->size > 0)
			memcpy(end, parts[i]->data, parts[i]->size);
		end += parts[i]->size;
	}
	*next = packed;
	return 0;
}

int nfstls_keys_unpack(const gnutls_datum_t *next, struct nfstls_keys *keys)
{
	struct nfstls_keys unpacked = { .identity.name = NULL };
	gnutls_datum_t cert, privkey, chain = *next;
	int ret;

	if (nfstls_chain_next(&chain, &cert) < 0 || nfstls_chain_next(&chain, &privkey) < 0 || privkey.size == 0)
		return NFSTLS_E_KEYRING;
	ret = bytes_copy(&cert, &unpacked.cert);
	if (ret == 0)
		ret = bytes_copy(&privkey, &unpacked.privkey);
	if (ret == 0)
		ret = bytes_copy(&chain, &unpacked.chain);
	if (ret < 0) {
		nfstls_keys_clear(&unpacked);
		return ret;
	}
	keys->cert = unpacked.cert;
	keys->privkey = unpacked.privkey;
	keys->chain = unpacked.chain;
	return 0;
}

void nfstls_keys_clear(struct nfstls_keys *keys)
{
	nfstls_identity_clear(&keys->identity);
	bytes_wipe(&keys->cert);
	bytes_wipe(&keys->privkey);
	bytes_wipe(&keys->chain);
}
