/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include <p11-kit/p11-kit.h>

#include "token.h"

static char *unpadded(const unsigned char *field, size_t size)
{
	return strndup((const char *)field, p11_kit_space_strlen(field, size));
}

char *token_label(const CK_TOKEN_INFO *info)
{
	return unpadded(info->label, sizeof(info->label));
}

char *token_serial(const CK_TOKEN_INFO *info)
{
	return unpadded(info->serialNumber, sizeof(info->serialNumber));
}

unsigned int token_flags(const CK_TOKEN_INFO *info)
{
	static const struct {
		CK_FLAGS has;
		unsigned int flag;
	} flags[] = {
		{ CKF_LOGIN_REQUIRED, NFSTLS_TOKEN_LOGIN },
		{ CKF_PROTECTED_AUTHENTICATION_PATH, NFSTLS_TOKEN_PIN_PAD },
		{ CKF_USER_PIN_COUNT_LOW, NFSTLS_TOKEN_PIN_LOW },
		{ CKF_USER_PIN_FINAL_TRY, NFSTLS_TOKEN_FINAL_TRY },
		{ CKF_USER_PIN_LOCKED, NFSTLS_TOKEN_LOCKED },
	};
	unsigned int found = 0;

	/* what else such a token says is about a PIN that it has not got */
	if (!(info->flags & CKF_TOKEN_INITIALIZED))
		return NFSTLS_TOKEN_UNINITIALISED;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (info->flags & flags[i].has)
			found |= flags[i].flag;
	return found;
}
