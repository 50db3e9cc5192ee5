#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# Network namespaces that are torn down, again and again, with mounts alive, a file open and locked, and a handshake under
# way. They go, their keys go, and a mount of another namespace goes on. What the kernel has to say fails the test anyway.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

ROUNDS=20

usual_world
token_identity lab alice root EC:prime256v1
file_key bob root
mkdir -p /mnt/doomed{1,2,3}

# add_both: on the keyring of $CLIENT
add_both() {
	nfstlskey add alice --pkcs11 "pkcs11:token=lab;object=alice?pin-source=file:$PIN_FILE" &&
		nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key"
}

tlshds() {
	local process
	for process in $(ip netns pids "$1"); do
		[[ $(<"/proc/$process/comm") != tlshd ]] || echo "$process"
	done 2>/dev/null
}
# signal_tlshds SIGNAL HOST: a child may have ended meanwhile; what comes of it is waited for
signal_tlshds() { tlshds "$2" | xargs -r kill "-$1" 2>/dev/null || true; }

# container: two mounts in a mount namespace that goes when its one process does, with a file that is not written back yet
container() {
	# shellcheck disable=SC2016 # for the shell inside
	on_client unshare --mount bash -c '
		mount -t nfs -o vers=4.2,xprtsec=mtls,tls_identity=alice,retry=0 server:/ /mnt/doomed1 &&
		mount -t nfs -o vers=4.0,xprtsec=mtls,tls_identity=bob,retry=0 server:/ /mnt/doomed2 &&
		exec 5>"/mnt/doomed1/$0" 6>"/mnt/doomed2/$0-2" && flock -n 5 && flock -n 6 && echo dirty >&5 && echo dirty >&6 &&
		mkdir "/tmp/up-$0" && exec sleep infinity' "$CLIENT" &
}

# uses: the kernel's references on the keyring of $CLIENT. A mount that is being made takes one, its handshake another.
# shellcheck disable=SC2016 # for awk
uses() { on_client awk '/ \.nfs: / { print $3 }' /proc/keys; }
uses_at_least() { [[ $(uses) -ge $1 ]]; }
two_tlshds() { [[ $(tlshds "$CLIENT" | wc -l) -eq 2 ]]; }

# handshake_waits: a mount begins, and tlshd does not get to see its handshake
handshake_waits() {
	local before
	before=$(uses)
	signal_tlshds STOP "$CLIENT"
	pending_mount
	wait_for uses_at_least $((before + 2))
}

# handshake_runs: a mount begins, and its handshake has been accepted, but the server does not answer
handshake_runs() {
	signal_tlshds STOP server
	pending_mount
	wait_for two_tlshds
}

pending_mount() {
	on_client unshare --mount mount -t nfs -o vers=4.1,xprtsec=mtls,tls_identity=bob,retry=0 server:/ /mnt/doomed3 &
	PENDING=$!
}

# The ways in which a namespace ends
ends_waiting() { handshake_waits; }
ends_running() { handshake_runs; }
ends_without_tlshd() { handshake_runs && signal_tlshds KILL "$CLIENT"; }
ends_after_the_mount() { handshake_waits && kill -KILL "$PENDING"; }
WAYS=(ends_waiting ends_running ends_without_tlshd ends_after_the_mount)

# tear_down: all processes at once, then the name
tear_down() {
	ip netns pids "$CLIENT" | xargs -r kill -KILL
	ip netns del "$CLIENT"
	signal_tlshds CONT server
}

# round NUMBER
round() {
	local CLIENT=doomed$1 way=${WAYS[$1 % ${#WAYS[@]}]}
	another_client "$CLIENT" "$1"
	client_start root
	add_both || return
	container
	wait_for test -d "/tmp/up-$CLIENT" || return
	$way || return
	tear_down
}

all_gone() { ! on_server ip -brief link | grep -q to-doomed; }
# a handshake that nobody answers ends after 10 s
all_gone_soon() { wait_for all_gone || wait_for all_gone || wait_for all_gone; }

# Root's keys in all namespaces. Those of another namespace are not in /proc/keys here, but these numbers count them.
keys() { awk '$1 == "0:" { print $3, $4, $5 }' /proc/key-users; }
same_keys() {
	forget_peer
	[[ $(keys) == "$KEYS" && $(uses) == "$USES" ]]
}

ok 'the identities are added' add_both
ok 'the mount that stays' mount_as alice
ok 'works' works
forget_peer
KEYS=$(keys)
USES=$(uses)
for ((number = 1; number <= ROUNDS; number++)); do
	ok "$number: up, ${WAYS[number % ${#WAYS[@]}]//_/ }, down" round $number
	ok "$number: the mount that stays works" works
done 2>/dev/null
ok 'all namespaces go away' all_gone_soon
ok 'and all their keys' wait_for same_keys
is 'of root' "$(keys)" "$KEYS"
is 'and the uses of our keyring are as many as before' "$(uses)" "$USES"
ok 'the mount that stays works' works
umount /mnt/nfs
mounts_as bob CN=bob
done_testing
