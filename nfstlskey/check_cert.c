/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a server will say to the certificate, as far as that can be known here. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checks.h"

#define DAY_S	     (24 * 60 * 60)
#define RENEW_DAYS   14
/* More than any server takes; GnuTLS takes 16. */
#define CHAIN_LENGTH 32
/* The most certificates that tlshd sends, with or without the adapter. */
#define CERTS_SENT   10

static void day_text(time_t when, char *text, size_t size)
{
	struct tm parts;

	if (!gmtime_r(&when, &parts) || !strftime(text, size, "%F %R UTC", &parts))
		text[0] = '\0';
}

static bool valid_now(gnutls_x509_crt_t cert)
{
	time_t now = time(NULL);

	return gnutls_x509_crt_get_activation_time(cert) <= now && now <= gnutls_x509_crt_get_expiration_time(cert);
}

/* A certificate that has no end says so with a date far away (RFC 5280 section 4.1.2.5). */
void check_validity(gnutls_x509_crt_t cert, struct findings *findings)
{
	time_t now = time(NULL), from = gnutls_x509_crt_get_activation_time(cert);
	time_t until = gnutls_x509_crt_get_expiration_time(cert);
	char first[32], last[32];

	day_text(from, first, sizeof(first));
	day_text(until, last, sizeof(last));
	if (until < now)
		findings_add(findings, CHECK_VALIDITY, VERDICT_FAILED, EXIT_FILE,
			     "the certificate expired on %s; servers will refuse it", last);
	else if (from > now)
		findings_add(findings, CHECK_VALIDITY, VERDICT_FAILED, EXIT_FILE,
			     "the certificate is not valid before %s; servers will refuse it", first);
	else if (until < now + RENEW_DAYS * DAY_S)
		findings_add(findings, CHECK_VALIDITY, VERDICT_WARNING, EXIT_OK,
			     "the certificate expires on %s; renew it, and use nfstlskey update", last);
	else
		findings_add(findings, CHECK_VALIDITY, VERDICT_OK, EXIT_OK, "until %s", last);
}

/* RFC 5280 sections 4.2.1.3 and 4.2.1.12: what is not said is not restricted. */
void check_purpose(gnutls_x509_crt_t cert, struct findings *findings)
{
	unsigned int usage;
	int ret = gnutls_x509_crt_get_key_usage(cert, &usage, NULL);

	if (!gnutls_x509_crt_check_key_purpose(cert, GNUTLS_KP_TLS_WWW_CLIENT, 0))
		findings_add(findings, CHECK_PURPOSE, VERDICT_FAILED, EXIT_FILE,
			     "the certificate is not for TLS clients: its extended key usage lacks clientAuth; servers "
			     "will refuse it");
	else if (ret >= 0 && !(usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		findings_add(findings, CHECK_PURPOSE, VERDICT_FAILED, EXIT_FILE,
			     "the certificate is not for signatures: its key usage lacks digitalSignature; servers "
			     "will refuse it");
	else
		findings_add(findings, CHECK_PURPOSE, VERDICT_OK, EXIT_OK, "for TLS clients");
}

/* The leaf, which belongs to somebody else, and the intermediates. */
struct chain {
	gnutls_x509_crt_t certs[CHAIN_LENGTH];
	unsigned int count;
};

static void chain_clear(struct chain *chain)
{
	for (unsigned int i = 1; i < chain->count; i++)
		gnutls_x509_crt_deinit(chain->certs[i]);
}

static bool chain_load(struct chain *chain, gnutls_x509_crt_t leaf, const gnutls_datum_t *payload)
{
	gnutls_datum_t rest = *payload, der = { NULL, 0 };
	int ret;

	*chain = (struct chain){ .certs = { leaf }, .count = 1 };
	while ((ret = nfstls_chain_next(&rest, &der)) == 0 && der.size > 0) {
		if (chain->count == CHAIN_LENGTH || gnutls_x509_crt_init(&chain->certs[chain->count]) < 0)
			return false;
		if (gnutls_x509_crt_import(chain->certs[chain->count++], &der, GNUTLS_X509_FMT_DER) < 0)
			return false;
	}
	return ret == 0;
}

/* How the chain leads to one of those that are trusted; 0 when nothing is wrong with it. */
static unsigned int chain_status(struct chain *chain, gnutls_x509_trust_list_t trusted)
{
	/* A leaf that is out of date has been told of. */
	unsigned int flags = valid_now(chain->certs[0]) ? 0 : GNUTLS_VERIFY_DISABLE_TIME_CHECKS, status = 0;

	if (gnutls_x509_trust_list_verify_crt(trusted, chain->certs, chain->count, flags, &status, NULL) < 0)
		return GNUTLS_CERT_INVALID;
	return status;
}

static unsigned int status_to_roots(struct chain *chain, const gnutls_x509_crt_t *roots, unsigned int count)
{
	unsigned int status = GNUTLS_CERT_INVALID;
	gnutls_x509_trust_list_t trusted;

	if (gnutls_x509_trust_list_init(&trusted, 0) < 0)
		return status;
	if (gnutls_x509_trust_list_add_cas(trusted, roots, count, 0) == (int)count)
		status = chain_status(chain, trusted);
	gnutls_x509_trust_list_deinit(trusted, 0);
	return status;
}

static unsigned int status_to_system(struct chain *chain)
{
	unsigned int status = GNUTLS_CERT_INVALID;
	gnutls_x509_trust_list_t trusted;

	if (gnutls_x509_trust_list_init(&trusted, 0) < 0)
		return status;
	if (gnutls_x509_trust_list_add_system_trust(trusted, 0, 0) > 0)
		status = chain_status(chain, trusted);
	gnutls_x509_trust_list_deinit(trusted, 1);
	return status;
}

/* The number of a certificate that the next one did not issue, from 1 on; 0 when there is none. */
static unsigned int broken_link(const struct chain *chain)
{
	for (unsigned int i = 1; i < chain->count; i++)
		if (!gnutls_x509_crt_check_issuer(chain->certs[i - 1], chain->certs[i]))
			return i;
	return 0;
}

static void add_status(struct findings *findings, unsigned int status, const char *issuer)
{
	gnutls_datum_t text = { NULL, 0 };

	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
		findings_add(findings, CHECK_CHAIN, VERDICT_FAILED, EXIT_FILE,
			     "it ends with the issuer '%s', which is none of the CA file; give what is between them "
			     "to nfstlskey update with --cert",
			     issuer);
		return;
	}
	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) == 0)
		while (text.size > 0 && text.data[text.size - 1] <= ' ')
			text.data[--text.size] = '\0';
	findings_add(findings, CHECK_CHAIN, VERDICT_FAILED, EXIT_FILE, "%s",
		     text.data ? (const char *)text.data : "the chain cannot be verified");
	gnutls_free(text.data);
}

