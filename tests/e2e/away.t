#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rootfs: trixie sid
#
# A token that is taken away before a mount, during a handshake and after, or that has no session left; and comes back:
# a mount that waits comes up by itself, one that does not says why.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/fault.sh
. /src/tests/e2e/fault.sh

NOT_PRESENT=0xe0 REMOVED=0x32

# waits TEXT CAUSE COMMAND...: while the token is away a command does not end, and the log says why; then it does
waits() {
	local text=$1 cause=$2 waiting
	shift 2
	"$@" >/tmp/waiting 2>&1 &
	waiting=$!
	wait_for failures
	result $? "$text: the log has a line"
	! failures | grep -qvE "identity 'good': no handshake: $cause"
	result $? "$text: which says why"
	kill -0 $waiting
	result $? "$text: it waits"
	goes_well
	release
	ended $waiting
	result $? "$text: then it goes on by itself"
	diag </tmp/waiting
}
release() { :; }

# away TEXT CAUSE: for a new mount, and for one that waits; rules are set
away() {
	not_now "$1"
	told "$1" "$2"
	forget
	waits "$1, hard mount" "$2" mount_as good
	ok "$1, hard mount: a file is written and read back" works
	umount /mnt/nfs
	all_gone "$1"
}

fault_world
absent='the token is absent: .*; insert the token'

# --- before ---
goes_wrong 'C_GetSlotList empty'
away 'no slot has a token' "$absent"
goes_wrong "C_GetTokenInfo $NOT_PRESENT"
away 'the token is not in its slot' "$absent"

# --- during a handshake: wherever it is noticed ---
while read -r rule; do
	goes_wrong "$rule"
	not_now "$rule"
	told "$rule" "$absent"
	all_gone "$rule"
	well_again "$rule"
done <<-EOT
	C_OpenSession $NOT_PRESENT
	C_GetTokenInfo $REMOVED after 1
	C_Login $REMOVED
	C_FindObjectsInit $NOT_PRESENT
	C_FindObjects $REMOVED
	C_SignInit $REMOVED
	C_Sign $NOT_PRESENT
EOT
goes_wrong "C_Sign $REMOVED"
away 'taken away before it signed' "$absent"
is 'no PIN was refused' "$(calls C_Login 0xa.*)" 0
nok 'and there is no latch' possessing keyctl print %user:nfs:x509:good:latch

# --- after ---
ok 'it mounts' mount_as good
goes_wrong "C_GetTokenInfo $NOT_PRESENT"
ok 'taken away from a mount: which goes on' works
is 'taken away from a mount: no handshake' "$(handshakes)" 0
server_restart
waits 'taken away, and the server restarted' "$absent" works
umount /mnt/nfs

# --- sessions: one at a time, and somebody has it ---
busy='the token has no session left: .*CKR_SESSION_COUNT.*|the token has no session left: .*0xb1'
take() { exec {session}>$FAULTS/session && flock $session; }
release() { exec {session}>&-; }
goes_wrong one-session
ok 'one session: it mounts' mount_as good retry=0
umount /mnt/nfs
take
forget
not_now 'no session left'
told 'no session left' "$busy"
forget
waits 'no session left, hard mount' "$busy" mount_as good
ok 'no session left, hard mount: a file is written and read back' works
done_testing
