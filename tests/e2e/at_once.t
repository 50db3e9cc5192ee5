#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# Fifty handshakes at once on one token, each of an identity and on a connection of its own: all succeed. With NFSv3,
# where each mount keeps its connection. On a stock kernel a mount whose server is restarted at the wrong moment may never
# come back, which fifty at once find soon; see late.t.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/fault.sh
. /src/tests/e2e/fault.sh

COUNT=50
# shellcheck disable=SC2034 # for server_start
NO_NFS3=() NFSD_THREADS=4
fault_world
declare -A serials
for ((i = 1; i <= COUNT; i++)); do
	mkdir "/mnt/$i"
	nfstlskey add "at$i" --pkcs11 "$KEY&pin-source=file:$PIN_FILE" >>"$LOGS/add" 2>&1
	serials[$i]=$(nfstlskey show "at$i" 2>>"$LOGS/add")
done
forget

touch /export/there
for ((i = 1; i <= COUNT; i++)); do
	on_client mount -t nfs -o "vers=3,nolock,xprtsec=mtls,${serials[$i]}" server:/export "/mnt/$i"
done
is 'all are mounted, each on a connection of its own' "$(connections | wc -l)" $COUNT

# mounts come one after the other, but all notice at once that the server was away
server_restart
goes_wrong 'C_Sign slow 300'
users=()
begin=$EPOCHREALTIME
for ((i = 1; i <= COUNT; i++)); do
	timeout -s KILL 60 stat -f "/mnt/$i" >/dev/null &
	users+=($!)
done
served=0
for job in "${users[@]}"; do
	! wait "$job" || served=$((served + 1))
done
echo "$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)) ms" | diag
is 'all are served' $served $COUNT
overlap=$(awk '/^C_OpenSession/ { open[$2] } /^C_Sign / { delete open[$2] } length(open) > most { most = length(open) }
	END { print most }' $FAULTS/calls)
echo "$overlap sessions at once" | diag
[[ $overlap -ge 3 ]]
result $? 'at once indeed: their sessions overlap'
is 'each on a connection of its own' "$(connections | wc -l)" $COUNT
# a server gives up after five seconds, which a busy machine can need for its own part; the client then tries again
given_up=$(failures | grep -c 'non-properly terminated')
is 'the token failed for none' "$(failures | grep -v 'non-properly terminated')" ''
echo "$(handshakes) handshakes, of which the server gave up $given_up" | diag
signatures=$(calls C_Sign 0x0)
[[ $signatures -ge $(($(handshakes) - given_up)) && $signatures -le $(handshakes) ]]
result $? 'it signed in each handshake'
ok 'files are read over each' cat /mnt/{1..50}/there
for ((i = 1; i <= COUNT; i++)); do
	umount "/mnt/$i"
done
all_gone 'all unmounted'
done_testing
