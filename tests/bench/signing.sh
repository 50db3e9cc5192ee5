#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# signing.sh [ROUNDS]: what it takes to open a key of SoftHSM and to sign with it once, in several ways that take turns:
# tables in Markdown. In the virtual machine: ./dev vm tests/bench/signing.sh; on the host's kernel, as root:
# STAGE=.dev/stage tests/bench/signing.sh

# shellcheck disable=SC2016 # for Markdown
set -euo pipefail

HERE=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/bench/figures.sh
. "$HERE/figures.sh"
# on the host, where a lock in /run, and a socket, are nobody else's
if [[ -n ${STAGE-} && -z ${BENCH_INSIDE-} ]]; then
	STAGE=$(realpath "$STAGE") BENCH_INSIDE=1 exec unshare --mount "$0" "$@"
fi

ROUNDS=${1-101}
MODULE=/usr/lib/softhsm/libsofthsm2.so
CLIENT=$(echo /usr/lib/*/pkcs11/p11-kit-client.so)
TESTS=("${STAGE-}"/usr/lib/*/nfstls-tests)
PIN=271828182846
BENCH=$(mktemp -d)
SERVER=

end() {
	[[ $? -eq 0 ]] || tail -n 5 "$BENCH/log" >&2
	[[ -z $SERVER ]] || kill "$SERVER" 2>/dev/null || true
	rm -rf "$BENCH"
}
trap end EXIT

token() {
	mkdir "$BENCH/tokens"
	(umask 077 && echo $PIN >"$BENCH/pin")
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$BENCH/tokens" \
		>"$BENCH/softhsm2.conf"
	export SOFTHSM2_CONF=$BENCH/softhsm2.conf
	softhsm2-util --init-token --free --label bench --pin $PIN --so-pin 31415926
	PIN=$PIN pkcs11-tool --module "$MODULE" --token-label bench --login --pin env:PIN --keypairgen --key-type rsa:2048 \
		--label rsa --id 01
	PIN=$PIN pkcs11-tool --module "$MODULE" --token-label bench --login --pin env:PIN --keypairgen \
		--key-type EC:prime256v1 --label ecdsa --id 02
	(umask 077 && certtool --generate-privkey --key-type rsa --bits 2048 --no-text --outder --outfile "$BENCH/rsa" &&
		certtool --generate-privkey --key-type ecdsa --curve secp256r1 --no-text --outder --outfile "$BENCH/ecdsa")
}

# server: a p11-kit server that lives on
server() {
	local said
	said=$(XDG_RUNTIME_DIR=$BENCH p11-kit server --name "$BENCH/socket" --provider "$MODULE" pkcs11:token=bench)
	eval "$said"
	export P11_KIT_SERVER_ADDRESS
	SERVER=$P11_KIT_SERVER_PID
}

# measure KEY-TYPE: leaves what was measured in a file of this name
measure() {
	"${TESTS[0]}/signing" "$ROUNDS" "$1" "pkcs11:token=bench;object=$1;type=private" "$BENCH/pin" raw="$MODULE" apart="$MODULE" \
		gnutls-one="$MODULE" library=module-path="$MODULE" gnutls-all= der="$BENCH/$1" raw+server="$CLIENT" \
		library+server=module-path="$CLIENT" >"$BENCH/$1.runs"
}

# processor WAY FILE: the kernel of the virtual machine counts it by ticks of 10 ms, which says nothing
processor() {
	if [[ -n ${STAGE-} ]]; then
		median "$@" 4
	else
		echo -
	fi
}

# way TEXT WAY KEY-TYPE
way() {
	local runs=$BENCH/$3.runs
	row "$1" "$(calculate "$(median "$2" "$runs") / $(median raw "$runs")")" "$(median "$2" "$runs")" \
		"$(spread "$2" "$runs")" "$(least "$2" "$runs")" "$(median "$2" "$runs" 3)" "$(processor "$2" "$runs")"
}

table() {
	heading "$1" 'ratio to raw' 'ms until signed' 'the middle half' 'the least' 'ms with the closing' 'ms of a processor'
	way 'raw PKCS#11 calls' raw "$2"
	way 'raw PKCS#11 calls, in one more process' apart "$2"
	way 'GnuTLS, with this module alone' gnutls-one "$2"
	way 'our library' library "$2"
	way 'GnuTLS, with all modules of p11-kit' gnutls-all "$2"
	way 'a DER key, no token' der "$2"
	way 'raw PKCS#11 calls, through a p11-kit server' raw+server "$2"
	way 'our library, through a p11-kit server' library+server "$2"
	echo
}

# compare QUANTITY KEY-TYPE OTHER [FIELD]: our library and another way
compare() {
	local runs=$BENCH/$2.runs
	calculate "$("$1" library "$runs" "${@:4}") / $("$1" "$3" "$runs" "${@:4}")"
}

verdicts() {
	local type
	for type in rsa ecdsa; do
		verdict "our library to raw PKCS#11 calls, $type, the medians" "$(compare median $type raw)" 1.1
		verdict 'the same, the least of each' "$(compare least $type raw)" 1.1
		[[ -n ${STAGE-} ]] || continue
		verdict 'the same, of a processor' "$(compare median $type raw 4)" 1.1
		verdict 'the same, to raw PKCS#11 calls in one more process' "$(compare median $type apart 4)" 1.1
	done
	echo
}

[[ -z ${STAGE-} ]] || mount -t tmpfs bench /run
{
	token
	server
	measure rsa
	measure ecdsa
} >"$BENCH/log" 2>&1
echo "All modules of p11-kit are here: $(basename -s .module -a /usr/share/p11-kit/modules/*.module | paste -sd ' ')."
echo
table RSA-2048 rsa
table P-256 ecdsa
verdicts
cat <<EOF
What our library adds is nearly the same for each key, and so weighs most where the token itself is fast. A part of it is the
process of its own that it keeps the module in, which may hang or crash; no other part stands out: pages that are copied
after the fork, or mapped anew as they are first touched, the file of the PIN, the locks, and what the token is asked
before a login so that no PIN is locked.
EOF
