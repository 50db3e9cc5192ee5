/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways to open a key and to sign with it once, which tests/bench/signing.c measures. */
#ifndef WAYS_H
#define WAYS_H

#include <stddef.h>

#include <gnutls/abstract.h>
#include <p11-kit/uri.h>

/* The key, as the command line has it. */
struct key {
	gnutls_sign_algorithm_t scheme;
	const char *text; /* its URI, without a query */
	P11KitUri *uri;	  /* the same */
	const char *pin_file;
	char pin[64];
	gnutls_datum_t handle; /* what the library is given for it */
};

extern struct key key;

/* In ms; shared with the child, which leaves there when it had its signature. */
extern struct times {
	double begin; /* before the fork; a way may count from later on */
	double signature;
} * times;

double clock_ms(void);

/* End the process if a call of GnuTLS has failed. */
void need(const char *what, int ret);

/* WHAT of each is of its own kind: a module, a part of a URI, a file. A way that fails ends the process. */
extern const struct way {
	const char *name;
	void (*run)(const char *what);
	void (*prepare)(const char *what); /* before the time begins */
} ways[];

extern const size_t ways_count;

#endif
