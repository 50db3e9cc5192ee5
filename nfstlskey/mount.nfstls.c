/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mount.nfstls: what mount(8) runs for the type "nfstls". It makes of tls_identity=NAME what the kernel takes, and goes
 * on as mount.nfs: the arguments are those of mount(8) for its helpers, and so is the exit status.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <libmount.h>

#include "identity.h"
#include "mount_known.h"
#include "mount_options.h"
#include "owner.h"

#define GENERATIONS "/run/nfstls"

struct request {
	const char *source;
	const char *target;
	char *options;	/* allocated */
	char *identity; /* allocated */
	char flags[8];	/* "-fnsv", or some of these letters */
	bool verbose;
};

static int mount_status(enum exit_code code)
{
	switch (code) {
	case EXIT_OK:
		return MNT_EX_SUCCESS;
	case EXIT_USAGE:
	case EXIT_PERMISSION:
		return MNT_EX_USAGE;
	case EXIT_OTHER:
		return MNT_EX_SYSERR;
	default:
		return MNT_EX_FAIL;
	}
}

static void print_help(void)
{
	puts("Usage: mount.nfstls SERVER:PATH DIRECTORY [-fnsv] [-o OPTIONS]\n"
	     "Mount NFS over mutual TLS as an identity; mount(8) runs it for the type nfstls.\n"
	     "\n"
	     "  -f  do all but the mount     -n  leave no record in /run/mount/utab\n"
	     "  -s  ignore unknown options   -v  say what is done\n"
	     "  -o  tls_identity=NAME and the options of nfs(5), which are handed over to mount.nfs\n"
	     "  -h, --help, -V, --version\n"
	     "\n"
	     "Example: mount -t nfstls -o tls_identity=lab server:/export /mnt\n"
	     "\n"
	     "See mount.nfstls(8), and nfstlskey(8) for how to make an identity.");
}

static void add_flag(struct request *request, char letter)
{
	size_t len = strlen(request->flags);

	if (len == 0)
		request->flags[len++] = '-';
	if (!strchr(request->flags, letter))
		request->flags[len] = letter;
}

/* mount(8) gives -o once; given by hand it may come again. */
static enum exit_code add_options(struct request *request, const char *options)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", request->options, *request->options && *options ? "," : "", options) < 0)
		return fail_errno(NULL, ENOMEM, "its options");
	free(request->options);
	request->options = joined;
	return EXIT_OK;
}

static enum exit_code take_letter(struct request *request, int letter)
{
	switch (letter) {
	case 'v':
		request->verbose = true;
		/* fall through */
	case 'f':
	case 'n':
	case 's':
		add_flag(request, letter);
		return EXIT_OK;
	case 'h':
		print_help();
		exit(MNT_EX_SUCCESS);
	case 'V':
		puts(PACKAGE_STRING);
		exit(MNT_EX_SUCCESS);
	case 'o':
		return add_options(request, optarg);
	case 't':
		if (strcmp(optarg, "nfstls") == 0)
			return EXIT_OK;
		return fail(EXIT_USAGE, NULL, "it mounts the type nfstls, not %s", optarg);
	case 'N':
		return fail(EXIT_USAGE, NULL, "-N is not for this type; use nsenter --mount=FILE mount ...");
	}
	return EXIT_OK;
}

static enum exit_code take_arguments(int argc, char **argv, struct request *request)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	enum exit_code code = EXIT_OK;
	int letter;

	request->options = strdup("");
	if (!request->options)
		return fail_errno(NULL, ENOMEM, "its options");
	while (code == EXIT_OK && (letter = getopt_long(argc, argv, ":fnsvo:t:N:hV", long_options, NULL)) != -1) {
		if (letter == ':')
			return fail(EXIT_USAGE, NULL, "option %s needs a value; see mount.nfstls --help",
				    argv[optind - 1]);
		if (letter == '?')
			return fail(EXIT_USAGE, NULL, "unknown option %s; see mount.nfstls --help",
				    refused_word(argc, argv));
		code = take_letter(request, letter);
	}
	if (code != EXIT_OK)
		return code;
	if (argc - optind != 2)
		return fail(EXIT_USAGE, NULL, "it takes SERVER:PATH and a directory; see mount.nfstls --help");
	request->source = argv[optind];
	request->target = argv[optind + 1];
	return EXIT_OK;
}

