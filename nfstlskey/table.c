/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"

struct libscols_table *table_new(const char *name, const char *const *columns, size_t count,
				 const struct arguments *args)
{
	struct libscols_table *table = scols_new_table();

	for (size_t i = 0; table && i < count; i++) {
		if (scols_table_new_column(table, columns[i], 0, 0))
			continue;
		scols_unref_table(table);
		table = NULL;
	}
	if (table) {
		scols_table_set_name(table, name);
		scols_table_enable_json(table, args->json);
		scols_table_enable_noheadings(table, args->no_headings);
	}
	return table;
}

void table_set(struct libscols_line *line, size_t column, char *text)
{
	if (text)
		scols_line_refer_data(line, column, text);
}

/* "RSA-2048", "P-256", "Ed25519": what people call the key. */
static char *key_type(gnutls_x509_crt_t cert)
{
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
	unsigned int bits = 0;
	int algorithm = gnutls_x509_crt_get_pk_algorithm(cert, &bits);
	char *text = NULL;

	if (algorithm == GNUTLS_PK_ECDSA)
		gnutls_x509_crt_get_pk_ecc_raw(cert, &curve, NULL, NULL);
	switch (curve) {
	case GNUTLS_ECC_CURVE_SECP256R1:
		return strdup("P-256");
	case GNUTLS_ECC_CURVE_SECP384R1:
		return strdup("P-384");
	case GNUTLS_ECC_CURVE_SECP521R1:
		return strdup("P-521");
	default:
		break;
	}
	if (algorithm == GNUTLS_PK_EDDSA_ED25519)
		return strdup("Ed25519");
	return asprintf(&text, "%s-%u", gnutls_pk_get_name(algorithm), bits) < 0 ? NULL : text;
}

static char *subject(gnutls_x509_crt_t cert)
{
	gnutls_datum_t dn;
	char *text;

	if (gnutls_x509_crt_get_dn3(cert, &dn, 0) < 0)
		return NULL;
	text = strndup((const char *)dn.data, dn.size);
	gnutls_free(dn.data);
	return text;
}

static char *expiry(gnutls_x509_crt_t cert)
{
	time_t until = gnutls_x509_crt_get_expiration_time(cert);
	char date[32];

	if (until == (time_t)-1 || !strftime(date, sizeof(date), "%FT%TZ", gmtime(&until)))
		return NULL;
	return strdup(date);
}

void table_set_certificate(struct libscols_line *line, size_t column, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t cert;

	if (gnutls_x509_crt_init(&cert) < 0)
		return;
	if (gnutls_x509_crt_import(cert, der, GNUTLS_X509_FMT_DER) == 0) {
		table_set(line, column, key_type(cert));
		table_set(line, column + 1, subject(cert));
		table_set(line, column + 2, expiry(cert));
	}
	gnutls_x509_crt_deinit(cert);
}

int table_print(struct libscols_table *table, const char *name)
{
	/* An empty table prints nothing at all, which is no JSON. */
	if (scols_table_is_empty(table) && scols_table_is_json(table)) {
		printf("{\n   \"%s\": []\n}\n", name);
		return 0;
	}
	return scols_print_table(table);
}
