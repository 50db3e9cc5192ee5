#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rootfs: trixie sid
# kernel: stock patched
#
# mount.nfstls: mounting by name on every kernel. Two identities keep apart, also where the kernel would merge them.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

TWO_TYPE=nfstls
two_world

# recorded FOLDER: the identity of a mount, as the kernel or /run/mount/utab tells it
recorded() {
	sed -n "$(by_kernel "s,.* TARGET=$1 .*x-nfstls.identity=\([^ ]*\).*,\1,p" "s,^[^ ]* $1 .*tls_identity=\([^, ]*\).*,\1,p")" \
		"$(by_kernel /run/mount/utab /proc/mounts)"
}

for version in 4.2 4.1 4.0 3; do
	two_at_once $version
	is "$version: alice's mount is known as hers" "$(recorded /mnt/nfs)" alice
	is "$version: bob's mount is known as his" "$(recorded /mnt/other)" bob
	ok "$version: a remount as oneself" mount_named alice $version / /mnt/nfs remount,ro
	ok "$version: which takes effect" grep -q ' /mnt/nfs ro,' /proc/self/mountinfo
	nok "$version: a remount as somebody else" mount_named bob $version / /mnt/nfs remount,rw
	two_end $version
done

# --- what was there before ---
ok 'bob mounts by serials' on_client mount -t nfs -o "vers=4.2,xprtsec=mtls,$(nfstlskey show bob)" server:/other /mnt/other
bobs=$(connections)
ok 'alice mounts by name' mount_named alice 4.2 / /mnt/nfs
alices=$(connections | grep -vx "$bobs")
ok 'and has a connection of her own' writes_over /mnt/nfs "$alices" "$bobs"
ok 'they unmount' umount /mnt/nfs /mnt/other

# --- the same owner each time, whatever certificate ---
owner() {
	ok "$1: alice mounts" mount_named alice 4.2 / /mnt/nfs
	OWNER=$(nfs4_clients name)
	ok "$1: and unmounts" umount /mnt/nfs
	wait_for no_connections
}
owner 'at first'
first=$OWNER
ok 'alice has another certificate' nfstlskey update alice "${bob[@]}"
owner 'after an update'
is 'the server knows the same client' "$OWNER" "$first"
ok 'alice mounts' mount_named alice 4.2 / /mnt/nfs
ok 'alice is removed' nfstlskey remove alice
refuses 'she cannot mount any more' 32 'alice.*not on the .nfs keyring' mount_named alice 4.2 / /mnt/other
ok 'alice is added again' nfstlskey add alice "${alice[@]}"
forget_peer
ok 'she mounts once more' mount_named alice 4.2 /other /mnt/other
# a kernel that looks the name up has one client for it; one that has serials must not join what will not connect again
is 'the connections that there are' "$(connections | wc -l)" "$(by_kernel 2 1)"
server_restart
writes_in() { timeout 10 bash -c "echo x >$1/x && sync -f $1"; }
ok 'after the connections broke, the new mount goes on' writes_in /mnt/other
is 'as alice' "$(server_saw)" CN=alice
if [[ $VM_KERNEL == stock ]]; then
	nok 'the mount with the old serials does not' writes_in /mnt/nfs
else
	ok 'so does the old one' writes_in /mnt/nfs
fi
umount --force --lazy /mnt/nfs /mnt/other
wait_for no_connections

# --- what is refused, and how ---
refused() { refuses "$1" "$2" "^mount.nfstls: .*$3" on_client mount.nfstls "${@:4}"; }
ok 'half an identity is made' raw_part half cert <"$PKI/bob.der"
refused 'an unknown name' 32 "identity 'carol'.*not on the .nfs keyring" server:/ /mnt/nfs -o tls_identity=carol
refused 'half an identity' 32 "identity 'half'.*half of it is missing" server:/ /mnt/nfs -o tls_identity=half
refused 'no name' 1 'which identity' server:/ /mnt/nfs -o vers=4.2
refused 'an empty name' 1 '1 to 200 bytes' server:/ /mnt/nfs -o tls_identity=
refused 'a name that cannot be' 1 'printable ASCII' server:/ /mnt/nfs -o tls_identity=a:b
refused 'a name and serials' 1 'excludes cert_serial=' server:/ /mnt/nfs -o tls_identity=bob,cert_serial=1
refused 'TLS that is not mutual' 1 'needs xprtsec=mtls' server:/ /mnt/nfs -o xprtsec=tls,tls_identity=bob
refused 'a way past it, in quotes' 1 'comma in quotes' server:/ /mnt/nfs \
	-o 'xprtsec=mtls,tls_identity=bob,fsc="x,xprtsec=none,fsc="'
# with -s the kernel takes what is in the first two for options
refused 'another one, in the quotes of a name' 1 'comma in quotes' server:/ /mnt/nfs \
	-s -o 'tls_identity=bob,"x,xprtsec=none,y"'
