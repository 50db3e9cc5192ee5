#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# Mounting by name: two identities, one server, one namespace have a connection and an NFSv4 client each, and what
# happens to a mount whose identity changes.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

two_world

# refused TEXT PATTERN COMMAND...: the kernel's log says why
refused() {
	dmesg --clear
	nok "$1: it does not mount" "${@:3}"
	dmesg | grep -q "$2"
	result $? "$1: and says why"
	dmesg | grep 'NFS: ' | diag
}
remount() { on_client mount -o "remount,$1" "$2"; }
another='a remount cannot change the TLS identity'

for version in 4.2 4.1 4.0 3; do
	two_at_once $version
	for table in /proc/mounts /proc/self/mountinfo; do
		is "$version: $table has the names" \
			"$(grep -o ' /mnt/.*tls_identity=[^,]*' $table | sed 's/^ \([^ ]*\) .*=/\1 /' | sort)" \
			$'/mnt/nfs alice\n/mnt/other bob'
	done
	refused "$version: a remount as somebody else" "$another" remount tls_identity=bob /mnt/nfs
	ok "$version: a remount as oneself" remount tls_identity=bob,ro /mnt/other
	two_end $version
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
