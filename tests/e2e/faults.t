#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rootfs: trixie sid
#
# A module that hangs, crashes or fails, wherever it can: the handshake ends in time, mount(2) and the log say why,
# nothing stays behind, and the next handshake is as good as any.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/fault.sh
. /src/tests/e2e/fault.sh

# hangs FUNCTION: its handshake has 8 s. The log line comes right before the kernel is told.
hangs() {
	local begin=$EPOCHREALTIME took
	goes_wrong "$1 hang"
	not_now "$1 hangs"
	until [[ -n $(failures) ]] || over 12; do
		sleep 0.1
	done
	took=$(since)
	[[ $took -gt 7000 && $took -lt 9800 ]]
	result $? "$1 hangs: the handshake ends after its time"
	echo "$1: $took ms" | diag
	told "$1 hangs" "the PKCS#11 module did not answer in time: .*$1: no answer in time; "
	is "$1 hangs: it was called once" "$(calls "$1" hang.*)" 1
	all_gone "$1 hangs"
	well_again "$1 hangs"
}
since() { echo $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)); }
over() { [[ $(since) -gt ${1}000 ]]; }

crashes() {
	goes_wrong "$1 crash"
	not_now "$1 crashes"
	told "$1 crashes" "the PKCS#11 module crashed: .*$1: it ended the process; "
	all_gone "$1 crashes"
	well_again "$1 crashes"
}

# fails FUNCTION HOW: CKR_DEVICE_ERROR, and how the mount takes it
fails() {
	goes_wrong "$1 0x30"
	$2 "$1 fails"
	told "$1 fails" "the token (failed|is absent): .*$1: .*0x30.*; "
	all_gone "$1 fails"
	well_again "$1 fails"
}

# does_not_matter OUTCOME: C_Finalize, after the handshake
does_not_matter() {
	goes_wrong "C_Finalize $1"
	ok "C_Finalize, $1: it mounts" mount_as good
	ok "C_Finalize, $1: a file is written and read back" works
	all_gone "C_Finalize, $1"
	is "C_Finalize, $1: it was called" "$(calls C_Finalize "$1")" 1
	is "C_Finalize, $1: no word of a failure" "$(failures)" ''
	umount /mnt/nfs
	well_again "C_Finalize, $1"
}

# second_try FUNCTION ACTION: once, behind the back of a mount that waits
second_try() {
	local took
	goes_wrong "$1 $2 once"
	took=$(milliseconds mount_as good retry=0)
	ok "$1, $2 once: a hard mount comes up all the same" works
	[[ $took -lt 9800 ]]
	result $? "$1, $2 once: as the kernel heard of it, and did not wait until its 10 s were over"
	echo "$took ms" | diag
	is "$1, $2 once: one line in the log" "$(failures | wc -l)" 1
	umount /mnt/nfs
	all_gone "$1, $2 once"
}

fault_world
for function in C_Initialize C_Login C_FindObjects C_SignInit C_Sign; do
	hangs $function
	crashes $function
done
for function in C_Initialize C_Login C_FindObjects C_SignInit C_Sign; do
	fails $function not_now
done
for outcome in hang crash 0x30; do
	does_not_matter $outcome
done
second_try C_Sign hang
second_try C_Login crash

goes_wrong 'C_Sign crash'
before=$(keyring_state)
refuses 'add: a module that crashes' 7 'crashed.*C_Sign' nfstlskey add other --pkcs11 "$KEY&pin-source=file:$PIN_FILE"
is 'add: the keyring is as it was' "$(keyring_state)" "$before"

# the key is found and proved, and then fails the checks of what a handshake does with it: the token breaks in between,
# while the first process is slow to end
goes_wrong 'C_Finalize slow 1000'
(wait_for calls C_Sign && rules 'C_Sign 0x30') &
refuses 'add: a token that breaks on the way' 1 'the token failed.*C_Sign' nfstlskey add other \
	--pkcs11 "$KEY&pin-source=file:$PIN_FILE"
wait $!
is 'add: the keyring is as it was' "$(keyring_state)" "$before"

# --- verify: slow tokens, and those that cannot sign with every hash ---
# verify_says TEXT STATUS CHECK RESULT PATTERN
verify_says() {
	local status=0
	nfstlskey verify "${NAME-good}" --noheadings >/tmp/tap.out 2>&1 || status=$?
	is "$1: status" $status "$2"
	said "$1" "${NAME-good} *$3 *$4 *$5"
}
goes_wrong 'C_Sign slow 1100'
verify_says 'a token that waits for a touch' 0 time warning '1\.[0-9]* s to open the key and sign.*wait for a touch'
goes_wrong 'C_Sign slow 5000'
verify_says 'a token that is too slow' 9 time failed '5\.[0-9]* s to open the key and sign, and the server gives up after 5 s'
goes_well
token_identity lab rsa root rsa:2048 02
ok 'an RSA key' nfstlskey add rsa --pkcs11 "${KEY/client/rsa}&pin-source=file:$PIN_FILE"
goes_wrong 'C_Sign 0x30 after 1'
NAME=rsa verify_says 'a token that signs with one hash' 0 signature warning 'not in RSA-PSS-RSAE-SHA384, so a server that'
done_testing
