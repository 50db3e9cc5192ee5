/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a certificate says, in the words of a table. Each text is for free(); NULL where the certificate does not say.
 */
#ifndef CERT_TEXT_H
#define CERT_TEXT_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* A DER certificate for gnutls_x509_crt_deinit(); NULL: it cannot be read, and errno tells whether that is ENOMEM. */
gnutls_x509_crt_t cert_read(const gnutls_datum_t *der);

/* "RSA-2048", "P-256", "Ed25519": what people call the key. */
char *cert_key_type(gnutls_x509_crt_t cert);

/* RFC 4514, as GnuTLS prints it. */
char *cert_subject(gnutls_x509_crt_t cert);
char *cert_issuer(gnutls_x509_crt_t cert);

/* "DNS:client.example,IP:192.0.2.1": the names, addresses and URIs among the subject alternative names. */
char *cert_sans(gnutls_x509_crt_t cert);

/* "2027-11-24T13:00:00Z" */
char *cert_expiry(gnutls_x509_crt_t cert);

/* Whole days from now until then; negative when it is over. */
char *cert_days_left(gnutls_x509_crt_t cert);

#endif
