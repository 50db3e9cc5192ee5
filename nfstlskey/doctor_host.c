/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel and the host have for it. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "mount_known.h"

#ifndef TCP_ULP
#define TCP_ULP 31 /* linux/tcp.h, which goes with netinet/tcp.h no better than glibc's does with it */
#endif
#define MOUNT_HELPER   "/sbin/mount.nfstls" /* where mount(8) looks */
/* Both are never older than what the clock said when they were written. */
#define TIMESYNC_STAMP "/var/lib/systemd/timesync/clock"
#define OWN_PROGRAM    "/proc/self/exe"

/* A socket that is not connected cannot have it, which the kernel says after it has looked for it. */
static bool kernel_has_tls(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 3) == 0 || errno == ENOTCONN);

	if (fd >= 0)
		close(fd);
	return has;
}

void doctor_kernel(struct doctor *doctor)
{
	struct utsname host;
	int ret = kernel_knows_identities(&doctor->knows_names);

	if (uname(&host) < 0)
		host.release[0] = '\0';
	if (ret < 0)
		doctor_say(doctor, "kernel", NULL, VERDICT_FAILED, EXIT_KERNEL,
			   "Linux %s has no NFS client (%s); modprobe nfs, or install the kernel's modules",
			   host.release, strerror(-ret));
	else if (!kernel_has_tls())
		doctor_say(doctor, "kernel", NULL, VERDICT_FAILED, EXIT_KERNEL,
			   "Linux %s has no TLS (CONFIG_TLS); modprobe tls, or take a kernel that has it",
			   host.release);
	else
		doctor_say(doctor, "kernel", NULL, VERDICT_OK, EXIT_OK, "Linux %s has an NFS client and TLS%s",
			   host.release, doctor->knows_names ? ", and knows tls_identity=" : "");
}

static int find_one(struct doctor *doctor, const char *identity)
{
	struct identity_list *list = &doctor->identities;

	list->names = calloc(1, sizeof(*list->names));
	list->keys = calloc(1, sizeof(*list->keys));
	if (list->names)
		list->names[0] = strdup(identity);
	if (!list->names || !list->names[0] || !list->keys)
		return -ENOMEM;
	list->count = 1;
	return lookup_identity(&doctor->keyring, identity, &list->keys[0]);
}

static int find_identities(struct doctor *doctor)
{
	const char *identity = doctor->args->identity;
	struct identity_list *list = &doctor->identities;
	int ret = identity ? find_one(doctor, identity) : list_identities(&doctor->keyring, list);

	if (ret == 0) {
		doctor->findings = calloc(list->count + 1, sizeof(*doctor->findings));
		ret = doctor->findings ? 0 : -ENOMEM;
	}
	if (ret < 0)
		identity_list_clear(list);
	return ret == -ENOKEY ? 0 : ret;
}

void doctor_keyring(struct doctor *doctor)
{
	int ret = keyring_open(&doctor->keyring);

	if (ret < 0) {
		doctor->keyring.serial = 0;
		doctor_say(doctor, "keyring", NULL, VERDICT_FAILED, EXIT_KERNEL,
			   "there is no .nfs keyring (%s); it takes the NFS client of Linux 6.16 or newer",
			   strerror(-ret));
		return;
	}
	ret = find_identities(doctor);
	if (ret < 0) {
		doctor->keyring.serial = 0;
		doctor_say(doctor, "keyring", doctor->args->identity, VERDICT_FAILED, EXIT_OTHER,
			   "it cannot be read: %s", strerror(-ret));
		return;
	}
	doctor_say(doctor, "keyring", NULL, VERDICT_OK, EXIT_OK, "%zu identit%s; %s", doctor->identities.count,
		   doctor->identities.count == 1 ? "y" : "ies",
		   doctor->keyring.shared ? "every network namespace shares the keyring"
					  : "the keyring is this network namespace's own");
}

void doctor_mount(struct doctor *doctor)
{
	if (access(MOUNT_NFS, X_OK) < 0)
		doctor_say(doctor, "mount", NULL, VERDICT_FAILED, EXIT_OTHER, "%s: %s; install nfs-common or nfs-utils",
			   MOUNT_NFS, strerror(errno));
	else if (doctor->knows_names)
		doctor_say(doctor, "mount", NULL, VERDICT_OK, EXIT_OK,
			   "mount -o xprtsec=mtls,tls_identity=IDENTITY, or -t nfstls");
	else if (access(MOUNT_HELPER, X_OK) < 0)
		doctor_say(doctor, "mount", NULL, VERDICT_FAILED, EXIT_OTHER,
			   "%s: %s, and this kernel knows no tls_identity=; install mount.nfstls there", MOUNT_HELPER,
			   strerror(errno));
	else
		doctor_say(doctor, "mount", NULL, VERDICT_OK, EXIT_OK, "mount -t nfstls -o tls_identity=IDENTITY");
}

static time_t written(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mtime : 0;
}

/* As text, without a line end. */
static const char *clock_text(time_t when, char text[32])
{
	struct tm parts;

	if (!gmtime_r(&when, &parts) || !strftime(text, 32, "%F %R UTC", &parts))
		text[0] = '\0';
	return text;
}

void doctor_clock(struct doctor *doctor)
{
	const char *const witnesses[] = { TIMESYNC_STAMP, OWN_PROGRAM };
	struct timex state = { .modes = 0 };
	time_t now = time(NULL);
	char said[32], seen[32];

	clock_text(now, said);
	for (size_t i = 0; i < sizeof(witnesses) / sizeof(witnesses[0]); i++) {
		time_t then = written(witnesses[i]);

		if (now >= then)
			continue;
		doctor_say(doctor, "clock", NULL, VERDICT_FAILED, EXIT_OTHER,
			   "it says %s, and it was %s already when %s was written; set it, and have it kept right",
			   said, clock_text(then, seen), i == 0 ? witnesses[i] : "this program");
		return;
	}
	if (adjtimex(&state) == TIME_ERROR)
		doctor_say(doctor, "clock", NULL, VERDICT_WARNING, EXIT_OK,
			   "it says %s, and nothing keeps it right; where that is wrong, certificates seem out of date",
			   said);
	else
		doctor_say(doctor, "clock", NULL, VERDICT_OK, EXIT_OK, "%s, synchronised", said);
}
