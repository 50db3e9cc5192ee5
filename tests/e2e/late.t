#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# A signature that comes when the server waits for it no more: knfsd gives a handshake 5 seconds, the NFS client 10. And a
# server that goes away when the client has had its handshake: with TLS 1.3 the client hears nothing of that in the
# handshake. Each time the client tries again, and the mount goes on.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/fault.sh
. /src/tests/e2e/fault.sh

signing() { grep -q '^C_SignInit ' $FAULTS/calls; }

# signs_slowly MILLISECONDS: once, for a mount that works in the background
signs_slowly() {
	goes_wrong "C_Sign slow $1"
	server_restart
	works >/tmp/waiting 2>&1 &
	WAITING=$!
	wait_for signing
	# the rule is read when the call begins
	sleep 0.2
	rules ''
}

# goes_on TEXT
goes_on() {
	ended $WAITING
	result $? "$1: the mount goes on by itself"
	diag </tmp/waiting
	ok "$1: it works" works
}

fault_world
ok 'it mounts' mount_as good

# --- the server has given up before there is a signature ---
signs_slowly 6500
goes_on 'a late signature'
is 'which the log tells' "$(failures | grep -c "'good': no handshake: the PKCS#11 module did not answer in time: .*the server did not wait")" 1

# --- the connection is reset when tlshd has it ready for the kernel ---
# a stock kernel never notices, and has this mount busy for ever
if [[ $VM_KERNEL != stock ]]; then
	strace -f -qq -o /tmp/strace -p "$CLIENT_TLSHD" -e trace=setsockopt -e inject=setsockopt:delay_exit=500000:when=4+ &
	signs_slowly 1500
	wait_for grep -q TLS_RX /tmp/strace
	on_server ss --kill --tcp --no-header 'sport = :2049' | diag
	kill %strace
	goes_on 'a reset before the kernel has the connection'
fi

ok 'it unmounts' umount /mnt/nfs
done_testing
