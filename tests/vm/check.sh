# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# ./dev check: which tests there are, what they need, and running them. tests/vm/tap.pl calls tests/vm/run-test for each.

HOST_TESTS=(lint unit bookworm distcheck sanitize analyze harness nfsroot series hostspeed)
# no part of the tarball
[[ ! -d $TOP/debian ]] || HOST_TESTS+=(debian)
# Not run unless they are named
LONG_TESTS=(patches valgrind)
CHECK_LIST=

# An end-to-end test may name in its head what it runs on: "# rootfs: trixie sid", "# kernel: stock patched"
check_wants() {
	local wants
	wants=$(sed -n "1,10s/^# $2: *//p" "$TOP/tests/e2e/$1.t")
	echo "${wants:-$3}"
}

# check_list: every test by its name, or those that the options leave: $VM_KERNEL of the kernels that a test names,
# $VM_ROOTFS whatever it names. name@sid and name@patched are the same test elsewhere.
check_list() {
	local file base rootfs kernel place
	[[ -n $VM_KERNEL$VM_ROOTFS$VM_TLSHD ]] || printf '%s\n' "${HOST_TESTS[@]}"
	for file in "$TOP"/tests/e2e/*.t; do
		base=$(basename "$file" .t)
		for kernel in $(check_wants "$base" kernel stock); do
			[[ $VM_KERNEL != debug || $kernel != patched ]] || kernel=debug
			[[ -z $VM_KERNEL || $kernel == "$VM_KERNEL" ]] || continue
			for rootfs in ${VM_ROOTFS:-$(check_wants "$base" rootfs trixie)}; do
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
	local word
	VM_ROOTFS=trixie VM_KERNEL=stock
	for word in ${1//@/ }; do
		[[ $word != sid ]] || VM_ROOTFS=$word
		! kernel_exists "$word" || VM_KERNEL=$word
	done
}

# check_select [NAME...]: the tests of these names, with all their places unless the name says which
check_select() {
	local name found all
	mapfile -t all < <(check_list)
	[[ $# -gt 0 ]] || set -- "${all[@]}"
	all+=("${LONG_TESTS[@]}")
	for name in "$@"; do
		found=$(printf '%s\n' "${all[@]}" | awk -v name="$name" '$0 == name || index($0, name "@") == 1')
		[[ -n $found ]] || usage_error "there is no test $name; ./dev check --list names them"
		echo "$found"
	done | awk '!seen[$0]++'
}

# check_set_up NAME...: builds what these tests need. What cannot be had is left in $SKIP_SID for run-test, unless the
# user asked for just that.
check_set_up() {
	local name asked=$VM_ROOTFS
	lock_set_up
	packages_install
	project_build
	export SKIP_SID=''
	for name in "$@"; do
		case $name in
		lint | unit | distcheck | sanitize | analyze | valgrind | hostspeed) continue ;;
		bookworm) rootfs_build bookworm && continue ;;
		series) kernel_stock_tree "$(kernel_tree stock)" && continue ;;
		patches) kernel_build stock && continue ;;
		nfsroot) kernel_build patched && continue ;;
		debian) rootfs_build trixie-build ;;
		esac
		check_place "$name"
		if rootfs_build "$VM_ROOTFS"; then
			tlshd_check
		else
			[[ -z $asked ]] || die "there is no root file system $VM_ROOTFS: $ROOTFS_MISSING"
			SKIP_SID=$ROOTFS_MISSING
		fi
		kernel_build "$VM_KERNEL"
	done
	unlock_set_up
}

check_main() {
	local names status=0
	if [[ -n $CHECK_LIST ]]; then
		[[ $# -eq 0 ]] || usage_error '--list takes no names'
		check_list
		return
	fi
	names=$(check_select "$@")
	mapfile -t names <<<"$names"
	check_set_up "${names[@]}"
	say "running ${#names[@]} tests; what they print is kept in $DEV/results"
	export CHECK_TLSHD=$VM_TLSHD
	start perl "$TOP/tests/vm/tap.pl" "$TOP/tests/vm/run-test" "${names[@]}" </dev/null
	finish "$JOB" || status=$?
	return $status
}
