/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "streams.h"

int streams_hold(void)
{
	/* the wrong way round: to use it is EBADF, as if it were closed */
	static const int modes[] = {
		[STDIN_FILENO] = O_WRONLY,
		[STDOUT_FILENO] = O_RDONLY,
		[STDERR_FILENO] = O_RDONLY,
	};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0)
			return -errno;
	return 0;
}

enum exit_code streams_end(enum exit_code code)
{
	bool lost = ferror(stdout);
	int error = fclose(stdout) != 0 ? errno : 0;

	if (!lost && !error)
		return code;
	fail(EXIT_OTHER, NULL, "standard output: %s", error ? strerror(error) : "not all of it could be written");
	return code == EXIT_OK ? EXIT_OTHER : code;
}
