/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The .nfs keyring: all that the command knows of the kernel.
 *
 * An identity is two or three keys of type "user" on it, named nfs:x509:<identity>:cert, :privkey and :chain, the first
 * two as the nfstlskey of ktls-utils names them; and for the token's sake perhaps :pin and :latch. They are put there
 * and changed one by one, so the whole of certificate, private key and chain stands in :next before that begins, and
 * counts for a handshake as long as it is there. Every function returns 0 or a negative errno value.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include <gnutls/gnutls.h>

enum part {
	PART_CERT,    /* the leaf certificate, DER */
	PART_PRIVKEY, /* a token handle, or a PKCS#8 private key, DER */
	PART_CHAIN,   /* the intermediates, DER, one after the other; may be absent */
	PART_PIN,     /* the token's PIN, for a limited time; for the possessor alone; may be absent */
	PART_LATCH,   /* why nobody logs in to the token, see nfstls_latch_set(); absent unless something went wrong */
	PART_NEXT, /* what certificate, key and chain are about to be, see nfstls_keys_pack(); there while they change
		    */
	PART_COUNT
};

/* The last word of each part's key name. */
extern const char *const keyring_part_names[PART_COUNT];

/* The payload of a key of type "user" has no room for more (user_defined(7), keyrings(7)). */
#define PAYLOAD_MAX 32767

/* What goes onto the keyring. Owns its data; a size of 0 stands for an absent part. */
struct material {
	gnutls_datum_t part[PART_COUNT];
	unsigned int pin_timeout; /* s, for PART_PIN */
	bool keeps_pin;		  /* the PIN that is there stays, for so does the private key */
	bool keeps_latch;	  /* so does a latch */
	unsigned int timeout;	  /* s, until certificate, private key and chain go; 0: never */
};

bool datum_equal(const gnutls_datum_t *a, const gnutls_datum_t *b);

/* Wipe and release. */
void datum_wipe(gnutls_datum_t *data);
void material_clear(struct material *material);

/* Where an identity is. A serial of 0 stands for an absent part. */
struct identity_keys {
	int32_t serial[PART_COUNT];
};

/* Neither certificate nor private key: at most what is left of an identity, or a latch of one that is not there yet. */
bool keyring_is_rest(const struct identity_keys *keys);

/* How long the certificate is still valid, for material->timeout; 0: no longer, or it cannot be read. */
unsigned int cert_seconds_left(const gnutls_datum_t *der);

struct keyring {
	int32_t serial;
	bool shared; /* the kernel has one keyring for all network namespaces */
};

/*
 * Join a fresh session keyring, so that nothing planted in the inherited one can answer, find the .nfs keyring, and
 * take possession of it for the rest of this process. It is that of our network namespace where the kernel has the key
 * type "nfs_keyring", else the one that all share. -ENOENT: there is none, the NFS client is not loaded. -EPROTO: the
 * kernel named something else.
 */
int keyring_open(struct keyring *keyring);

/* "keyring;0;GID;PERMISSIONS;.nfs": what keyctl_describe(3) must say of the keyring. */
bool keyring_is_nfs(const char *description);

/* Whether a line of /proc/keys is that of a keyring of root's by the name .nfs, and then its serial. */
bool keyring_parse_line(const char *line, int32_t *serial);

/* A serial in decimal digits, without a NUL, as the payload of a key of type "nfs_keyring" has it. */
int keyring_parse_serial(const char *digits, size_t len, int32_t *serial);

/* One change at a time among our own processes: held until the process ends, however often it is asked for. */
int keyring_lock(void);

/* -ENOKEY when not one part is there. */
int keyring_lookup(const struct keyring *keyring, const char *identity, struct identity_keys *keys);

/* Read one part. The caller owns payload->data, and wipes it where it may be a private key. */
int keyring_read(int32_t serial, gnutls_datum_t *payload);

/* Whether material has room on the keyring, also in one piece. -E2BIG: it has not. */
int keyring_check_size(const struct material *material);

/*
 * Put an identity on the keyring, in the place of what is there of it. Payloads are changed in place: the serials, and
 * with them the mounts that name them, stay. What cannot be put there whole is put back as it was; where the process
 * ends on the way, what a handshake finds is the old or the new, and keyring_finish() has the rest to do.
 */
int keyring_put(const struct keyring *keyring, const char *identity, const struct identity_keys *keys,
		const struct material *material);

/*
 * Bring a change to its end that another process has left, with the lock held; a PIN that was to come with another
 * private key is lost, and a latch stays. Where there is neither certificate nor private key it is dropped: no
 * handshake can have seen it, or another tool has removed the identity since. *keys is looked up again.
 */
int keyring_finish(const struct keyring *keyring, const char *identity, struct identity_keys *keys);

/* Keep a PIN for this many seconds, in the place of one that is there, which stays where that fails. */
int keyring_set_pin(const struct keyring *keyring, const char *identity, const gnutls_datum_t *pin,
		    unsigned int timeout);

/* Forget the PIN. */
int keyring_drop_pin(const struct keyring *keyring, const char *identity);

/* Unlink every part. */
int keyring_remove(const struct keyring *keyring, const struct identity_keys *keys);

/* One identity of a listing; names[i] belongs to keys[i]. */
struct identity_list {
	size_t count;
	char **names;
	struct identity_keys *keys;
};

/* All identities, in the order of their names. */
int keyring_list(const struct keyring *keyring, struct identity_list *list);
void identity_list_clear(struct identity_list *list);

#endif
