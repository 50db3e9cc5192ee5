/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>

#include "checks.h"
#include "material.h"

/* As long as tlshd gives a token, where it is asked without a person. */
#define UNATTENDED_MS 8000

/* The certificates of files. */
struct given {
	struct cert_list certs;
	struct cert_list chain;
};

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

/* The intermediates of a file take the place of those that were found. */
static int replace_chain(const struct given *given, struct material *material)
{
	gnutls_datum_t chain;
	gnutls_x509_crt_t leaf;
	int ret = NFSTLS_E_CERT;

	if (given->chain.count == 0)
		return 0;
	if (gnutls_x509_crt_init(&leaf) < 0)
		return NFSTLS_E_MEMORY;
	if (gnutls_x509_crt_import(leaf, &material->part[PART_CERT], GNUTLS_X509_FMT_DER) == 0)
		ret = nfstls_chain_build(leaf, given->chain.certs, given->chain.count, &chain);
	gnutls_x509_crt_deinit(leaf);
	if (ret == 0) {
		datum_wipe(&material->part[PART_CHAIN]);
		material->part[PART_CHAIN] = chain;
	}
	return ret;
}

static enum exit_code find_token_key(const char *identity, const char *uri, const struct nfstls_access *access,
				     const struct given *given, struct material *material)
{
	struct nfstls_token_key found = { .uri = NULL };
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	enum exit_code code = EXIT_OK;
	int ret;

	ret = nfstls_token_key_find(uri, access, given->certs.certs, given->certs.count, &found, &diag);
	if (ret == 0)
		ret = nfstls_handle_encode(found.uri, &material->part[PART_PRIVKEY]);
	if (ret == 0) {
		material->part[PART_CERT] = found.cert;
		material->part[PART_CHAIN] = found.chain;
		found.cert.data = found.chain.data = NULL;
		ret = replace_chain(given, material);
	}
	if (ret < 0)
		code = fail_p11(identity, ret, &diag);
	nfstls_token_key_clear(&found);
	nfstls_diag_clear(&diag);
	return code;
}

/* A PIN that was entered goes onto the keyring if the token wanted it. */
static enum exit_code load_token_with_pin(const char *identity, const char *uri, const struct source *source,
					  const struct given *given, struct material *material)
{
	struct nfstls_identity name = { (char *)identity, source->unattended };
	struct nfstls_access access = { .identity = &name, .by_person = !source->unattended };
	struct nfstls_key_info info;
	gnutls_datum_t pin = { NULL, 0 };
	enum exit_code code = pin_enter(identity, &source->pin, &pin);

	if (code != EXIT_OK)
		return code;
	if (source->unattended)
		access.timeout_ms = UNATTENDED_MS;
	if (pin.size > 0) {
		access.pin = &pin;
		access.by_person = true;
	}
	code = find_token_key(identity, uri, &access, given, material);
	if (code == EXIT_OK)
		code = preflight(identity, material, &access, &info);
	if (code == EXIT_OK && pin.size > 0 && info.pin_id[0]) {
		material->part[PART_PIN] = pin;
		material->pin_timeout = source->pin.timeout;
		pin = (gnutls_datum_t){ NULL, 0 };
	}
	datum_wipe(&pin);
	return code;
}

static enum exit_code load_token(const char *identity, const char *uri, const struct source *source,
				 const struct given *given, struct material *material)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	enum exit_code code;
	char *with_file;
	int ret;

	if (!source->pin.file)
		return load_token_with_pin(identity, uri, source, given, material);
	ret = nfstls_uri_with_pin_file(uri, source->pin.file, &with_file, &diag);
	if (ret < 0) {
		code = fail_p11(identity, ret, &diag);
		nfstls_diag_clear(&diag);
		return code;
	}
	code = load_token_with_pin(identity, with_file, source, given, material);
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
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): where there are none, none matches */
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
				      const struct given *given, struct material *material)
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
		ret = choose_certificate(key, &given->certs, material, &diag);
	gnutls_privkey_deinit(key);
	if (ret == 0)
		ret = replace_chain(given, material);
	code = ret < 0 ? fail_p11(identity, ret, &diag) : preflight(identity, material, access, &info);
	nfstls_diag_clear(&diag);
	return code;
}

/* As the keyring has it. */
static enum exit_code export_key(const char *identity, gnutls_x509_privkey_t key, gnutls_datum_t *privkey)
{
	if (gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, privkey) < 0)
		return fail_p11(identity, NFSTLS_E_KEYFILE, NULL);
	return EXIT_OK;
}

static enum exit_code load_files(const char *identity, gnutls_x509_privkey_t key, const struct given *given,
				 struct material *material)
{
	enum exit_code code = export_key(identity, key, &material->part[PART_PRIVKEY]);

	if (code != EXIT_OK)
		return code;
	return add_certificate(identity, NULL, given, material);
}

/* A handle from a PEM file is a URI that has still to be resolved: to one key, by one module. */
static enum exit_code load_handle(const char *identity, const gnutls_datum_t *handle, const struct source *source,
				  const struct given *given, struct material *material)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	enum exit_code code;
	char *uri;
	int ret = nfstls_handle_decode(handle, &uri);

	if (ret < 0)
		return fail_p11(identity, ret, &diag);
	code = load_token(identity, uri, source, given, material);
	free(uri);
	return code;
}

