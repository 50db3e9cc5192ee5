#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: the software token of opencryptoki, which is not registered with p11-kit: its URI names the module.
# It is taken away with its daemon.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/opencryptoki.sh
. /src/tests/e2e/opencryptoki.sh

SOFTWARE='opencryptoki, software token'
VERSION=$(version_of opencryptoki)
NAMES=(P-256 RSA-2048)
token_uri() { echo "pkcs11:token=lab;object=$1?module-path=$SOFTHSM"; }
token_away() { kill "$(pidof pkcsslotd)" && wait_for gone; }
gone() { ! pidof pkcsslotd; }
token_back() { ock_start; }
TRIED='USER_PIN_COUNT_LOW USER_PIN_INITIALIZED'
tries() { pin_flags; }

world_up
ca_new root
server_start root
client_start root
ok 'its daemon is there' ock_up
NOTES='Debian does not register it with p11-kit: the URI names the module.'
ok 'the token is initialised' ock_init lab
ok 'keys and certificates' made_by_pkcs11_tool lab
matrix
done_testing
