#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rootfs: trixie sid
#
# nfstlskey tokens: what there is, for everybody to see and without a PIN, and URIs that add takes.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

world_up
ca_new root
list() { nfstlskey tokens --noheadings "$@"; }
field() { list --json "pkcs11:token=$1" | sed -n "s/.*\"$2\": *\"\([^\"]*\)\".*/\1/p"; }

is 'a new slot holds nothing' "$(list | awk '{ print $(NF - 1) }')" uninitialised
token_init lab
token_init empty
token_identity lab alice root EC:prime256v1 01
token_identity lab bob root rsa:2048 02
rm "$PIN_FILE"
is 'a line for each certificate' "$(list 'pkcs11:token=lab' | grep -o 'CN=[a-z]*' | sort | tr '\n' ' ')" 'CN=alice CN=bob '
is 'their keys are there' "$(field lab key | sort -u)" seen
is 'with their types' "$(field lab type | sort | tr '\n' ' ')" 'P-256 RSA-2048 '
is 'a PIN is wanted' "$(field lab state | sort -u)" login
is 'a token without certificates' "$(list 'pkcs11:token=empty' | wc -l)" 1
[[ $(field empty uri) == pkcs11:*token=empty* ]]
result $? 'is named by its URI'
# as an ordinary user, who may read the token's files
chmod -R a+rX /var/lib/softhsm /etc/softhsm
ok 'a user needs no privileges' setpriv --reuid=65534 --clear-groups nfstlskey tokens 'pkcs11:token=lab'

pin_file
for name in alice bob; do
	uri=$(list 'pkcs11:token=lab' | sed -n "s/.*CN=$name .*\(pkcs11:[^ ]*\)$/\1/p")
	[[ $uri != *pin-source* ]] && ok "add takes the URI of $name as it stands, with the PIN file" \
		nfstlskey add "$name" --pkcs11 "$uri&pin-source=file:$PIN_FILE"
	is "$name: it is the right key" "$(nfstlskey list --noheadings | sed -n "s/^$name .*\(CN=[a-z]*\).*/\1/p")" "CN=$name"
done

pkcs11-tool --module "$SOFTHSM" --token-label lab --login --pin 0000 --list-objects >>"$LOGS/token" 2>&1
is 'a wrong PIN is told' "$(field lab state | sort -u)" login,pin-low
is 'and so it stays: nothing logs in' "$(field lab state | sort -u)" login,pin-low

refuses 'no token matches' 7 'no token matches' nfstlskey tokens pkcs11:token=nowhere
refuses 'not a URI' 2 'not a well-formed PKCS#11 URI' nfstlskey tokens lab
refuses 'a URI with a PIN' 2 'PIN' nfstlskey tokens 'pkcs11:token=lab?pin-value=1'
refuses 'a module that is not there' 7 'nowhere.so' nfstlskey tokens 'pkcs11:?module-path=/usr/lib/nowhere.so'

# A module that works no more beside one that does
cp /bin/true /usr/lib/broken.so
printf 'module: /usr/lib/broken.so\n' >/usr/share/p11-kit/modules/broken.module
is 'a broken module hides no token' "$(list 'pkcs11:token=lab' | wc -l)" 2
done_testing
