/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the files of the library say what went wrong. Every function returns the error that it was given. */
#ifndef DIAG_H
#define DIAG_H

#include <p11-kit/pkcs11.h>

#include "nfstls-p11.h"

/* Note a cause. It replaces an earlier text and its candidates: the outermost caller knows best whose cause it was. */
__attribute__((format(printf, 3, 4))) int diag_set(struct nfstls_diag *diag, int error, const char *format, ...);

/* Note what a PKCS#11 call returned, and map it to an enum nfstls_error (PKCS#11 v2.40, section 5.1). */
int diag_rv(struct nfstls_diag *diag, CK_RV rv, const char *who, const char *call);

/* Whether it tells nothing of what was asked for: the token is gone, or something has no room left. */
bool rv_is_breakdown(CK_RV rv);

/* Note what GnuTLS returned: NFSTLS_E_MEMORY or the error given. */
int diag_gnutls(struct nfstls_diag *diag, int ret, int error, const char *what);

/* Append one URI to the candidates. It is dropped when memory is short: the error itself matters more. */
void diag_candidate(struct nfstls_diag *diag, const char *uri);

#endif
