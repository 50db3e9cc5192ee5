# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# ./dev coverage: which lines and branches of the project its tests run. The tests are those of ./dev check, in a folder of
# their own, where gcc builds the project with its counters; gcovr reads them. Whether a test passes is not asked: with
# counters all is slower.

COVERAGE=$DEV/coverage
COVERAGE_PACKAGES=(gcovr jq)

# coverage_tests [NAME...]: what is run where no test is named. The soak, which runs what others run, is too slow with
# counters for its own limits.
coverage_tests() {
	local VM_KERNEL='' VM_ROOTFS=''
	if [[ $# -gt 0 ]]; then
		check_select "$@"
	else
		echo unit
		check_list | grep -vxFf <(printf '%s\n' "${HOST_TESTS[@]}") | grep -v ^soak
	fi
}

# Another folder for ./dev, with the kernels and root file systems of this one, and built anew: no count is of an older one
coverage_set_up() {
	local shared
	HOST_PACKAGES+=("${COVERAGE_PACKAGES[@]}")
	check_set_up "$@"
	mkdir -p "$COVERAGE" "$DEV/cache" "$DEV/kernel" "$DEV/root"
	for shared in cache kernel root; do
		ln -sfn "$DEV/$shared" "$COVERAGE/$shared"
	done
	rm -rf "$COVERAGE"/{build,stage,results}
	gcc -O1 -fPIC -c -o "$COVERAGE/exit.o" "$TOP/tests/vm/coverage.c"
}

# At -O0 gcc warns of what it does not see through
coverage_check() {
	start env NFSTLS_DEV="$COVERAGE" NFSTLS_COUNTS="$COVERAGE/build" LDFLAGS="-Wl,$COVERAGE/exit.o" \
		CFLAGS='-g -O0 --coverage -fprofile-update=atomic -Wno-error' "$TOP/dev" check "$@" >&2
	finish "$JOB" || say 'not all went well; what was run is counted'
	[[ -d $COVERAGE/results ]] || die 'no test was run'
}

# What one test has counted on this host lies beside the objects, that of each virtual machine below its results
coverage_gather() {
	local counts sum=$COVERAGE/sum
	rm -rf "$sum" "$sum.old"
	while IFS= read -r counts; do
		[[ -n $(find "$counts" -name '*.gcda' -print -quit) ]] || continue
		if [[ -d $sum ]]; then
			mv "$sum" "$sum.old"
			gcov-tool merge "$sum.old" "$counts" -o "$sum"
			rm -rf "$sum.old"
		else
			rsync -a --include='*/' --include='*.gcda' --exclude='*' "$counts/" "$sum"
		fi
	done < <(echo "$COVERAGE/build" && find "$COVERAGE/results" -type d -name counts -prune)
	cp -a "$sum/." "$COVERAGE/build"
}

coverage_read() {
	rm -rf "$COVERAGE/html"
	mkdir "$COVERAGE/html"
	gcovr --root "$COVERAGE/src" --filter "$COVERAGE/src/p11/" --filter "$COVERAGE/src/nfstlskey/" \
		--filter "$COVERAGE/src/tlshd-patches/" --json "$COVERAGE/counts.json" \
		--html-details "$COVERAGE/html/index.html" "$COVERAGE/build"
}

# coverage_table [GCOVR-OPTION]: of lines, or with --branches of branches; without the numbers of the lines
coverage_table() { gcovr --root "$COVERAGE/src" --add-tracefile "$COVERAGE/counts.json" --txt "$@" | cut -c 1-64; }

# coverage_list: FILE:LINE: FUNCTION: what of it no test has run
coverage_list() {
	jq -r '.files[] | .file as $file | .functions as $functions | .lines[] | select(.["gcovr/noncode"] | not)
		| .line_number as $line | (.branches | length) as $ways | (.branches | map(select(.count == 0)) | length) as $missed
		| select(.count == 0 or $missed > 0)
		| ($functions | map(select(.lineno <= $line)) | max_by(.lineno).name) as $function
		| "\($file):\($line): \($function): " + if .count == 0 then "not run" else "\($missed) of \($ways) branches" end' \
		"$COVERAGE/counts.json"
}

# Where each line that no test runs is one of those that tests/uncovered gives a reason for
COVERAGE_JUDGED='^(p11|nfstlskey|tlshd-patches)/'

# coverage_unexplained: the lines of $COVERAGE/missed of functions that miss more of them than tests/uncovered says
coverage_unexplained() {
	awk -F': *' -v judged="$COVERAGE_JUDGED" '
		FNR == NR { split($0, entry, " "); if (!/^#/) allowed[entry[1] " " entry[2]] = entry[3]; next }
		$1 ~ judged { name = $1 " " $3; count[name]++; text[name] = text[name] $0 "\n" }
		END { for (name in count) if (count[name] > allowed[name]) printf "%s", text[name] }
	' "$TOP/tests/uncovered" "$COVERAGE/missed" | sort -t : -k 1,1 -k 2,2n
}

coverage_main() {
	local names
	names=$(coverage_tests "$@")
	mapfile -t names <<<"$names"
	coverage_set_up "${names[@]}"
	coverage_check "${names[@]}"
	step 'adding up' coverage-gather coverage_gather
	step 'reading the counts' coverage-read coverage_read
	coverage_table
	coverage_table --branches
	coverage_list >"$COVERAGE/missed"
	say "each line and branch that was not run is in $COVERAGE/missed, and in colours in $COVERAGE/html"
	[[ $# -eq 0 ]] || return 0
	coverage_unexplained >"$COVERAGE/unexplained"
	[[ ! -s $COVERAGE/unexplained ]] || { cat "$COVERAGE/unexplained" && die 'these have no reason in tests/uncovered'; }
}
