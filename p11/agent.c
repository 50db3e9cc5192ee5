/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "keys.h"
#include "module.h"

/* How long nfstls_cleanup() lets modules finalise, ms. A healthy one takes a few. */
#define FINALISE_MS 2000
/* And how long it takes at most to end what was killed, ms. */
#define KILL_MS	    500
/* The agent's end of the socket. */
#define AGENT_FD    3

/* What an agent is doing; the two processes share it. */
struct step {
	char text[160];
};

struct agent {
	struct agent *next;
	pid_t pid; /* 0 once it was reaped */
	bool is_released;
	int fd;
	int64_t deadline; /* ms, CLOCK_MONOTONIC */
	struct step *step;
	agent_errand *errand;
	void *errand_arg;
};

/* A message has a header, and then what a struct wire holds. */
struct header {
	uint32_t is_errand;
	uint32_t size;
};

static struct agent *agents;  /* all that nfstls_cleanup() has to wait for */
static struct step *own_step; /* in an agent */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait until there is one of these events, or the other side has closed. 1, 0 when the time is over, -1. */
static int wait_until(int fd, short events, int64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int64_t left;
	int ret;

	do {
		left = deadline - now_ms();
		ret = poll(&poll_fd, 1, left > 0 ? left : 0);
	} while (ret < 0 && errno == EINTR);
	return ret;
}

/* With what the module started. The agent is its own process group from its first moment on; see start_body(). */
static void kill_agent(const struct agent *agent)
{
	kill(-agent->pid, SIGKILL);
	kill(agent->pid, SIGKILL);
}

static void free_agent(struct agent *agent)
{
	close(agent->fd);
	munmap(agent->step, sizeof(*agent->step));
	free(agent);
}

/* Closed is not freed: its key may still be asked to sign, and then there is nobody. */
static int end_agent(struct agent *agent, int error, const char *how, struct nfstls_diag *diag)
{
	char step[sizeof(agent->step->text)];

	memcpy(step, agent->step->text, sizeof(step));
	step[sizeof(step) - 1] = '\0';
	kill_agent(agent);
	agent->deadline = 0;
	return diag_set(diag, error, "%s: %s", step, how);
}

static size_t take(struct iovec *part, size_t size)
{
	size_t taken = size < part->iov_len ? size : part->iov_len;

	part->iov_base = (char *)part->iov_base + taken;
	part->iov_len -= taken;
	return taken;
}

/*
 * In one piece, as far as the socket takes it: each piece wakes the other side. 1, 0 when the time is over, -1 when
 * nobody reads it any more. A deadline of 0 is none.
 */
static int send_message(int fd, const struct wire *message, bool is_errand, int64_t deadline)
{
	struct header header = { is_errand, message->bytes.size };
	struct iovec parts[] = { { &header, sizeof(header) }, { message->bytes.data, header.size } };
	const struct msghdr whole = { .msg_iov = parts, .msg_iovlen = 2 };

	if (message->broken)
		return -1;
	while (parts[0].iov_len + parts[1].iov_len > 0) {
		ssize_t n = sendmsg(fd, &whole, MSG_NOSIGNAL | (deadline ? MSG_DONTWAIT : 0));
		int ready = 1;

		if (n < 0 && errno == EAGAIN)
			ready = wait_until(fd, POLLOUT, deadline);
		else if (n > 0)
			take(&parts[1], n - take(&parts[0], n));
		else if (n == 0 || errno != EINTR)
			return -1;
		if (ready <= 0)
			return ready;
	}
	return 1;
}