/* Such a kernel would ignore it, and have the mount go on as who it is. */
static enum exit_code check_remount(const struct request *request)
{
	if (!options_want_remount(request->options) || mount_is_recorded(request->target, request->identity))
		return EXIT_OK;
	return fail(
		EXIT_KERNEL, request->identity,
		"%s is not known to be mounted as this identity, and a remount cannot change that; unmount it first",
		request->target);
}

static enum exit_code be_client_of_its_own(const struct request *request, const struct identity_keys *keys)
{
	char name[OWNER_NAME_SIZE];
	unsigned int generation;
	struct utsname host;
	int ret = owner_generation(GENERATIONS, request->identity, keys, &generation);

	if (ret < 0)
		return fail_errno(request->identity, -ret, GENERATIONS);
	if (uname(&host) < 0)
		return fail_errno(request->identity, errno, "the host name");
	ret = owner_name(host.nodename, request->identity, generation, name);
	if (ret == 0)
		ret = owner_enter(name);
	if (ret < 0)
		return fail_errno(request->identity, -ret, "a host name of its own");
	if (request->verbose)
		fprintf(stderr, "mount.nfstls: this kernel does not know tls_identity=: the client is %s\n", name);
	return EXIT_OK;
}

static enum exit_code name_serials(struct request *request, const struct identity_keys *keys)
{
	enum exit_code code = check_remount(request);

	if (code != EXIT_OK)
		return code;
	if (options_append_serial(&request->options, "cert_serial", keys->serial[PART_CERT]) < 0 ||
	    options_append_serial(&request->options, "privkey_serial", keys->serial[PART_PRIVKEY]) < 0 ||
	    options_append(&request->options, RECORD_OPTION, request->identity) < 0)
		return fail_errno(request->identity, ENOMEM, "its options");
	return options_want_v3(request->options) ? EXIT_OK : be_client_of_its_own(request, keys);
}

static enum exit_code name_identity(struct request *request)
{
	struct identity_keys keys;
	enum exit_code code;
	bool knows;
	int ret;

	/* first, since this loads the NFS client, and there is no .nfs keyring without it */
	ret = kernel_knows_identities(&knows);
	if (ret == -ENODEV)
		return fail(EXIT_KERNEL, request->identity, "this kernel has no NFS client");
	if (ret < 0)
		return fail_errno(request->identity, -ret, "the NFS client");
	code = open_whole_identity(request->identity, &keys);
	if (code != EXIT_OK)
		return code;
	if (!knows)
		return name_serials(request, &keys);
	if (options_append(&request->options, "tls_identity", request->identity) < 0)
		return fail_errno(request->identity, ENOMEM, "its options");
	return EXIT_OK;
}

static enum exit_code become_mount_nfs(const struct request *request)
{
	const char *argv[] = { MOUNT_NFS, request->source, request->target, "-o", request->options, NULL, NULL };

	if (request->flags[0])
		argv[5] = request->flags;
	execv(argv[0], (char **)argv);
	return fail(EXIT_OTHER, request->identity, "%s: %s; install nfs-common or nfs-utils", argv[0], strerror(errno));
}

int main(int argc, char **argv)
{
	struct request request = { .source = NULL };
	enum exit_code code;

	setlocale(LC_ALL, "");
	report_as("mount.nfstls");
	code = take_arguments(argc, argv, &request);
	if (code == EXIT_OK)
		code = options_take_identity(&request.options, &request.identity);
	if (code == EXIT_OK)
		code = name_identity(&request);
	if (code == EXIT_OK)
		code = become_mount_nfs(&request);
	free(request.options);
	free(request.identity);
	return mount_status(code);
}
