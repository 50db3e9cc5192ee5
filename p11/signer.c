/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which private key a URI means.
 *
 * GnuTLS could import the URI by itself. It takes the first token and object that match without a word, asks for the
 * PIN again while the token refuses it, and has one error for an absent token and a refused PIN: so the choice, the
 * login and the signature are made here, over p11-kit, and GnuTLS calls back for the signature alone.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "signer.h"

static void note_candidate(const struct session *session, CK_OBJECT_HANDLE object, CK_OBJECT_CLASS class,
			   struct nfstls_diag *diag)
{
	gnutls_datum_t id = { NULL, 0 }, label = { NULL, 0 };
	char *text;

	if (session_get(session, object, CKA_ID, &id, NULL) == 0 &&
	    session_get(session, object, CKA_LABEL, &label, NULL) == 0) {
		const CK_ATTRIBUTE attrs[] = {
			{ CKA_CLASS, &class, sizeof(class) },
			{ CKA_ID, id.data, id.size },
			{ CKA_LABEL, label.data, label.size },
		};

		if (uri_format(&session->token, attrs, 3, NULL, NULL, &text) == 0) {
			diag_candidate(diag, text);
			free(text);
		}
	}
	gnutls_free(id.data);
	gnutls_free(label.data);
}

/* The one object that a template matches. */
static int find_one(const struct session *session, CK_ATTRIBUTE *attrs, CK_ULONG nattrs, CK_OBJECT_CLASS class,
		    CK_OBJECT_HANDLE *object, struct nfstls_diag *diag)
{
	bool is_key = class == CKO_PRIVATE_KEY;
	CK_OBJECT_HANDLE *objects;
	size_t count;
	int ret = session_find(session, attrs, nattrs, &objects, &count, diag);

	if (ret < 0)
		return ret;
	if (count == 1) {
		*object = objects[0];
	} else if (count == 0) {
		ret = diag_set(diag, is_key ? NFSTLS_E_KEY_ABSENT : NFSTLS_E_CERT_ABSENT, "%s holds none that matches",
			       session->name);
	} else {
		ret = diag_set(diag, is_key ? NFSTLS_E_KEY_AMBIGUOUS : NFSTLS_E_CERT_AMBIGUOUS,
			       "%zu on %s match, name one by its id and label", count, session->name);
		for (size_t i = 0; i < count; i++)
			note_candidate(session, objects[i], class, diag);
	}
	free(objects);
	return ret;
}

static int find_by_class(const struct session *session, P11KitUri *uri, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *object,
			 struct nfstls_diag *diag)
{
	CK_ATTRIBUTE attrs[URI_TEMPLATE_MAX];
	CK_ULONG count = uri_template(uri, &class, attrs);

	return find_one(session, attrs, count, class, object, diag);
}

static int find_key_of_cert(const struct session *session, P11KitUri *uri, CK_OBJECT_HANDLE *key,
			    struct nfstls_diag *diag)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_OBJECT_HANDLE cert = CK_INVALID_HANDLE;
	gnutls_datum_t id = { NULL, 0 };
	int ret;

	ret = find_by_class(session, uri, CKO_CERTIFICATE, &cert, diag);
	if (ret == 0)
		ret = session_get(session, cert, CKA_ID, &id, diag);
	if (ret < 0)
		return ret;
	if (id.size == 0) {
		ret = diag_set(diag, NFSTLS_E_KEY_ABSENT, "%s: the certificate has no id to find its key by",
			       session->name);
	} else {
		CK_ATTRIBUTE attrs[] = {
			{ CKA_CLASS, &class, sizeof(class) },
			{ CKA_ID, id.data, id.size },
		};

		ret = find_one(session, attrs, 2, class, key, diag);
	}
	gnutls_free(id.data);
	return ret;
}

/* A URI without a type means a key before it means a certificate: PIV gives the two different labels. */
static int find_key(const struct session *session, P11KitUri *uri, CK_OBJECT_HANDLE *key, struct nfstls_diag *diag)
{
	CK_OBJECT_CLASS class = uri_class(uri, CKO_DATA);
	int ret;

	if (class == CKO_CERTIFICATE)
		return find_key_of_cert(session, uri, key, diag);
	ret = find_by_class(session, uri, CKO_PRIVATE_KEY, key, diag);
	if (ret == NFSTLS_E_KEY_ABSENT && class != CKO_PRIVATE_KEY && find_key_of_cert(session, uri, key, NULL) == 0)
		ret = 0;
	return ret;
}

/* Once for all schemes: SoftHSM reads a file for each time that it is asked. */
static int describe_key(struct signer *signer, struct nfstls_diag *diag)
{
	CK_BBOOL always, sign;
	CK_ATTRIBUTE attrs[] = {
		{ CKA_KEY_TYPE, &signer->type, sizeof(signer->type) },
		{ CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always) },
		{ CKA_SIGN, &sign, sizeof(sign) },
	};
	int ret;

	ret = session_get_fixed(&signer->session, signer->key, attrs, 3, diag);
	if (ret < 0)
		return ret;
	if (attrs[0].ulValueLen != sizeof(signer->type))
		return diag_set(diag, NFSTLS_E_KEY_UNUSABLE, "%s does not tell the type of the key",
				signer->session.name);
	signer->reauthenticate = attrs[1].ulValueLen == sizeof(always) && always == CK_TRUE;
	signer->may_sign = attrs[2].ulValueLen != sizeof(sign) || sign == CK_TRUE;
	return 0;
}

int signer_open(P11KitUri *uri, const struct nfstls_access *access, struct signer **signer, struct nfstls_diag *diag)
{
	const char *pin_source = p11_kit_uri_get_pin_source(uri);
	struct signer *opened = calloc(1, sizeof(*opened));
	int ret;

	if (!opened)
		return NFSTLS_E_MEMORY;
	opened->access = access;
	if (pin_source) {
		opened->pin_source = strdup(pin_source);
		if (!opened->pin_source) {
			free(opened);
			return NFSTLS_E_MEMORY;
		}
	}

	ret = session_open(uri, access, &opened->session, opened->pin_id, diag);
	if (ret < 0) {
		free(opened->pin_source);
		free(opened);
		return ret;
	}
	ret = find_key(&opened->session, uri, &opened->key, diag);
	if (ret == 0)
		ret = describe_key(opened, diag);
	if (ret < 0) {
		signer_free(opened);
		return ret;
	}
	*signer = opened;
	return 0;
}

void signer_free(struct signer *signer)
{
	session_close(&signer->session);
	free(signer->pin_source);
	free(signer);
}
