/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

/* No certificate chain and no key comes near it; it bounds what a wrong path can make us read. */
#define FILE_MAX (1024 * 1024)

static enum exit_code read_descriptor(const char *identity, const char *path, int fd, gnutls_datum_t *data)
{
	struct stat st;
	size_t have = 0;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0)
		return fail_errno(identity, errno, path);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return fail(EXIT_FILE, identity, "%s is not a regular file of at most 1 MiB", path);
	data->data = malloc(st.st_size + 1);
	if (!data->data)
		return fail_errno(identity, ENOMEM, path);
	while (n > 0 && have < (size_t)st.st_size) {
		n = read(fd, data->data + have, st.st_size - have);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			have += n;
	}
	data->data[have] = '\0';
	data->size = have;
	return n < 0 ? fail_errno(identity, errno, path) : EXIT_OK;
}

static void wipe(gnutls_datum_t *data)
{
	if (data->data)
		explicit_bzero(data->data, data->size);
	free(data->data);
}

static enum exit_code read_file(const char *identity, const char *path, gnutls_datum_t *data)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	enum exit_code code;

	if (fd < 0 && errno == EACCES)
		return fail_errno(identity, errno, path);
	if (fd < 0)
		return fail(EXIT_FILE, identity, "%s: %s", path, strerror(errno));
	code = read_descriptor(identity, path, fd, data);
	close(fd);
	if (code != EXIT_OK) {
		wipe(data);
		*data = (gnutls_datum_t){ NULL, 0 };
	}
	return code;
}

static bool is_pem(const gnutls_datum_t *data)
{
	return data->size > 0 && memmem(data->data, data->size, "-----BEGIN ", 11) != NULL;
}

enum exit_code file_read_certs(const char *identity, const char *path, struct cert_list *list)
{
	gnutls_datum_t data = { NULL, 0 };
	gnutls_x509_crt_fmt_t format;
	enum exit_code code;
	int ret;

	code = read_file(identity, path, &data);
	if (code != EXIT_OK)
		return code;
	format = is_pem(&data) ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER;
	ret = gnutls_x509_crt_list_import2(&list->certs, &list->count, &data, format, 0);
	wipe(&data);
	if (ret < 0)
		return fail(EXIT_FILE, identity, "%s holds no readable certificate: %s; give a PEM or DER certificate",
			    path, gnutls_strerror(ret));
	return EXIT_OK;
}

void cert_list_clear(struct cert_list *list)
{
	for (unsigned int i = 0; i < list->count; i++)
		gnutls_x509_crt_deinit(list->certs[i]);
	gnutls_free(list->certs);
	*list = (struct cert_list){ NULL, 0 };
}

static enum exit_code import_key(const char *identity, const char *path, const gnutls_datum_t *data,
				 gnutls_x509_privkey_t *key)
{
	gnutls_x509_crt_fmt_t format = is_pem(data) ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER;
	gnutls_x509_privkey_t imported;
	int ret;

	if (gnutls_x509_privkey_init(&imported) < 0)
		return fail_errno(identity, ENOMEM, path);
	ret = gnutls_x509_privkey_import2(imported, data, format, NULL, 0);
	if (ret < 0) {
		gnutls_x509_privkey_deinit(imported);
		if (ret == GNUTLS_E_DECRYPTION_FAILED)
			return fail(EXIT_FILE, identity, "%s is encrypted; give an unencrypted key, or one on a token",
				    path);
		return fail(EXIT_FILE, identity, "%s holds no readable private key: %s; give a PEM or DER private key",
			    path, gnutls_strerror(ret));
	}
	*key = imported;
	return EXIT_OK;
}

enum exit_code file_read_key(const char *identity, const char *path, gnutls_datum_t *handle, gnutls_x509_privkey_t *key)
{
	gnutls_datum_t data = { NULL, 0 };
	enum exit_code code = read_file(identity, path, &data);

	if (code == EXIT_OK && nfstls_handle_from_pem(&data, handle) < 0)
		code = import_key(identity, path, &data, key);
	wipe(&data);
	return code;
}
