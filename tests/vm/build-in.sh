#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build-in.sh ROOT SOURCE RESULTS: build the project and run its unit tests in another Debian, in RESULTS/build. What is
# mounted for that is gone with this process, and nothing is written to the root file system.

set -euo pipefail

if [[ ${1-} != --inside ]]; then
	exec unshare --mount --pid --fork --kill-child "$0" --inside "$@"
fi
root=$2 source=$3 results=$4

mount --bind -o ro "$root" "$root"
mount --bind -o ro "$source" "$root/srv"
mount --bind "$results" "$root/mnt"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
# shellcheck disable=SC2016 # for the shell inside
exec env -i PATH=/usr/sbin:/usr/bin HOME=/tmp LANG=C.UTF-8 chroot "$root" bash -euc '
	mkdir /mnt/build
	cd /mnt/build
	/srv/configure --enable-strict
	make -j"$(nproc)"
	make -j"$(nproc)" check'
