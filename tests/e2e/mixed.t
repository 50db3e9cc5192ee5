#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# One server, mounted twice from one namespace with different xprtsec=, and without an identity of ours. The fault of the
# stock kernel, wanted as it is: with NFSv4 the second mount rides on the connection of the first, in the clear if that
# one is, and /proc/mounts says so to who looks.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

world_up
ca_new root
file_key host root
server_start root xprtsec=none:tls:mtls
client_start root "x509.certificate=$PKI/host.pem" "x509.private_key=$PKI/host.key"
mkdir -p /mnt/other /export/other
# with delegations the client would keep opens and locks to itself
echo 0 >/proc/sys/fs/leases-enable

# mount_secured POLICY VERSION FOLDER-THERE FOLDER
mount_secured() {
	on_client mount -t nfs -o "vers=$2,xprtsec=$1,retry=0" "server:$3" "$4"
}

# policy FOLDER: what the mount has, as /proc/mounts shows it
policy() { awk -v folder="$1" '$2 == folder { print match($4, /xprtsec=[a-z]*/) ? substr($4, RSTART + 8, RLENGTH - 8) : "none" }' /proc/mounts; }

# both_mount VERSION FIRST SECOND
both_mount() {
	ok "$1: it mounts with xprtsec=$2" mount_secured "$2" "$1" / /mnt/nfs
	first=$(connections)
	ok "$1: and with xprtsec=$3" mount_secured "$3" "$1" /other /mnt/other
	second=$(connections | grep -vxF "$first")
}

both_unmount() {
	ok "$1: they unmount" umount /mnt/nfs /mnt/other
	wait_for no_connections
	clients_expire
}

apart() {
	is "$1: each is what it asked for" "$(policy /mnt/nfs) $(policy /mnt/other)" "$2 $3"
	is "$1: two connections" "$(connections | wc -l)" 2
	ok "$1: what is written to the second goes over its own" writes_over /mnt/other "$second" "$first"
	ok "$1: what is written to the first goes over its own" writes_over /mnt/nfs "$first" "$second"
}

# what both hold when the server restarts
restart() {
	local plain secured
	both_mount 4.2 none mtls
	exec {plain}>/mnt/nfs/plain {secured}>/mnt/other/secured
	flock -n $plain && flock -n $secured
	result $? 'both have a lock'
	server_restart_in_grace
	ok 'the one in the clear goes on' writes_on $plain x
	ok 'and the secured one' writes_on $secured x
	wait_for all_reclaimed
	is 'both locks are held' "$(locks plain) $(locks secured)" '1 1'
	is 'each is what it asked for' "$(policy /mnt/nfs) $(policy /mnt/other)" 'none mtls'
	is 'two connections' "$(connections | wc -l)" 2
	exec {plain}>&- {secured}>&-
	both_unmount 'after a restart'
}

[[ $VM_KERNEL == stock ]] || restart
for version in 4.2 4.0; do
	while read -r one other; do
		both_mount $version "$one" "$other"
		if [[ $VM_KERNEL == stock ]]; then
			is "$version: the second is what the first is" "$(policy /mnt/other)" "$one"
			ok "$version: what is written to the second goes over the connection of the first" \
				writes_over /mnt/other "$first"
		else
			apart $version "$one" "$other"
			is "$version: two clients" "$(nfs4_clients name | sort -u | wc -l)" 2
			[[ $one != none ]] || nok "$version: a remount does not claim what it cannot give" \
				on_client mount -o "remount,xprtsec=$other" /mnt/nfs
			ok "$version: other remounts go on working" on_client mount -o remount,ro /mnt/other
		fi
		both_unmount $version
	done <<-'LIST'
		none mtls
		tls mtls
		mtls none
		none tls
	LIST
done
done_testing
