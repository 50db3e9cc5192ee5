#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: the token of NSS, whose module is told by p11-kit's configuration where its database is. It is taken
# away with the database.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/nss.sh
. /src/tests/e2e/nss.sh

SOFTWARE='NSS softokn'
VERSION=$(version_of libnss3)
NAMES=(P-256 RSA-2048)
DATABASE=/var/lib/nss
MODULE=$(echo /usr/lib/*/libsoftokn3.so)
token_uri() { echo "pkcs11:token=NSS%20Certificate%20DB;object=$1"; }
token_away() { mv $DATABASE $DATABASE.away; }
token_back() { mv $DATABASE.away $DATABASE; }

world_up
ca_new root
server_start root
client_start root
pin_file
ok 'a database' nss_database $DATABASE
ok 'a P-256 key' nss_key $DATABASE P-256 root -k ec -q nistp256
ok 'an RSA-2048 key' nss_key $DATABASE RSA-2048 root -k rsa -g 2048
printf '%s\n' "module: $MODULE" "x-init-reserved: configdir='sql:$DATABASE'" >/usr/share/p11-kit/modules/nss.module
refuses 'by its path alone the module has no database' 3 'no private key' \
	nfstlskey add path --pkcs11 "$(token_uri P-256)?module-path=$MODULE" --pin-file "$PIN_FILE"
NOTES="Registered with p11-kit, with \`x-init-reserved: configdir='sql:...'\`; the handle has its name there. By \`module-path\` it is found without its database."
matrix
done_testing
