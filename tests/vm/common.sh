# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What every part of ./dev uses: messages, steps with a log and the elapsed time, stamps, the lock.

LOG_DIR=$DEV/log
mkdir -p "$LOG_DIR"

if [[ -t 2 && -z ${NO_COLOR-} ]]; then
	BOLD=$'\e[1m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
	BOLD='' RED='' PLAIN=''
fi

# Progress goes to stderr: stdout belongs to the script that runs in the virtual machine
say() { printf '%s[%4ds]%s %s\n' "$BOLD" "$SECONDS" "$PLAIN" "$*" >&2; }

die() {
	printf '%sdev: %s%s\n' "$RED" "$*" "$PLAIN" >&2
	exit 1
}

# What has to be ended, and removed, however we end
JOBS=()
LEFTOVERS=()
clean_up() {
	local job tries=0
	for job in "${JOBS[@]}"; do
		kill -TERM -- "-$job" 2>/dev/null || true
	done
	# a moment for jobs to clean up in their turn
	for job in "${JOBS[@]}"; do
		while kill -0 -- "-$job" 2>/dev/null && ((tries++ < 20)); do
			sleep 0.1
		done
		kill -KILL -- "-$job" 2>/dev/null || true
	done
	[[ ${#LEFTOVERS[@]} -eq 0 ]] || rm -rf -- "${LEFTOVERS[@]}"
}

# clean_up_at_end: for this shell; a subshell that leaves something calls it again, for what is its own
clean_up_at_end() {
	[[ $BASHPID == "$$" ]] || JOBS=() LEFTOVERS=()
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}
clean_up_at_end

# start COMMAND...: run it in the background, in a process group of its own, so that clean_up() reaches all of it.
# Its number is left in $JOB.
start() {
	set -m
	"$@" &
	JOB=$!
	set +m
	JOBS+=("$JOB")
}

# finish JOB: wait for what start() started, and return its status
finish() {
	local status=0 job kept=()
	wait "$1" || status=$?
	for job in "${JOBS[@]}"; do
		[[ $job == "$1" ]] || kept+=("$job")
	done
	JOBS=("${kept[@]}")
	return $status
}

stop() {
	kill -KILL -- "-$1" 2>/dev/null || true
	finish "$1" 2>/dev/null || true
}

# A sign of life while a long step runs
tick() {
	local log=$1 line
	while sleep 30; do
		line=$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-90)
		say "  ... ${line##*( )}"
	done
}

# step TEXT LOG COMMAND...: say what begins, keep its output in the log, stop with the log's end if it fails
step() {
	local text=$1 log=$LOG_DIR/$2.log begun=$SECONDS status=0 job ticker
	shift 2
	say "$text"
	: >"$log"
	start strictly "$@" </dev/null >"$log" 2>&1
	job=$JOB
	start tick "$log"
	ticker=$JOB
	finish "$job" || status=$?
	stop "$ticker"
	if [[ $status -ne 0 ]]; then
		printf '%sfailed after %d s: %s%s\n' "$RED" $((SECONDS - begun)) "$text" "$PLAIN" >&2
		tail -n 25 "$log" | sed 's/^/  | /' >&2
		die "the whole log is in $log"
	fi
}

# A function that runs in a condition ignores errexit; here it does not
strictly() {
	set -euo pipefail
	"$@"
}

# A stamp says what a thing was made from; it is written last
stamp_is() { [[ -f $1 && $(<"$1") == "$2" ]]; }
stamp() { printf '%s' "$2" >"$1"; }
hash_of() { sha256sum | cut -c 1-16; }

# Two set-ups at once would step on each other's feet
lock_set_up() {
	exec 9>"$DEV/lock"
	flock -n 9 && return
	say 'waiting for another ./dev to end its set-up'
	flock 9
}
unlock_set_up() { exec 9>&-; }
