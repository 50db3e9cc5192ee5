#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Where one mount leads to another: a file system below the one that was mounted, and a referral to a second server. Both
# use the identity of the mount that they were entered from, also while another identity is there at the same time. On the
# stock kernel, where mount.nfstls keeps the two apart, that is not so for a referral, which the kernel mounts by itself.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

TWO_TYPE=$(by_kernel nfstls nfs)
two_world

# --- a second server, with a mount namespace for its own view of nfsd, and a link of its own to the client ---
second_address=203.0.113.1
ip netns add second
ip link add second0 netns second type veth peer name client1 netns client
nsenter --net=/run/netns/second ip address add $second_address/24 dev second0
nsenter --net=/run/netns/second ip link set second0 up
on_client ip address add 203.0.113.2/24 dev client1
on_client ip link set client1 up
echo 203.0.113.2 client >>/etc/hosts
nsenter --net=/run/netns/second unshare --mount sleep infinity &
second=$!
on_second() { nsenter --target "$second" --net --mount "$@"; }
in_mount_namespace() { [[ $(<"/proc/$second/comm") == sleep ]]; }
wait_for in_mount_namespace

template second "ip_address = \"$second_address\""
file_key second root
sed 's/server\.\(pem\|key\)/second.\1/' /etc/tlshd.server >/etc/tlshd.second
SERVER_LOGS+=("$LOGS/tlshd.second")
on_second tlshd -s -c /etc/tlshd.second >>"$LOGS/tlshd.second" 2>&1 &
mkdir -p /second
on_second mount -t tmpfs state /var/lib/nfs
on_second mount -t tmpfs second /second
# not the first server's rpcbind
on_second mount -t tmpfs run /run
on_second mkdir /run/rpc_pipefs
on_second mount -t rpc_pipefs pipefs /run/rpc_pipefs
on_second mount -t nfsd nfsd /proc/fs/nfsd
on_second mkdir -p /var/lib/nfs/nfsdcld /second/there
on_second touch /var/lib/nfs/etab
on_second nfsdcld
echo '/second *(rw,fsid=0,no_root_squash,sec=sys,xprtsec=mtls)' >/etc/exports.second
on_second mount --bind /etc/exports.second /etc/exports
on_second exportfs -a
on_second rpc.nfsd --no-nfs-version 3 --nfs-version 4.0 2
mountd_start on_second --no-nfs-version 3
wait_for grep -q 'priority string' "$LOGS/tlshd.second"

# --- what the first server has below ---
mkdir -p /export/below /export/referral
mount -t tmpfs below /export/below
mount --bind /export/referral /export/referral
cat >>/etc/exports <<-END
	/export/below *(rw,fsid=1,nohide,no_root_squash,sec=sys,xprtsec=mtls)
	/export/referral *(rw,fsid=2,no_root_squash,sec=sys,xprtsec=mtls,refer=/there@$second_address)
END
on_server exportfs -ra

# both_mount VERSION: alice on /mnt/nfs, bob on /mnt/other; leaves their connections in $ALICES and $BOBS
both_mount() {
	ok "$1: alice mounts" mount_named alice "$1" / /mnt/nfs
	ALICES=$(connections)
	ok "$1: bob mounts" mount_named bob "$1" / /mnt/other
	BOBS=$(connections | grep -vx "$ALICES")
}

# both_unmount TEXT
both_unmount() {
	ok "$1: they unmount" umount --recursive /mnt/nfs /mnt/other
	wait_for no_connections
}

# identities FOLDER: whose mounts are there, and below, where the kernel can tell
identities() { sed -n "s|^[^ ]* $1[/ ].*,tls_identity=\([^,]*\).*|\1|p" /proc/mounts; }

# enters_below VERSION: the file system below is reached, over the connection of the mount that it was entered from
enters_below() {
	ok "$1: alice enters the file system below" ls /mnt/nfs/below/
	ok "$1: bob enters it" ls /mnt/other/below/
	is "$1: it is alice's there" "$(identities /mnt/nfs/below)" "$(by_kernel '' alice)"
	is "$1: it is bob's here" "$(identities /mnt/other/below)" "$(by_kernel '' bob)"
	is "$1: still two connections" "$(connections_to $address | wc -l)" 2
	ok "$1: what alice writes below goes over her connection" writes_over /mnt/nfs/below "$ALICES" "$BOBS"
	ok "$1: what bob writes below goes over his connection" writes_over /mnt/other/below "$BOBS" "$ALICES"
	ok "$1: it went where it should" cmp /export/below/big /mnt/nfs/below/big
}

# follows VERSION WHO FOLDER: leaves the connection to the second server in $new
follows() {
	local before
	before=$(connections_to $second_address)
	forget_peer
	ok "$1: $2 follows the referral" ls "$3/referral/"
	is "$1: the second server saw $2" "$(server_saw)" "CN=$2"
	is "$1: it is ${2}'s" "$(identities "$3/referral")" "$(by_kernel '' "$2")"
	new=$(connections_to $second_address | grep -vxF "${before:-none}")
}

address=192.0.2.1
for version in 4.2 4.1 4.0; do
	both_mount $version
	enters_below $version
	follows $version alice /mnt/nfs
	ALICES=$new
	follows $version bob /mnt/other
	BOBS=$new
	is "$version: connections to the second server" "$(connections_to $second_address | wc -l)" "$(by_kernel 1 2)"
	ok "$version: what alice writes there goes over her connection" writes_over /mnt/nfs/referral "$ALICES" "$BOBS"
	if [[ $VM_KERNEL == stock ]]; then
		ok "$version: and so does what bob writes there" writes_over /mnt/other/referral "$ALICES"
	else
		ok "$version: what bob writes there goes over his connection" writes_over /mnt/other/referral "$BOBS" "$ALICES"
	fi
	both_unmount $version
done

both_mount 3
enters_below 3
both_unmount 3
done_testing
