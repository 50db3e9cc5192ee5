#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: a token behind a socket, lent by p11-kit server, as a container gets it. Here it is one of SoftHSM,
# whose module and files tlshd and the command do not know. It is taken away with the server.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh

SOFTWARE='p11-kit server (SoftHSM2 behind it)'
VERSION=$(version_of p11-kit)
NAMES=(P-256 RSA-2048)
SOCKET=/run/nfs-token
token_uri() { echo "pkcs11:token=lab;object=$1"; }
token_away() { kill "$P11_KIT_SERVER_PID" && rm -f $SOCKET; }
token_back() { eval "$(SOFTHSM2_CONF=/etc/softhsm/softhsm2.conf p11-kit server --name $SOCKET --provider $SOFTHSM pkcs11:token=lab)"; }

usual_world
ok 'keys and certificates' made_by_pkcs11_tool lab
ok 'a server' token_back
client_stop
export SOFTHSM2_CONF=/dev/null
rm /usr/share/p11-kit/modules/softhsm2.module
echo "remote: unix:path=$SOCKET" >/usr/share/p11-kit/modules/lent.module
client_start root
NOTES="Registered with p11-kit, with \`remote: unix:path=...\`; the handle has its name there."
matrix
done_testing
