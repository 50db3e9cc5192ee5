/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who does the handshakes, and whether it can use what is on the keyring. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "netns_list.h"
#include "tlshd.h"

static void say_missing(struct doctor *doctor, const struct tlshd *tlshd)
{
	char *netns = netns_own_name();

	if (tlshd->is_listening)
		doctor_say(
			doctor, "tlshd", NULL, VERDICT_WARNING, EXIT_OK,
			"it listens in this network namespace, but is not among the processes that are seen from here; "
			"look at it where it runs");
	else
		doctor_say(doctor, "tlshd", NULL, VERDICT_FAILED, EXIT_OTHER,
			   "it does not run in this network namespace%s; systemctl start %s%s",
			   tlshd->elsewhere ? ", only in another one" : "", netns ? "nfstls-tlshd@" : "tlshd",
			   netns ? netns : "");
	free(netns);
}

static void say_tokens(struct doctor *doctor, const struct tlshd *tlshd)
{
	if (tlshd->tokens == TLSHD_ADAPTER)
		doctor_say(doctor, "tokens", "tlshd", VERDICT_OK, EXIT_OK, "it has the adapter");
	else if (tlshd->tokens == TLSHD_PATCHED)
		doctor_say(doctor, "tokens", "tlshd", VERDICT_OK, EXIT_OK, "it uses token handles by itself");
	else
		doctor_say(doctor, "tokens", "tlshd", doctor->has_handles ? VERDICT_FAILED : VERDICT_WARNING,
			   EXIT_OTHER,
			   "pid %d was started without the adapter, and can use no token; systemctl daemon-reload, "
			   "then restart it",
			   (int)tlshd->pid);
}

static void say_config(struct doctor *doctor, const struct tlshd *tlshd)
{
	if (!tlshd->config_file)
		doctor_say(doctor, "config", "tlshd", VERDICT_WARNING, EXIT_OK,
			   "it has no configuration file: servers are verified with what this host trusts");
	else if (!tlshd->config_is_read)
		doctor_say(doctor, "config", "tlshd", VERDICT_FAILED, EXIT_FILE, "%s cannot be read; see tlshd.conf(5)",
			   tlshd->config_name);
	else if (tlshd->trust_file && access(tlshd->trust_file, R_OK) < 0)
		doctor_say(doctor, "config", "tlshd", VERDICT_FAILED, EXIT_FILE,
			   "%s: x509.truststore %s: %s; it holds the CA of the server", tlshd->config_name,
			   tlshd->trust_name, strerror(errno));
	else if (!tlshd->names_keyring && doctor->keyring.shared)
		doctor_say(
			doctor, "config", "tlshd", VERDICT_WARNING, EXIT_OK,
			"%s does not say keyrings=.nfs below [authenticate], which ktls-utils before 1.3 needs; put it "
			"there, and restart tlshd",
			tlshd->config_name);
	else
		doctor_say(doctor, "config", "tlshd", VERDICT_OK, EXIT_OK, "%s: servers are verified with %s",
			   tlshd->config_name, tlshd->trust_name ? tlshd->trust_name : "what this host trusts");
}

void doctor_tlshd(struct doctor *doctor)
{
	struct tlshd tlshd;
	int ret = tlshd_find(&tlshd);

	if (ret == -EPROTONOSUPPORT) {
		doctor_say(doctor, "tlshd", NULL, VERDICT_FAILED, EXIT_KERNEL,
			   "this kernel asks nobody for a handshake (CONFIG_NET_HANDSHAKE); take one that does");
		return;
	}
	if (ret < 0) {
		doctor_say(doctor, "tlshd", NULL, VERDICT_FAILED, EXIT_OTHER, "it cannot be looked for: %s",
			   strerror(-ret));
		return;
	}
	if (!tlshd.pid || !tlshd.is_listening) {
		say_missing(doctor, &tlshd);
	} else {
		doctor_say(doctor, "tlshd", NULL, VERDICT_OK, EXIT_OK, "pid %d listens in this network namespace",
			   (int)tlshd.pid);
	}
	if (tlshd.pid)
		say_tokens(doctor, &tlshd);
	if (tlshd.pid || tlshd.config_file)
		say_config(doctor, &tlshd);
	doctor->knows_trust =
		(tlshd.pid || tlshd.config_file) && (!tlshd.trust_file || access(tlshd.trust_file, R_OK) == 0);
	doctor->trust_name = tlshd.trust_name;
	doctor->trust_file = tlshd.trust_file;
	tlshd.trust_name = tlshd.trust_file = NULL;
	tlshd_clear(&tlshd);
}
