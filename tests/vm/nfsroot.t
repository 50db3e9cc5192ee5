#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The patched kernel mounts its root over NFS, before there is user space: it takes tls_identity= from nfsroot=, and
# looks the name up on the .nfs keyring of the initial network namespace. Nobody has put an identity there, and there is
# no server either: each message tells how far the kernel came. run-test calls this on the host.

set -uo pipefail

# shellcheck source=tests/vm/common.sh
. "$TOP/tests/vm/common.sh"
# shellcheck source=tests/vm/kernel.sh
. "$TOP/tests/vm/kernel.sh"
# shellcheck source=tests/vm/boot.sh
. "$TOP/tests/vm/boot.sh"
KERNEL=$(kernel_tree patched)/linux
count=0
folder=$(mktemp -d "${TMPDIR:-/tmp}/nfstls-vm.XXXXXX")
LEFTOVERS+=("$folder")

result() {
	count=$((count + 1))
	if [[ $1 -eq 0 ]]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		grep -E 'NFS|IP-Config|Kernel panic' "$folder/log" | sed 's/^/# /'
	fi
}

boot() {
	ulimit -c 0
	TMPDIR=$(vm_memory_folder) exec "$KERNEL" mem=256M uml_dir="$folder" con=null con0=null,fd:2 \
		ip=192.0.2.2:192.0.2.1::255.255.255.0:client:dummy0:none root=/dev/nfs "nfsroot=192.0.2.1:/,vers=4.2,$1"
}

# says TEXT PATTERN NFS-OPTIONS: with these options the kernel says so. It would wait 5 s and more between its tries.
says() {
	local i status=1
	start boot "$3" </dev/null >/dev/null 2>"$folder/log"
	for ((i = 0; i < 300 && status; i++)); do
		sleep 0.1
		! grep -qE -- "$2" "$folder/log" || status=0
	done
	stop "$JOB"
	result $status "$1"
}

none='NFS: there is no TLS identity "%s" on the "\.nfs" keyring of this network namespace'
# shellcheck disable=SC2059 # the format is just above
says 'the name in nfsroot= is looked up' "$(printf "$none" lab)" xprtsec=mtls,tls_identity=lab
[[ $(<"$folder/log") != *'as init process'* ]]
result $? 'before there is user space'
name=$(printf 'n%.0s' {1..200})
# shellcheck disable=SC2059
says 'a name of 200 characters has room' "$(printf "$none" "$name")" "xprtsec=mtls,tls_identity=$name"
says 'a name that cannot be is refused' 'NFS: tls_identity= must be 1 to 200' xprtsec=mtls,tls_identity=la:b
says 'a name without mutual TLS is refused' 'NFS: tls_identity= needs xprtsec=mtls' xprtsec=tls,tls_identity=lab
says 'one serial without the other is refused' 'cert_serial= and privkey_serial= need each other' \
	xprtsec=mtls,cert_serial=1
says 'an option that does not exist is refused' "Unknown parameter 'tls_name'" xprtsec=mtls,tls_name=lab

echo "1..$count"
