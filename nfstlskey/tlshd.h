/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tlshd that does the handshakes of our network namespace, as far as it can be seen from outside. */
#ifndef TLSHD_H
#define TLSHD_H

#include <stdbool.h>
#include <sys/types.h>

/* How it comes to use token handles. */
enum tlshd_tokens { TLSHD_NO_TOKENS, TLSHD_ADAPTER, TLSHD_PATCHED };

/* Release with tlshd_clear(). */
struct tlshd {
	bool is_listening; /* somebody in our network namespace takes the kernel's handshakes */
	pid_t pid;	   /* of a tlshd in our network namespace; 0: none is seen */
	pid_t elsewhere;   /* of one in another network namespace; 0: none is seen */
	enum tlshd_tokens tokens;
	/* Files as tlshd names them, and as they can be opened from here; of one that does not run, where it will look.
	 */
	char *config_name, *config_file; /* NULL: there is none */
	bool config_is_read;
	bool names_keyring;	       /* it has tlshd use the .nfs keyring */
	char *trust_name, *trust_file; /* the CAs of servers; NULL: those that the host trusts */
};

/* 0, or a negative errno value. -EPROTONOSUPPORT: this kernel cannot ask anybody for a handshake. */
int tlshd_find(struct tlshd *tlshd);
void tlshd_clear(struct tlshd *tlshd);

#endif
