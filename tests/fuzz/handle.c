/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Token handles: one value has one encoding, and what one function takes all of them take. */
#include "config.h"

#include <stdlib.h>

#include "fuzz.h"

static void check_encoding(const gnutls_datum_t *handle, const char *uri)
{
	gnutls_datum_t again;

	must_hold(nfstls_handle_encode(uri, &again) == 0);
	must_hold(fuzz_equal(&again, handle));
	gnutls_free(again.data);
}

static void check_parts(const gnutls_datum_t *handle, int ret)
{
	char *label = NULL, *source = NULL, *module = NULL;

	must_hold(nfstls_handle_token(handle, &label) == ret);
	must_hold(nfstls_handle_pin_source(handle, &source) == ret);
	must_hold(nfstls_handle_module(handle, &module) == ret);
	must_hold(!label == (ret < 0));
	must_hold(ret == 0 || (!source && !module));
	free(label);
	free(source);
	free(module);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const gnutls_datum_t handle = { (unsigned char *)data, size };
	bool means_to_be = nfstls_handle_detect(&handle);
	char *uri = NULL;
	int ret = nfstls_handle_decode(&handle, &uri);

	must_hold(!uri == (ret < 0));
	if (ret == 0) {
		must_hold(means_to_be);
		check_encoding(&handle, uri);
		must_hold(nfstls_handle_answers(&handle, uri));
	}
	check_parts(&handle, ret);
	free(uri);
	return 0;
}
