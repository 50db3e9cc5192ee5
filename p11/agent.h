/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Agents: a PKCS#11 module is foreign code, which may hang, crash, or end the process that it is in. So no process of
 * ours loads one. It forks an agent that does, talks to it over a socket, and waits no longer than it has time for.
 *
 * An agent has no descriptors but its socket and the standard ones, no keyrings, no core dump, a process group of its
 * own for what a module may start, and ends with the process that it works for.
 */
#ifndef AGENT_H
#define AGENT_H

#include "wire.h"

/* Where the caller names none: enough for a person who looks for a token, and touches it. */
#define AGENT_TIMEOUT_MS (60 * 1000)

struct agent;

/* What the agent does: answer requests with agent_receive() and agent_reply() until there are no more. */
typedef void agent_body(int fd, void *arg);

/* What the process does for its agent while it waits for an answer: see errand.h. */
typedef void agent_errand(struct wire *errand, struct wire *answer, void *arg);

/*
 * Start an agent. arg is there as it was at the time of the fork; nothing is passed in any other way.
 * @timeout_ms: from now, for all that the agent is asked.
 * Errors: NFSTLS_E_MEMORY (also where there is room for no process more).
 */
int agent_start(agent_body *body, void *arg, unsigned int timeout_ms, struct agent **agent, struct nfstls_diag *diag);

/* Run errands from now on; errand_arg must outlive the agent. Without it an agent that asks for one has failed. */
void agent_serve_errands(struct agent *agent, agent_errand *errand, void *errand_arg);

/*
 * Send a request, or none (NULL), and wait for an answer, which the caller clears. An agent that failed to answer is
 * ended and answers no more. Errors: NFSTLS_E_TIMEOUT, NFSTLS_E_MODULE_CRASHED, NFSTLS_E_MEMORY.
 */
int agent_call(struct agent *agent, const struct wire *request, struct wire *answer, struct nfstls_diag *diag);

/* No more requests: the agent finalises its module by itself. nfstls_cleanup() waits for it, and then frees it. */
void agent_release(struct agent *agent);

/* In the agent: the next request, which the caller clears. False at the end of them. */
bool agent_receive(int fd, struct wire *request);

/* In the agent: answer. */
void agent_reply(int fd, const struct wire *answer);

/* In the agent, while it works on an answer: have an errand run. The caller clears the answer. */
bool agent_ask(const struct wire *errand, struct wire *answer);

/* In the agent: note what is about to be called, for the message if it does not return. Elsewhere it does nothing. */
void agent_step(const char *who, const char *call);

#endif
