#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Mounts that nobody types: fstab, autofs, systemd. Each brings up alice with NFSv4.2 and bob with NFSv3.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

two_world
A=server:/
B=server:/export
A_OPTIONS=tls_identity=alice,vers=4.2,_netdev
B_OPTIONS=tls_identity=bob,vers=3,nolock,_netdev

# comes_up TEXT FOLDER SUBJECT COMMAND...
comes_up() {
	forget_peer
	ok "$1" "${@:4}"
	is "$1: the server saw its certificate" "$(server_saw)" "$3"
	ok "$1: it is there" cmp /etc/hostname "$2/hostname"
}
cp /etc/hostname /export
goes() { ok "$1" "${@:2}" && wait_for no_connections; }

# --- /etc/fstab, by mount(8) ---
mkdir -p /mnt/fstab/a /mnt/fstab/b
cat >/etc/fstab <<-EOF
	$A /mnt/fstab/a nfstls $A_OPTIONS,noauto 0 0
	$B /mnt/fstab/b nfstls $B_OPTIONS,noauto 0 0
EOF
comes_up 'fstab: alice' /mnt/fstab/a CN=alice on_client mount /mnt/fstab/a
comes_up 'fstab: bob' /mnt/fstab/b CN=bob on_client mount /mnt/fstab/b
ok 'fstab: a remount' on_client mount -o remount,ro /mnt/fstab/a
ok 'fstab: takes effect' grep -q ' /mnt/fstab/a ro,' /proc/self/mountinfo
goes 'fstab: they unmount' umount /mnt/fstab/a /mnt/fstab/b
sed -i s/,noauto// /etc/fstab
ok 'fstab: all at once' on_client mount --all --test-opts _netdev
is 'fstab: both are there' "$(connections | wc -l)" 2
goes 'fstab: they unmount again' umount /mnt/fstab/a /mnt/fstab/b

# --- autofs: it wants a process group, which a script that init started has not ---
mkdir /auto
echo '/auto /etc/auto.nfs --timeout=1' >/etc/auto.master
printf '%s -fstype=nfstls,%s %s\n' a $A_OPTIONS $A b $B_OPTIONS $B >/etc/auto.nfs
setsid nsenter --net=/run/netns/client automount --foreground --verbose /etc/auto.master >"$LOGS/autofs" 2>&1 &
wait_for grep -q 'mounted indirect on /auto' "$LOGS/autofs"
comes_up 'autofs: alice' /auto/a CN=alice ls /auto/a
comes_up 'autofs: bob' /auto/b CN=bob ls /auto/b
wait_for no_connections
result $? 'autofs: they expire'
kill %setsid

# --- systemd, as the init of a process namespace in the client's network namespace ---
mkdir -p /mnt/fstab/auto /etc/systemd/system
echo "$A /mnt/fstab/auto nfstls $A_OPTIONS,noauto,x-systemd.automount 0 0" >>/etc/fstab
unit() {
	printf '[Mount]\nWhat=%s\nWhere=%s\nType=nfstls\nOptions=%s\n' "$2" "$3" "$4" >"/etc/systemd/system/$1"
	mkdir -p "$3"
}
unit mnt-unit-a.mount $A /mnt/unit/a $A_OPTIONS
unit mnt-unit-b.mount $B /mnt/unit/b $B_OPTIONS
printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/nothing.target
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --make-rshared /
systemd_start() {
	container=nfstls setsid nsenter --net=/run/netns/client unshare --pid --mount --mount-proc --propagation unchanged \
		--cgroup --fork /lib/systemd/systemd --unit=nothing.target --log-target=console </dev/null >"$LOGS/systemd" 2>&1 &
	wait_for systemctl is-system-running
}
# who talks to it, or waits for a mount of its, must be a process that it can see
with_systemd() { nsenter --target "$(pgrep -f '^/lib/systemd/systemd --unit')" --mount --pid "$@"; }
systemctl() { with_systemd systemctl --quiet "$@"; }
systemd_start

comes_up 'systemd unit: alice' /mnt/unit/a CN=alice systemctl start mnt-unit-a.mount
comes_up 'systemd unit: bob' /mnt/unit/b CN=bob systemctl start mnt-unit-b.mount
goes 'systemd unit: they stop' systemctl stop mnt-unit-a.mount mnt-unit-b.mount
comes_up 'systemd and fstab: alice' /mnt/fstab/a CN=alice systemctl start /mnt/fstab/a
comes_up 'systemd and fstab: bob' /mnt/fstab/b CN=bob systemctl start /mnt/fstab/b
ok 'systemd and fstab: as mounts that need the network' grep -q remote-fs.target \
	<(systemctl show --property=Before mnt-fstab-a.mount)
goes 'systemd and fstab: they stop' systemctl stop /mnt/fstab/a /mnt/fstab/b
ok 'systemd: an automount' systemctl start mnt-fstab-auto.automount
comes_up 'systemd automount: alice' /mnt/fstab/auto CN=alice with_systemd ls /mnt/fstab/auto
ok 'an identity that is not there' sed -i s/tls_identity=bob/tls_identity=carol/ /etc/systemd/system/mnt-unit-b.mount
systemctl daemon-reload
nok 'does not come up' systemctl start mnt-unit-b.mount
done_testing
