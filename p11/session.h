/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One session with the one token that a URI means, and the objects that it shows. */
#ifndef SESSION_H
#define SESSION_H

#include "search.h"

struct session {
	struct module module;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO token;
	CK_SESSION_HANDLE id;
	char name[96]; /* the token's label and serial, for messages */
};

/*
 * Find exactly one token, open a session, and log in if the token wants it; see login().
 * @pin_id: NFSTLS_PIN_ID + 1 bytes, gets the PIN that the token took, "" when it wanted none
 */
int session_open(P11KitUri *uri, const struct nfstls_access *access, struct session *session, char *pin_id,
		 struct nfstls_diag *diag);

/* A session with this token, without a login. */
int session_open_public(const struct token *token, struct session *session, struct nfstls_diag *diag);

/* Close the session, which also logs out: it is the last one that this process has with the token. */
void session_close(struct session *session);

/* All objects that match a template. *objects is released with free(). */
int session_find(const struct session *session, CK_ATTRIBUTE *attrs, CK_ULONG nattrs, CK_OBJECT_HANDLE **objects,
		 size_t *count, struct nfstls_diag *diag);

/* All X.509 certificates. *objects is released with free(). */
int session_find_certs(const struct session *session, CK_OBJECT_HANDLE **objects, size_t *count,
		       struct nfstls_diag *diag);

/*
 * The value of an attribute, empty where the object has none or does not show it. That a token which is gone tells
 * nothing is an error, and says nothing of the object.
 */
int session_get(const struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, gnutls_datum_t *value,
		struct nfstls_diag *diag);

#define FIXED_MAX 4

/*
 * Attributes of a fixed size (CK_ULONG, CK_BBOOL), FIXED_MAX at most, in one call if the token knows them all. One that
 * the object does not show has the ulValueLen 0 afterwards, and a value that says nothing. 0, or an error as above.
 */
int session_get_fixed(const struct session *session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs, size_t nattrs,
		      struct nfstls_diag *diag);

#endif
