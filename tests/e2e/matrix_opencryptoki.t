#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: the software token of opencryptoki (matrix/opencryptoki.sh).

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/matrix/opencryptoki.sh
. /src/tests/e2e/matrix/opencryptoki.sh

matrix_world
matrix
done_testing