static enum exit_code load_key_file(const char *identity, const struct source *source, const struct given *given,
				    struct material *material)
{
	gnutls_datum_t handle = { NULL, 0 };
	gnutls_x509_privkey_t key = NULL;
	enum exit_code code = file_read_key(identity, source->key_file, &handle, &key);

	if (code == EXIT_OK && handle.size > 0)
		code = load_handle(identity, &handle, source, given, material);
	else if (code == EXIT_OK && pin_is_chosen(&source->pin))
		code = fail(EXIT_USAGE, identity, "%s is a private key, which needs no PIN", source->key_file);
	else if (code == EXIT_OK && given->certs.count == 0)
		code = fail(EXIT_USAGE, identity, "%s is a private key and needs --cert", source->key_file);
	else if (code == EXIT_OK)
		code = load_files(identity, key, given, material);
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
	material->timeout = cert_seconds_left(&material->part[PART_CERT]);
	if (material->timeout == 0)
		return fail(EXIT_FILE, identity, "its certificate has expired; with --expire it would be gone at once");
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

static enum exit_code read_given(const char *identity, const struct source *source, struct given *given)
{
	enum exit_code code = EXIT_OK;

	*given = (struct given){ .certs = { NULL, 0 } };
	if (source->cert_file)
		code = file_read_certs(identity, source->cert_file, &given->certs);
	if (code == EXIT_OK && source->chain_file)
		code = file_read_certs(identity, source->chain_file, &given->chain);
	return code;
}

static void given_clear(struct given *given)
{
	cert_list_clear(&given->certs);
	cert_list_clear(&given->chain);
}

static bool is_given(gnutls_x509_crt_t cert, const struct cert_list *certs)
{
	for (unsigned int i = 0; i < certs->count; i++)
		if (gnutls_x509_crt_equals(cert, certs->certs[i]))
			return true;
	return certs->count == 0;
}

static bool is_chain(gnutls_x509_crt_t cert, const struct given *given, const gnutls_datum_t *chain)
{
	const struct cert_list *pool = given->chain.count > 0 ? &given->chain : &given->certs;
	gnutls_datum_t built = { NULL, 0 };
	bool same;

	if (pool->count == 0)
		return true;
	same = nfstls_chain_build(cert, pool->certs, pool->count, &built) == 0 && datum_equal(&built, chain);
	gnutls_free(built.data);
	return same;
}

enum exit_code material_key_holds(const char *identity, const struct source *source, const gnutls_datum_t *privkey,
				  bool *hold)
{
	gnutls_datum_t handle = { NULL, 0 }, exported = { NULL, 0 };
	gnutls_x509_privkey_t key = NULL;
	enum exit_code code = file_read_key(identity, source->key_file, &handle, &key);

	if (code == EXIT_OK && key)
		code = export_key(identity, key, &exported);
	*hold = code == EXIT_OK && exported.size > 0 && datum_equal(&exported, privkey);
	datum_wipe(&exported);
	gnutls_free(handle.data);
	gnutls_x509_privkey_deinit(key);
	return code;
}

enum exit_code material_certs_hold(const char *identity, const struct source *source, const gnutls_datum_t *cert,
				   const gnutls_datum_t *chain, bool *hold)
{
	struct given given;
	gnutls_x509_crt_t leaf;
	enum exit_code code = read_given(identity, source, &given);

	*hold = false;
	if (code == EXIT_OK && gnutls_x509_crt_init(&leaf) == 0) {
		*hold = gnutls_x509_crt_import(leaf, cert, GNUTLS_X509_FMT_DER) == 0 && is_given(leaf, &given.certs) &&
			is_chain(leaf, &given, chain);
		gnutls_x509_crt_deinit(leaf);
	}
	given_clear(&given);
	return code;
}

enum exit_code material_load(const char *identity, const struct source *source, struct material *material)
{
	struct given given;
	enum exit_code code = read_given(identity, source, &given);

	*material = (struct material){ .part = { { NULL, 0 } } };
	if (code == EXIT_OK && source->pkcs11)
		code = load_token(identity, source->pkcs11, source, &given, material);
	else if (code == EXIT_OK)
		code = load_key_file(identity, source, &given, material);
	given_clear(&given);
	return complete(identity, source, code, material);
}

enum exit_code material_renew(const char *identity, const struct source *source, const struct keyring *keyring,
			      struct material *material)
{
	struct nfstls_keys keys = { .identity = { strdup(identity), keyring->serial } };
	const struct nfstls_access access = { .identity = &keys.identity };
	struct given given = { .certs = { NULL, 0 } };
	enum exit_code code;
	int ret = keys.identity.name ? nfstls_keys_load(&keys) : NFSTLS_E_MEMORY;

	*material = (struct material){ .keeps_pin = true };
	if (ret < 0)
		code = fail_p11(identity, ret, NULL);
	else if (keys.privkey.size == 0)
		code = fail(EXIT_NOT_FOUND, identity, "it has no private key; name one with --pkcs11 or --key");
	else
		code = read_given(identity, source, &given);
	if (code == EXIT_OK) {
		material->part[PART_PRIVKEY] = keys.privkey;
		keys.privkey = (gnutls_datum_t){ NULL, 0 };
		code = add_certificate(identity, &access, &given, material);
	}
	given_clear(&given);
	nfstls_keys_clear(&keys);
	return complete(identity, source, code, material);
}
