/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnfstls-p11: NFS client identities whose private key lives in a PKCS#11 token.
 *
 * The library turns an RFC 7512 URI into one token key with its certificate, packs the URI of that key into a token
 * handle, and opens such a handle as a gnutls_privkey_t that has the token sign. It never prints, and it keeps no PIN.
 *
 * Conventions of every function below:
 *  - it returns 0, or a negative enum nfstls_error, and on failure leaves its outputs as they were;
 *  - a struct nfstls_diag, where one is taken, may be NULL; on failure it receives what a person needs to know;
 *  - lengths are in bytes; a gnutls_datum_t that is handed out is released with gnutls_free(), a string with free();
 *  - a PKCS#11 module is foreign code. It is loaded when it is asked for, in an agent: a process that the library
 *    forks, which ends with the process that it works for. SIGCHLD must not be ignored then. What a module takes too
 *    long for is given up, and the agent killed. The library is for one thread at a time.
 */
#ifndef NFSTLS_P11_H
#define NFSTLS_P11_H

#include <stdbool.h>
#include <stddef.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why something failed. nfstls_strerror() has the words; nfstls_error_is_transient() says whether time may mend it. */
enum nfstls_error {
	NFSTLS_E_MEMORY = -1,		/* out of memory */
	NFSTLS_E_CRYPTO = -2,		/* GnuTLS failed where it should not */
	NFSTLS_E_HANDLE = -3,		/* not a well-formed token handle */
	NFSTLS_E_PEM = -4,		/* not a well-formed PEM block of the kind asked for */
	NFSTLS_E_URI = -5,		/* not a PKCS#11 URI (RFC 7512) */
	NFSTLS_E_URI_SECRET = -6,	/* the URI carries a PIN (pin-value) */
	NFSTLS_E_URI_TYPE = -7,		/* the URI names something other than a private key or a certificate */
	NFSTLS_E_MODULE_DENIED = -8,	/* the module lies outside the places it may come from */
	NFSTLS_E_MODULE = -9,		/* the module cannot be loaded */
	NFSTLS_E_TOKEN_ABSENT = -10,	/* no token matches, it was taken away, or its module does not start */
	NFSTLS_E_TOKEN_UNINIT = -11,	/* the only token that matches is not initialised */
	NFSTLS_E_TOKEN_AMBIGUOUS = -12, /* two or more tokens match the URI */
	NFSTLS_E_TOKEN_BUSY = -13,	/* the token has no session or memory left */
	NFSTLS_E_TOKEN = -14,		/* the token reports any other failure */
	NFSTLS_E_KEY_ABSENT = -15,	/* the token holds no private key that matches */
	NFSTLS_E_KEY_AMBIGUOUS = -16,	/* the token holds two or more private keys that match */
	NFSTLS_E_KEY_UNUSABLE = -17,	/* the key cannot sign as TLS 1.3 needs */
	NFSTLS_E_CERT_ABSENT = -18,	/* no certificate was found for the key */
	NFSTLS_E_CERT_AMBIGUOUS = -19,	/* two or more certificates match the key */
	NFSTLS_E_CERT_MISMATCH = -20,	/* the certificate belongs to another key */
	NFSTLS_E_CERT = -21,		/* not a certificate, or one that GnuTLS cannot read */
	NFSTLS_E_PIN_NEEDED = -22,	/* the token wants a PIN and there is none, or no longer */
	NFSTLS_E_PIN_SOURCE = -23,	/* the pin-source cannot be used: missing, too open, too long, empty */
	NFSTLS_E_PIN_REFUSED = -24,	/* the token refused the PIN */
	NFSTLS_E_PIN_LOCKED = -25,	/* the PIN is locked, or one more wrong try would lock it: it was not tried */
	NFSTLS_E_KEYRING = -26,		/* a kernel key cannot be read */
	NFSTLS_E_KEYFILE = -27,		/* not a private key, or an encrypted one */
	NFSTLS_E_PIN_LATCHED = -28,	/* a login failed before, or a person locked it: nobody was asked again */
	NFSTLS_E_TIMEOUT = -29,		/* the module did not return in time */
	NFSTLS_E_MODULE_CRASHED = -30,	/* the module ended the process that it ran in */
	NFSTLS_E_TLS = -31,		/* the handshake failed, and not for the key's sake */
	NFSTLS_E_CHANGING = -32,	/* the identity is being given another key */
};

