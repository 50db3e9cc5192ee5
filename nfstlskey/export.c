/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An identity as PEM, for OpenSSL and its pkcs11-provider; a private key stays where it is. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static int print_pem(const char *label, const gnutls_datum_t *der)
{
	gnutls_datum_t pem;

	if (gnutls_pem_base64_encode2(label, der, &pem) < 0)
		return NFSTLS_E_MEMORY;
	fwrite(pem.data, 1, pem.size, stdout);
	gnutls_free(pem.data);
	return 0;
}

static int print_keys(const struct nfstls_keys *keys)
{
	gnutls_datum_t rest = keys->chain, cert;
	int ret = print_pem("CERTIFICATE", &keys->cert);

	while (ret == 0) {
		ret = nfstls_chain_next(&rest, &cert);
		if (ret < 0 || cert.size == 0)
			break;
		ret = print_pem("CERTIFICATE", &cert);
	}
	if (ret == 0 && nfstls_handle_detect(&keys->privkey))
		ret = print_pem(NFSTLS_HANDLE_PEM_LABEL, &keys->privkey);
	return ret;
}

enum exit_code cmd_export(const struct arguments *args)
{
	struct nfstls_keys keys = { .identity.name = NULL };
	struct identity_keys serials;
	struct keyring keyring;
	enum exit_code code = open_identity(args->identity, false, &keyring, &serials);
	int ret;

	if (code != EXIT_OK)
		return code;
	keys.identity = (struct nfstls_identity){ strdup(args->identity), keyring.serial };
	ret = keys.identity.name ? nfstls_keys_load(&keys) : NFSTLS_E_MEMORY;
	if (ret == 0 && keys.cert.size == 0)
		code = fail(EXIT_NOT_FOUND, args->identity, "it has no certificate; use nfstlskey update");
	else if (ret == 0)
		ret = print_keys(&keys);
	if (ret < 0)
		code = fail_p11(args->identity, ret, NULL);
	if (code == EXIT_OK && !nfstls_handle_detect(&keys.privkey))
		warn(args->identity, "its private key is on the keyring, and is not exported");
	nfstls_keys_clear(&keys);
	return code;
}
