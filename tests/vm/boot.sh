# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# One virtual machine: a kernel that runs as a process on folders of this host.

VM_KERNEL=stock VM_ROOTFS=trixie VM_TLSHD='' VM_RESULTS='' VM_TIMEOUT='' VM_VERBOSE='' VM_DISK='' VM_INIT=''
# The status when the script has none, because the kernel or the machine ended first
VM_BROKEN=125

# vm_prepare: leaves in $RUN the folder through which host and guest talk. It is in a temporary folder, since the
# kernel's command line has no way to quote a path. Symbolic links in it give such paths to the places that it names.
vm_prepare() {
	clean_up_at_end
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/nfstls-vm.XXXXXX")
	LEFTOVERS+=("$RUN")
	mkdir "$RUN/results"
	ln -s "$DEV/root/$VM_ROOTFS" "$RUN/root"
	ln -s "$TOP" "$RUN/src"
	cp "$TOP/tests/vm/init.sh" "$RUN/init"
	# a copy, since another ./dev may install a newer build while this one runs
	cp -a "$STAGE" "$RUN/stage"
	[[ -z $VM_DISK ]] || ln -s "$VM_DISK" "$RUN/disk"
	[[ -z $VM_TLSHD ]] || tlshd_install
}

# vm_command SCRIPT [ARG...]: what the guest is to run. A script of this folder is in /src there, another one in
# /script; what is no file here is a program there.
vm_command() {
	local script=$1 path
	shift
	if [[ -f $script ]]; then
		path=$(realpath -- "$script")
		if [[ $path == "$TOP"/* ]]; then
			script=/src/${path#"$TOP"/}
		else
			ln -s "$(dirname "$path")" "$RUN/script"
			script=/script/$(basename "$path")
		fi
		[[ -x $path ]] || set -- "$script" "$@"
		[[ -x $path ]] || script=bash
	fi
	printf '%s\0' "$script" "$@" >"$RUN/command"
}

# The guest cannot see the end of a stream of the host: a file or a pipe is read to its end before it starts
vm_stdin() {
	if [[ -f /dev/stdin || -p /dev/stdin ]]; then
		cat >"$RUN/stdin"
	fi
}

# Shadow memory and records of each object take as much again
vm_memory() { [[ $VM_KERNEL == debug ]] && echo 2048 || echo 1024; }

# The memory of the guest is a file that the kernel maps and executes: in a container /dev/shm may be small or noexec
vm_memory_folder() {
	local options free
	options=$(findmnt -n -o OPTIONS -T /dev/shm || true)
	free=$(df --output=avail -k /dev/shm | tail -n 1)
	if [[ ,$options, == *,noexec,* || $free -lt $(($(vm_memory) * 1200)) ]]; then
		echo "${TMPDIR:-/tmp}"
	else
		echo /dev/shm
	fi
}

# vm_boot CONSOLE...: the kernel finds its init through a second hostfs mount, so the root file system needs no change.
# seccomp starts processes eight times as fast as the default, ptrace.
vm_boot() {
	ulimit -c 0
	TMPDIR=$(vm_memory_folder) exec "$KERNEL" seccomp=auto mem="$(vm_memory)M" root=/dev/root rootfstype=hostfs rootflags="$RUN/root" ro \
		uml_dir="$RUN" umid=uml con=null "$@" init=/bin/sh -- -c \
		"\"mount -n -t hostfs -o hostfs=$RUN none /mnt && exec /bin/bash /mnt/init $RUN root\""
}

# vm_run SCRIPT [ARG...]: returns the status of the script
vm_run() {
	local vm out err watchdog='' merged=''
	vm_prepare
	vm_command "$@"
	vm_stdin
	# one channel keeps the order of the lines when both go to one place
	[[ /dev/fd/1 -ef /dev/fd/2 ]] && merged=1
	vm_settings VM_MERGED "$merged"

	# cat stands between: user-mode Linux makes its descriptors non-blocking, for all who share them
	mkfifo "$RUN/out" "$RUN/err"
	cat "$RUN/out" &
	out=$!
	cat "$RUN/err" >&2 &
	err=$!
	start vm_boot con0=null,fd:2 con1=null,fd:3 con2=null,fd:4 </dev/null >/dev/null 2>"$RUN/kernel.log" \
		3>"$RUN/out" 4>"$RUN/err"
	vm=$JOB
	if [[ -n $VM_TIMEOUT ]]; then
		start vm_watchdog "$vm"
		watchdog=$JOB
	fi
	finish "$vm" 2>/dev/null || true
	[[ -z $watchdog ]] || stop "$watchdog"
	wait "$out" "$err"
	vm_status
}

# An interactive shell on this terminal, which user-mode Linux sets to raw mode
vm_shell() {
	local terminal
	terminal=$(stty -g)
	vm_prepare
	printf '%s\0' bash -l >"$RUN/command"
	vm_settings VM_TERMINAL "$TERM" VM_SIZE "$(stty size)"
	(vm_boot con0=null,fd:2 con1=fd:0,fd:1 2>"$RUN/kernel.log") || true
	stty "$terminal"
	vm_status
}

vm_settings() {
	printf '%s=%q\n' VM_KERNEL "$VM_KERNEL" VM_ROOTFS "$VM_ROOTFS" VM_TLSHD "${VM_TLSHD:+built}" VM_INIT "$VM_INIT" \
		VM_COUNTS "${NFSTLS_COUNTS-}" "$@" >"$RUN/settings"
}

vm_watchdog() {
	sleep "$VM_TIMEOUT"
	touch "$RUN/timed-out"
	kill -KILL -- "-$1"
}

# What a kernel says when it is broken
VM_OOPS='Kernel panic|BUG:|Oops|WARNING: |KASAN|general protection|possible .* detected|unreferenced object'

# vm_status: keeps the results, shows what the kernel said if it broke, and returns the status of the script
vm_status() {
	local status=$VM_BROKEN
	[[ -f $RUN/status ]] && status=$(<"$RUN/status")
	[[ -z $VM_VERBOSE ]] || cat "$RUN/kernel.log" >&2
	if [[ -n $VM_RESULTS ]]; then
		mkdir -p "$VM_RESULTS"
		cp -a "$RUN/kernel.log" "$RUN/results/." "$VM_RESULTS"
	fi
	if [[ -e $RUN/timed-out ]]; then
		echo "dev: the virtual machine was ended after $VM_TIMEOUT s" >&2
		status=124
	elif grep -qE "$VM_OOPS" "$RUN/kernel.log"; then
		echo 'dev: the kernel of the virtual machine is broken:' >&2
		grep -E -A 30 "$VM_OOPS" "$RUN/kernel.log" | head -n 80 >&2
		status=$VM_BROKEN
	elif [[ ! -f $RUN/status ]]; then
		echo 'dev: the virtual machine ended before the script did:' >&2
		tail -n 30 "$RUN/kernel.log" >&2
	fi
	return "$status"
}
