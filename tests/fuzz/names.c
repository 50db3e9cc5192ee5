/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that people type, and that become a part of something else: of an identity, a network namespace, a server. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "identity.h"
#include "netns.h"
#include "nfs_connect.h"

/* It is a part of key descriptions, in which colons part words, and of mount options, in which commas do. */
static void check_identity(const char *name)
{
	bool good = strlen(name) >= 1 && strlen(name) <= 200;

	for (const char *p = name; *p; p++)
		good = good && *p > ' ' && *p < 0x7f && *p != ':' && *p != ';' && *p != ',';
	must_hold(good == !identity_name_fault(name));
}

/* It is a path, or a name in one folder. */
static void check_netns(const char *name)
{
	if (netns_is_named(name) && name[0] != '/')
		must_hold(name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

static void check_server(const char *source)
{
	char *host = NULL;
	int ret = nfs_server_name(source, &host);

	must_hold(ret == 0 || ret == -EINVAL);
	must_hold((ret == 0) == (host != NULL));
	if (host) {
		must_hold(host[0]);
		must_hold(strncmp(source + (source[0] == '['), host, strlen(host)) == 0);
		must_hold(source[0] == '[' ? !strchr(host, ']') : !strchr(host, ':'));
	}
	free(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	check_identity(text);
	check_netns(text);
	check_server(text);
	free(text);
	return 0;
}
