#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Two identities with an open file and a lock each, when the server restarts; and whom the server takes them for when the
# client's namespace, or a certificate, was made anew.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

TWO_TYPE=$(by_kernel nfstls nfs)
world_up
another_client tenant
CLIENT=tenant
ca_new root
token_init lab
server_start root
client_start root
mkdir -p /mnt/other
token_identity lab alice root EC:prime256v1
file_key bob root
# with delegations the client would keep opens and locks to itself
echo 0 >/proc/sys/fs/leases-enable

# they COMMAND: with the source of each one's key
they() {
	ok "$1: alice" nfstlskey "$1" alice --pkcs11 "pkcs11:token=lab;object=alice?pin-source=file:$PIN_FILE" --cert "$PKI/alice.pem"
	ok "$1: bob" nfstlskey "$1" bob --cert "$PKI/bob.pem" --key "$PKI/bob.key"
}


# owner_at CONNECTION: the owner string of the client at its end
owner_at() { sed -n '/^name: /s///p' "$(dirname "$(grep -l "^address: \"$1\"$" /proc/fs/nfsd/clients/*/info)")/info"; }
ids() { nfs4_clients clientid; }

# they_mount VERSION: leaves their owner strings in $alice_owner and $bob_owner
they_mount() {
	local alices
	forget_peer
	ok "$1: alice mounts" mount_named alice "$1" / /mnt/nfs
	alices=$(connections)
	alice_owner=$(owner_at "$alices")
	is "$1: the server saw alice" "$(server_saw)" CN=alice
	forget_peer
	ok "$1: bob mounts" mount_named bob "$1" / /mnt/other
	bob_owner=$(owner_at "$(connections | grep -vx "$alices")")
	is "$1: the server saw bob" "$(server_saw)" CN=bob
	is "$1: the server knows two clients" "$(nfs4_clients name)" "$(printf '%s\n' "$alice_owner" "$bob_owner" | sort)"
}

# they_unmount VERSION
they_unmount() {
	ok "$1: they unmount" umount /mnt/nfs /mnt/other
	wait_for no_connections
	clients_expire
	is "$1: the server knows nobody" "$(nfs4_clients name)" ''
}

# lock_on_server FILE: as a process of the server would, which sees what nfsd has locked
lock_on_server() {
	# shellcheck disable=SC2016 # for perl
	perl -e 'use Fcntl; open my $file, "+<", $ARGV[0] or die "$!\n";
		fcntl $file, F_SETLK, pack("ssx4qqlx4", F_WRLCK, SEEK_SET, 0, 0, 0) or exit 7' "/export/$1"
}

# held VERSION WHEN: what each has locked nobody else can lock
held() {
	local status
	is "$1: $2: the server has a lock of alice and one of bob" "$(locks alices) $(locks bobs)" '1 1'
	for file in alices bobs; do
		status=0
		lock_on_server $file || status=$?
		is "$1: $2: $file cannot be locked on the server" $status 7
	done
	flock -n -E 7 /mnt/other/alices true
	is "$1: $2: bob cannot lock what alice has locked" $? 7
	flock -n -E 7 /mnt/nfs/bobs true
	is "$1: $2: alice cannot lock what bob has locked" $? 7
	ok "$1: $2: bob can lock another file" flock -n -E 7 /mnt/other/free true
}

# go_on VERSION: after the restart, alice and then bob use the file that they have open
go_on() {
	forget_peer
	ok "$1: alice goes on writing" writes_on "$alices" after
	is "$1: the server saw alice again" "$(server_saw)" CN=alice
	ok "$1: while others have to wait, as bob is not back" in_grace
	forget_peer
	ok "$1: bob goes on writing" writes_on "$bobs" after
	is "$1: the server saw bob again" "$(server_saw)" CN=bob
	if [[ $1 == 4.0 ]]; then
		# an NFSv4.0 client does not say when it has reclaimed all that it had
		both_locked
		result $? "$1: both have their locks while others have to wait"
		end_grace
	else
		ok "$1: both said that they have reclaimed all that they had" all_reclaimed
	fi
	ok "$1: nobody has to wait any more" wait_for out_of_grace
}

# no_stealing VERSION: two who take the lease away from each other get a new client ID each time
no_stealing() {
	local before i
	before=$(ids)
	for i in {1..10}; do
		writes_on "$alices" "$i" && writes_on "$bobs" "$i"
	done
	is "$1: client IDs stay" "$(ids)" "$before"
	is "$1: the owners are those of before" "$(nfs4_clients name)" "$(printf '%s\n' "$alice_owner" "$bob_owner" | sort)"
	is "$1: two connections" "$(connections | wc -l)" 2
	is "$1: one for each" "$(for connection in $(connections); do owner_at "$connection"; done | sort)" "$(printf '%s\n' "$alice_owner" "$bob_owner" | sort)"
}

# survives_restart VERSION
survives_restart() {
	they_mount "$1"
	exec {alices}<>/mnt/nfs/alices {bobs}<>/mnt/other/bobs
	ok "$1: alice locks a file" flock -n "$alices"
	ok "$1: bob locks a file" flock -n "$bobs"
	writes_on "$alices" before && writes_on "$bobs" before
	held "$1" 'before the restart'
	dmesg --clear
	server_restart_in_grace
	ok "$1: the server restarted, and waits for its clients" in_grace
	go_on "$1"
	held "$1" 'after the restart'
	no_stealing "$1"
	is "$1: what alice wrote is there" "$(head -n 2 /export/alices | tr '\n' ' ')" 'before after '
	is "$1: what bob wrote is there" "$(head -n 2 /export/bobs | tr '\n' ' ')" 'before after '
	exec {alices}>&- {bobs}>&-
	they_unmount "$1"
	rm /export/alices /export/bobs
}

# same_owners WHEN: they mount as those whom the server has known before
same_owners() {
	for version in 4.2 4.0; do
		they_mount $version
		is "$1, $version: both have the owner strings that they had before" "$alice_owner"$'\n'"$bob_owner" "${before[$version]}"
		they_unmount $version
	done
}

they add
touch /export/free
declare -A before
for version in 4.2 4.0; do
	survives_restart $version
	before[$version]=$alice_owner$'\n'$bob_owner
done

# --- the namespace made anew ---
keyring=$(nfs_keyring)
client_stop
ip netns del tenant
ok 'the namespace goes away' wait_for client_gone tenant
another_client tenant
client_start root
if [[ $VM_KERNEL == stock ]]; then
	is 'the new namespace has the same keyring' "$(nfs_keyring)" "$keyring"
else
	they add
	[[ $(nfs_keyring) != "$keyring" ]]
	result $? 'the new namespace has another keyring'
fi
same_owners 'a new namespace'

# --- certificates made anew ---
cert_sign alice root --load-request "$PKI/alice.csr"
file_key bob root
they update
same_owners 'renewed certificates'
done_testing
