/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Token handles in PEM, as a file has them. */
#include "config.h"

#include <string.h>

#include "fuzz.h"

/* What was taken out of a PEM block goes into one, and comes out the same. */
static void check_again(const gnutls_datum_t *handle)
{
	gnutls_datum_t pem, again;

	must_hold(gnutls_pem_base64_encode2(NFSTLS_HANDLE_PEM_LABEL, handle, &pem) == 0);
	must_hold(nfstls_handle_from_pem(&pem, &again) == 0);
	must_hold(fuzz_equal(handle, &again));
	gnutls_free(pem.data);
	gnutls_free(again.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const gnutls_datum_t pem = { (unsigned char *)data, size };
	gnutls_datum_t handle = { NULL, 0 };
	int ret = nfstls_handle_from_pem(&pem, &handle);

	if (ret < 0) {
		must_hold(!handle.data && handle.size == 0);
		return 0;
	}
	must_hold(memmem(data, size, NFSTLS_HANDLE_PEM_LABEL, strlen(NFSTLS_HANDLE_PEM_LABEL)));
	must_hold(handle.size > 0);
	check_again(&handle);
	gnutls_free(handle.data);
	return 0;
}
