#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: SoftHSM2. It is taken away with its files.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh

SOFTWARE=SoftHSM2
VERSION=$(version_of softhsm2)
NAMES=(P-256 RSA-2048)
TOKENS=/var/lib/softhsm/tokens
token_uri() { echo "pkcs11:token=lab;object=$1"; }
token_away() { mv $TOKENS $TOKENS.away && mkdir $TOKENS; }
token_back() { rmdir $TOKENS && mv $TOKENS.away $TOKENS; }
TRIED='user PIN count low'
tries() { pkcs11-tool --module "$SOFTHSM" --list-token-slots | grep -o "$TRIED"; }

usual_world
ok 'keys and certificates' made_by_pkcs11_tool lab
matrix
done_testing
