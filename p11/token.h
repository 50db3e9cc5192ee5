/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What CK_TOKEN_INFO says, in terms of the library. */
#ifndef TOKEN_H
#define TOKEN_H

#include "diag.h"

/* The label and the serial without the spaces that they are padded with. Free with free(); NULL: no memory. */
char *token_label(const CK_TOKEN_INFO *info);
char *token_serial(const CK_TOKEN_INFO *info);

/* enum nfstls_token_flags */
unsigned int token_flags(const CK_TOKEN_INFO *info);

#endif
