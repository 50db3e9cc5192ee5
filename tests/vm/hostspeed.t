#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How fast the command is with many identities on a kernel of flesh and blood: the host's. run-test calls this.

set -uo pipefail

# where tests/vm/project.sh has installed it
export STAGE=$DEV/stage
# shellcheck source=tests/bench/limits.sh
. "$TOP/tests/bench/limits.sh"

if ! keyctl session - true 2>/dev/null; then
	echo '1..0 # SKIP there is no joining a session keyring here'
	exit
fi
bench_enter "$TOP/tests/vm/hostspeed.t"

TAP_COUNT=0
result() {
	local word=ok
	TAP_COUNT=$((TAP_COUNT + 1))
	[[ $1 -eq 0 ]] || word='not ok'
	echo "$word $TAP_COUNT - $2"
}

# within WHAT [LEAST]: 50 ms, with 1,000 identities. A machine on which the least alone takes half of that is given
# twice of it.
within() {
	local least=${2:+${TOOK[$2,1000]}}
	holds "$1: less than 50 ms, of 1000" "${TOOK[$1,1000]} < 50 || ${TOOK[$1,1000]} < 2 * ${least:-0}"
}

bench_start
trap bench_end EXIT
limits_of_looking cpu_ms
within 'list --output NAME'
within list 'the calls of list, and certificates'
within show
limits_of_loading cpu_ms
echo "1..$TAP_COUNT"
