/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cert_text.h"

#define DAY_S (24 * 60 * 60)

gnutls_x509_crt_t cert_read(const gnutls_datum_t *der)
{
	gnutls_x509_crt_t cert;

	if (gnutls_x509_crt_init(&cert) < 0)
		return NULL;
	if (gnutls_x509_crt_import(cert, der, GNUTLS_X509_FMT_DER) == 0)
		return cert;
	gnutls_x509_crt_deinit(cert);
	return NULL;
}

/* From the number of bits that GnuTLS gives a curve: to ask it for the curve has it read the whole key. */
static const char *curve_name(unsigned int bits)
{
	static const struct {
		gnutls_ecc_curve_t curve;
		const char *name;
	} curves[] = {
		{ GNUTLS_ECC_CURVE_SECP256R1, "P-256" },
		{ GNUTLS_ECC_CURVE_SECP384R1, "P-384" },
		{ GNUTLS_ECC_CURVE_SECP521R1, "P-521" },
	};

	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (bits == 8U * gnutls_ecc_curve_get_size(curves[i].curve))
			return curves[i].name;
	return NULL;
}

char *cert_key_type(gnutls_x509_crt_t cert)
{
	unsigned int bits = 0;
	int algorithm = gnutls_x509_crt_get_pk_algorithm(cert, &bits);
	const char *name = NULL;
	char *text = NULL;

	if (algorithm == GNUTLS_PK_ECDSA)
		name = curve_name(bits);
	else if (algorithm == GNUTLS_PK_EDDSA_ED25519)
		name = "Ed25519";
	if (name)
		return strdup(name);
	return asprintf(&text, "%s-%u", gnutls_pk_get_name(algorithm), bits) < 0 ? NULL : text;
}

static char *take_text(int ret, gnutls_datum_t *dn)
{
	char *text;

	if (ret < 0)
		return NULL;
	text = strndup((const char *)dn->data, dn->size);
	gnutls_free(dn->data);
	return text;
}

char *cert_subject(gnutls_x509_crt_t cert)
{
	gnutls_datum_t dn;

	return take_text(gnutls_x509_crt_get_dn3(cert, &dn, 0), &dn);
}

char *cert_issuer(gnutls_x509_crt_t cert)
{
	gnutls_datum_t dn;

	return take_text(gnutls_x509_crt_get_issuer_dn3(cert, &dn, 0), &dn);
}

/* One name, with its kind in front. Others than these, such as directory names, are for openssl x509. */
static char *san(int kind, const char *value, size_t size)
{
	char address[INET6_ADDRSTRLEN], *text;
	const char *word = NULL;

	if (kind == GNUTLS_SAN_DNSNAME)
		word = "DNS";
	else if (kind == GNUTLS_SAN_RFC822NAME)
		word = "email";
	else if (kind == GNUTLS_SAN_URI)
		word = "URI";
	else if (kind == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
		word = "IP";
		value = inet_ntop(size == 4 ? AF_INET : AF_INET6, value, address, sizeof(address));
		size = value ? strlen(value) : 0;
	}
	if (!word || asprintf(&text, "%s:%*s", word, (int)size, "") < 0)
		return NULL;
	/* a NUL must not end it, or it looks like another name */
	for (char *p = text + strlen(word) + 1; size > 0; size--, p++, value++)
		*p = *value ? *value : '?';
	return text;
}

static char *join(char *list, char *word)
{
	char *joined = NULL;

	if (!list || !word)
		return list ? list : word;
	if (asprintf(&joined, "%s,%s", list, word) < 0)
		joined = NULL;
	free(list);
	free(word);
	return joined;
}

char *cert_sans(gnutls_x509_crt_t cert)
{
	char value[1024], *list = NULL;

	for (unsigned int i = 0;; i++) {
		size_t size = sizeof(value);
		int kind = gnutls_x509_crt_get_subject_alt_name(cert, i, value, &size, NULL);

		if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return list;
		if (kind >= 0)
			list = join(list, san(kind, value, size));
		else if (kind != GNUTLS_E_SHORT_MEMORY_BUFFER)
			return list;
	}
}

char *cert_expiry(gnutls_x509_crt_t cert)
{
	time_t until = gnutls_x509_crt_get_expiration_time(cert);
	char date[32];

	if (until == (time_t)-1 || !strftime(date, sizeof(date), "%FT%TZ", gmtime(&until)))
		return NULL;
	return strdup(date);
}

char *cert_days_left(gnutls_x509_crt_t cert)
{
	time_t until = gnutls_x509_crt_get_expiration_time(cert);
	long left = until - time(NULL), days = left / DAY_S;
	char *text;

	if (until == (time_t)-1)
		return NULL;
	if (left < 0 && left % DAY_S)
		days--;
	return asprintf(&text, "%ld", days) < 0 ? NULL : text;
}
