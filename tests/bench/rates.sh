#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rates.sh [ROUNDS]: handshakes per second, from 1 to 64 at once, with keys in a token and in files: a table in Markdown. In
# the virtual machine: ./dev vm tests/bench/rates.sh
#
# Mounts come one after the other, but all connections break when the server goes away, and whoever uses a mount then makes
# a new one: as many handshakes at once as there are users. NFSv3, where each mount keeps its connection.

# shellcheck disable=SC2016 # for Markdown
set -uo pipefail

# shellcheck source=tests/bench/figures.sh
. /src/tests/bench/figures.sh
# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

ROUNDS=${1-3}
MOST=64
# more than these at once are measured once, and with token keys alone
FEW=16
# shellcheck disable=SC2034 # for server_start
NO_NFS3=() NFSD_THREADS=4
counts=(1 4 16 50 64)
TESTS=$(echo /usr/lib/*/nfstls-tests)
RUNS=/tmp/runs

# mounts KIND COUNT OPTION...: of one key so many identities, each mounted
mounts() {
	local kind=$1 i
	for ((i = 1; i <= $2; i++)); do
		nfstlskey add "$kind$i" "${@:3}" >>"$LOGS/add" 2>&1
		mkdir "/mnt/$kind$i"
		on_client mount -t nfs -o "vers=3,nolock,xprtsec=mtls,$(nfstlskey show "$kind$i" 2>>"$LOGS/add")" server:/export \
			"/mnt/$kind$i"
	done
}

handshakes() { grep -c 'Querying the handshake service' "$LOGS/tlshd.client"; }

# at_once KIND COUNT: a line "KIND-COUNT RATE SERVED HANDSHAKES", of those that were served and of all that were begun
at_once() {
	local jobs=() job served=0 begin end i
	server_restart
	: >"$LOGS/tlshd.client"
	begin=$EPOCHREALTIME
	for ((i = 1; i <= $2; i++)); do
		timeout -s KILL 120 stat -f "/mnt/$1$i" >>"$LOGS/stat" 2>&1 &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do
		! wait "$job" 2>>"$LOGS/stat" || served=$((served + 1))
	done
	end=$EPOCHREALTIME
	echo "$1-$2 $(calculate "$served * 1000000 / (${end/./} - ${begin/./})") $served $(handshakes)" >>$RUNS
}

# raw_rate: what the token alone can do, one after the other
raw_rate() {
	"$TESTS/signing" 21 ecdsa 'pkcs11:token=lab;object=lab;type=private' "$PIN_FILE" raw="$SOFTHSM" >>$RUNS
	calculate "1000 / $(median raw $RUNS 3)"
}

rate_row() {
	local file=- ratio=-
	if [[ $1 -le $FEW ]]; then
		file=$(median "file-$1" $RUNS)
		ratio=$(calculate "$(median "token-$1" $RUNS) / $file")
	fi
	row "$1" "$(median "token-$1" $RUNS)" "$(spread "token-$1" $RUNS)" "$file" "$ratio" \
		"$(printf '%.0f' "$(least "token-$1" $RUNS 3)")" "$(printf '%.0f' "$(quantile 1 "token-$1" $RUNS 4)")"
}

usual_world
token_identity lab lab root EC:prime256v1
file_key file root
mounts token $MOST --pkcs11 "pkcs11:token=lab;object=lab?pin-source=file:$PIN_FILE"
mounts file $FEW --cert "$PKI/file.pem" --key "$PKI/file.key"
connected=$(connections | wc -l)
token_rate=$(raw_rate)
echo "$connected connections. The token alone, by raw PKCS#11 calls and one after the other: $token_rate per second."
echo
heading 'at once' 'token: per second' 'the middle half' 'file: per second' 'token to file' 'served, at least' \
	'handshakes for that, at most'
for count in "${counts[@]}"; do
	for ((round = 0; round < ROUNDS; round++)); do
		[[ $count -gt $FEW && $round -gt 0 ]] || at_once token "$count"
		[[ $count -gt $FEW ]] || at_once file "$count"
	done
	rate_row "$count"
done
echo
verdict '50 at once, of which fail' $((50 - $(printf '%.0f' "$(least token-50 $RUNS 3)"))) 0
echo
