/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificate and key files. */
#ifndef FILE_H
#define FILE_H

#include <gnutls/x509.h>

#include "report.h"

/* The certificates of a PEM or DER file, in its order. */
struct cert_list {
	gnutls_x509_crt_t *certs;
	unsigned int count;
};

/* Each of these has said what is wrong when it does not return EXIT_OK. */
enum exit_code file_read_certs(const char *identity, const char *path, struct cert_list *list);
void cert_list_clear(struct cert_list *list);

/*
 * A private key file: *handle gets the token handle of a "PKCS#11 PROVIDER URI" PEM, or *key the private key of a PEM
 * or DER file; the other one stays empty. The bytes of the file are wiped.
 */
enum exit_code file_read_key(const char *identity, const char *path, gnutls_datum_t *handle,
			     gnutls_x509_privkey_t *key);

#endif
