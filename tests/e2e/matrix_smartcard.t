#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: a smartcard in a reader of pcscd, through OpenSC (matrix/smartcard.sh).

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/matrix/smartcard.sh
. /src/tests/e2e/matrix/smartcard.sh

matrix_world
token_away
ok 'a card with the P-256 key' card_in P-256
is 'shows its certificate' "$(nfstlskey tokens --noheadings pkcs11:manufacturer=Common%20Access%20Card | grep -c 'CN=P-256 ')" 1
refuses 'and has no key for it' 3 'no private key' nfstlskey add P-256 --pkcs11 "$(token_uri)" --pin-file "$PIN_FILE"
token_away
ok 'a card with the RSA-2048 key' token_back
matrix
done_testing
