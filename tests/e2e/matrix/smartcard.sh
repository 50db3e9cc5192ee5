# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # who sources this reads them
#
# A smartcard in a reader of pcscd, through OpenSC: a Common Access Card of libcacard in the reader of vpcd (matrix/card).
# It is taken out of the reader.

# shellcheck source=tests/e2e/nss.sh
. /src/tests/e2e/nss.sh

SOFTWARE='OpenSC, through pcscd'
VERSION=$(version_of opensc)
MODULE=$(echo /usr/lib/*/opensc-pkcs11.so)
NAMES=(RSA-2048)
DATABASE=/var/lib/card
NOTES='A Common Access Card of libcacard in the reader of vsmartcard-vpcd. That card has RSA keys alone: of a P-256 key it shows the certificate only.'
token_up() {
	nss_database $DATABASE &&
		nss_key $DATABASE RSA-2048 root -k rsa -g 2048 &&
		nss_key $DATABASE P-256 root -k ec -q nistp256 &&
		bus_up && pcscd && token_back
}
token_uri() { echo "pkcs11:manufacturer=Common%20Access%20Card;object=CAC%20ID%20Certificate"; }
token_away() { kill "$CARD"; ! wait "$CARD"; }
token_back() { card_in RSA-2048; }

# card_in NAME: a card with this key. All have the same serial number.
card_in() {
	rm -rf /root/.cache/opensc
	/src/tests/e2e/matrix/card $DATABASE "$1" >>"$LOGS/card" 2>&1 &
	CARD=$!
	wait_for card_is_in
}
card_is_in() { pkcs11-tool --list-token-slots | grep -q 'Common Access Card'; }
