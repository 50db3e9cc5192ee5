/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file a subcommand; main.c holds the table of them. */
#ifndef COMMAND_H
#define COMMAND_H

#include "identity.h"
#include "material.h"

/* What the command line said, checked by the command's row of the table. */
struct arguments {
	const char *identity;
	char **identities; /* of a command that takes several */
	size_t identity_count;
	const char *uri;     /* or NULL */
	const char *server;  /* SERVER:/PATH, or NULL */
	const char *ca_file; /* or NULL */
	const char *netns;   /* or NULL */
	const char *output;  /* or NULL */
	struct source source;
	bool all;
	bool all_netns;
	bool dry_run;
	bool mount_options;
	bool output_all;
	bool probe;
	bool raw;
	bool json;
	bool no_headings;
	bool persist;
};

enum exit_code cmd_add(const struct arguments *args);
enum exit_code cmd_check_config(const struct arguments *args);
enum exit_code cmd_doctor(const struct arguments *args);
enum exit_code cmd_export(const struct arguments *args);
enum exit_code cmd_list(const struct arguments *args);
enum exit_code cmd_load(const struct arguments *args);
enum exit_code cmd_lock(const struct arguments *args);
enum exit_code cmd_remove(const struct arguments *args);
enum exit_code cmd_show(const struct arguments *args);
enum exit_code cmd_tokens(const struct arguments *args);
enum exit_code cmd_unlock(const struct arguments *args);
enum exit_code cmd_update(const struct arguments *args);
enum exit_code cmd_verify(const struct arguments *args);

#endif
