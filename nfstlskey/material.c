/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>

#include "checks.h"
#include "material.h"

/* What is checked is what the keyring will hold, and a key on a token is opened as tlshd will open it. */
static enum exit_code preflight(const char *identity, const struct material *material,
				const struct nfstls_access *access, struct nfstls_key_info *info)
{
	const struct check_request request = { .material = material, .access = access, .anchor = ANCHOR_NONE };
	struct findings findings;
	enum exit_code code;

	checks_run(&request, &findings, info);
	code = findings_report(identity, &findings);
	findings_clear(&findings);
	return code;
}

static enum exit_code find_token_key(const char *identity, const char *uri, const struct nfstls_access *access,
				     const struct cert_list *certs, struct material *material)
{
	struct nfstls_token_key found = { .uri = NULL };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	enum exit_code code = EXIT_OK;
	int ret;

	ret = nfstls_token_key_find(uri, access, certs->certs, certs->count, &found, &diag);
	if (ret == 0)
		ret = nfstls_handle_encode(found.uri, &material->part[PART_PRIVKEY]);
	if (ret < 0) {
		code = fail_p11(identity, ret, &diag);
	} else {
		material->part[PART_CERT] = found.cert;
		material->part[PART_CHAIN] = found.chain;
		found.cert.data = found.chain.data = NULL;
	}
	nfstls_token_key_clear(&found);
	nfstls_diag_clear(&diag);
	return code;
}

/* A PIN that was entered goes onto the keyring if the token wanted it. */
static enum exit_code load_token_with_pin(const char *identity, const char *uri, const struct pin_choice *choice,
					  const struct cert_list *certs, struct material *material)
{
	struct nfstls_identity name = { (char *)identity, 0 };
	struct nfstls_access access = { .identity = &name, .by_person = true };
	struct nfstls_key_info info;
	gnutls_datum_t pin = { NULL, 0 };
	enum exit_code code = pin_enter(identity, choice, &pin);

	if (code != EXIT_OK)
		return code;
	if (pin.size > 0)
		access.pin = &pin;
	code = find_token_key(identity, uri, &access, certs, material);
	if (code == EXIT_OK)
		code = preflight(identity, material, &access, &info);
	if (code == EXIT_OK && pin.size > 0 && info.pin_id[0]) {
		material->part[PART_PIN] = pin;
		material->pin_timeout = choice->timeout;
		pin = (gnutls_datum_t){ NULL, 0 };
	}
	datum_wipe(&pin);
	return code;
}

static enum exit_code load_token(const char *identity, const char *uri, const struct pin_choice *choice,
				 const struct cert_list *certs, struct material *material)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	enum exit_code code;
	char *with_file;
	int ret;

	if (!choice->file)
		return load_token_with_pin(identity, uri, choice, certs, material);
	ret = nfstls_uri_with_pin_file(uri, choice->file, &with_file, &diag);
	if (ret < 0) {
		code = fail_p11(identity, ret, &diag);
		nfstls_diag_clear(&diag);
		return code;
	}
	code = load_token_with_pin(identity, with_file, choice, certs, material);
	free(with_file);
	return code;
}

/* The certificate of the list that belongs to a key, and the chain that leads on from it. */
static int choose_certificate(gnutls_privkey_t key, const struct cert_list *certs, struct material *material,
			      struct nfstls_diag *diag)
{
	unsigned int leaf;
	int ret = nfstls_cert_match(key, certs->certs, certs->count, &leaf, diag);

	if (ret < 0)
		return ret;
	if (gnutls_x509_crt_export2(certs->certs[leaf], GNUTLS_X509_FMT_DER, &material->part[PART_CERT]) < 0)
		return NFSTLS_E_CERT;
	return nfstls_chain_build(certs->certs[leaf], certs->certs, certs->count, &material->part[PART_CHAIN]);
}

static int open_key(gnutls_privkey_t key, const gnutls_datum_t *privkey, const struct nfstls_access *access,
		    struct nfstls_diag *diag)
{
	if (nfstls_handle_detect(privkey))
		return nfstls_privkey_import_handle(key, privkey, access, NULL, diag);
	return gnutls_privkey_import_x509_raw(key, privkey, GNUTLS_X509_FMT_DER, NULL, 0) < 0 ? NFSTLS_E_KEYFILE : 0;
}

/* With material->part[PART_PRIVKEY] there already: see which certificate is for it. */
static enum exit_code add_certificate(const char *identity, const struct nfstls_access *access,
				      const struct cert_list *certs, struct material *material)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	struct nfstls_key_info info;
	enum exit_code code;
	gnutls_privkey_t key;
	int ret;

	if (gnutls_privkey_init(&key) < 0)
		return fail_p11(identity, NFSTLS_E_MEMORY, NULL);
	ret = open_key(key, &material->part[PART_PRIVKEY], access, &diag);
	if (ret == 0)
		ret = choose_certificate(key, certs, material, &diag);
	gnutls_privkey_deinit(key);
	code = ret < 0 ? fail_p11(identity, ret, &diag) : preflight(identity, material, access, &info);
	nfstls_diag_clear(&diag);
	return code;
}

