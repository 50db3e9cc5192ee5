# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A systemd on the client, as the init of a process namespace. A test writes /etc/systemd/system/boot.target, which says
# what is to be up.

UNITS=/etc/systemd/system
export SYSTEMD_LOG_LEVEL=notice

# systemd_boot: returns when boot.target is up, or after ten seconds with an error
systemd_boot() {
	local unit
	# what has no place in a container, or another host's part of NFS and Kerberos
	for unit in systemd-journald{.service,.socket,-dev-log.socket,-audit.socket} systemd-journal-flush.service \
		systemd-remount-fs.service nfs-client.target rpcbind.{service,socket} \
		krb5-{kdc,admin-server}.service gssproxy.service; do
		ln -s /dev/null "$UNITS/$unit"
	done
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount --make-rshared /
	container=nfstls setsid nsenter --net="/run/netns/$CLIENT" unshare --pid --mount --mount-proc --propagation unchanged \
		--cgroup --fork /lib/systemd/systemd --unit=boot.target --log-target=console --default-standard-output=tty \
		</dev/null >"$LOGS/systemd" 2>&1 &
	wait_for is_up
}

with_systemd() { nsenter --target "$(pgrep -f '^/lib/systemd/systemd --unit')" --mount --pid "$@"; }
systemctl() { with_systemd systemctl "$@"; }
property() { systemctl show --value --property="$2" "$1"; }
is_up() { [[ $(systemctl is-active boot.target) == active ]]; }
