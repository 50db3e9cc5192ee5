/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests/bench measures with: identities in number, a clock, and the least that a program can do which asks the
 * kernel for what nfstlskey asks it for.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/x509.h>
#include <keyutils.h>

#include "keyring.h"
#include "nfstls-p11.h"

/* As long as nfstlskey makes them. */
#define URI                                                                                                            \
	"pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=0123456789abcdef;token=lab;id=%01;"           \
	"object=lab;type=private?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/nfs/lab.pin"
#define PERMISSIONS (KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_SEARCH)
#define RUNS_MAX    100

static int open_nfs(void)
{
	struct keyring keyring;
	int ret = keyring_open(&keyring);

	if (ret < 0)
		errx(1, "the .nfs keyring: %s", strerror(-ret));
	return keyring.serial;
}

static gnutls_datum_t read_file(const char *path)
{
	gnutls_datum_t data;

	if (gnutls_load_file(path, &data) < 0)
		errx(1, "%s cannot be read", path);
	return data;
}

static void add(int keyring, int number, const char *part, const gnutls_datum_t *payload)
{
	char name[64];
	key_serial_t serial;

	snprintf(name, sizeof(name), NFSTLS_KEY_PREFIX "many%d:%s", number, part);
	serial = add_key(NFSTLS_KEY_TYPE, name, payload->data, payload->size, keyring);
	if (serial < 0 || keyctl_setperm(serial, PERMISSIONS) < 0)
		err(1, "%s", name);
}

static int fill(char **words)
{
	gnutls_datum_t cert = read_file(words[2]), handle;
	int keyring = open_nfs();

	if (nfstls_handle_encode(URI, &handle) < 0)
		errx(1, "there is no handle");
	for (int i = atoi(words[0]); i <= atoi(words[1]); i++) {
		add(keyring, i, "cert", &cert);
		add(keyring, i, "privkey", &handle);
	}
	return 0;
}

static void parse(unsigned char *payload, long size)
{
	const gnutls_datum_t der = { payload, size };
	gnutls_x509_crt_t cert;

	if (gnutls_x509_crt_init(&cert) < 0 || gnutls_x509_crt_import(cert, &der, GNUTLS_X509_FMT_DER) < 0)
		errx(1, "a certificate cannot be read");
	gnutls_x509_crt_deinit(cert);
}

enum depth { NAMES, PAYLOADS, CERTIFICATES };

static void look(key_serial_t serial, enum depth depth)
{
	unsigned char payload[4096];
	char description[512];
	bool is_cert;
	long size;

	if (keyctl_describe(serial, description, sizeof(description)) < 0)
		err(1, "key %d", serial);
	is_cert = strstr(description, ":cert");
	if (depth == NAMES || (!is_cert && !strstr(description, ":privkey")))
		return;
	size = keyctl_read(serial, (char *)payload, sizeof(payload));
	if (size < 0 || size > (long)sizeof(payload))
		err(1, "%s", description);
	if (depth == CERTIFICATES && is_cert)
		parse(payload, size);
}

static int list(enum depth depth)
{
	void *serials;
	int size = keyctl_read_alloc(open_nfs(), &serials);

	if (size < 0)
		err(1, "the .nfs keyring");
	for (size_t i = 0; i < size / sizeof(key_serial_t); i++)
		look(((key_serial_t *)serials)[i], depth);
	free(serials);
	return 0;
}

static int names(char **words)
{
	(void)words;
	return list(NAMES);
}

static int payloads(char **words)
{
	(void)words;
	return list(PAYLOADS);
}

static int certificates(char **words)
{
	(void)words;
	return list(CERTIFICATES);
}

static int show(char **words)
{
	int keyring = open_nfs();
	char name[300];

	for (int part = 0; part < PART_COUNT; part++) {
		snprintf(name, sizeof(name), NFSTLS_KEY_PREFIX "%s:%s", words[0], keyring_part_names[part]);
		keyctl_search(keyring, NFSTLS_KEY_TYPE, name, 0);
	}
	return 0;
}

static double clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double usage_ms(const struct timeval *time)
{
	return time->tv_sec * 1e3 + time->tv_usec / 1e3;
}

static int become(char **words)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
		execvp(words[0], words);
	warn("%s", words[0]);
	return 1;
}

/* In ms of the clock; *cpu is what its process had of a processor. */
static double run(char **words, double *cpu)
{
	double begin = clock_ms();
	struct rusage usage;
	pid_t child = fork();
	int status;

	if (child < 0)
		err(1, "fork");
	if (child == 0)
		_exit(become(words));
	if (wait4(child, &status, 0, &usage) < 0)
		err(1, "wait4");
	if (status != 0)
		errx(1, "%s has failed", words[0]);
	*cpu = usage_ms(&usage.ru_utime) + usage_ms(&usage.ru_stime);
	return clock_ms() - begin;
}

static int compare_times(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

/* A line: the median and the least by the clock, and the least of the processor. */
static int take_time(char **words)
{
	int runs = atoi(words[0]);
	double times[RUNS_MAX], cpus[RUNS_MAX];

	if (runs < 1 || runs > RUNS_MAX)
		errx(1, "1 to %d runs", RUNS_MAX);
	for (int i = 0; i < runs; i++)
		times[i] = run(words + 1, &cpus[i]);
	qsort(times, runs, sizeof(*times), compare_times);
	qsort(cpus, runs, sizeof(*cpus), compare_times);
	printf("%.1f %.1f %.1f\n", times[runs / 2], times[0], cpus[0]);
	return 0;
}

static const struct task {
	const char *name;
	int words; /* at least */
	int (*run)(char **words);
	const char *usage;
} tasks[] = {
	{ "fill", 3, fill, "FROM TO CERT: put the identities manyFROM to manyTO on the keyring" },
	{ "names", 0, names, ": ask for what list --output NAME asks" },
	{ "payloads", 0, payloads, ": ask for what list asks" },
	{ "certificates", 0, certificates, ": the same, and have GnuTLS read the certificates" },
	{ "show", 1, show, "IDENTITY: ask for what show asks" },
	{ "time", 2, take_time,
	  "RUNS COMMAND...: in ms, the median and the least by the clock, and the least of the processor" },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(tasks) / sizeof(tasks[0]); i++)
		if (strcmp(argv[1], tasks[i].name) == 0 && argc - 2 >= tasks[i].words)
			return tasks[i].run(argv + 2);
	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		fprintf(stderr, "probe %s %s\n", tasks[i].name, tasks[i].usage);
	return 2;
}
