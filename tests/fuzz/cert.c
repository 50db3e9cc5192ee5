/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates in DER, one after the other: what they say, and which leads to which. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cert_text.h"
#include "fuzz.h"

#define CERTS_MAX 8

/* Read to its end, and taken over. */
static void check_text(char *text)
{
	must_hold(!text || strlen(text) < 65536);
	free(text);
}

/* Each name is shown whole; a NUL in it does not end it. */
static void check_sans(gnutls_x509_crt_t cert)
{
	char *text = cert_sans(cert), value[1024 + 1];
	int kind = 0;

	for (unsigned int i = 0; kind >= 0 || kind == GNUTLS_E_SHORT_MEMORY_BUFFER; i++) {
		size_t size = sizeof(value) - 1;

		kind = gnutls_x509_crt_get_subject_alt_name(cert, i, value, &size, NULL);
		if (kind != GNUTLS_SAN_DNSNAME && kind != GNUTLS_SAN_RFC822NAME && kind != GNUTLS_SAN_URI)
			continue;
		for (size_t j = 0; j < size; j++)
			value[j] = value[j] ? value[j] : '?';
		value[size] = '\0';
		must_hold(text && strstr(text, value));
	}
	free(text);
}

static void check_cert(gnutls_x509_crt_t cert)
{
	gnutls_sign_algorithm_t schemes[NFSTLS_SCHEMES_MAX];
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned int count = 0;
	int ret = nfstls_cert_schemes(cert, schemes, &count, &diag);

	must_hold(count <= NFSTLS_SCHEMES_MAX);
	must_hold(ret == 0 || (count == 0 && diag.text[0]));
	nfstls_diag_clear(&diag);
	check_text(cert_key_type(cert));
	check_text(cert_subject(cert));
	check_text(cert_issuer(cert));
	check_sans(cert);
	check_text(cert_expiry(cert));
	check_text(cert_days_left(cert));
}

static unsigned int read_certs(gnutls_datum_t rest, gnutls_x509_crt_t *certs)
{
	unsigned int count = 0, before = rest.size;
	gnutls_datum_t der;

	while (count < CERTS_MAX && nfstls_chain_next(&rest, &der) == 0 && der.size > 0) {
		must_hold(der.size + rest.size == before);
		before = rest.size;
		certs[count] = cert_read(&der);
		count += certs[count] != NULL;
	}
	return count;
}

static void check_chain(const gnutls_x509_crt_t *certs, unsigned int count)
{
	gnutls_datum_t chain = { NULL, 0 }, rest, der;
	unsigned int length = 0;

	if (nfstls_chain_build(certs[0], certs + 1, count - 1, &chain) < 0) {
		must_hold(!chain.data);
		return;
	}
	/* each at most once */
	for (rest = chain; nfstls_chain_next(&rest, &der) == 0 && der.size > 0;)
		length++;
	must_hold(rest.size == 0 && length < count);
	gnutls_free(chain.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gnutls_x509_crt_t certs[CERTS_MAX];
	unsigned int count = read_certs((gnutls_datum_t){ (unsigned char *)data, size }, certs);

	if (count > 0)
		check_chain(certs, count);
	for (unsigned int i = 0; i < count; i++) {
		check_cert(certs[i]);
		gnutls_x509_crt_deinit(certs[i]);
	}
	return 0;
}
