# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # who sources this reads them
#
# SoftHSM2. It is taken away with its files.

SOFTWARE=SoftHSM2
VERSION=$(version_of softhsm2)
MODULE=$SOFTHSM
NAMES=(P-256 RSA-2048)
TOKENS=/var/lib/softhsm/tokens
token_up() { token_init lab && made_by_pkcs11_tool lab; }
token_uri() { echo "pkcs11:token=lab;object=$1"; }
token_away() { mv $TOKENS $TOKENS.away && mkdir $TOKENS; }
token_back() { rmdir $TOKENS && mv $TOKENS.away $TOKENS; }
TRIED='user PIN count low'
tries() { pkcs11-tool --module "$MODULE" --list-token-slots | grep -o "$TRIED"; }
