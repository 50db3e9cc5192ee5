# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the tests of nfstlskey doctor share. To be sourced after lib.sh.

# doctor_said STEP RESULT PATTERN: of the last run
doctor_said() { grep -qE "^$1 .* $2 +.*($3)" /tmp/doctor; }

# doctor_result STATUS TEXT: the result, and where it is not what was wanted all that doctor said
doctor_result() {
	result "$1" "$2"
	[[ $1 -eq 0 ]] || cat /tmp/doctor /tmp/doctor.err | diag
}

# doctor_says TEXT STATUS STEP RESULT PATTERN [ARGUMENT...]: doctor ends with this status; the step has this result and
# says this, and of all steps it is the only one that fails. Without arguments it is about alice at the server.
doctor_says() {
	local text=$1 wanted=$2 step=$3 result=$4 pattern=$5 status=0 others
	shift 5
	[[ $# -gt 0 ]] || set -- alice server:/
	nfstlskey doctor --noheadings "$@" >/tmp/doctor 2>/tmp/doctor.err || status=$?
	others=$(awk -v step="$step" '/ failed  / && $1 != step' /tmp/doctor)
	[[ $status -eq $wanted && -z $others && ! -s /tmp/doctor.err ]] && doctor_said "$step" "$result" "$pattern"
	doctor_result $? "$text"
}

# and_says TEXT STEP RESULT PATTERN: another step of the same run
and_says() {
	doctor_said "${@:2}"
	doctor_result $? "$1"
}
