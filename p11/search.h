/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tokens that a URI means. */
#ifndef SEARCH_H
#define SEARCH_H

#include "module.h"
#include "uri.h"

/* A token in its slot; where it is not initialised, the flags of info say so. */
struct token {
	struct module module;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
};

/*
 * Show every token that matches to a visitor, which returns 0 or an error of its own that ends the search.
 * @modules: gets how many modules were asked.
 * A module that cannot tell what it has does not end the search, but fails it: the first such error is returned.
 */
typedef int token_visitor(const struct token *token, void *arg, struct nfstls_diag *diag);
int tokens_visit(P11KitUri *uri, token_visitor *visit, void *arg, size_t *modules, struct nfstls_diag *diag);

#endif
