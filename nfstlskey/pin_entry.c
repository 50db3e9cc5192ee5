/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "pin_entry.h"

/* The longest PIN, its line end, and one more to notice what is longer. */
#define PIN_MAX	 4096
#define PIN_ROOM (PIN_MAX + 2)

bool pin_is_chosen(const struct pin_choice *choice)
{
	return choice->prompt || choice->fd >= 0 || choice->file;
}

/* The signal that came while a PIN was typed. */
static volatile sig_atomic_t caught;

/* One line: what a person types, or what a descriptor has up to its end. */
static ssize_t read_line(int fd, unsigned char *buf, size_t size)
{
	size_t have = 0;

	while (have < size && !(have > 0 && buf[have - 1] == '\n')) {
		ssize_t n = read(fd, buf + have, size - have);

		if (n < 0 && errno == EINTR && !caught)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += n;
	}
	return have;
}

static enum exit_code take_pin(const char *identity, unsigned char *buf, ssize_t len, gnutls_datum_t *pin)
{
	if (len < 0)
		return fail_errno(identity, errno, "reading the PIN");
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	if (len < 1 || len > PIN_MAX)
		return fail(EXIT_USAGE, identity, "a PIN has 1 to %d bytes", PIN_MAX);
	pin->data = gnutls_malloc(len);
	if (!pin->data)
		return fail_errno(identity, ENOMEM, "the PIN");
	memcpy(pin->data, buf, len);
	pin->size = len;
	return EXIT_OK;
}

static void catch (int signal)
{
	caught = signal;
}

/* What ends the command must not leave a shell without an echo; and half a PIN must not be taken for one. */
static ssize_t read_without_echo(int tty, unsigned char *buf, size_t size)
{
	static const int ends[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP };
	struct sigaction before[sizeof(ends) / sizeof(ends[0])];
	const struct sigaction action = { .sa_handler = catch };
	struct termios old, quiet;
	ssize_t len;

	if (tcgetattr(tty, &old) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigaction(ends[i], &action, &before[i]) == 0 && before[i].sa_handler == SIG_IGN)
			sigaction(ends[i], &before[i], NULL);
	quiet = old;
	quiet.c_lflag &= ~ECHO;
	len = tcsetattr(tty, TCSAFLUSH, &quiet) < 0 ? -1 : read_line(tty, buf, size);
	tcsetattr(tty, TCSAFLUSH, &old);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &before[i], NULL);
	if (caught) {
		explicit_bzero(buf, size);
		dprintf(tty, "\n");
		raise(caught == SIGTSTP ? SIGINT : caught);
	}
	return len;
}

static enum exit_code prompt(const char *identity, gnutls_datum_t *pin)
{
	unsigned char buf[PIN_ROOM];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	enum exit_code code;

	if (tty < 0)
		return fail(EXIT_USAGE, identity, "there is no terminal to ask for the PIN; use --pin-fd");
	dprintf(tty, "PIN of the token for identity '%s': ", identity);
	code = take_pin(identity, buf, read_without_echo(tty, buf, sizeof(buf)), pin);
	dprintf(tty, "\n");
	explicit_bzero(buf, sizeof(buf));
	close(tty);
	return code;
}

static enum exit_code read_descriptor(const char *identity, int fd, gnutls_datum_t *pin)
{
	unsigned char buf[PIN_ROOM];
	enum exit_code code = take_pin(identity, buf, read_line(fd, buf, sizeof(buf)), pin);

	explicit_bzero(buf, sizeof(buf));
	return code;
}

enum exit_code pin_enter(const char *identity, const struct pin_choice *choice, gnutls_datum_t *pin)
{
	if (choice->prompt)
		return prompt(identity, pin);
	return choice->fd >= 0 ? read_descriptor(identity, choice->fd, pin) : EXIT_OK;
}
