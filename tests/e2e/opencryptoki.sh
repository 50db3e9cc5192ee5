# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The software token of opencryptoki. To be sourced after lib.sh.

# lib.sh's functions, on this token
SOFTHSM=$(realpath /usr/lib/*/opencryptoki/libopencryptoki.so.0)
OCK_SO_PIN=31415926
# pkcsconf takes eight digits and no more
PIN=27182818

# ock_up: its daemon, with the software token in the one slot
ock_up() {
	mkdir -p /run/lock
	systemd-tmpfiles --create opencryptoki.conf
	# it takes no folder that is not its group's, and Debian's package leaves some to root's
	chgrp -R pkcs11 /var/lib/opencryptoki
	chmod -R ug+rwX /var/lib/opencryptoki
	local version
	version=$(grep ^version /etc/opencryptoki/opencryptoki.conf)
	cat >/etc/opencryptoki/opencryptoki.conf <<-EOF
		$version
		slot 3
		{
		stdll = libpkcs11_sw.so
		tokversion = 3.12
		}
	EOF
	ock_start
}

ock_start() {
	pkcsslotd >>"$LOGS/token" 2>&1
	wait_for pkcsconf -t -c 3
}

# ock_init LABEL: the token comes with an SO PIN that everybody knows
ock_init() {
	echo "$1" | pkcsconf -c 3 -I -S 87654321
	pkcsconf -c 3 -P -S 87654321 -n $OCK_SO_PIN
	pkcsconf -c 3 -u -S $OCK_SO_PIN -n "$PIN"
	pin_file
}

# pin_flags: what the token says of the user's PIN
pin_flags() { pkcsconf -c 3 -t | grep -o 'USER_PIN_[A-Z_]*' | grep -v TO_BE_CHANGED | sort | paste -sd ' '; }
