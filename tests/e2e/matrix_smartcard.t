#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: a smartcard in a reader of pcscd, through OpenSC: a Common Access Card of libcacard in the reader of
# vpcd (matrix/card). It is taken out of the reader.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/nss.sh
. /src/tests/e2e/nss.sh

SOFTWARE='OpenSC, through pcscd'
VERSION=$(version_of opensc)
NAMES=(RSA-2048)
DATABASE=/var/lib/card
token_uri() { echo "pkcs11:manufacturer=Common%20Access%20Card;object=CAC%20ID%20Certificate"; }
token_away() { kill "$CARD"; ! wait "$CARD"; }
# card_in NAME: a card with this key
card_in() {
	/src/tests/e2e/matrix/card $DATABASE "$1" >>"$LOGS/card" 2>&1 &
	CARD=$!
	wait_for card_is_in
}
token_back() { card_in RSA-2048; }
card_is_in() { pkcs11-tool --list-token-slots | grep -q 'Common Access Card'; }

world_up
ca_new root
server_start root
client_start root
pin_file
ok 'what is on the card' nss_database $DATABASE
ok 'an RSA-2048 key' nss_key $DATABASE RSA-2048 root -k rsa -g 2048
ok 'a P-256 key' nss_key $DATABASE P-256 root -k ec -q nistp256
mkdir -p /run/dbus
dbus-daemon --system --fork
pcscd
ok 'a card with the P-256 key' card_in P-256
is 'shows its certificate' "$(nfstlskey tokens --noheadings pkcs11:manufacturer=Common%20Access%20Card | grep -c 'CN=P-256 ')" 1
refuses 'and has no key for it' 3 'no private key' nfstlskey add P-256 --pkcs11 "$(token_uri)" --pin-file "$PIN_FILE"
token_away
# the next one has the same serial number
rm -rf /root/.cache/opensc
ok 'a card with the RSA-2048 key' token_back
NOTES='A Common Access Card of libcacard in the reader of vsmartcard-vpcd. That card has RSA keys alone: of a P-256 key it shows the certificate only.'
matrix
done_testing