/** A short text for an enum nfstls_error. Never NULL, never to be freed. */
const char *nfstls_strerror(int error);

/**
 * Whether the same call may succeed later without anyone changing the identity: the token is away, busy or failing.
 * A PIN that was refused, an object that is missing and a key that does not match are not transient.
 */
bool nfstls_error_is_transient(int error);

/**
 * What went wrong, for a person. Start from NFSTLS_DIAG_INIT and release with nfstls_diag_clear().
 *
 * text is one line without a line end: it may name a token's label and serial, a file and a PKCS#11 return value, and
 * holds no PIN and no other attribute of a URI, so that it may go to a log. candidates is NULL, or, when the error is
 * one of the AMBIGUOUS ones, the URIs that matched, one to a line; they are for the person at the terminal only.
 */
struct nfstls_diag {
	char text[512];
	char *candidates;
};

#define NFSTLS_DIAG_INIT                                                                                               \
	{                                                                                                              \
		.text = "", .candidates = NULL                                                                         \
	}

void nfstls_diag_clear(struct nfstls_diag *diag);

/**
 * The line that a failed handshake gets in a log, without a line end:
 *	identity 'lab': no handshake: CAUSE: DETAIL; REMEDY
 * @identity: NULL where it is not known
 * @text:     size bytes, of which the last is a NUL
 */
void nfstls_failure_text(const char *identity, int error, const struct nfstls_diag *diag, char *text, size_t size);

/*
 * Token handles
 *
 * A token handle is the DER of
 *	SEQUENCE { desc VisibleString ("PKCS#11 Provider URI v1.0"), uri UTF8String }
 * as OpenSSL's pkcs11-provider writes it under the PEM label "PKCS#11 PROVIDER URI".
 */

/**
 * Whether the bytes mean to be a token handle rather than a DER private key: a SEQUENCE whose first element is a
 * VisibleString, where a private key has an INTEGER. It says nothing about the handle being well formed.
 */
bool nfstls_handle_detect(const gnutls_datum_t *data);

/** Pack a URI into a handle. Refuses what nfstls_handle_decode() would refuse. */
int nfstls_handle_encode(const char *uri, gnutls_datum_t *handle);

/**
 * Unpack a handle: exact DER, the exact description, nothing after the end, a "pkcs11:" URI of printable ASCII that
 * p11-kit understands whole, without pin-value (RFC 7512 section 2.4), and not naming anything but a private key.
 * Errors: NFSTLS_E_HANDLE, NFSTLS_E_URI, NFSTLS_E_URI_SECRET, NFSTLS_E_URI_TYPE, NFSTLS_E_MEMORY.
 */
int nfstls_handle_decode(const gnutls_datum_t *handle, char **uri);

/** The label of the token that a handle names, for people; "" where it names none. Free with free(). */
int nfstls_handle_token(const gnutls_datum_t *handle, char **label);

/** The pin-source that a handle names, as its URI has it; NULL where it names none. Free with free(). */
int nfstls_handle_pin_source(const gnutls_datum_t *handle, char **source);

/**
 * The PKCS#11 module that a handle names, by its path, or by the name that p11-kit's configuration has for it; NULL
 * where it names none. Free with free().
 */
int nfstls_handle_module(const gnutls_datum_t *handle, char **module);

/**
 * Whether a handle is what this URI, of which it was perhaps made, would lead to: all that the URI says of the token,
 * the key and the module's path, the handle says too; of the module's name it says nothing else, and their pin-sources
 * are the same. What the URI says of slots or a library is not looked at, for no handle has that. No token is asked. A
 * URI that names a certificate is not compared.
 */
bool nfstls_handle_answers(const gnutls_datum_t *handle, const char *uri);

/** The label of a handle in PEM. */
#define NFSTLS_HANDLE_PEM_LABEL "PKCS#11 PROVIDER URI"

/** Take the handle out of a PEM block of that label. Errors: NFSTLS_E_PEM, NFSTLS_E_MEMORY. */
int nfstls_handle_from_pem(const gnutls_datum_t *pem, gnutls_datum_t *handle);

/*
 * Identities, and who may log in for them
 */

/** An identity as the kernel has it. Release with nfstls_identity_clear(), unless it was made by hand. */
struct nfstls_identity {
	char *name;  /* 1 to 200 bytes */
	int keyring; /* the serial of its .nfs keyring; 0: it is on none (yet), so there is neither PIN key nor latch */
};

