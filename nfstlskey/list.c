/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libsmartcols.h>

#include "command.h"

enum column { COL_NAME, COL_KEY, COL_TYPE, COL_SUBJECT, COL_EXPIRES, COL_COUNT };

static const char *const column_names[COL_COUNT] = {
	[COL_NAME] = "NAME",	   [COL_KEY] = "KEY",	      [COL_TYPE] = "TYPE",
	[COL_SUBJECT] = "SUBJECT", [COL_EXPIRES] = "EXPIRES",
};

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

/* libsmartcols takes the text over; without one the cell stays empty. */
static void set_cell(struct libscols_line *line, enum column column, char *text)
{
	if (text)
		scols_line_refer_data(line, column, text);
}

static void describe_certificate(struct libscols_line *line, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t cert;

	if (gnutls_x509_crt_init(&cert) < 0)
		return;
	if (gnutls_x509_crt_import(cert, der, GNUTLS_X509_FMT_DER) == 0) {
		set_cell(line, COL_TYPE, key_type(cert));
		set_cell(line, COL_SUBJECT, subject(cert));
		set_cell(line, COL_EXPIRES, expiry(cert));
	}
	gnutls_x509_crt_deinit(cert);
}

/* Where the private key lives: "token LABEL", or the keyring itself. */
static char *key_place(const gnutls_datum_t *payload)
{
	char *label, *text = NULL;

	if (!nfstls_handle_detect(payload))
		return strdup("keyring");
	if (nfstls_handle_token(payload, &label) < 0)
		return strdup("unreadable handle");
	if (asprintf(&text, "token %s", label) < 0)
		text = NULL;
	free(label);
	return text;
}

static int describe(struct libscols_table *table, const char *name, const struct identity_keys *keys)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	struct material material = { .part = { { NULL, 0 } } };

	if (!line)
		return -ENOMEM;
	set_cell(line, COL_NAME, strdup(name));
	/* A part that is missing, or that vanished just now, leaves its cells empty. */
	if (keys->serial[PART_CERT] > 0 && keyring_read(keys->serial[PART_CERT], &material.part[PART_CERT]) == 0)
		describe_certificate(line, &material.part[PART_CERT]);
	if (keys->serial[PART_PRIVKEY] > 0 &&
	    keyring_read(keys->serial[PART_PRIVKEY], &material.part[PART_PRIVKEY]) == 0)
		set_cell(line, COL_KEY, key_place(&material.part[PART_PRIVKEY]));
	material_clear(&material);
	return 0;
}

static int print_list(const struct arguments *args, const struct identity_list *list)
{
	struct libscols_table *table = scols_new_table();
	int ret = table ? 0 : -ENOMEM;

	for (int column = 0; ret == 0 && column < COL_COUNT; column++)
		if (!scols_table_new_column(table, column_names[column], 0, 0))
			ret = -ENOMEM;
	if (ret == 0) {
		scols_table_set_name(table, "identities");
		scols_table_enable_json(table, args->json);
		scols_table_enable_noheadings(table, args->no_headings);
	}
	for (size_t i = 0; ret == 0 && i < list->count; i++)
		ret = describe(table, list->names[i], &list->keys[i]);
	/* An empty table prints nothing at all, which is no JSON. */
	if (ret == 0 && list->count == 0 && args->json)
		puts("{\n   \"identities\": []\n}");
	else if (ret == 0)
		ret = scols_print_table(table);
	scols_unref_table(table);
	return ret;
}

enum exit_code cmd_list(const struct arguments *args)
{
	struct identity_list list;
	struct keyring keyring;
	enum exit_code code;
	int ret;

	code = open_keyring(NULL, false, &keyring);
	if (code != EXIT_OK)
		return code;
	ret = keyring_list(&keyring, &list);
	if (ret < 0)
		return fail_errno(NULL, -ret, "listing the .nfs keyring");
	ret = print_list(args, &list);
	identity_list_clear(&list);
	return ret < 0 ? fail_errno(NULL, -ret, "printing the list") : EXIT_OK;
}
