#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# Mounting by name: two identities, one server, one namespace have a connection and an NFSv4 client each, and what
# happens to a mount whose identity changes.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

NO_NFS3=()
usual_world
mkdir -p /mnt/other /export/other
token_identity lab alice root EC:prime256v1
alice=(--pkcs11 "pkcs11:token=lab;object=alice?pin-source=file:$PIN_FILE")
file_key bob root
bob=(--cert "$PKI/bob.pem" --key "$PKI/bob.key")
ok 'alice is added, with a key in a token' nfstlskey add alice "${alice[@]}"
notes_sharing 'without a word about a keyring that all share'
ok 'bob is added, with a key file' nfstlskey add bob "${bob[@]}"

# mount_named NAME VERSION FOLDER-THERE FOLDER
mount_named() {
	local path=$3 options=''
	[[ $2 != 3 ]] || path=/export${3%/} options=,nolock
	on_client mount -t nfs -o "vers=$2,xprtsec=mtls,tls_identity=$1,retry=0$options" "server:$path" "$4"
}

# refused TEXT PATTERN COMMAND...: the kernel's log says why
refused() {
	dmesg --clear
	nok "$1: it does not mount" "${@:3}"
	dmesg | grep -q "$2"
	result $? "$1: and says why"
	dmesg | grep 'NFS: ' | diag
}
remount() { on_client mount -o "remount,$1" "$2"; }
no_connections() { [[ -z $(ports) ]]; }
another='a remount cannot change the TLS identity'

for version in 4.2 4.1 4.0 3; do
	forget_peer
	ok "$version: alice mounts" mount_named alice $version / /mnt/nfs
	is "$version: the server saw alice" "$(server_saw)" CN=alice
	alices=$(ports)
	forget_peer
	ok "$version: bob mounts" mount_named bob $version /other /mnt/other
	is "$version: the server saw bob" "$(server_saw)" CN=bob
	bobs=$(ports | grep -vx "$alices")
	is "$version: two connections" "$(ports)" "$(printf '%s\n' "$alices" "$bobs" | sort)"
	if [[ $version != 3 ]]; then
		is "$version: the server has a client at the end of each" \
			"$(nfs4_clients address | tr -d '"' | sed 's/.*://')" "$(ports)"
		is "$version: two clients" "$(nfs4_clients name | sort -u | wc -l)" 2
		[[ $(nfs4_clients name) != *alice* && $(nfs4_clients name) != *bob* ]]
		result $? "$version: whose names do not tell whose they are"
	fi
	for table in /proc/mounts /proc/self/mountinfo; do
		is "$version: $table has the names" \
			"$(grep -o ' /mnt/.*tls_identity=[^,]*' $table | sed 's/^ \([^ ]*\) .*=/\1 /' | sort)" \
			$'/mnt/nfs alice\n/mnt/other bob'
	done
	ok "$version: what bob writes goes over bob's connection" writes_over /mnt/other "$bobs" "$alices"
	ok "$version: what alice writes goes over alice's connection" writes_over /mnt/nfs "$alices" "$bobs"
	ok "$version: a file is written and read back as alice" works
	refused "$version: a remount as somebody else" "$another" remount tls_identity=bob /mnt/nfs
	ok "$version: a remount as oneself" remount tls_identity=bob,ro /mnt/other
	ok "$version: they unmount" umount /mnt/nfs /mnt/other
	wait_for no_connections
done

# --- what does not mount ---
mount_with() { on_client mount -t nfs -o "vers=4.2,retry=0,$1" server:/ /mnt/nfs; }
refused 'an unknown name' 'no TLS identity "carol"' mount_with xprtsec=mtls,tls_identity=carol
refused 'no mutual TLS' 'tls_identity= needs xprtsec=mtls' mount_with tls_identity=alice
refused 'TLS, but not mutual' 'tls_identity= needs xprtsec=mtls' mount_with xprtsec=tls,tls_identity=alice
refused 'a name and serials' 'excludes cert_serial=' mount_with "xprtsec=mtls,tls_identity=alice,$(nfstlskey show bob)"
refused 'a serial of nothing' 'cert_serial=1 is not a live key' mount_with xprtsec=mtls,cert_serial=1,privkey_serial=2
ok 'serials go on working' mount_as bob
refused 'a remount as somebody else' "$another" remount tls_identity=alice /mnt/nfs
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