/** With whose PIN a token is asked, and how long. {} is nobody's, and the PIN is that of the URI's pin-source. */
struct nfstls_access {
	const struct nfstls_identity *identity; /* names the systemd credential, the PIN key and the latch; or NULL */
	const gnutls_datum_t *pin; /* a PIN from a person, in the place of all others; or NULL. It outlives the key */
	bool by_person;		   /* a person asks for this login: a latch does not stand against it */
	unsigned int timeout_ms;   /* from now to the last signature; 0 for a minute, enough for a person */
};

/** Digits that tell one PIN of one token from another without giving it away: they name the place it is kept in. */
#define NFSTLS_PIN_ID 64

/*
 * Token keys
 */

/**
 * A URI with the pin-source of a file added, which must not be there yet. A path that is not absolute is taken from the
 * current directory. Free *with_file with free(). Errors: NFSTLS_E_URI and its kin, NFSTLS_E_PIN_SOURCE.
 */
int nfstls_uri_with_pin_file(const char *uri, const char *path, char **with_file, struct nfstls_diag *diag);

/**
 * Whether a URI is one that nfstls_token_key_find() takes, as far as that can be told without a token. *path, unless
 * NULL, gets the absolute path of the file that it names as pin-source; NULL where it names none. Free *path with
 * free(). Errors: NFSTLS_E_URI and its kin, NFSTLS_E_PIN_SOURCE (not a file's absolute path), NFSTLS_E_MEMORY.
 */
int nfstls_uri_check(const char *uri, char **path, struct nfstls_diag *diag);

/** One private key on one token, and what belongs to it. Release with nfstls_token_key_clear(). */
struct nfstls_token_key {
	char *uri;	      /* names this one key: token, object, module and pin-source; goes into a handle */
	char *token;	      /* the token's label, for people; UTF-8 as the token has it */
	gnutls_datum_t cert;  /* the leaf certificate, DER */
	gnutls_datum_t chain; /* the intermediates, DER, issuer after issued, no root; empty when there are none */
};

/**
 * Find the one private key that a URI means, and its certificate.
 * @uri:   RFC 7512. It may name a token alone, the private key, or the certificate (type=cert). Without a module-path
 *         all modules that p11-kit is configured with are asked, module-name limits them to one.
 * @certs: certificates from elsewhere to choose from, or NULL for those that the token holds.
 *
 * The leaf is the certificate with the key's CKA_ID, else the one whose public key verifies what the key signs; a
 * signature is made and verified either way. Logs in at most once, and only if the token wants it.
 */
int nfstls_token_key_find(const char *uri, const struct nfstls_access *access, const gnutls_x509_crt_t *certs,
			  unsigned int ncerts, struct nfstls_token_key *found, struct nfstls_diag *diag);

void nfstls_token_key_clear(struct nfstls_token_key *key);

/** What a token says of itself. */
enum nfstls_token_flags {
	NFSTLS_TOKEN_UNINITIALISED = 1, /* it holds nothing yet */
	NFSTLS_TOKEN_LOGIN = 2,		/* it wants a PIN before it signs */
	NFSTLS_TOKEN_PIN_PAD = 4,	/* it takes the PIN by itself: a key pad, a fingerprint */
	NFSTLS_TOKEN_PIN_LOW = 8,	/* a wrong PIN was given since the last right one */
	NFSTLS_TOKEN_FINAL_TRY = 16,	/* one more wrong PIN locks it */
	NFSTLS_TOKEN_LOCKED = 32,	/* the PIN is locked */
};

/** A certificate that a token shows to everybody, and where its key must be. */
struct nfstls_token_cert {
	char *uri;	     /* names the private key with the certificate's CKA_ID, and the module */
	gnutls_datum_t cert; /* DER */
	bool shows_key;	     /* a key with that id is to be seen; before a login many tokens show none */
};

/** A token, and its certificates that have a CKA_ID. */
struct nfstls_token {
	char *uri;
	char *label; /* for people; UTF-8 as the token has it, as is serial */
	char *serial;
	unsigned int flags; /* enum nfstls_token_flags */
	struct nfstls_token_cert *certs;
	size_t ncerts;
};

