#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: tpm2-pkcs11 on a TPM in software (matrix/tpm2.sh).

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/matrix/tpm2.sh
. /src/tests/e2e/matrix/tpm2.sh

matrix_world
matrix
done_testing
