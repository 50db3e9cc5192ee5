# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # who sources this reads them
#
# The token of NSS, whose module is told by p11-kit's configuration where its database is. It is taken away with the
# database.

# shellcheck source=tests/e2e/nss.sh
. /src/tests/e2e/nss.sh

SOFTWARE='NSS softokn'
VERSION=$(version_of libnss3)
MODULE=$(echo /usr/lib/*/libsoftokn3.so)
NAMES=(P-256 RSA-2048)
DATABASE=/var/lib/nss
RESERVED="configdir='sql:$DATABASE'"
NO_GNUTLS='it starts the module without what p11-kit is configured with for it, and so without its database'
NOTES="Registered with p11-kit, with \`x-init-reserved: configdir='sql:...'\`; the handle has its name there. By \`module-path\` it is found without its database."
token_up() {
	nss_database $DATABASE &&
		nss_key $DATABASE P-256 root -k ec -q nistp256 &&
		nss_key $DATABASE RSA-2048 root -k rsa -g 2048 || return
	printf '%s\n' "module: $MODULE" "x-init-reserved: $RESERVED" >/usr/share/p11-kit/modules/nss.module
}
token_uri() { echo "pkcs11:token=NSS%20Certificate%20DB;object=$1"; }
token_away() { mv $DATABASE $DATABASE.away; }
token_back() { mv $DATABASE.away $DATABASE; }
