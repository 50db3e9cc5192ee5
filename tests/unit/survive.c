/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "survive.h"
#include "unit.h"

/* More calls than any of these makes: what does not end is broken. */
#define ROUNDS_MAX 2000

/* Time mends it, or it says that GnuTLS failed, which is no judgement on the identity. */
static bool is_honest(int ret)
{
	return ret == 0 || ret == NFSTLS_E_CRYPTO || nfstls_error_is_transient(ret);
}

/* How many errors there were. */
static unsigned int survive_here(enum failing_kind kind, operation *operate, enum outcome_wanted wanted,
				 bool here_alone)
{
	struct nfstls_diag diag = NFSTLS_DIAG_INIT;
	unsigned int failures = 0;
	size_t descriptors = 0;
	bool failed = true;

	for (unsigned int nth = 0; failed; nth++) {
		int ret;

		assert_true(nth < ROUNDS_MAX);
		failing_begin(kind, nth, here_alone);
		ret = operate(&diag);
		failed = failing_end();
		nfstls_cleanup();
		if ((wanted != ANY && !is_honest(ret)) || ((wanted == WELL || !failed) && ret < 0)) {
			print_error("call %u fails: %d (%s): %s\n", nth, ret, nfstls_strerror(ret), diag.text);
			fail();
		}
		nfstls_diag_clear(&diag);
		failures += ret < 0;
		if (nth == 1)
			descriptors = count_descriptors();
		if (nth > 1)
			assert_int_equal(count_descriptors(), descriptors);
	}
	return failures;
}

/* Where an agent fails as well, what its process does with an answer would never be reached. */
void survive(enum failing_kind kind, operation *operate, enum outcome_wanted wanted)
{
	unsigned int failures = survive_here(kind, operate, wanted, false);

	if (kind == FAILING_MEMORY || kind == FAILING_INTERRUPT)
		failures += survive_here(kind, operate, wanted, true);
	assert_true(wanted == WELL || failures > 0);
}
