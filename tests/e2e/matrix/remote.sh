# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # who sources this reads them
#
# A token behind a socket, lent by p11-kit server, as a container gets it. Here it is one of SoftHSM, whose module and
# files tlshd and the command do not know. It is taken away with the server.

SOFTWARE='p11-kit server (SoftHSM2 behind it)'
VERSION=$(version_of p11-kit)
MODULE=$(echo /usr/lib/*/pkcs11/p11-kit-client.so)
NAMES=(P-256 RSA-2048)
SOCKET=/run/nfs-token
NOTES="Registered with p11-kit, with \`remote: unix:path=...\`; the handle has its name there."
token_up() {
	token_init lab && made_by_pkcs11_tool lab && token_back || return
	export SOFTHSM2_CONF=/dev/null
	rm /usr/share/p11-kit/modules/softhsm2.module
	echo "remote: unix:path=$SOCKET" >/usr/share/p11-kit/modules/lent.module
}
token_uri() { echo "pkcs11:token=lab;object=$1"; }
token_away() { kill "$P11_KIT_SERVER_PID" && rm -f $SOCKET; }
token_back() {
	eval "$(SOFTHSM2_CONF=/etc/softhsm/softhsm2.conf p11-kit server --name $SOCKET --provider "$SOFTHSM" pkcs11:token=lab)"
}
