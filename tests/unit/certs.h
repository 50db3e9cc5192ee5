/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys in memory, and certificates for them and for any other public key. */
#ifndef CERTS_H
#define CERTS_H

#include <stdbool.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

/* Bits, or GNUTLS_CURVE_TO_BITS(). */
gnutls_privkey_t key_make(gnutls_pk_algorithm_t algorithm, unsigned int bits);
gnutls_pubkey_t key_public(gnutls_privkey_t key);

/* Somebody who issues certificates. */
struct authority {
	gnutls_x509_crt_t cert;
	gnutls_privkey_t key;
};

/* Self-signed where there is no issuer. */
void authority_make(struct authority *authority, const char *name, const struct authority *issuer);
void authority_clear(struct authority *authority);

/* A certificate that is valid today, for this key. With the key of an authority under its name it cross-signs. */
gnutls_x509_crt_t cert_issue(const char *name, gnutls_pubkey_t key, const struct authority *issuer, bool is_ca);

/* A leaf for a private key in memory. */
gnutls_x509_crt_t cert_for(const char *name, gnutls_privkey_t key, const struct authority *issuer);

/* Release with gnutls_free(). */
gnutls_datum_t cert_der(gnutls_x509_crt_t cert);

#endif
