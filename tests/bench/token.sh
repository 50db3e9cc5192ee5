#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# token.sh NAME ROUNDS [KEY]: set up this token software of the matrix, for good, and measure what it takes to open each of
# its keys and to sign with it once, in several ways that take turns; this KEY is reached through a p11-kit server as well.
# Leaves in /results/tokens.keys a line "NAME-KEY TITLE" for each key, in tokens.runs there lines "NAME-KEY-WAY NUMBER...",
# and in tokens.notes what cannot be measured. tests/bench/tokens.sh calls this.

set -uo pipefail

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/token_software.sh
. /src/tests/e2e/token_software.sh
# shellcheck source=tests/e2e/matrix/nss.sh
. "/src/tests/e2e/matrix/$1.sh"

SIGNING=$(echo /usr/lib/*/nfstls-tests/signing)
RAW="$MODULE${RESERVED:+ $RESERVED}"

# key_uri NAME: of the key alone, with its module, as a handle has it
key_uri() {
	command nfstlskey tokens --noheadings --output SUBJECT,URI "$(token_uri "$1")" | sed -n "s/^CN=$1  *//p" | grep type=private
}

# lend TOKEN: by a p11-kit server that lives on; leaves the ways to it in $LENT
lend() {
	local client said
	client=$(echo /usr/lib/*/pkcs11/p11-kit-client.so)
	said=$(XDG_RUNTIME_DIR=/run p11-kit server --name /run/lent --provider "$MODULE" "$1") || return
	eval "$said"
	export P11_KIT_SERVER_ADDRESS
	LENT=("raw+server=$client" "library+server=module-path=$client")
}

# measure NAME ROUNDS KEY [KEY-TO-BE-LENT]
measure() {
	local uri key type=ecdsa gnutls=(gnutls-all=) LENT=()
	[[ $3 != RSA-* ]] || type=rsa
	uri=$(key_uri "$3") || return
	key=("$type" "${uri%%\?*}" "$PIN_FILE")
	if [[ -n $NO_GNUTLS ]]; then
		! "$SIGNING" 1 "${key[@]}" "${gnutls[@]}" || { echo 'GnuTLS finds it, and should be measured' && return 1; }
		echo "- GnuTLS finds no key of $SOFTWARE: $NO_GNUTLS." >>/results/tokens.notes
		gnutls=()
	fi
	[[ $3 != "$4" ]] || lend "${uri%%;id=*}" || return
	echo "$1-$3 $SOFTWARE, $VERSION: $3" >>/results/tokens.keys
	"$SIGNING" "$2" "${key[@]}" raw="$RAW" "${gnutls[@]}" library="${uri#*\?}" held="$RAW" "${LENT[@]}" |
		sed "s/^/$1-$3-/" >>/results/tokens.runs
}

ca_new root
pin_file
token_up || { echo 'it was not set up' && exit 1; }
# GnuTLS looks at no module that p11-kit is not configured with, and so one is named in the URI
[[ $(token_uri any) != *\?* ]] || echo "module: $MODULE" >/usr/share/p11-kit/modules/own.module
for key in "${NAMES[@]}"; do
	measure "$1" "$2" "$key" "${3-}" || exit
done
