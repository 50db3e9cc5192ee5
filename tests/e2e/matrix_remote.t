#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: a token behind a socket, lent by p11-kit server (matrix/remote.sh).

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/matrix/remote.sh
. /src/tests/e2e/matrix/remote.sh

matrix_world
matrix
done_testing
