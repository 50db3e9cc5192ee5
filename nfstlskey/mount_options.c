/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmount.h>

#include "identity.h"
#include "mount_options.h"

static bool has(const char *options, const char *name)
{
	return mnt_optstr_get_option(options, name, NULL, NULL) == 0;
}

/* The value is not terminated in the string of options. */
static bool has_value(const char *options, const char *name, const char *wanted)
{
	char *value;
	size_t len;

	return mnt_optstr_get_option(options, name, &value, &len) == 0 && value && len == strlen(wanted) &&
	       memcmp(value, wanted, len) == 0;
}

static enum exit_code take_name(char **options, char **identity)
{
	char *value;
	size_t len;

	*identity = NULL;
	/* of several, leaves the last */
	mnt_optstr_deduplicate_option(options, "tls_identity");
	if (mnt_optstr_get_option(*options, "tls_identity", &value, &len) != 0)
		return fail(EXIT_USAGE, NULL, "which identity? name it with -o tls_identity=NAME");
	*identity = strndup(value ? value : "", len);
	if (!*identity || mnt_optstr_remove_option(options, "tls_identity") != 0)
		return fail_errno(NULL, ENOMEM, "its options");
	return identity_check_name(*identity);
}

enum exit_code options_take_identity(char **options, char **identity)
{
	enum exit_code code = take_name(options, identity);

	if (code != EXIT_OK)
		return code;
	if (has(*options, "cert_serial") || has(*options, "privkey_serial"))
		return fail(EXIT_USAGE, *identity, "tls_identity= excludes cert_serial= and privkey_serial=");
	mnt_optstr_deduplicate_option(options, "xprtsec");
	if (!has(*options, "xprtsec"))
		return options_append(options, "xprtsec", "mtls") == 0 ? EXIT_OK
								       : fail_errno(*identity, ENOMEM, "its options");
	if (!has_value(*options, "xprtsec", "mtls"))
		return fail(EXIT_USAGE, *identity, "an identity needs xprtsec=mtls, or no xprtsec= at all");
	return EXIT_OK;
}

int options_append(char **options, const char *name, const char *value)
{
	return mnt_optstr_append_option(options, name, value) == 0 ? 0 : -ENOMEM;
}

int options_append_serial(char **options, const char *name, int serial)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%d", serial);
	return options_append(options, name, digits);
}

bool options_want_v3(const char *options)
{
	return has(options, "v3") || has_value(options, "vers", "3") || has_value(options, "nfsvers", "3");
}

bool options_want_remount(const char *options)
{
	return has(options, "remount");
}
