#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Certificates and keys are renewed under a mount: alone or together, tried first, and with a time. Whatever an add or an
# update is stopped at, what a handshake finds is the old or the new.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
ca renewed_root 'Renewed CA' root

# a key on a token with two certificates, and two pairs of files
token_identity lab alice root EC:prime256v1
