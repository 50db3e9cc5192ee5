#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Two identities by bare serials, one server, one namespace. The fault of the stock kernel, wanted as it is: with NFSv4 the
# second mount comes up after a handshake of its own, and then rides on the connection of the first.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

two_world

# mount_by_serial NAME VERSION FOLDER-THERE FOLDER
mount_by_serial() {
	local path=$3
	[[ $2 != 3 ]] || path=/export${3%/}
	on_client mount -t nfs -o "vers=$2,nolock,xprtsec=mtls,$(nfstlskey show "$1"),retry=0" "server:$path" "$4"
}

# both_mount VERSION: leaves their connections in $ALICES and $BOBS, which is empty when bob has none
both_mount() {
	ok "$1: alice mounts" mount_by_serial alice "$1" / /mnt/nfs
	ALICES=$(connections)
	forget_peer
	ok "$1: bob mounts" mount_by_serial bob "$1" /other /mnt/other
	is "$1: the server saw bob" "$(server_saw)" CN=bob
	BOBS=$(connections | grep -vxF "$ALICES")
}

both_unmount() {
	ok "$1: they unmount" umount /mnt/nfs /mnt/other
	wait_for no_connections
}

for version in 4.2 4.1 4.0; do
	both_mount $version
	is "$version: one connection on the stock kernel, two on the patched" "$(connections | wc -l)" "$(by_kernel 1 2)"
	is "$version: as many NFSv4 clients" "$(nfs4_clients name | sort -u | wc -l)" "$(by_kernel 1 2)"
	if [[ $VM_KERNEL == stock ]]; then
		ok "$version: what bob writes goes over alice's connection" writes_over /mnt/other "$ALICES"
	else
		ok "$version: what bob writes goes over bob's connection" writes_over /mnt/other "$BOBS" "$ALICES"
	fi
	both_unmount $version
done

# NFSv3 has no clients that the server could recognise: it keeps them apart on both kernels
both_mount 3
is '3: two connections' "$(connections | wc -l)" 2
ok "3: what bob writes goes over bob's connection" writes_over /mnt/other "$BOBS" "$ALICES"
both_unmount 3
done_testing
