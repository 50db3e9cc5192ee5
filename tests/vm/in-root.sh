#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# in-root.sh ROOT SOURCE RESULTS COMMAND [ARG...]: run a command as root in another Debian, where SOURCE is /srv and
# RESULTS /mnt. Nothing but that folder is written to: memory lies over the root file system, and all that is mounted is
# gone with this process.

set -euo pipefail

if [[ ${1-} != --inside ]]; then
	exec unshare --mount --pid --fork --kill-child "$0" --inside "$@"
fi
root=$2 source=$3 results=$4
shift 4

mount -t tmpfs -o mode=755 run "$root/run"
mkdir "$root/run/upper" "$root/run/work"
# relative, since the options of a mount cannot quote a path
(cd "$root" && mount -t overlay -o lowerdir=.,upperdir=run/upper,workdir=run/work overlay "$root")
mount --bind -o ro "$source" "$root/srv"
mount --bind "$results" "$root/mnt"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec env -i PATH=/usr/sbin:/usr/bin HOME=/tmp LANG=C.UTF-8 chroot "$root" "$@"
