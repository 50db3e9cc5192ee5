#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# Mounting by name: two identities, one server, one namespace have a connection and an NFSv4 client each.

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
refused 'serials of zero' 'cert_serial=0 names no key' mount_with xprtsec=mtls,cert_serial=0,privkey_serial=0
for policy in none tls; do
	refused "serials with xprtsec=$policy" 'cert_serial= and privkey_serial= need xprtsec=mtls' \
		mount_with "xprtsec=$policy,$(nfstlskey show bob)"
done
refused 'a serial without the other' 'need each other' mount_with "xprtsec=mtls,$(nfstlskey show bob | cut -d , -f 1)"
refused 'a name that is none' 'must be 1 to 200 printable ASCII' mount_with xprtsec=mtls,tls_identity=a:b
for part in cert privkey; do
	raw_identity half "$PKI/bob.der" "$PKI/bob.key"
	possessing keyctl unlink "%user:nfs:x509:half:$part" "$(nfs_keyring)"
	missing=certificate
	[[ $part == cert ]] || missing='private key'
	refused "no $missing" "TLS identity \"half\" has no $missing" mount_with xprtsec=mtls,tls_identity=half
done
ok 'serials go on working' mount_as bob
refused 'a remount as somebody else' "$another" remount tls_identity=alice /mnt/nfs
umount /mnt/nfs

# --- serials of keys that are not described like those of an identity ---
# serial_of PART DESCRIPTION: bob's, under another description
# shellcheck disable=SC2016 # for the shell inside
serial_of() {
	possessing sh -c 'keyctl pipe "%user:nfs:x509:bob:$1" | keyctl padd user "$2" "$3"' sh "$1" "$2" "$(nfs_keyring)"
}
cert=$(serial_of cert 'certificate of bob')
# the log is that of all, and who describes a key may be root of a container
privkey=$(serial_of privkey $'private key\nkernel: forged')
ok 'they can be called otherwise' mount_with "xprtsec=mtls,cert_serial=$cert,privkey_serial=$privkey"
ok 'as /proc/mounts shows' grep -q 'cert_serial=<redacted>,privkey_serial=<redacted>' /proc/mounts
ok 'a remount, with what is shown there' on_client mount -o remount,ro /mnt/nfs
ok 'which is one' grep -q ' /mnt/nfs nfs4 ro,' /proc/mounts
refused 'a remount as somebody else' "$another" remount "$(nfstlskey show alice)" /mnt/nfs
possessing keyctl unlink "$privkey" "$(nfs_keyring)"
dmesg --clear
server_restart
nok 'without its key it does not connect' timeout 20 ls /mnt/nfs
ok 'the log says so on one line' grep -q 'key "private key\\nkernel: forged" is missing from keyring' <(dmesg)
is 'and nothing else' "$(dmesg | grep -c '^kernel: forged\|^ *kernel: forged')" 0
umount -f /mnt/nfs
done_testing
