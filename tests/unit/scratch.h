/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder of a test's own, and strings that live as long as it. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <sys/types.h>

struct scratch {
	char *dir; /* under TMPDIR, mode 0711: another user can reach the files that are open to it */
	char **strings;
	size_t count;
};

void scratch_make(struct scratch *scratch);

/* Also when it was never made, or removed before: a zeroed struct. */
void scratch_remove(struct scratch *scratch);

/* For a program that needs one folder: make it, and remove it, as cmocka's fixtures. */
extern struct scratch test_scratch;
int scratch_set_up(void **state);
int scratch_tear_down(void **state);

/* The words, up to a NULL, in one string. */
__attribute__((sentinel)) const char *scratch_join(struct scratch *scratch, ...);

/* The path of a name in the folder. */
const char *scratch_path(struct scratch *scratch, const char *name);

/* Write a file, whatever the umask, and return its path. */
const char *scratch_file(struct scratch *scratch, const char *name, const void *data, size_t size, mode_t mode);

#endif
