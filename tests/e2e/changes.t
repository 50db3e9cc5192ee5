#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# An identity is its name. A connection presents the certificate that the identity had when it was made, mounts of the
# name share it, and what changes under the name takes effect with the next connection.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

two_world
file_key carol root
carol=(--cert "$PKI/carol.pem" --key "$PKI/carol.key")
ok 'bob is removed, so that alice is the only one' nfstlskey remove bob

# the state manager waits a while between its tries
recovers() { for _ in {1..20}; do works && return; sleep 1; done; return 1; }
fails_to_write() { ! timeout 60 bash -c 'echo x >/mnt/nfs/x && sync -f /mnt/nfs'; }

# shares TEXT: another mount of the name comes up over the connection that is there, without a handshake
shares() {
	local nobody
	forget_peer
	nobody=$(server_saw)
	ok "$1: another mount of the name comes up" mount_named alice "$version" /other /mnt/other
	is "$1: there is no connection more" "$(connections)" "$connection"
	is "$1: nor was there a handshake" "$(server_saw)" "$nobody"
	ok "$1: what is written there goes that way" writes_over /mnt/other "$connection"
	ok "$1: it unmounts" umount /mnt/other
}

# next_connection TEXT SUBJECT: whose certificate it presents
next_connection() {
	forget_peer
	server_restart
	ok "$1: the mount goes on over a new connection" recovers
	is "$1: with the certificate of now" "$(server_saw)" "$2"
	connection=$(connections)
}

# named_once TEXT: the kernel's log has one message on the key that is missing
named_once() {
	is "$1: one message names the key, its keyring and the server" \
		"$(dmesg | grep -c 'cannot connect to server: key "nfs:x509:alice:cert" is missing from keyring .* "\.nfs"')" 1
	dmesg | grep nfs:x509 | diag
}

# not_mountable TEXT MESSAGE
not_mountable() {
	dmesg --clear
	nok "$1: a new mount does not come up" mount_named alice "$version" /other /mnt/other
	grep -q 'Required key not available' /tmp/tap.out
	result $? "$1: with ENOKEY"
	dmesg | grep -q "$2"
	result $? "$1: and the log says why"
}

# --- what an administrator does ---

updated() {
	ok "$version: alice is updated" nfstlskey update alice "${carol[@]}"
	ok "$version, updated: the connection stays" works
	is "$version, updated: as it was" "$(connections)" "$connection"
	shares "$version, updated"
	next_connection "$version, updated" CN=carol
}

removed() {
	ok "$version: alice is removed" nfstlskey remove alice
	ok "$version, removed: the connection stays" works
	is "$version, removed: as it was" "$(connections)" "$connection"
	not_mountable "$version, removed" 'there is no TLS identity "alice"'
}

added_while_connected() {
	ok "$version: alice is added again" nfstlskey add alice "${alice[@]}"
	shares "$version, removed and added"
	next_connection "$version, removed and added" CN=alice
}

removed_while_not_connected() {
	ok "$version: alice is removed" nfstlskey remove alice
	dmesg --clear
	server_restart
	ok "$version, removed: without a connection nothing is written" fails_to_write
	named_once "$version, removed"
	not_mountable "$version, removed and not connected" 'there is no TLS identity "alice"'
	ok "$version: alice is added again" nfstlskey add alice "${carol[@]}"
	forget_peer
	ok "$version, added again: the mount recovers" recovers
	is "$version, added again: with the certificate of now" "$(server_saw)" CN=carol
	connection=$(connections)
}

# One key of the two is enough to be missing, and being revoked is as good as being gone
revoked() {
	local serials
	serials=$(nfstlskey show alice)
	possessing keyctl revoke "${serials##*=}"
	not_mountable "$version, revoked" 'TLS identity "alice" has no private key'
	ok "$version, revoked: the connection stays" works
	server_restart
	ok "$version, revoked: without a connection nothing is written" fails_to_write
	possessing keyctl unlink "${serials##*=}" "$(nfs_keyring)"
	ok "$version, revoked: what is left is removed" nfstlskey remove alice
	ok "$version: alice is added again" nfstlskey add alice "${alice[@]}"
	forget_peer
	ok "$version, revoked and added: the mount recovers" recovers
	is "$version, revoked and added: with the certificate of now" "$(server_saw)" CN=alice
}

for version in 4.2 4.0 3; do
	forget_peer
	ok "$version: alice mounts" mount_named alice $version / /mnt/nfs
	is "$version: the server saw alice" "$(server_saw)" CN=alice
	connection=$(connections)
	updated
	removed
	added_while_connected
	removed_while_not_connected
	revoked
	ok "$version: it unmounts" umount /mnt/nfs
	wait_for no_connections
done
done_testing
