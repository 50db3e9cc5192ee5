# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# ./dev check: which tests there are, what they need, and running them. tests/vm/tap.pl calls tests/vm/run-test for each.

HOST_TESTS=(lint unit distcheck harness)

# An end-to-end test may name in its head what it runs on: "# rootfs: trixie sid", "# kernel: stock patched"
check_wants() {
	local wants
	wants=$(sed -n "1,10s/^# $2: *//p" "$TOP/tests/e2e/$1.t")
	echo "${wants:-$3}"
}

# check_list: every test by its name. name@sid and name@patched are the same test elsewhere.
check_list() {
	local file base rootfs kernel place
	printf '%s\n' "${HOST_TESTS[@]}"
	for file in "$TOP"/tests/e2e/*.t; do
		base=$(basename "$file" .t)
		for kernel in $(check_wants "$base" kernel stock); do
			for rootfs in $(check_wants "$base" rootfs trixie); do
				place=''
				[[ $rootfs == trixie ]] || place+=@$rootfs
				[[ $kernel == stock ]] || place+=@$kernel
				echo "$base$place"
			done
		done
	done
}

# check_place NAME: sets where an end-to-end test runs
check_place() {
	VM_ROOTFS=trixie VM_KERNEL=stock
	[[ $1 != *@sid* ]] || VM_ROOTFS=sid
	[[ $1 != *@patched* ]] || VM_KERNEL=patched
}

# check_select [NAME...]: the tests of these names, with all their places unless the name says which
check_select() {
	local name found all
	mapfile -t all < <(check_list)
	[[ $# -gt 0 ]] || set -- "${all[@]}"
	for name in "$@"; do
		found=$(printf '%s\n' "${all[@]}" | awk -v name="$name" '$0 == name || index($0, name "@") == 1')
		[[ -n $found ]] || usage_error "there is no test $name; ./dev check --list names them"
		echo "$found"
	done | awk '!seen[$0]++'
}

check_is_host_test() { [[ " ${HOST_TESTS[*]} " == *" $1 "* ]]; }

# check_set_up NAME...: builds what these tests need. What cannot be had is left in $SKIP_SID for run-test.
check_set_up() {
	local name
	lock_set_up
	packages_install
	project_build
	export KERNEL_STOCK='' KERNEL_PATCHED='' SKIP_SID=''
	for name in "$@"; do
		[[ $name == harness ]] || ! check_is_host_test "$name" || continue
		check_place "$name"
		rootfs_build "$VM_ROOTFS" || SKIP_SID=$ROOTFS_MISSING
		[[ $VM_KERNEL == stock && -z $KERNEL_STOCK ]] && kernel_build stock && KERNEL_STOCK=$KERNEL
		[[ $VM_KERNEL == patched && -z $KERNEL_PATCHED ]] && kernel_build patched && KERNEL_PATCHED=$KERNEL
	done
	unlock_set_up
}

check_main() {
	local names status=0
	if [[ ${1-} == --list ]]; then
		check_list
		return
	fi
	names=$(check_select "$@")
	mapfile -t names <<<"$names"
	check_set_up "${names[@]}"
	say "running ${#names[@]} tests; what they print is kept in $DEV/results"
	start perl "$TOP/tests/vm/tap.pl" "$TOP/tests/vm/run-test" "${names[@]}" </dev/null
	finish "$JOB" || status=$?
	return $status
}
