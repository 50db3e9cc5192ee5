#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The virtual machine itself, seen from the host. run-test calls it.

# shellcheck disable=SC2016 # what stands in single quotes is for the guest
set -uo pipefail

# shellcheck source=tests/vm/common.sh
. "$TOP/tests/vm/common.sh"
# shellcheck source=tests/vm/project.sh
. "$TOP/tests/vm/project.sh"
# shellcheck source=tests/vm/kernel.sh
. "$TOP/tests/vm/kernel.sh"
# shellcheck source=tests/vm/boot.sh
. "$TOP/tests/vm/boot.sh"
KERNEL=$(kernel_tree stock)/linux
count=0
folder=$(mktemp -d)
LEFTOVERS+=("$folder")

# is TEXT GOT WANTED
is() {
	count=$((count + 1))
	if [[ $2 == "$3" ]]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		printf 'got:    %s\nwanted: %s\n' "$2" "$3" | sed 's/^/# /'
	fi
}

# guest COMMAND...: run it in the virtual machine; leaves $out, $err and $status
guest() {
	status=0
	(vm_run "$@") >"$folder/out" 2>"$folder/err" </dev/null || status=$?
	out=$(<"$folder/out")
	err=$(<"$folder/err")
}

guest bash -c 'printf "<%s>" "$@"; echo error >&2; exit 7' bash 'two words' $'two\nlines' ''
is 'the status of a script is ours' "$status" 7
is 'its arguments reach it as they are' "$out" $'<two words><two\nlines><>'
is 'what it writes to stderr, and nothing of the kernel, is on stderr' "$err" error

printf 'echo "from elsewhere $(id -u)"\n' >"$folder/a script"
guest "$folder/a script"
is 'a script from any folder runs, as root' "$out" 'from elsewhere 0'

is 'standard input passes through' "$(seq 100000 | vm_run sha256sum)" "$(seq 100000 | sha256sum)"
is 'standard output passes through whole' "$(vm_run seq 100000 </dev/null | sha256sum)" "$(seq 100000 | sha256sum)"

guest bash -c 'cat /etc/left-over; echo x >/etc/left-over; ! touch /src/left-over'
is 'a virtual machine can write to its root file system, not to the sources' "$status" 0
guest test -e /etc/left-over
is 'what it wrote is gone with it' "$status" 1
is 'and never was on the host' "$(compgen -G "$DEV/root/trixie/etc/left-over"; compgen -G "$TOP/left-over")" ''

VM_RESULTS=$folder/results guest bash -c 'echo kept >/results/file'
is 'what it leaves in /results is kept' "$(<"$folder/results/file")" kept

VM_TIMEOUT=3 guest sleep 100
is 'it can be given a time' "$status" 124

guest bash -c 'sysctl -q vm.panic_on_oom=1; for f in /tmp /run /dev/shm; do dd if=/dev/zero of=$f/x bs=1M count=480; done'
is 'a kernel that panics has a status of its own' "$status" "$VM_BROKEN"
is 'and its message is shown' "$(grep -c 'Kernel panic' <<<"$err")" 1

guest uname -r
is 'the kernel is Linux 7.3' "${out%.*}" 7.3
guest awk '$8 == "keyring" && $9 == ".nfs:" { print "there" }' /proc/keys
is 'it has the .nfs keyring' "$out" there

echo "1..$count"
