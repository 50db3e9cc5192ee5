/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libeconf.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "tlshd.h"

/* Documentation/netlink/specs/handshake.yaml */
#define FAMILY	"handshake"
#define GROUP	"tlshd"
/* What tlshd asks to be told of is a bit here, where it is one of the first 32. */
#define SOCKETS "/proc/net/netlink"

/* Where each release of ktls-utils looks, in this order: 1.0.0 in the first alone. */
static const char *const config_files[] = { "/etc/tlshd.conf", "/etc/tlshd/config", NULL };

/* The number of the multicast group, or a negative errno value. */
static int find_group(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	int ret = sock ? genl_connect(sock) : -NLE_NOMEM;

	if (ret == 0)
		ret = genl_ctrl_resolve_grp(sock, FAMILY, GROUP);
	if (sock)
		nl_socket_free(sock);
	if (ret == -NLE_OBJ_NOTFOUND)
		return -EPROTONOSUPPORT;
	return ret < 0 ? -EIO : ret;
}

static bool group_has_listener(unsigned int group)
{
	FILE *file = fopen(SOCKETS, "re");
	unsigned int protocol, groups;
	bool has = false;
	char line[256];

	while (file && !has && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*x %u %*u %x", &protocol, &groups) == 2 && protocol == NETLINK_GENERIC)
			has = group >= 1 && group <= 32 && groups & 1U << (group - 1);
	if (file)
		fclose(file);
	return has;
}

static bool is_tlshd(const char *pid)
{
	char path[PATH_MAX], name[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return strcmp(name, "tlshd\n") == 0;
}

static bool is_in_our_netns(const char *pid)
{
	struct stat ours, its;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	return stat("/proc/self/ns/net", &ours) == 0 && stat(path, &its) == 0 && ours.st_dev == its.st_dev &&
	       ours.st_ino == its.st_ino;
}

/* The children that do handshakes have its name, and all else that is asked here, as well. */
static int find_process(struct tlshd *tlshd)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return -errno;
	while (tlshd->pid == 0 && (entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !is_tlshd(entry->d_name))
			continue;
		if (is_in_our_netns(entry->d_name))
			tlshd->pid = atoi(entry->d_name);
		else
			tlshd->elsewhere = atoi(entry->d_name);
	}
	closedir(proc);
	return 0;
}

static FILE *open_of_process(pid_t pid, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

/* From the libraries that it has mapped. */
static enum tlshd_tokens find_tokens(pid_t pid)
{
	FILE *maps = open_of_process(pid, "maps");
	enum tlshd_tokens tokens = TLSHD_NO_TOKENS;
	char *line = NULL;
	size_t size = 0;

	while (maps && tokens != TLSHD_ADAPTER && getline(&line, &size, maps) > 0) {
		if (strstr(line, "/tlshd-adapter.so"))
			tokens = TLSHD_ADAPTER;
		else if (strstr(line, "/libnfstls-p11.so"))
			tokens = TLSHD_PATCHED;
	}
	free(line);
	if (maps)
		fclose(maps);
	return tokens;
}

/* -c FILE, -cFILE, --config FILE or --config=FILE of its command line, for free(); NULL: it has none. */
static char *named_config(pid_t pid)
{
	FILE *file = open_of_process(pid, "cmdline");
	char *word = NULL, *found = NULL;
	bool is_next = false;
	size_t size = 0;

	while (file && !found && getdelim(&word, &size, '\0', file) > 0) {
		if (is_next)
			found = strdup(word);
		else if (strncmp(word, "--config=", 9) == 0)
			found = strdup(word + 9);
		else if (strncmp(word, "-c", 2) == 0 && word[2])
			found = strdup(word + 2);
		is_next = strcmp(word, "-c") == 0 || strcmp(word, "--config") == 0;
	}
	free(word);
	if (file)
		fclose(file);
	return found;
}

/*
 * A file that a process names, as it can be opened from here: it may have another root, or another folder. One that
 * does not run will start as we did.
 */
static char *path_of_process(pid_t pid, const char *name)
{
	char *path;

	return asprintf(&path, "/proc/%d/%s%s%s", (int)(pid ? pid : getpid()), name[0] == '/' ? "root" : "cwd",
			name[0] == '/' ? "" : "/", name) < 0
		       ? NULL
		       : path;
}

static int find_config(struct tlshd *tlshd)
{
	tlshd->config_name = tlshd->pid ? named_config(tlshd->pid) : NULL;
	if (tlshd->config_name) {
		tlshd->config_file = path_of_process(tlshd->pid, tlshd->config_name);
		return tlshd->config_file ? 0 : -ENOMEM;
	}
	for (size_t i = 0; config_files[i] && !tlshd->config_file; i++) {
		char *path = path_of_process(tlshd->pid, config_files[i]);

		if (!path)
			return -ENOMEM;
		if (access(path, R_OK) == 0) {
			tlshd->config_file = path;
			tlshd->config_name = strdup(config_files[i]);
		} else {
			free(path);
		}
	}
	return 0;
}

/* ".nfs" or ".nvme;.nfs;": GLib's list. */
static bool names(const char *list, const char *name)
{
	const char *end;

	for (; list; list = end ? end + 1 : NULL) {
		end = strchr(list, ';');
		if ((end ? (size_t)(end - list) : strlen(list)) == strlen(name) &&
		    strncmp(list, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

static int read_config(struct tlshd *tlshd)
{
	econf_file *config;
	char *value = NULL;
	int ret = 0;

	if (econf_readFile(&config, tlshd->config_file, "=", "#") != ECONF_SUCCESS)
		return 0;
	tlshd->config_is_read = true;
	if (econf_getStringValue(config, "authenticate", "keyrings", &value) == ECONF_SUCCESS)
		tlshd->names_keyring = names(value, ".nfs");
	free(value);
	econf_getStringValue(config, "authenticate.client", "x509.truststore", &tlshd->trust_name);
	if (tlshd->trust_name) {
		tlshd->trust_file = path_of_process(tlshd->pid, tlshd->trust_name);
		ret = tlshd->trust_file ? 0 : -ENOMEM;
	}
	econf_freeFile(config);
	return ret;
}

int tlshd_find(struct tlshd *tlshd)
{
	int group = find_group(), ret;

	*tlshd = (struct tlshd){ .pid = 0 };
	if (group < 0)
		return group;
	tlshd->is_listening = group_has_listener(group);
	ret = find_process(tlshd);
	if (ret == 0 && tlshd->pid)
		tlshd->tokens = find_tokens(tlshd->pid);
	if (ret == 0)
		ret = find_config(tlshd);
	if (ret == 0 && tlshd->config_file)
		ret = read_config(tlshd);
	if (ret < 0)
		tlshd_clear(tlshd);
	return ret;
}

void tlshd_clear(struct tlshd *tlshd)
{
	free(tlshd->config_file);
	free(tlshd->config_name);
	free(tlshd->trust_file);
	free(tlshd->trust_name);
	*tlshd = (struct tlshd){ .pid = 0 };
}
