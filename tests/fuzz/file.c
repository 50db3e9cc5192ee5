/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of certificates and of private keys, PEM or DER: what is wrong with one is told in one line. */
#include "config.h"

#include <string.h>

#include "file.h"
#include "fuzz.h"

static void check_said(enum exit_code code)
{
	const char *said = fuzz_said();

	must_hold(code == EXIT_OK || code == EXIT_FILE);
	must_hold((code == EXIT_OK) == !said[0]);
	must_hold(code == EXIT_OK || (fuzz_is_line(said) && strchr(said, '\n')));
}

static void read_certs(const char *path)
{
	struct cert_list list = { NULL, 0 };
	enum exit_code code = file_read_certs("lab", path, &list);

	check_said(code);
	must_hold((code == EXIT_OK) == (list.count > 0));
	cert_list_clear(&list);
}

static void read_key(const char *path)
{
	gnutls_datum_t handle = { NULL, 0 };
	gnutls_x509_privkey_t key = NULL;
	enum exit_code code = file_read_key("lab", path, &handle, &key);

	check_said(code);
	/* the one or the other */
	must_hold((code == EXIT_OK) == (key || handle.data));
	must_hold(!key || !handle.data);
	gnutls_x509_privkey_deinit(key);
	gnutls_free(handle.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);

	fuzz_listen();
	read_certs(path);
	read_key(path);
	return 0;
}
