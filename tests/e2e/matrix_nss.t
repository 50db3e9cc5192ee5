#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: the token of NSS (matrix/nss.sh).

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/matrix/nss.sh
. /src/tests/e2e/matrix/nss.sh

matrix_world
refuses 'by its path alone the module has no database' 3 'no private key' \
	nfstlskey add path --pkcs11 "$(token_uri P-256)?module-path=$MODULE" --pin-file "$PIN_FILE"
matrix
done_testing
