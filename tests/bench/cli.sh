#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cli.sh [COUNT...]: what nfstlskey takes with so many identities, 1 to 10,000 unless said otherwise, beside keyctl(1)
# and beside a program that does no more than make the same system calls: tables in Markdown. In the virtual machine:
# ./dev vm tests/bench/cli.sh; on the host's kernel, as root: STAGE=.dev/stage tests/bench/cli.sh

# shellcheck disable=SC2016 # for Markdown
set -euo pipefail

# shellcheck source=tests/bench/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=tests/bench/figures.sh
. "$(dirname "$(readlink -f "$0")")/figures.sh"
bench_enter "$(readlink -f "$0")" "$@"
bench_start
trap bench_end EXIT
[[ $# -gt 0 ]] || set -- 1 100 1000 10000
RUNS=11

# cell COMMAND...
cell() {
	local time
	time=$(ms "$RUNS" "$@" 2>>"$BENCH/log")
	printf ' %s |' "$time"
}

# limits: with 1,000 identities
limits() {
	local command
	for command in 'list --output NAME' list 'show many1000'; do
		# shellcheck disable=SC2086 # words
		verdict "\`$command\` of 1,000, ms by the clock" "$(ms "$RUNS" nfstlskey $command)" 50
		# shellcheck disable=SC2086
		verdict 'the same, of a processor' "$(cpu_ms "$RUNS" nfstlskey $command)" 50
	done
}

looking() {
	local count=$1
	bench_fill "$count"
	printf '| %s |' "$count"
	cell nfstlskey --version
	cell nfstlskey list --output NAME
	cell "$PROBE" names
	cell keyctl list "$KEYRING"
	cell nfstlskey list
	cell "$PROBE" payloads
	cell "$PROBE" certificates
	cell nfstlskey list --output-all
	cell nfstlskey show "many$count"
	cell "$PROBE" show "many$count"
	cell keyctl search "$KEYRING" user "nfs:x509:many$count:cert"
	echo
	[[ $count -ne 1000 ]] || limits >"$BENCH/limits" 2>>"$BENCH/log"
}

loading() {
	local RUNS=1
	bench_files "$1"
	printf '| %s |' "$1"
	cell nfstlskey load --all
	RUNS=3
	cell nfstlskey load --all
	cell nfstlskey check-config
	echo
}

echo "In ms, the median of $RUNS runs: of the command; of keyctl(1); and of a program that makes the same system calls."
echo
heading identities '`--version`' '`list -o NAME`' 'the same calls' '`keyctl list`' '`list`' 'the same calls' \
	'and GnuTLS, which reads the certificates' '`list --output-all`' '`show`' 'the same calls' '`keyctl search`'
for count in "$@"; do
	looking "$count"
done
echo
echo 'Of identity files that name a P-256 key in a file: once, and with nothing new in them.'
echo
heading files '`load --all`' 'again' '`check-config`'
for count in "$@"; do
	loading "$count"
done
echo
[[ ! -e $BENCH/limits ]] || cat "$BENCH/limits"
