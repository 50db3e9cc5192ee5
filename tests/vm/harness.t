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
# shellcheck source=tests/vm/tlshd.sh
. "$TOP/tests/vm/tlshd.sh"
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

mkdir "$folder/disk"
VM_DISK=$folder/disk guest bash -c 'echo one >/disk/file'
VM_DISK=$folder/disk guest bash -c 'echo two >>/disk/file'
is 'a folder can be the disk of one after the other' "$(<"$folder/disk/file")" $'one\ntwo'

VM_INIT=1 guest bash -c 'printf "%s\0" sleep 1000 >/run/init; until [[ $(</proc/1/comm) == sleep ]]; do sleep 0.1; done; exit 6'
is 'a script can name another process 1, and its status is ours' "$status" 6
VM_INIT=1 guest bash -c 'exit 5'
is 'and need not' "$status" 5

VM_TIMEOUT=3 guest sleep 100
is 'it can be given a time' "$status" 124

guest bash -c 'sysctl -q vm.panic_on_oom=1; for f in /tmp /run /dev/shm; do dd if=/dev/zero of=$f/x bs=1M count=480; done'
is 'a kernel that panics has a status of its own' "$status" "$VM_BROKEN"
is 'and its message is shown' "$(grep -c 'Kernel panic' <<<"$err")" 1

guest uname -r
is 'the kernel is Linux 7.3' "${out%.*}" 7.3
guest awk '$8 == "keyring" && $9 == ".nfs:" { print "there" }' /proc/keys
is 'it has the .nfs keyring' "$out" there

# --- a tlshd that the user built; any program serves ---
cp "$DEV/root/trixie/usr/bin/id" "$folder/id"
guest sh -c 'echo "$VM_TLSHD" && grep -c LD_PRELOAD /usr/lib/systemd/system/tlshd.service.d/nfstls.conf'
is 'without one the systemd drop-in preloads the adapter' "$out" $'\n1'
VM_TLSHD=$folder/id guest sh -c 'echo "$VM_TLSHD" && tlshd -u &&
	grep -c LD_PRELOAD /usr/lib/systemd/system/tlshd.service.d/nfstls.conf'
is 'one that the user built is tlshd there, and nothing is preloaded into it' "$out" $'built\n0\n0'
guest tlshd -u
is 'it was not left behind' "$((status == 0))" 0

# not_tlshd FILE: what is wrong with it
not_tlshd() { tlshd_is_program "$1" && (VM_TLSHD=$1 tlshd_check 2>&1); }
is 'a program of the root file system could be tlshd' "$(not_tlshd "$folder/id")" ''
is 'not what is not there' "$(not_tlshd "$folder/none")" "$folder/none is no file"
touch "$folder/empty"
is 'not what cannot be executed' "$(not_tlshd "$folder/empty")" "$folder/empty is not executable"
echo '#!/bin/sh' >"$folder/wrapper"
chmod +x "$folder/wrapper"
is 'not a script' "$(not_tlshd "$folder/wrapper")" \
	"$folder/wrapper is no ELF program; if it is libtool's wrapper, the program is in .libs"
sed 's/libc\.so\.6/libx.so.6/' "$folder/id" >"$folder/other"
chmod +x "$folder/other"
[[ $(not_tlshd "$folder/other") == *'needs what the root file system trixie has not:'*libx.so.6* ]]
is 'not one that needs a library that is nowhere' $? 0
echo 'int main(void) { return 0; }' | gcc -x c -o "$folder/host" - -Wl,--no-as-needed -lcmocka
[[ $(not_tlshd "$folder/host") == *'needs what the root file system trixie has not:'*libcmocka.so* ]]
is 'not one that needs a library that only this host has' $? 0

echo "1..$count"
