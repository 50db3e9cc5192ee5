/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether an identity will do at a handshake: what verify prints, and what add and update look at before they put
 * anything on the keyring.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "file.h"
#include "keyring.h"
#include "report.h"

/* In the order in which they are made. A certificate or key that fails up to CHECK_SIGNATURE is of no use at all. */
enum check {
	CHECK_IDENTITY,	   /* only where a part of it is missing */
	CHECK_CERTIFICATE, /* only where it cannot be read */
	CHECK_HANDLE,	   /* only where it cannot be read */
	CHECK_MODULE,
	CHECK_TOKEN,
	CHECK_PIN,
	CHECK_KEY,
	CHECK_SIGNATURE, /* one for each scheme */
	CHECK_TIME,
	CHECK_VALIDITY,
	CHECK_PURPOSE,
	CHECK_CHAIN,
	CHECK_COUNT
};

extern const char *const check_names[CHECK_COUNT];

enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_FAILED };

/* "ok", "warning", "failed" */
extern const char *const verdict_names[];

struct finding {
	enum check check;
	enum verdict verdict;
	enum exit_code code; /* EXIT_OK unless it failed */
	char *detail;	     /* one line; NULL where there was no memory for it */
};

/* One of each check, and a signature for each scheme. */
#define FINDINGS_MAX (CHECK_COUNT + NFSTLS_SCHEMES_MAX)

struct findings {
	struct finding list[FINDINGS_MAX];
	size_t count;
	bool is_on_token; /* of check_identity() alone: its private key is a token handle, be it a good one or not */
};

/* What the chain has to lead to. */
enum anchor {
	ANCHOR_NONE,   /* nobody knows what the server trusts: only the chain itself is looked at */
	ANCHOR_SYSTEM, /* what this host trusts, and where that does not know the issuer, a warning */
	ANCHOR_ROOTS,  /* one of the certificates of roots */
};

struct check_request {
	const struct material *material; /* certificate, key or handle, and chain */
	const struct nfstls_access *access;
	enum anchor anchor;
	struct cert_list roots;
};

/*
 * Make the checks that can be made: one login at most, and one signature for each scheme that the certificate allows. A
 * check that could not be reached because one before it failed has no finding. No agent is left behind.
 * @info: what opening a key on a token has shown; zeroed where there was none
 * Release with findings_clear().
 */
void checks_run(const struct check_request *request, struct findings *findings, struct nfstls_key_info *info);

/*
 * The same for what the keyring holds of an identity, as a handshake would: a latch stands against a login, and a
 * refusal sets one. Its keys are read once. Release with findings_clear().
 */
void check_identity(const struct keyring *keyring, const char *name, const struct identity_keys *keys,
		    enum anchor anchor, const struct cert_list *roots, struct findings *findings);

__attribute__((format(printf, 5, 6))) void findings_add(struct findings *findings, enum check check,
							enum verdict verdict, enum exit_code code, const char *format,
							...);
void findings_clear(struct findings *findings);

/* The exit code of the first failure, or EXIT_OK. */
enum exit_code findings_code(const struct findings *findings);

/*
 * For add and update: the first failure of a key that is of no use is the one line on stderr, and its exit code is
 * returned; else whatever is not in order is a line with a warning.
 */
enum exit_code findings_report(const char *identity, const struct findings *findings);

/* The three that need the certificates alone; checks_run() calls them. */
void check_validity(gnutls_x509_crt_t cert, struct findings *findings);
void check_purpose(gnutls_x509_crt_t cert, struct findings *findings);
void check_chain(gnutls_x509_crt_t cert, const struct check_request *request, struct findings *findings);

#endif
