/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three streams that a shell gives a command. */
#ifndef STREAMS_H
#define STREAMS_H

#include "report.h"

/*
 * Where one of them is closed, have its descriptor taken by something that can neither be read nor written, so that no
 * file that is opened later gets what is printed. To be called first. 0 or a negative errno value.
 */
int streams_hold(void);

/*
 * Close standard output. Where what was printed is lost it says so, and returns EXIT_OTHER in the place of EXIT_OK; all
 * else returns the code.
 */
enum exit_code streams_end(enum exit_code code);

#endif
