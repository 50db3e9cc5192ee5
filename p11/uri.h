/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PKCS#11 URIs (RFC 7512), parsed by p11-kit and then held to our rules. */
#ifndef URI_H
#define URI_H

#include <p11-kit/uri.h>

#include "module.h"

/*
 * Parse a URI that a person or a handle gave. Fails closed: printable ASCII only, nothing that p11-kit does not
 * recognise in the path, no pin-value, no type but private or cert, and no attribute twice. Release with
 * p11_kit_uri_free().
 */
int uri_parse(const char *text, P11KitUri **uri, struct nfstls_diag *diag);

/* The object class that the URI names (its type attribute), or the default given where it names none. */
CK_OBJECT_CLASS uri_class(P11KitUri *uri, CK_OBJECT_CLASS unnamed);

/*
 * The attributes of the URI as a search template for objects of a class. *attrs has room for URI_TEMPLATE_MAX; values
 * point into the URI and at *class.
 */
#define URI_TEMPLATE_MAX 3
CK_ULONG uri_template(P11KitUri *uri, CK_OBJECT_CLASS *class, CK_ATTRIBUTE *attrs);

/*
 * The URI that names one token and, with a template of its own, one object on it. Free *text with free().
 * @module: to be named as well, or NULL
 */
int uri_format(const CK_TOKEN_INFO *token, const CK_ATTRIBUTE *attrs, CK_ULONG count, const struct module *module,
	       const char *pin_source, char **text);

#endif
