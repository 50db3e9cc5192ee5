# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # who sources this reads them
#
# The software token of opencryptoki, which is not registered with p11-kit: its URI names the module. It is taken away with
# its daemon.

SOFTWARE='opencryptoki, software token'
VERSION=$(version_of opencryptoki)
MODULE=$(realpath /usr/lib/*/opencryptoki/libopencryptoki.so.0)
# for the functions of lib.sh that make keys
SOFTHSM=$MODULE
NAMES=(P-256 RSA-2048)
NO_GNUTLS='it allows no module to start threads, and this one will not start without'
NOTES='Debian does not register it with p11-kit: the URI names the module.'
token_up() { ock_up && ock_init lab && made_by_pkcs11_tool lab; }
token_uri() { echo "pkcs11:token=lab;object=$1?module-path=$MODULE"; }
token_away() { kill "$(pidof pkcsslotd)" && wait_for gone; }
gone() { ! pidof pkcsslotd; }
token_back() { ock_start; }
TRIED='USER_PIN_COUNT_LOW USER_PIN_INITIALIZED'
# what the token says of the user's PIN
tries() { pkcsconf -c 3 -t | grep -o 'USER_PIN_[A-Z_]*' | grep -v TO_BE_CHANGED | sort | paste -sd ' '; }

# ock_up: its daemon, with the software token in the one slot
ock_up() {
	local version
	mkdir -p /run/lock
	systemd-tmpfiles --create opencryptoki.conf
	# it takes no folder that is not its group's, and Debian's package leaves some to root's
	chgrp -R pkcs11 /var/lib/opencryptoki
	chmod -R ug+rwX /var/lib/opencryptoki
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
	local so_pin=31415926
	echo "$1" | pkcsconf -c 3 -I -S 87654321
	pkcsconf -c 3 -P -S 87654321 -n $so_pin
	pkcsconf -c 3 -u -S $so_pin -n "$PIN"
}
