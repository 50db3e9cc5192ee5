/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PKCS#11 modules: foreign code, so only from trusted places, only when asked for, and no more of them than needed. */
#ifndef MODULE_H
#define MODULE_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "diag.h"

/*
 * An initialised module. What it points to is the library's, until modules_unload().
 *
 * Some modules are more than a file: p11-kit's configuration has an argument for their C_Initialize (NSS: where its
 * database is), or is all that there is of them (remote). Loaded by the path they would be others, or nothing. These
 * have a name.
 */
struct module {
	CK_FUNCTION_LIST *funcs;
	const char *path; /* absolute, as p11-kit's configuration or the handle has it; of a remote one the name */
	const char *name; /* that p11-kit's configuration has for one that cannot do without it; else NULL */
};

/*
 * The modules to search for a URI: the one that its module-path names, else of those that p11-kit is configured with
 * the one that its module-name names, else all. Modules that cannot be initialised are left out of a search over all
 * of them, as are those that only hold trust anchors. Free *list with free().
 * Errors: NFSTLS_E_MODULE_DENIED, NFSTLS_E_MODULE, NFSTLS_E_TOKEN_ABSENT (the one module that is named does not start),
 * NFSTLS_E_MEMORY.
 */
int modules_for_uri(P11KitUri *uri, struct module **list, size_t *count, struct nfstls_diag *diag);

/*
 * Whether a module may be loaded by its path: its real path matches one of the patterns that the library was built
 * with, or of the environment variable NFSTLS_PKCS11_MODULES (a colon between them, not for setuid programs), and
 * nobody but root or ourselves can write to the file. Errors: NFSTLS_E_MODULE_DENIED, NFSTLS_E_MODULE, NFSTLS_E_MEMORY.
 */
int module_check_path(const char *path, struct nfstls_diag *diag);

/*
 * A module that starts reads what a login writes: SoftHSM truncates and rewrites the token's file at each one, and who
 * reads it in that moment sees no token, or one without a PIN. So, for root, a module is initialised under a shared
 * lock of its own, which is kept until modules_unlock(), and a login is made under an exclusive one: module_lock(), of
 * a module that is initialised here and whose shared lock was given back. Errors: NFSTLS_E_TOKEN.
 */
int module_lock(const char *path, struct nfstls_diag *diag);
void modules_unlock(void);

/* Finalise and unload every module that this process loaded. Sessions must be closed. */
void modules_unload(void);

#endif
