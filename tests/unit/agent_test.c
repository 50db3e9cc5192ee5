/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Agents that do not do what they should: what they are asked ends with an error, in time, and they are gone. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <keyutils.h>

#include "agent.h"
#include "errand.h"
#include "unit.h"

#define PATIENCE_MS 10000

static struct nfstls_diag diag;

/* Why there is no other session keyring; 0: there is. In the place of the library's own. */
static int no_keyring;

key_serial_t keyctl_join_session_keyring(const char *name)
{
	errno = no_keyring;
	return no_keyring ? -1 : syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
}

static int forget(void **state)
{
	(void)state;
	nfstls_diag_clear(&diag);
	nfstls_cleanup();
	return 0;
}

static struct agent *start(agent_body *body)
{
	struct agent *agent;

	assert_ok(agent_start(body, NULL, PATIENCE_MS, &agent, &diag), &diag);
	return agent;
}

static int ask(struct agent *agent, size_t size)
{
	struct wire request = WIRE_INIT, answer = WIRE_INIT;
	unsigned char *data = calloc(1, size + 1);
	int ret;

	wire_put(&request, data, size);
	free(data);
	ret = agent_call(agent, &request, &answer, &diag);
	wire_clear(&request);
	wire_clear(&answer);
	return ret;
}

static void send_header(int fd, uint32_t is_errand, uint32_t size)
{
	const uint32_t header[] = { is_errand, size };

	if (write(fd, header, sizeof(header)) != sizeof(header))
		_exit(1);
}

static void answers_too_much(int fd, void *arg)
{
	(void)arg;
	send_header(fd, 0, WIRE_MAX + 1);
	pause();
}

static void answers_half(int fd, void *arg)
{
	(void)arg;
	send_header(fd, 0, 100);
}

static void hangs_half_way(int fd, void *arg)
{
	(void)arg;
	send_header(fd, 0, 100);
	pause();
}

static void wants_errand(int fd, void *arg)
{
	struct wire request = WIRE_INIT, errand = WIRE_INIT, answer = WIRE_INIT;

	(void)arg;
	if (agent_receive(fd, &request) && agent_ask(&errand, &answer))
		agent_reply(fd, &answer);
}

static void sends_broken_errand(int fd, void *arg)
{
	struct wire errand = WIRE_INIT, answer = WIRE_INIT;

	(void)arg;
	/* one number, where there should be three fields */
	wire_put_number(&errand, 0);
	if (agent_ask(&errand, &answer))
		agent_reply(fd, &answer);
}

static void answers_broken(int fd, void *arg)
{
	struct wire answer = { .broken = true };

	(void)arg;
	agent_reply(fd, &answer);
	pause();
}

/* Each of them is run, but not for ever. */
static void has_endless_errands(int fd, void *arg)
{
	(void)fd;
	(void)arg;
	for (;;) {
		struct wire errand = WIRE_INIT, answer = WIRE_INIT;

		agent_ask(&errand, &answer);
		wire_clear(&answer);
	}
}

/* What it is answered is more than the socket has room for. */
static void reads_no_answer(int fd, void *arg)
{
	(void)arg;
	for (;;)
		send_header(fd, 1, 0);
}

static void answers(int fd, void *arg)
{
	struct wire request = WIRE_INIT, answer = WIRE_INIT;

	(void)arg;
	if (agent_receive(fd, &request))
		agent_reply(fd, &answer);
}

static void ends(int fd, void *arg)
{
	(void)fd;
	(void)arg;
}

/* It fails once, for this reason, and is not asked again. */
static void assert_crashed(agent_body *body)
{
	struct agent *agent = start(body);

	assert_error(ask(agent, 1), NFSTLS_E_MODULE_CRASHED, &diag);
	assert_says(diag.text, "it ended the process");
	assert_error(ask(agent, 1), NFSTLS_E_MODULE_CRASHED, &diag);
	assert_says(diag.text, "the PKCS#11 agent has ended");
	agent_release(agent);
}

static void nonsense(void **state)
{
	(void)state;
	assert_crashed(answers_too_much);
	assert_crashed(answers_half);
	assert_crashed(answers_broken);
}

static void errand_for_nobody(void **state)
{
	(void)state;
	assert_crashed(wants_errand);
}

/* A module must not get at the keyring of the one who asked. */
static void keyring_that_stays(void **state)
{
	static const int there_is_none[] = { ENOSYS, EPERM }, there_is_one[] = { EDQUOT, ENOMEM };
	struct agent *agent;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		no_keyring = there_is_none[i];
		agent = start(answers);
		assert_ok(ask(agent, 1), &diag);
		agent_release(agent);
		no_keyring = there_is_one[i];
		agent = start(answers);
		assert_error(ask(agent, 1), NFSTLS_E_MODULE_CRASHED, &diag);
		assert_says(diag.text, "letting go of the keyrings: it ended the process");
		agent_release(agent);
	}
	no_keyring = 0;
}

static void gone_before_it_is_asked(void **state)
{
	struct agent *agent = start(ends);

	(void)state;
	nfstls_cleanup();
	/* cleaned up, and it was not released: the key that it was for is asked once more */
	assert_error(ask(agent, 1), NFSTLS_E_MODULE_CRASHED, &diag);
	assert_says(diag.text, "has ended");
	nfstls_cleanup();
	agent_release(agent);
}

/* More than a socket holds, to one that does not read: the socket ends first. */
static void request_that_nobody_reads(void **state)
{
	struct agent *agent = start(ends);

	(void)state;
	assert_error(ask(agent, 8 * 1024 * 1024), NFSTLS_E_MODULE_CRASHED, &diag);
	agent_release(agent);
}