static enum exit_code load_files(const char *identity, gnutls_x509_privkey_t key, const struct cert_list *certs,
				 struct material *material)
{
	if (gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN,
					      &material->part[PART_PRIVKEY]) < 0)
		return fail_p11(identity, NFSTLS_E_KEYFILE, NULL);
	return add_certificate(identity, NULL, certs, material);
}

/* A handle from a PEM file is a URI that has still to be resolved: to one key, by one module. */
static enum exit_code load_handle(const char *identity, const gnutls_datum_t *handle, const struct pin_choice *choice,
				  const struct cert_list *certs, struct material *material)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	enum exit_code code;
	char *uri;
	int ret = nfstls_handle_decode(handle, &uri);

	if (ret < 0)
		return fail_p11(identity, ret, &diag);
	code = load_token(identity, uri, choice, certs, material);
	free(uri);
	return code;
}

static enum exit_code load_key_file(const char *identity, const struct source *source, const struct cert_list *certs,
				    struct material *material)
{
	gnutls_datum_t handle = { NULL, 0 };
	gnutls_x509_privkey_t key = NULL;
	enum exit_code code = file_read_key(identity, source->key_file, &handle, &key);

	if (code == EXIT_OK && handle.size > 0)
		code = load_handle(identity, &handle, &source->pin, certs, material);
	else if (code == EXIT_OK && pin_is_chosen(&source->pin))
		code = fail(EXIT_USAGE, identity, "%s is a private key, which needs no PIN", source->key_file);
	else if (code == EXIT_OK && certs->count == 0)
		code = fail(EXIT_USAGE, identity, "%s is a private key and needs --cert", source->key_file);
	else if (code == EXIT_OK)
		code = load_files(identity, key, certs, material);
	gnutls_free(handle.data);
	gnutls_x509_privkey_deinit(key);
	return code;
}

static enum exit_code check_sizes(const char *identity, const struct material *material)
{
	if (keyring_check_size(material) < 0)
		return fail(EXIT_FILE, identity,
			    "its certificate, chain and key have %u, %u and %u bytes, and a kernel key holds %d",
			    material->part[PART_CERT].size, material->part[PART_CHAIN].size,
			    material->part[PART_PRIVKEY].size, PAYLOAD_MAX);
	return EXIT_OK;
}

static enum exit_code set_timeout(const char *identity, struct material *material)
{
	const gnutls_datum_t *der = &material->part[PART_CERT];
	gnutls_x509_crt_t cert;
	time_t left = 0;

	if (gnutls_x509_crt_init(&cert) < 0)
		return fail_p11(identity, NFSTLS_E_MEMORY, NULL);
	if (gnutls_x509_crt_import(cert, der, GNUTLS_X509_FMT_DER) == 0)
		left = gnutls_x509_crt_get_expiration_time(cert) - time(NULL);
	gnutls_x509_crt_deinit(cert);
	if (left <= 0)
		return fail(EXIT_FILE, identity, "its certificate has expired; with --expire it would be gone at once");
	material->timeout = left < UINT_MAX ? left : UINT_MAX;
	return EXIT_OK;
}

/* What every material goes through last. */
static enum exit_code complete(const char *identity, const struct source *source, enum exit_code code,
			       struct material *material)
{
	if (code == EXIT_OK)
		code = check_sizes(identity, material);
	if (code == EXIT_OK && source->expires)
		code = set_timeout(identity, material);
	if (code != EXIT_OK)
		material_clear(material);
	return code;
}

enum exit_code material_load(const char *identity, const struct source *source, struct material *material)
{
	struct cert_list certs = { NULL, 0 };
	enum exit_code code = EXIT_OK;

	*material = (struct material){ .part = { { NULL, 0 } } };
	if (source->cert_file)
		code = file_read_certs(identity, source->cert_file, &certs);
	if (code == EXIT_OK && source->pkcs11)
		code = load_token(identity, source->pkcs11, &source->pin, &certs, material);
	else if (code == EXIT_OK)
		code = load_key_file(identity, source, &certs, material);
	cert_list_clear(&certs);
	return complete(identity, source, code, material);
}

enum exit_code material_renew(const char *identity, const struct source *source, const struct keyring *keyring,
			      struct material *material)
{
	struct nfstls_keys keys = { .identity = { strdup(identity), keyring->serial } };
	const struct nfstls_access access = { .identity = &keys.identity };
	struct cert_list certs = { NULL, 0 };
	enum exit_code code;
	int ret = keys.identity.name ? nfstls_keys_load(&keys) : NFSTLS_E_MEMORY;

	*material = (struct material){ .keeps_pin = true };
	if (ret < 0)
		code = fail_p11(identity, ret, NULL);
	else if (keys.privkey.size == 0)
		code = fail(EXIT_NOT_FOUND, identity, "it has no private key; name one with --pkcs11 or --key");
	else
		code = file_read_certs(identity, source->cert_file, &certs);
	if (code == EXIT_OK) {
		material->part[PART_PRIVKEY] = keys.privkey;
		keys.privkey = (gnutls_datum_t){ NULL, 0 };
		code = add_certificate(identity, &access, &certs, material);
	}
	cert_list_clear(&certs);
	nfstls_keys_clear(&keys);
	return complete(identity, source, code, material);
}
