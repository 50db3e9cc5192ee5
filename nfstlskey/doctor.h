/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of doctor: each looks at one part of the way from an identity to a mount, and says whether it is well. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "checks.h"
#include "command.h"
#include "table.h"

/* What one run of the command works with, and what one step leaves for those after it. */
struct doctor {
	const struct arguments *args;
	struct libscols_table *table;
	enum exit_code code; /* of the first step that failed */

	bool knows_names;		 /* the kernel takes tls_identity= */
	struct keyring keyring;		 /* serial 0: there is none */
	struct identity_list identities; /* the one that was named, or all */
	struct findings *findings;	 /* of each of them */
	bool has_handles;		 /* one of them has its key on a token */
	bool knows_trust;		 /* whom tlshd trusts is in trust_file, */
	char *trust_name, *trust_file;	 /* as in struct tlshd */
	const char *presented;		 /* whom the server is to see: the one that is without fault, or NULL */
};

/*
 * A line of the table. What is not well is followed by what to do.
 * @subject: whom or what it is about: an identity, a server; NULL: this host
 */
__attribute__((format(printf, 6, 7))) void doctor_say(struct doctor *doctor, const char *step, const char *subject,
						      enum verdict verdict, enum exit_code code, const char *format,
						      ...);

void doctor_kernel(struct doctor *doctor);
void doctor_keyring(struct doctor *doctor);
void doctor_check(struct doctor *doctor); /* makes the checks of the identities, and has nothing to say of them yet */
void doctor_tlshd(struct doctor *doctor);
void doctor_mount(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);
void doctor_identities(struct doctor *doctor);
void doctor_server(struct doctor *doctor);

#endif