/**
 * The tokens that a URI matches ("pkcs11:" matches all), without a login. Also on failure *tokens has those that could
 * be read: one module that does not work hides no other. Release with nfstls_token_list_free(). Errors: NFSTLS_E_URI
 * and its kin, NFSTLS_E_MODULE, NFSTLS_E_TOKEN_ABSENT (no token matches), and what a token says.
 */
int nfstls_token_list(const char *uri, struct nfstls_token **tokens, size_t *count, struct nfstls_diag *diag);

void nfstls_token_list_free(struct nfstls_token *tokens, size_t count);

/** What opening a key has shown. */
struct nfstls_key_info {
	char token[96];			/* the token's label and serial, for people */
	unsigned int flags;		/* enum nfstls_token_flags, before the login */
	bool always_authenticates;	/* CKA_ALWAYS_AUTHENTICATE: it wants the PIN for each signature */
	char pin_id[NFSTLS_PIN_ID + 1]; /* the PIN that the token took; "" when it wanted none */
};

/**
 * Import a token handle into an initialised, empty private key, which then signs through the token with the TLS 1.3
 * schemes rsa_pss_rsae, ecdsa and ed25519 (RFC 8446 section 4.2.3). Loads the one module that the handle names, finds
 * exactly one token and one key, and logs in at most once, or not at all when that could lock the PIN or a latch stands
 * against it. A PIN that is refused leaves a latch on the identity's keyring, unless a person gave it.
 *
 * gnutls_privkey_deinit() lets the agent close the session and finalise the module; nfstls_cleanup() waits for that.
 * @info: may be NULL
 */
int nfstls_privkey_import_handle(gnutls_privkey_t key, const gnutls_datum_t *handle, const struct nfstls_access *access,
				 struct nfstls_key_info *info, struct nfstls_diag *diag);

/**
 * Why the last signature that this thread asked of a token key failed, in terms that GnuTLS cannot pass on; 0 when it
 * was made. It is for whoever called gnutls_handshake() or gnutls_privkey_sign_data2() and got an error back.
 */
int nfstls_last_sign_error(struct nfstls_diag *diag);

/**
 * Wait until all agents have finalised their modules, and end those that take longer than two seconds. A key that was
 * not released signs no more. A daemon's child calls it when the outcome of its handshake is out of its hands. A
 * process that exits without it ends them as they are.
 */
void nfstls_cleanup(void);

/*
 * Certificates
 */

/**
 * Which certificate belongs to a private key: the key signs random data with the scheme that GnuTLS would take for
 * TLS 1.3, once for each scheme in question, and the certificates' public keys verify it. The same certificate twice
 * counts once.
 * Errors: NFSTLS_E_CERT_MISMATCH, NFSTLS_E_CERT_AMBIGUOUS, NFSTLS_E_KEY_UNUSABLE, and what the token says.
 */
int nfstls_cert_match(gnutls_privkey_t key, const gnutls_x509_crt_t *certs, unsigned int ncerts, unsigned int *index,
		      struct nfstls_diag *diag);

/** No certificate allows more of them. */
#define NFSTLS_SCHEMES_MAX 3

/**
 * The schemes of TLS 1.3 in which the key of a certificate may sign (RFC 8446 section 4.2.3), first the one that GnuTLS
 * takes where the server leaves it the choice. An EC key has one, tied to its curve; an RSASSA-PSS key may be tied to a
 * hash (RFC 4055 section 1.2); an RSA key may be too short for a hash.
 * @count: 0 when TLS 1.3 has none
 * Errors: NFSTLS_E_CERT, NFSTLS_E_MEMORY.
 */
int nfstls_cert_schemes(gnutls_x509_crt_t cert, gnutls_sign_algorithm_t schemes[NFSTLS_SCHEMES_MAX],
			unsigned int *count, struct nfstls_diag *diag);

/**
 * Have a key sign random data in one of these schemes, and the certificate's public key verify it.
 * Errors: NFSTLS_E_CERT_MISMATCH, NFSTLS_E_KEY_UNUSABLE, and what the token says.
 */
int nfstls_cert_prove(gnutls_privkey_t key, gnutls_x509_crt_t cert, gnutls_sign_algorithm_t scheme,
		      struct nfstls_diag *diag);

/**
 * The intermediates that lead from a leaf towards its root, taken from a pool in any order: DER, one after the other,
 * issuer after issued. Self-signed certificates are left out. *chain is empty when the pool holds none.
 */
