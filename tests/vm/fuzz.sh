# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# ./dev fuzz: the fuzz targets, built by clang with its fuzzer and its sanitizers. What they find stays in $FUZZ.

FUZZ=$DEV/fuzz
FUZZ_PACKAGES=(clang libclang-rt-dev)
FUZZ_SECONDS=60
FUZZ_RUNS=''

fuzz_build() {
	HOST_PACKAGES+=("${FUZZ_PACKAGES[@]}")
	packages_install
	project_copy
	mkdir -p "$FUZZ/build" "$FUZZ/findings"
	if project_needs_configure "$FUZZ/build"; then
		step 'configuring the fuzz targets' fuzz-configure fuzz_configure
	fi
	step 'building the fuzz targets' fuzz-make make -C "$FUZZ/build" -j"$(nproc)" fuzzers
}

fuzz_configure() {
	local sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
	cd "$FUZZ/build"
	"$SRC/configure" CC=clang CFLAGS="-g -O1 -fno-omit-frame-pointer $sanitizers -fsanitize=fuzzer-no-link" \
		LIB_FUZZING_ENGINE=-fsanitize=fuzzer
}

# fuzz_main [SECONDS [TARGET...]], or with $FUZZ_RUNS [TARGET...]: as many at once as there are processors; the status is 0
# when nothing was found
fuzz_main() {
	local all target limit=-runs=$FUZZ_RUNS many="$FUZZ_RUNS runs"
	if [[ -z $FUZZ_RUNS ]]; then
		limit=-max_total_time=${1-$FUZZ_SECONDS} many="${1-$FUZZ_SECONDS} s"
		[[ $# -eq 0 ]] || shift
	fi
	[[ ${limit#*=} =~ ^[1-9][0-9]*$ ]] || usage_error "fuzz takes a number of seconds, or --runs and a number, not ${limit#*=}"
	mapfile -t all < <(ls "$TOP/tests/fuzz/corpus")
	for target in "$@"; do
		[[ " ${all[*]} " == *" $target "* ]] || usage_error "there is no fuzz target $target: ${all[*]}"
	done
	[[ $# -gt 0 ]] || set -- "${all[@]}"
	lock_set_up
	fuzz_build
	unlock_set_up
	say "$many for each of $# targets; what they print, and new inputs, are kept in $FUZZ"
	export FUZZ
	start xargs -P "$(nproc)" -n 1 "$TOP/tests/fuzz/run" "$limit" < <(printf '%s\n' "$@")
	finish "$JOB"
}
