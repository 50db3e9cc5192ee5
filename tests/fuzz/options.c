/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a mount: what mount.nfstls hands over means the identity that was named and TLS of both sides, also to
 * a kernel, which knows no quotes and for which the last option counts.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "identity.h"
#include "mount_options.h"

/* The value of the last option of a name, as the kernel takes a string apart; for free(). NULL: there is none. */
static char *kernel_reads(const char *options, const char *name)
{
	char *copy = strdup(options), *rest = copy, *found = NULL, *option;
	size_t len = strlen(name);

	while ((option = strsep(&rest, ",")))
		if (strncmp(option, name, len) == 0 && (option[len] == '=' || !option[len])) {
			free(found);
			found = strdup(option[len] ? option + len + 1 : "");
		}
	free(copy);
	return found;
}

static void check_kernel_reads(const char *options, const char *name, const char *wanted)
{
	char *value = kernel_reads(options, name);

	must_hold(value && strcmp(value, wanted) == 0);
	free(value);
}

/* Whether the kernel mounts as this version: the last of the options that say one is what it does. */
static bool kernel_takes_v3(const char *options)
{
	char *copy = strdup(options), *rest = copy, *option;
	bool v3 = false;

	while ((option = strsep(&rest, ",")))
		if (strncmp(option, "vers=", 5) == 0 || strncmp(option, "nfsvers=", 8) == 0)
			v3 = strcmp(strchr(option, '=') + 1, "3") == 0;
		else if (strncmp(option, "v2", 2) == 0 || strncmp(option, "v3", 2) == 0 ||
			 strncmp(option, "v4", 2) == 0)
			v3 = strcmp(option, "v3") == 0;
	free(copy);
	return v3;
}

static void check_taken(char **options, const char *identity)
{
	char *again;

	must_hold(!identity_name_fault(identity));
	check_kernel_reads(*options, "xprtsec", "mtls");
	/* what passes for NFSv3 and becomes NFSv4 would not be a client of its own */
	must_hold(!options_want_v3(*options) || kernel_takes_v3(*options));
	must_hold(options_append(options, "tls_identity", identity) == 0);
	check_kernel_reads(*options, "tls_identity", identity);
	must_hold(options_append_serial(options, "cert_serial", 12) == 0);
	check_kernel_reads(*options, "cert_serial", "12");

	/* and once more: of what is handed over it takes the same */
	again = NULL;
	must_hold(options_take_identity(options, &again) == EXIT_USAGE);
	must_hold(again && strcmp(again, identity) == 0);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *options = fuzz_text(data, size), *identity = NULL;
	enum exit_code code;
	const char *said;

	fuzz_listen();
	code = options_take_identity(&options, &identity);
	said = fuzz_said();
	must_hold(code == EXIT_OK || code == EXIT_USAGE);
	must_hold((code == EXIT_OK) == !said[0]);
	must_hold(fuzz_is_line(said));
	if (code == EXIT_OK)
		check_taken(&options, identity);
	fuzz_said();
	free(identity);
	free(options);
	return 0;
}