/* Receive into a buffer of this size. 1, 0 when the time is over, -1 at the end of the stream. */
static int receive_all(int fd, void *data, size_t size, int64_t deadline)
{
	unsigned char *p = data;

	while (size > 0) {
		int ready = deadline ? wait_until(fd, POLLIN, deadline) : 1;
		ssize_t n;

		if (ready <= 0)
			return ready;
		n = recv(fd, p, size, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		size -= n;
	}
	return 1;
}

static int receive_message(int fd, struct wire *message, bool *is_errand, int64_t deadline)
{
	struct header header;
	int ret = receive_all(fd, &header, sizeof(header), deadline);

	if (ret <= 0)
		return ret;
	if (header.size > WIRE_MAX)
		return -1;
	message->bytes.data = gnutls_malloc(header.size + 1);
	if (!message->bytes.data)
		return -1;
	message->bytes.size = header.size;
	*is_errand = header.is_errand;
	return receive_all(fd, message->bytes.data, header.size, deadline);
}

bool agent_receive(int fd, struct wire *request)
{
	bool is_errand;

	return receive_message(fd, request, &is_errand, 0) == 1;
}

/* An answer that there was no memory for is none: to the other side the agent has failed. */
void agent_reply(int fd, const struct wire *answer)
{
	if (send_message(fd, answer, false, 0) < 0)
		_exit(EXIT_FAILURE);
}

bool agent_ask(const struct wire *errand, struct wire *answer)
{
	return own_step && send_message(AGENT_FD, errand, true, 0) == 1 && agent_receive(AGENT_FD, answer);
}

void agent_step(const char *who, const char *call)
{
	if (own_step)
		snprintf(own_step->text, sizeof(own_step->text), "%s: %s", who, call);
}

static void forget_parent(int fd, pid_t parent)
{
	static const int to_default[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD
	};
	sigset_t none;
	int null;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	/* A PIN will pass through. */
	prctl(PR_SET_DUMPABLE, 0);

	agent_step("the PKCS#11 agent", "letting go of the keyrings");
	if (!keys_leave())
		_exit(EXIT_FAILURE);

	/* A module may wait for a child of its own, and a daemon may ignore SIGCHLD for its own children's sake. */
	for (size_t i = 0; i < sizeof(to_default) / sizeof(to_default[0]); i++)
		signal(to_default[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	/* stderr stays, for what a module has to say; stdout is where the command writes its JSON. */
	fd = fcntl(fd, F_DUPFD, AGENT_FD + 1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(EXIT_FAILURE);
	if (dup2(fd, AGENT_FD) < 0 || fcntl(AGENT_FD, F_SETFD, FD_CLOEXEC) < 0 || close_range(AGENT_FD + 1, ~0U, 0) < 0)
		_exit(EXIT_FAILURE);
}

static _Noreturn void start_body(agent_body *body, void *arg, int fd, pid_t parent, struct step *step)
{
	setpgid(0, 0);
	own_step = step;
	forget_parent(fd, parent);
	body(AGENT_FD, arg);
	agent_step("PKCS#11", "C_Finalize");
	modules_unload();
	/* Not exit(3): what the parent has registered is for the parent to do. */
	_exit(EXIT_SUCCESS);
}

int agent_start(agent_body *body, void *arg, unsigned int timeout_ms, struct agent **agent, struct nfstls_diag *diag)
{
	struct agent *started = calloc(1, sizeof(*started));
	pid_t parent = getpid();
	int fds[2] = { -1, -1 };

	if (!started)
		return NFSTLS_E_MEMORY;
	started->deadline = now_ms() + timeout_ms;
	started->step = mmap(NULL, sizeof(*started->step), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (started->step == MAP_FAILED) {
		free(started);
		return NFSTLS_E_MEMORY;
	}
	snprintf(started->step->text, sizeof(started->step->text), "the PKCS#11 agent");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		goto failed;
	started->fd = fds[0];
	started->pid = fork();
	if (started->pid < 0)
		goto failed;
	if (started->pid == 0)
		start_body(body, arg, fds[1], parent, started->step);
	/* Both sides do it, so that there is no moment in which it is not done. */
	setpgid(started->pid, started->pid);
	close(fds[1]);
	started->next = agents;
	agents = started;
	*agent = started;
	return 0;

failed:
	diag_set(diag, NFSTLS_E_MEMORY, "no process for the PKCS#11 module: %s", strerror(errno));
	started->fd = fds[0];
	close(fds[1]);
	free_agent(started);
	return NFSTLS_E_MEMORY;
}

void agent_serve_errands(struct agent *agent, agent_errand *errand, void *errand_arg)
{
	agent->errand = errand;
	agent->errand_arg = errand_arg;
}

/* Not when the time is over: an agent gone wild may have one after the other. 1, 0 then, -1. */
static int run_errand(const struct agent *agent, struct wire *errand)
{
	struct wire answer = WIRE_INIT;
	int ret = -1;

	if (now_ms() >= agent->deadline) {
		ret = 0;
	} else if (agent->errand) {
		agent->errand(errand, &answer, agent->errand_arg);
		ret = send_message(agent->fd, &answer, false, agent->deadline);
	}
	wire_clear(&answer);
	wire_clear(errand);
	return ret;
}

/* 1 with an answer, 0 when the time is over, -1. */
static int converse(const struct agent *agent, const struct wire *request, struct wire *answer)
{
	int ret = request ? send_message(agent->fd, request, false, agent->deadline) : 1;
	bool is_errand = true;

	while (ret == 1 && is_errand) {
		ret = receive_message(agent->fd, answer, &is_errand, agent->deadline);
		if (ret == 1 && is_errand)
			ret = run_errand(agent, answer);
	}
	return ret;
}

int agent_call(struct agent *agent, const struct wire *request, struct wire *answer, struct nfstls_diag *diag)
{
	int ret;

	if (agent->deadline == 0)
		return diag_set(diag, NFSTLS_E_MODULE_CRASHED, "the PKCS#11 agent has ended");
	if (request && request->broken)
		return NFSTLS_E_MEMORY;
	ret = converse(agent, request, answer);
	if (ret == 1)
		return 0;
	wire_clear(answer);
	return ret == 0 ? end_agent(agent, NFSTLS_E_TIMEOUT, "no answer in time", diag)
			: end_agent(agent, NFSTLS_E_MODULE_CRASHED, "it ended the process", diag);
}

void agent_release(struct agent *agent)
{
	shutdown(agent->fd, SHUT_WR);
	agent->is_released = true;
}

/*
 * A process that is stuck in the kernel is not worth waiting for; it ends when that lets it. Who has no descriptor left
 * waits for the socket, which closes a moment before the process has ended.
 */
static void reap(struct agent *agent, int64_t deadline)
{
	int pidfd = pidfd_open(agent->pid, 0);
	int end = pidfd >= 0 ? pidfd : agent->fd;

	wait_until(end, POLLIN, deadline);
	kill_agent(agent);
	wait_until(end, POLLIN, now_ms() + KILL_MS);
	while (waitpid(agent->pid, NULL, WNOHANG) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		close(pidfd);
	agent->pid = 0;
	agent->deadline = 0;
}

void nfstls_cleanup(void)
{
	int64_t deadline = now_ms() + FINALISE_MS;

	struct agent **link = &agents;

	for (struct agent *agent = agents; agent; agent = agent->next)
		shutdown(agent->fd, SHUT_WR);
	while (*link) {
		struct agent *agent = *link;

		if (agent->pid)
			reap(agent, deadline);
		if (agent->is_released) {
			*link = agent->next;
			free_agent(agent);
		} else {
			link = &agent->next;
		}
	}
}
