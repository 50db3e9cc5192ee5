#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# With many identities: the command, and a login as a handshake makes it, against what the kernel takes at least.
# System calls are slow here; how long it takes in ms is for tests/vm/hostspeed.t.

# shellcheck source=tests/bench/limits.sh
. /src/tests/bench/limits.sh
bench_enter /src/tests/e2e/speed.t
# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# in the network namespace that this script is in
nfstlskey() { command nfstlskey "$@"; }

bench_start
ca_new root
token_init lab
token_identity lab lab root EC:prime256v1
nfstlskey add lab --pkcs11 "pkcs11:token=lab;object=lab?pin-source=file:$PIN_FILE" &>>"$LOGS/add"

bench_fill 1
took least_ms 7 verify nfstlskey verify lab
limits_of_looking least_ms
is 'all are listed' "$(nfstlskey list --noheadings | wc -l)" 10001
took least_ms 7 verify nfstlskey verify lab
few=${TOOK[verify,1]} many=${TOOK[verify,10000]}
echo "# ms, verify: among 1 $few, among 10000 $many"
# what it takes to find the keyring is no part of a handshake
holds 'a login does not look at all identities' "$many - ${TOOK[show,10000]} < 1.5 * ($few - ${TOOK[show,1]}) + 50"

limits_of_loading least_ms
done_testing
