#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: SoftHSM2 (matrix/softhsm.sh).

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/matrix/softhsm.sh
. /src/tests/e2e/matrix/softhsm.sh

matrix_world
matrix
done_testing