static void no_end_of_an_answer(void **state)
{
	struct agent *agent;

	(void)state;
	assert_ok(agent_start(hangs_half_way, NULL, 200, &agent, &diag), &diag);
	assert_error(ask(agent, 1), NFSTLS_E_TIMEOUT, &diag);
	agent_release(agent);
}

/* As the one above, but for a socket that stays. */
static void request_that_nobody_ever_reads(void **state)
{
	struct agent *agent;

	(void)state;
	assert_ok(agent_start(hangs_half_way, NULL, 200, &agent, &diag), &diag);
	assert_error(ask(agent, 8 * 1024 * 1024), NFSTLS_E_TIMEOUT, &diag);
	agent_release(agent);
}

static void assert_errands_end(agent_body *body)
{
	struct errand_owner owner = { .identity.name = NULL };
	struct wire answer = WIRE_INIT;
	struct agent *agent;

	assert_ok(agent_start(body, NULL, 200, &agent, &diag), &diag);
	agent_serve_errands(agent, errand_run, &owner);
	assert_error(agent_call(agent, NULL, &answer, &diag), NFSTLS_E_TIMEOUT, &diag);
	assert_null(answer.bytes.data);
	agent_release(agent);
}

static void errands_without_end(void **state)
{
	(void)state;
	assert_errands_end(has_endless_errands);
	assert_errands_end(reads_no_answer);
}

static void request_without_memory(void **state)
{
	const struct wire broken = { .broken = true };
	struct wire answer = WIRE_INIT;
	struct agent *agent = start(ends);

	(void)state;
	assert_error(agent_call(agent, &broken, &answer, &diag), NFSTLS_E_MEMORY, &diag);
	agent_release(agent);
}

/* What is no errand is not run, and who has no identity has none to run. */
static void broken_errand(void **state)
{
	struct errand_owner owner = { .identity = { (char *)"lab", 1 } };
	struct wire answer = WIRE_INIT;
	struct agent *agent = start(sends_broken_errand);

	(void)state;
	agent_serve_errands(agent, errand_run, &owner);
	assert_ok(agent_call(agent, NULL, &answer, &diag), &diag);
	assert_error(wire_get_outcome(&answer, &diag), NFSTLS_E_MEMORY, &diag);
	wire_clear(&answer);
	agent_release(agent);
}

/* Only an agent has errands run. */
static void errand_of_a_process(void **state)
{
	struct wire errand = WIRE_INIT, answer = WIRE_INIT;

	(void)state;
	assert_false(agent_ask(&errand, &answer));
	assert_error(errand_set_latch("id", "cause"), NFSTLS_E_MEMORY, NULL);
}

/* wire.h: what is read is not trusted. */
static void fields_that_are_none(void **state)
{
	struct wire wire = WIRE_INIT;
	gnutls_datum_t data;

	(void)state;
	wire_put(&wire, "abc", 3);
	assert_int_equal(wire_get_number(&wire), 0);
	assert_true(wire.broken);
	assert_null(wire_get_text(&wire));
	wire_get_copy(&wire, &data);
	assert_null(data.data);
	wire_clear(&wire);

	/* a length beyond the end */
	wire_put(&wire, "abc", 3);
	wire.bytes.data[0] = 4;
	wire_get(&wire, &data);
	assert_true(wire.broken);
	wire_clear(&wire);

	/* an error, and no text */
	wire_put_number(&wire, -NFSTLS_E_TOKEN);
	assert_error(wire_get_outcome(&wire, &diag), NFSTLS_E_MODULE_CRASHED, &diag);
	wire_clear(&wire);

	/* more than a message has room for */
	wire_put(&wire, NULL, 0);
	wire.bytes.size = WIRE_MAX - 3;
	wire_put_number(&wire, 1);
	assert_true(wire.broken);
	wire.bytes.size = 0;
	wire_clear(&wire);
}

/* A token may have thousands of certificates: twice as many take twice as long, not four times. */
static void message_of_many_fields(void **state)
{
	static const unsigned char cert[1500];
	struct wire wire = WIRE_INIT;
	clock_t begun = clock();
	gnutls_datum_t data;

	(void)state;
	for (int i = 0; i < 8000; i++) {
		wire_put(&wire, cert, sizeof(cert));
		wire_put_number(&wire, i);
	}
	assert_false(wire.broken);
	for (int i = 0; i < 8000; i++) {
		wire_get(&wire, &data);
		assert_int_equal(data.size, sizeof(cert));
		assert_int_equal(wire_get_number(&wire), i);
	}
	assert_false(wire.broken);
	wire_clear(&wire);
	/* it takes 10 ms, and took 20 s when each field had the whole copied */
	assert_true(clock() - begun < 2 * CLOCKS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nonsense, forget),
		cmocka_unit_test_teardown(errand_for_nobody, forget),
		cmocka_unit_test_teardown(keyring_that_stays, forget),
		cmocka_unit_test_teardown(gone_before_it_is_asked, forget),
		cmocka_unit_test_teardown(request_that_nobody_reads, forget),
		cmocka_unit_test_teardown(no_end_of_an_answer, forget),
		cmocka_unit_test_teardown(request_that_nobody_ever_reads, forget),
		cmocka_unit_test_teardown(errands_without_end, forget),
		cmocka_unit_test_teardown(request_without_memory, forget),
		cmocka_unit_test_teardown(broken_errand, forget),
		cmocka_unit_test_teardown(errand_of_a_process, forget),
		cmocka_unit_test_teardown(fields_that_are_none, forget),
		cmocka_unit_test(message_of_many_fields),
	};

	return run_group(tests, NULL, NULL);
}