refused 'another version there' 1 'comma in quotes' server:/ /mnt/nfs -s -o 'tls_identity=bob,vers=3,nolock,"x,vers=4.2,y"'
refused 'options in the quotes of context=' 1 'context has a comma in quotes' server:/ /mnt/nfs \
	-o 'tls_identity=bob,context="a,xprtsec=none,b"'
refused 'no folder' 1 'SERVER:PATH and a directory' server:/ -o tls_identity=bob
refused 'an unknown option' 1 'unknown option -x' server:/ /mnt/nfs -x -o tls_identity=bob
refused 'another type' 1 'not ext4' server:/ /mnt/nfs -t ext4 -o tls_identity=bob
refused 'an option without its value' 1 'option -o needs a value' server:/ /mnt/nfs -o
refused 'another mount namespace' 1 'nsenter' server:/ /mnt/nfs -N /proc/1/ns/mnt -o tls_identity=bob
refuses 'not root' 1 'permitted.*root' on_client setpriv --reuid=65534 --clear-groups \
	mount.nfstls server:/ /mnt/nfs -o tls_identity=bob
# failing CALL:RESULT: mount.nfstls, where the kernel answers a system call so
failing() {
	on_client strace -f -qq -o /dev/null -e "trace=${1%%:*}" -e "inject=$1" mount.nfstls server:/ /mnt/nfs -o tls_identity=bob
}
refuses 'a kernel without an NFS client' 32 'this kernel has no NFS client' failing fsopen:error=ENODEV
if [[ $VM_KERNEL == stock ]]; then
	refuses 'no name of its own' 1 'a host name of its own: Operation not permitted' failing unshare:error=EPERM
	mv /run/nfstls /run/nfstls.aside
	: >/run/nfstls
	refused 'no place for generations' 2 '/run/nfstls: Not a directory' server:/ /mnt/nfs -o tls_identity=bob
	rm /run/nfstls
	mount -m -t tmpfs -o size=4k none /run/nfstls
	echo full >/run/nfstls/full
	refused 'no room for them' 2 '/run/nfstls: No space left' server:/ /mnt/nfs -o tls_identity=bob
	umount /run/nfstls
	rmdir /run/nfstls
	mv /run/nfstls.aside /run/nfstls
fi
nok 'nothing of this is mounted' mountpoint -q /mnt/nfs
ok 'of two names the last one counts' on_client mount -t nfstls -o tls_identity=carol,tls_identity=bob server:/ /mnt/nfs
is 'bob' "$(recorded /mnt/nfs)" bob
umount /mnt/nfs
ok 'in the quotes of context= there are categories' on_client mount -t nfstls \
	-o 'tls_identity=bob,context="system_u:object_r:nfs_t:s0:c1,c2.c5"' server:/ /mnt/nfs
is 'bob mounts with them' "$(recorded /mnt/nfs)" bob
umount /mnt/nfs

# --- the flags of mount(8) ---
# on a folder that no record is about, as lazy umounts and -f leave one
mkdir /mnt/flags
by_hand() { on_client mount.nfstls server:/ /mnt/flags "$@" -o tls_identity=bob,retry=0; }
ok '-n' by_hand -n
nok 'leaves no record' grep -q /mnt/flags /run/mount/utab
[[ $VM_KERNEL != stock ]] || refuses 'so that a remount is refused' 32 'not known to be mounted as this identity' \
	on_client mount.nfstls server:/ /mnt/flags -o remount,tls_identity=bob
umount /mnt/flags
ok '-s' on_client mount.nfstls server:/ /mnt/flags -s -o tls_identity=bob,no_such_option
umount /mnt/flags
nok 'without -s' on_client mount.nfstls server:/ /mnt/flags -o tls_identity=bob,no_such_option
by_hand -v >/tmp/verbose 2>&1
ok '-v says what it does' grep -q "mount.nfs: trying text-based options.*$(by_kernel cert_serial= tls_identity=bob)" /tmp/verbose
umount /mnt/flags
ok '-f' by_hand -f
nok 'mounts nothing' mountpoint -q /mnt/flags
ok '--version' grep -q '^nfstlskey ' <(mount.nfstls --version)
ok '--help' grep -q '^Usage: mount.nfstls' <(mount.nfstls --help)

# --- killed at any moment ---
# what a mount could leave behind for the next one
traces() { hostname && on_client cat /sys/fs/nfs/net/nfs_client/identifier && lsns --noheadings -t uts -o NS; }
mount -t sysfs sysfs /sys
before=$(traces)
for delay in 0.002 0.005 0.01 0.02 0.03 0.05 0.1 0.2; do
	on_client timeout --signal=KILL $delay mount.nfstls server:/ /mnt/nfs -o tls_identity=bob,retry=0 2>/dev/null
	umount /mnt/nfs 2>/dev/null
done
is 'a mount that is killed leaves no trace' "$(traces)" "$before"
forget_peer
ok 'and the next one is as ever' mount_named bob 4.2 / /mnt/nfs
is 'as bob' "$(server_saw)" CN=bob
umount /mnt/nfs
done_testing