/* Links that fit by their names: do the signatures, the rights and the dates as well? */
static void judge_chain(struct chain *chain, const struct check_request *request, const char *issuer,
			struct findings *findings)
{
	unsigned int between = chain->count - 1, status = 0;

	if (request->anchor == ANCHOR_SYSTEM && status_to_system(chain) == 0) {
		findings_add(findings, CHECK_CHAIN, VERDICT_OK, EXIT_OK,
			     "%u intermediate(s), up to '%s' among those that this host trusts", between, issuer);
		return;
	}
	if (request->anchor == ANCHOR_ROOTS)
		status = status_to_roots(chain, request->roots.certs, request->roots.count);
	else if (between > 0)
		status = status_to_roots(chain, &chain->certs[between], 1);
	if (status)
		add_status(findings, status, issuer);
	else if (request->anchor == ANCHOR_ROOTS)
		findings_add(findings, CHECK_CHAIN, VERDICT_OK, EXIT_OK,
			     "%u intermediate(s), up to '%s' of the CA file", between, issuer);
	else
		findings_add(findings, CHECK_CHAIN, request->anchor == ANCHOR_NONE ? VERDICT_OK : VERDICT_WARNING,
			     EXIT_OK,
			     "%u intermediate(s); the server must trust '%s': see with --ca FILE whether it does",
			     between, issuer);
}

void check_chain(gnutls_x509_crt_t cert, const struct check_request *request, struct findings *findings)
{
	gnutls_datum_t issuer = { NULL, 0 };
	struct chain chain;
	bool loaded = chain_load(&chain, cert, &request->material->part[PART_CHAIN]);
	unsigned int broken = loaded ? broken_link(&chain) : 0;

	if (loaded)
		gnutls_x509_crt_get_issuer_dn3(chain.certs[chain.count - 1], &issuer, 0);
	if (!loaded)
		findings_add(findings, CHECK_CHAIN, VERDICT_FAILED, EXIT_FILE,
			     "the intermediates cannot be read; use nfstlskey update");
	else if (chain.count > CERTS_SENT)
		findings_add(
			findings, CHECK_CHAIN, VERDICT_FAILED, EXIT_FILE,
			"there are %u intermediates, and tlshd sends %u at most; have it issued by one that is nearer "
			"to the root",
			chain.count - 1, CERTS_SENT - 1);
	else if (broken)
		findings_add(findings, CHECK_CHAIN, VERDICT_FAILED, EXIT_FILE,
			     "certificate %u of %u was not issued by the one after it; use nfstlskey update", broken,
			     chain.count);
	else
		judge_chain(&chain, request, issuer.data ? (const char *)issuer.data : "", findings);
	gnutls_free(issuer.data);
	chain_clear(&chain);
}
