# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The limits of the command with many identities, as TAP. Machines are slow and busy: what is compared is measured in
# one run. A cost that grew as the square of the number would be a hundred times as much for ten times as many. Of the
# clock, which counts what others do meanwhile, half of that is allowed, and of the processor a fifth.

# shellcheck source=tests/bench/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

declare -A TOOK
declare -A ALLOWED=([least_ms]=50 [cpu_ms]=20)

# took CLOCK RUNS WHAT COMMAND...: measure it, for $BENCH_COUNT identities
took() {
	TOOK[$3,$BENCH_COUNT]=$("$1" "$2" "${@:4}" 2>>"$BENCH/log")
}

# holds TEXT EXPRESSION: a comparison of numbers such as "1.5 < 2 * 3"
holds() {
	local status=0
	awk "BEGIN { exit !($2) }" || status=1
	result $status "$1"
	[[ $status -eq 0 ]] || echo "# it does not hold, in ms: $2"
}

# linear CLOCK WHAT: from 1,000 to 10,000 identities, over what one takes; and what is too short to be measured well
linear() {
	local one=${TOOK[$2,1]} some=${TOOK[$2,1000]} many=${TOOK[$2,10000]}
	echo "# ms, $2: of 1 $one, of 1000 $some, of 10000 $many"
	# what is measured of the short ones may go either way
	holds "$2: it grows no faster than the number" \
		"$many - $one < ${ALLOWED[$1]} * ($some > $one ? $some - $one : 0) + 60"
}

# near WHAT LEAST COUNT: three times what a program takes that does the least
near() {
	local it=${TOOK[$1,$3]} least=${TOOK[$2,$3]}
	echo "# ms, $1: of $3 $it, and $2 $least"
	holds "$1: near to what the kernel and GnuTLS take, of $3" "$it < 3 * $least + 10"
}

# limits_of_looking CLOCK
limits_of_looking() {
	local count runs
	for count in 1 1000 10000; do
		bench_fill $count
		runs=$((count < 10000 ? 15 : 3))
		took "$1" $runs 'list --output NAME' nfstlskey list --output NAME
		took "$1" $runs 'the calls of list --output NAME' "$PROBE" names
		took "$1" $runs list nfstlskey list
		took "$1" $runs 'the calls of list, and certificates' "$PROBE" certificates
		# as short among many as among few
		took "$1" 15 show nfstlskey show many$count
		took "$1" 15 'the calls of show' "$PROBE" show many$count
	done
	linear "$1" 'list --output NAME'
	linear "$1" list
	linear "$1" show
	near 'list --output NAME' 'the calls of list --output NAME' 1000
	near list 'the calls of list, and certificates' 1000
	near show 'the calls of show' 10000
}

# limits_of_loading CLOCK
limits_of_loading() {
	local count once again
	for count in 100 1000; do
		bench_files $count
		# shellcheck disable=SC2016 # for the shell that is measured
		took "$1" 3 "load $count" sh -c 'keyctl clear "$0" && exec nfstlskey load --all' "$KEYRING"
		took "$1" 3 "load $count again" nfstlskey load --all
	done
	once=${TOOK[load 1000,0]} again=${TOOK[load 1000 again,0]}
	echo "# ms, load --all: of 100 files ${TOOK[load 100,0]}, again ${TOOK[load 100 again,0]}; of 1000 $once, again $again"
	holds 'load --all: it grows no faster than the number' "$once < ${ALLOWED[$1]} * ${TOOK[load 100,0]}"
	holds 'load --all, again: it grows no faster than the number' \
		"$again < ${ALLOWED[$1]} * ${TOOK[load 100 again,0]}"
	holds 'load --all: what is there already takes less' "$again < $once"
}
