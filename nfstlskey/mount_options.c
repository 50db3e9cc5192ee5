/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmount.h>

#include "identity.h"
#include "mount_options.h"

static bool is(const char *text, size_t len, const char *wanted)
{
	return text && len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

static bool has(const char *options, const char *name)
{
	return mnt_optstr_get_option(options, name, NULL, NULL) == 0;
}

/* The value is not terminated in the string of options. */
static bool has_value(const char *options, const char *name, const char *wanted)
{
	char *value;
	size_t len;

	return mnt_optstr_get_option(options, name, &value, &len) == 0 && is(value, len, wanted);
}

static enum exit_code take_name(char **options, char **identity)
{
	char *value;
	size_t len;

	/* of several, leaves the last */
	mnt_optstr_deduplicate_option(options, "tls_identity");
	if (mnt_optstr_get_option(*options, "tls_identity", &value, &len) != 0)
		return fail(EXIT_USAGE, NULL, "which identity? name it with -o tls_identity=NAME");
	*identity = strndup(value ? value : "", len);
	if (!*identity || mnt_optstr_remove_option(options, "tls_identity") != 0)
		return fail_errno(NULL, ENOMEM, "its options");
	return identity_check_name(*identity);
}

/* Such as context="system_u:object_r:nfs_t:s0:c1,c5.c7": behind each comma a category, which no option of NFS begins
 * as. */
static bool is_of_selinux(const char *name, size_t len, const char *value, size_t value_len)
{
	if (!is(name, len, "context") && !is(name, len, "fscontext") && !is(name, len, "defcontext") &&
	    !is(name, len, "rootcontext"))
		return false;
	for (size_t i = 0; value && i < value_len; i++)
		if (value[i] == ',' &&
		    (i + 2 >= value_len || value[i + 1] != 'c' || !isdigit((unsigned char)value[i + 2])))
			return false;
	return true;
}

/*
 * mount(8) and mount.nfs take a comma in quotes for a part of the value. The kernel has no quotes, but for those of
 * SELinux, and would find more options in such a one than we look at.
 */
static enum exit_code check_quotes(const char *options)
{
	char *rest = (char *)options, *name, *value;
	size_t len, value_len, whole;
	int ret;

	while ((ret = mnt_optstr_next_option(&rest, &name, &len, &value, &value_len)) == 0) {
		whole = value ? (size_t)(value + value_len - name) : len;
		if (memchr(name, ',', whole) && !is_of_selinux(name, len, value, value_len))
			return fail(EXIT_USAGE, NULL, "%.*s has a comma in quotes, which NFS takes for the end of it",
				    (int)len, name);
	}
	/* or libmount leaves it where it is, and finds no more */
	return ret < 0 || *rest
		       ? fail(EXIT_USAGE, NULL, "one of its options is empty, or has a quote that does not end")
		       : EXIT_OK;
}

/* Behind all others, where it counts. */
static enum exit_code put_xprtsec(char **options, const char *identity)
{
	mnt_optstr_deduplicate_option(options, "xprtsec");
	if (has(*options, "xprtsec") && !has_value(*options, "xprtsec", "mtls"))
		return fail(EXIT_USAGE, identity, "an identity needs xprtsec=mtls, or no xprtsec= at all");
	if (mnt_optstr_remove_option(options, "xprtsec") < 0 || options_append(options, "xprtsec", "mtls") < 0)
		return fail_errno(identity, ENOMEM, "its options");
	return EXIT_OK;
}

enum exit_code options_take_identity(char **options, char **identity)
{
	enum exit_code code;

	*identity = NULL;
	code = check_quotes(*options);
	if (code == EXIT_OK)
		code = take_name(options, identity);
	if (code != EXIT_OK)
		return code;
	if (has(*options, "cert_serial") || has(*options, "privkey_serial"))
		return fail(EXIT_USAGE, *identity, "tls_identity= excludes cert_serial= and privkey_serial=");
	return put_xprtsec(options, *identity);
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

/* mount.nfs refuses more than one of these; if it did not, the last would count. */
bool options_want_v3(const char *options)
{
	char *rest = (char *)options, *name, *value;
	size_t len, value_len;
	bool v3 = false;

	while (mnt_optstr_next_option(&rest, &name, &len, &value, &value_len) == 0)
		if (is(name, len, "vers") || is(name, len, "nfsvers"))
			v3 = is(value, value_len, "3");
		else if (len >= 2 && name[0] == 'v' && name[1] >= '2' && name[1] <= '4')
			v3 = !value && is(name, len, "v3");
	return v3;
}

bool options_want_remount(const char *options)
{
	return has(options, "remount");
}
