/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity files, as nfstls-identities(5) describes them: what an identity is made of, and never a secret. */
#ifndef IDFILE_H
#define IDFILE_H

#include <stddef.h>

#include "material.h"

/* What a line of the file may set; the names are those of the options of add. */
enum idfile_key {
	IDFILE_PKCS11,
	IDFILE_KEY,
	IDFILE_CERT,
	IDFILE_CHAIN,
	IDFILE_PIN_FILE,
	IDFILE_NETNS,
	IDFILE_KEY_COUNT
};

extern const char *const idfile_key_names[IDFILE_KEY_COUNT];

/* Something that is wrong with a file. */
struct idfile_problem {
	unsigned long line; /* 0: with the file as a whole */
	char *text;
};

struct idfile {
	char *identity;
	char *path;
	char *value[IDFILE_KEY_COUNT]; /* NULL where the file does not say */
	unsigned long line[IDFILE_KEY_COUNT];
	struct idfile_problem *problems; /* in the order in which they were found */
	size_t problem_count;
	bool is_good; /* idfile_read() has read all of it, and nothing is wrong */
};

/*
 * Read the file that file->path names, and note what is wrong in it; whether what it names is there is another
 * question. *file has its identity and path, allocated, and is else zeroed. 0, or -ENOMEM. Release with idfile_clear().
 */
int idfile_read(struct idfile *file);
void idfile_clear(struct idfile *file);

/* Note a problem. 0, or -ENOMEM. */
__attribute__((format(printf, 3, 4))) int idfile_note(struct idfile *file, unsigned long line, const char *format, ...);

/* The same as what add would be told. It points into the file, and chooses no PIN that is to be entered. */
struct source idfile_source(const struct idfile *file);

/* The files that count, by the names of their identities. */
struct idfile_list {
	struct idfile *files; /* identity and path; not read */
	size_t count;
};

/* Where they are, a NULL behind them. A file counts in the first folder that has one of its name. */
extern const char *const idfile_folders[];

/*
 * All *.conf files but those that begin with a dot. An empty file, or a link to /dev/null, stands for none and hides
 * those of its name. 0 or a negative errno value.
 */
int idfile_list(const char *const *folders, struct idfile_list *list);
void idfile_list_clear(struct idfile_list *list);

/*
 * Write the file of an identity that has none, in the first of the folders, which is made if need be: whole or not at
 * all, mode 0600. Paths that are relative are taken from the current directory. EXIT_EXISTS: one is there already.
 */
enum exit_code idfile_create(const char *identity, const struct source *source, const char *netns);

/* Whether idfile_create() may be asked, for one that wants to know before a token is: EXIT_USAGE, EXIT_EXISTS. */
enum exit_code idfile_may_create(const char *identity);

/*
 * Take the file of an identity away, so that idfile_put_back() can undo it; or for good, with idfile_forget(). *aside
 * is allocated; NULL where there was no file at all. EXIT_PERMISSION: one is, or would come to light, in a folder other
 * than the first, which is not ours to change.
 */
enum exit_code idfile_set_aside(const char *identity, char **aside);
void idfile_put_back(const char *identity, const char *aside);
void idfile_forget(const char *aside);

/* Where an identity was made of something else than its file says, if there is one, a load undoes that: say so. */
void idfile_warn_of_other(const char *identity, const struct source *source);

/* Undo idfile_create(). */
void idfile_withdraw(const char *identity);

/* The file of one identity, for idfile_read(). -ENOENT: there is none. */
int idfile_find(const char *const *folders, const char *identity, struct idfile *file);

#endif
