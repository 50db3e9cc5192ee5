/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The long options of all commands: one table of what they are called, what they take and what they do. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "command.h"

/*
 * Read the options of a command; they may stand before, between and after the other words, which are moved behind them:
 * optind is the first. EXIT_USAGE: an option is unknown, not this command's, lacks its value, or cannot have that one.
 * @letters: those that the command takes
 * @help:    --help was asked for; what stands behind it is not looked at
 */
enum exit_code options_parse(const char *command, const char *letters, int argc, char **argv, struct arguments *args,
			     bool *help);

/* A line on stdout for each option, or for each of those that a command with these letters takes. */
void options_help(const char *letters);

#endif
