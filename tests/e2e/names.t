#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# Mounting by name: two identities, one server, one namespace have a connection and an NFSv4 client each, and what
# happens to a mount whose identity changes.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
mkdir -p /mnt/other /export/other
token_identity lab alice root EC:prime256v1
alice=(--pkcs11 "pkcs11:token=lab;object=alice?pin-source=file:$PIN_FILE")
file_key bob root
bob=(--cert "$PKI/bob.pem" --key "$PKI/bob.key")
ok 'alice is added, with a key in a token' nfstlskey add alice "${alice[@]}"
notes_sharing 'without a word about a keyring that all share'
ok 'bob is added, with a key file' nfstlskey add bob "${bob[@]}"

# mount_named NAME VERSION PATH FOLDER
mount_named() { on_client mount -t nfs -o "vers=$2,xprtsec=mtls,tls_identity=$1,retry=0" "server:$3" "$4"; }
connections() { on_client ss -Htn state established 'dport = :2049' | wc -l; }
clients() { sed -n 's/^name: //p' /proc/fs/nfsd/clients/*/info; }
# the client's ports, and the bytes that it sent from one
ports() { on_client ss -Htn state established 'dport = :2049' | awk '{ sub(/.*:/, "", $3); print $3 }' | sort; }
sent() { on_client ss -Htin state established "sport = :$1" | sed -n 's/.*bytes_sent:\([0-9]*\).*/\1/p'; }

for version in 4.2 4.1 4.0; do
	forget_peer
	ok "$version: alice mounts" mount_named alice $version / /mnt/nfs
	is "$version: the server saw alice" "$(server_saw)" CN=alice
	alices=$(ports)
	forget_peer
	ok "$version: bob mounts" mount_named bob $version /other /mnt/other
	is "$version: the server saw bob" "$(server_saw)" CN=bob
	is "$version: two connections" "$(connections)" 2
	is "$version: two clients" "$(clients | sort -u | wc -l)" 2
	[[ $(clients) != *alice* && $(clients) != *bob* ]]
	result $? "$version: whose names do not tell whose they are"
	is "$version: /proc/mounts has the names" \
		"$(grep -o 'tls_identity=[^,]*' /proc/mounts | sort | tr '\n' ' ')" 'tls_identity=alice tls_identity=bob '
	before=$(sent "$alices")
	head -c 1000000 /dev/urandom >/mnt/other/big
	sync -f /mnt/other
	[[ $(($(sent "$alices") - before)) -lt 100000 ]]
	result $? "$version: what bob writes goes not over alice's connection"
	ok "$version: a file is written and read back as alice" works
	ok "$version: they unmount" umount /mnt/nfs /mnt/other
	wait_for test "$(connections)" -eq 0
done

# --- what does not mount ---
# refused TEXT PATTERN OPTION: the kernel's log says why
refused() {
	dmesg --clear
	nok "$1: it does not mount" on_client mount -t nfs -o "vers=4.2,retry=0,$3" server:/ /mnt/nfs
	dmesg | grep -q "$2"
	result $? "$1: and says why"
	dmesg | grep 'NFS: ' | diag
}
refused 'an unknown name' 'no TLS identity "carol"' xprtsec=mtls,tls_identity=carol
refused 'no mutual TLS' 'tls_identity= needs xprtsec=mtls' tls_identity=alice
refused 'TLS, but not mutual' 'tls_identity= needs xprtsec=mtls' xprtsec=tls,tls_identity=alice
refused 'a name and serials' 'excludes cert_serial=' "xprtsec=mtls,tls_identity=alice,$(nfstlskey show bob)"
refused 'a serial of nothing' 'cert_serial=1 is not a live key' xprtsec=mtls,cert_serial=1,privkey_serial=2
ok 'serials go on working' mount_as bob
refused 'a remount as somebody else' 'a remount cannot change the TLS identity' remount,tls_identity=alice
umount /mnt/nfs

# --- an identity that changes under its mount ---
forget_peer
ok 'alice mounts' mount_named alice 4.2 / /mnt/nfs
ok 'alice becomes who bob is' nfstlskey update alice "${bob[@]}"
forget_peer
server_restart
ok 'the mount goes on' works
is 'with the new certificate' "$(server_saw)" CN=bob
ok 'alice is removed' nfstlskey remove alice
dmesg --clear
server_restart
nok 'the next connection fails' timeout 60 bash -c 'echo x >/mnt/nfs/x && sync -f /mnt/nfs'
is 'and one message names what is missing' "$(dmesg | grep -c 'key "nfs:x509:alice:cert" is not on\|nfs:x509:alice:cert.*missing')" 1
dmesg | grep nfs:x509 | diag
ok 'alice is added again' nfstlskey add alice "${alice[@]}"
forget_peer
# the state manager waits a while between its tries
recovers() { for _ in {1..20}; do works && return; sleep 1; done; return 1; }
ok 'the mount recovers' recovers
is 'as alice' "$(server_saw)" CN=alice
done_testing