int nfstls_chain_build(gnutls_x509_crt_t leaf, const gnutls_x509_crt_t *pool, unsigned int npool,
		       gnutls_datum_t *chain);

/**
 * Step through certificates that stand one after the other in DER. *rest is moved past the certificate; *cert points
 * into it. Returns 0 with cert->size 0 at the end. Errors: NFSTLS_E_CERT.
 */
int nfstls_chain_next(gnutls_datum_t *rest, gnutls_datum_t *cert);

/*
 * The kernel's keys, as far as a TLS daemon's child needs them
 */

#define NFSTLS_KEY_TYPE	  "user"
#define NFSTLS_KEY_PREFIX "nfs:x509:"

/**
 * The identity that a key of ours belongs to.
 * @serial:   a key named nfs:x509:<identity>:<part>
 * @identity: the name; that of another tool may have more than 200 bytes
 * @part:     "cert", "privkey", "chain", "pin", "latch" or whatever the last word is; may be NULL
 * Errors: NFSTLS_E_KEYRING (no such key, not visible, or another name), NFSTLS_E_MEMORY.
 */
int nfstls_keyring_identity(int serial, char **identity, char **part);

/**
 * The identity that one of its keys belongs to, and the .nfs keyring that holds it, which must be linked to a keyring
 * of this process. Errors: NFSTLS_E_KEYRING, NFSTLS_E_MEMORY.
 */
int nfstls_identity_find(int serial, struct nfstls_identity *identity);

void nfstls_identity_clear(struct nfstls_identity *identity);

/**
 * An identity's certificate, private key and intermediates, all as they were in one moment. An update changes them key
 * by key; before it begins it puts the whole of what is to be into nfs:x509:<identity>:next, and that counts as long as
 * it is there. Start from {}, and release with nfstls_keys_clear(), which wipes.
 */
struct nfstls_keys {
	struct nfstls_identity identity;
	gnutls_datum_t cert;	/* DER, the leaf alone */
	gnutls_datum_t privkey; /* a private key in DER, or a token handle */
	gnutls_datum_t chain;	/* the intermediates, DER, issuer after issued; empty when there are none */
};

void nfstls_keys_clear(struct nfstls_keys *keys);

/**
 * Read what is on the keyring for keys->identity, of which the parts that are not there stay empty.
 * Errors: NFSTLS_E_KEYRING, NFSTLS_E_MEMORY, NFSTLS_E_CHANGING (again and again; it would be a matter of luck).
 */
int nfstls_keys_load(struct nfstls_keys *keys);

/**
 * Read one key, as keyctl_read_alloc(3) does, for a daemon that was given the serials of a certificate and of a private
 * key and reads one after the other: what belongs to one identity comes from one nfstls_keys_load(). A key that is not
 * ours is read as it stands.
 * @keys:    what was loaded for the serial before this one, and then for this one; without a name if it is not ours
 * @payload: the caller wipes it where it may be a private key
 */
int nfstls_keys_read(struct nfstls_keys *keys, int serial, gnutls_datum_t *payload);

/** What stands in nfs:x509:<identity>:next: certificate, private key and intermediates, DER, one after the other. */
int nfstls_keys_pack(const struct nfstls_keys *keys, gnutls_datum_t *next);

/** Take that apart; keys->identity is left alone. Errors: NFSTLS_E_KEYRING (it is something else), NFSTLS_E_MEMORY. */
int nfstls_keys_unpack(const gnutls_datum_t *next, struct nfstls_keys *keys);

/**
 * Set a latch, the key nfs:x509:<identity>:latch: from now on nobody logs in for the identity, nor with that PIN for
 * another one, but because a person asks.
 * @pin_id: NULL where it is about no PIN
 * @cause:  one line, for people
 */
int nfstls_latch_set(const struct nfstls_identity *identity, const char *pin_id, const char *cause);

/**
 * The identity's own latch.
 * @by_person: it is about no PIN: somebody locked the identity
 * Errors: NFSTLS_E_KEYRING (there is none, or it cannot be read).
 */
int nfstls_latch_get(const struct nfstls_identity *identity, bool *by_person);

/** Remove the identity's latch, and those of others for the same PIN (NULL: none). 0 also when there is none. */
int nfstls_latch_clear(const struct nfstls_identity *identity, const char *pin_id);

#ifdef __cplusplus
}
#endif

#endif
