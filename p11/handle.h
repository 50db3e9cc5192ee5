/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HANDLE_H
#define HANDLE_H

#include <p11-kit/uri.h>

#include "diag.h"

/* What nfstls_handle_decode() unpacks, as it has been parsed to check it. Release with p11_kit_uri_free(). */
int uri_of_handle(const gnutls_datum_t *handle, P11KitUri **uri, struct nfstls_diag *diag);

#endif
