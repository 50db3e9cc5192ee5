# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Two identities mount from one server in one namespace: what must be so, however they are mounted. To be sourced after
# lib.sh. alice has a key in a token, bob a key file.

TWO_TYPE=nfs # the type of file system that is mounted

two_world() {
	NO_NFS3=()
	usual_world
	mkdir -p /mnt/other /export/other
	token_identity lab alice root EC:prime256v1
	# shellcheck disable=SC2034 # for the tests
	alice=(--pkcs11 "pkcs11:token=lab;object=alice?pin-source=file:$PIN_FILE")
	file_key bob root
	bob=(--cert "$PKI/bob.pem" --key "$PKI/bob.key")
	ok 'alice is added, with a key in a token' nfstlskey add alice "${alice[@]}"
	notes_sharing 'with a word about a keyring that all share, where they do'
	ok 'bob is added, with a key file' nfstlskey add bob "${bob[@]}"
}

# mount_named NAME VERSION FOLDER-THERE FOLDER [OPTION]
mount_named() {
	local path=$3 options=''
	[[ $2 != 3 ]] || path=/export${3%/} options=,nolock
	on_client mount -t "$TWO_TYPE" -o "vers=$2,xprtsec=mtls,tls_identity=$1,retry=0$options${5:+,$5}" "server:$path" "$4"
}

no_connections() { [[ -z $(connections) ]]; }

# two_at_once VERSION: leaves them mounted on /mnt/nfs and /mnt/other, their connections in $ALICES and $BOBS
two_at_once() {
	local version=$1
	forget_peer
	ok "$version: alice mounts" mount_named alice "$version" / /mnt/nfs
	is "$version: the server saw alice" "$(server_saw)" CN=alice
	ALICES=$(connections)
	forget_peer
	ok "$version: bob mounts" mount_named bob "$version" /other /mnt/other
	is "$version: the server saw bob" "$(server_saw)" CN=bob
	BOBS=$(connections | grep -vx "$ALICES")
	is "$version: two connections" "$(connections)" "$(printf '%s\n' "$ALICES" "$BOBS" | sort)"
	[[ $version == 3 ]] || two_clients "$version"
	ok "$version: what bob writes goes over bob's connection" writes_over /mnt/other "$BOBS" "$ALICES"
	ok "$version: what alice writes goes over alice's connection" writes_over /mnt/nfs "$ALICES" "$BOBS"
	ok "$version: a file is written and read back as alice" works
}

two_clients() {
	is "$1: the server has a client at the end of each" "$(nfs4_clients address | tr -d '"')" "$(connections)"
	is "$1: two clients" "$(nfs4_clients name | sort -u | wc -l)" 2
	[[ $(nfs4_clients name) != *alice* && $(nfs4_clients name) != *bob* ]]
	result $? "$1: whose names do not tell whose they are"
}

two_end() {
	ok "$1: they unmount" umount /mnt/nfs /mnt/other
	wait_for no_connections
}

# clients_expire: an NFSv4.0 client does not say good-bye, so the server is told
clients_expire() {
	local client
	for client in /proc/fs/nfsd/clients/*; do
		[[ ! -e $client ]] || echo expire >"$client/ctl"
	done
}

# --- what both hold when the server restarts ---

# writes_on FD TEXT: add it to an open file, and have it on the server
writes_on() {
	# shellcheck disable=SC2016 # for perl
	timeout 60 perl -e 'open my $file, ">>&=", $ARGV[0] or die "$!\n"; syswrite $file, "$ARGV[1]\n" or die "$!\n";
		use IO::Handle; $file->sync or die "$!\n"' "$1" "$2"
}

# locks NAME: how many locks of clients nfsd has on this file
locks() { cat /proc/fs/nfsd/clients/*/states | grep -c "type: lock.*/$1\""; }
both_locked() { [[ $(locks alices) -eq 1 && $(locks bobs) -eq 1 ]]; }
out_of_grace() { ! in_grace; }
in_grace() { [[ $(</proc/fs/nfsd/v4_end_grace) == N ]]; }
all_reclaimed() { dmesg | grep -q 'all clients done reclaiming'; }
