#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The init of the virtual machine: `init.sh FOLDER root`, then `init.sh FOLDER run`. It starts on the read-only root
# file system. FOLDER is the path on the host of the folder that both share, which is mounted on /mnt then.

set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8

shared=$1

hostfs() { mount -n -t hostfs -o "$3" -o "hostfs=$shared/$1" none "$2"; }

# Lays the project over the root file system and memory over both: nothing that is written here reaches the host
change_root() {
	mount -n -t tmpfs none /run
	mkdir /run/upper /run/work /run/new
	mount -n -t overlay -o lowerdir=/mnt/stage:/,upperdir=/run/upper,workdir=/run/work none /run/new
	cd /run/new
	mkdir src results script vm
	# pivot_root(2): not every suite has the command in util-linux
	perl -e 'my ($new, $old) = (".", "mnt"); exit syscall(155, $new, $old) != 0'
	exec chroot . /bin/bash /mnt/mnt/init "$shared" run
}

mount_all() {
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs dev /dev
	mkdir /dev/pts /dev/shm
	mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs -o mode=1777 shm /dev/shm
	mount -t tmpfs -o mode=755 run /run
	mount -t tmpfs -o mode=1777 tmp /tmp
	ln -s /proc/self/fd /dev/fd
	ln -s /proc/self/fd/0 /dev/stdin
	ln -s /proc/self/fd/1 /dev/stdout
	ln -s /proc/self/fd/2 /dev/stderr

	hostfs '' /vm rw
	hostfs results /results rw
	hostfs src /src ro
	if [[ -L /vm/script ]]; then
		hostfs script /script ro
	fi
	if [[ -L /vm/disk ]]; then
		mkdir /disk
		hostfs disk /disk rw
	fi
	umount --lazy /mnt
	cd /src
}

set_up_host() {
	hostname nfstls
	echo 'nfstls' >/etc/hostname
	printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 nfstls\n' >/etc/hosts
	ip link set lo up
}

# The two consoles carry stdout and stderr. cat stands between, so that a script does not take them for a terminal.
run_script() {
	local status=0 out err
	stty -F /dev/tty1 raw -echo
	stty -F /dev/tty2 raw -echo
	mkfifo /run/out /run/err
	cat /run/out >/dev/tty1 &
	out=$!
	cat /run/err >/dev/tty2 &
	err=$!
	if [[ -n $VM_MERGED ]]; then
		"${command[@]}" <"$stdin" >/run/out 2>&1 &
		: >/run/err
	else
		"${command[@]}" <"$stdin" >/run/out 2>/run/err &
	fi
	wait $! || status=$?
	end_all_but "$out" "$err"
	wait "$out" "$err"
	return $status
}

run_shell() {
	export TERM=$VM_TERMINAL
	# shellcheck disable=SC2086 # two words: rows and columns
	set -- $VM_SIZE
	stty -F /dev/tty1 sane rows "$1" cols "$2"
	setsid --ctty --wait "${command[@]}" </dev/tty1 >/dev/tty1 2>&1
}

# What the script left running would keep the pipes open; it cannot be asked, and nobody needs it any more
end_all_but() {
	local process
	for process in /proc/[0-9]*; do
		process=${process#/proc/}
		[[ $process == 1 || $process == "$BASHPID" || $process == "$1" || $process == "$2" ]] ||
			kill -KILL "$process" 2>/dev/null || true
	done
}

# What nothing points to any more goes to the kernel's log. Each process of the script is gone; an object must be 5 s
# old, and be found twice, to be reported.
tell_leaks() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	sysctl -q kernel.printk_devkmsg=on
	echo scan >/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	while IFS= read -r line; do
		echo "$line" >/dev/kmsg
	done </sys/kernel/debug/kmemleak
}

[[ $2 == run ]] || change_root
mount_all
set_up_host
# shellcheck source=/dev/null
. /vm/settings
kernel=$VM_KERNEL
# to a script the debug kernel is the patched one
[[ $kernel != debug ]] || VM_KERNEL=patched
export VM_KERNEL VM_ROOTFS VM_TLSHD
mapfile -d '' -t command </vm/command
stdin=/dev/null
[[ ! -e /vm/stdin ]] || stdin=/vm/stdin

run_and_end() {
	local status=0
	if [[ -n ${VM_TERMINAL-} ]]; then
		run_shell || status=$?
	else
		run_script || status=$?
	fi
	[[ $kernel != debug ]] || tell_leaks
	# what ./dev coverage's build has counted
	[[ ! -d $VM_COUNTS ]] || cp -a "$VM_COUNTS" /results/counts
	echo "$status" >/vm/status
	sync --file-system /vm
	perl -e 'syscall(169, 0xfee1dead, 0x28121969, 0x4321fedc)' # reboot(2), LINUX_REBOOT_CMD_POWER_OFF
}

[[ -n $VM_INIT ]] || run_and_end
# Another init is to be process 1: the script, which goes on beside it, says which by what it writes to /run/init
mkfifo /run/init
run_and_end &
mapfile -d '' -t init </run/init
exec "${init[@]}"
