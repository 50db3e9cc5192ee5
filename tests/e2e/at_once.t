#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fifty handshakes at once on one token, each of an identity and on a connection of its own: all succeed. With NFSv3,
# where each mount keeps its connection.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/fault.sh
. /src/tests/e2e/fault.sh

COUNT=50
# shellcheck disable=SC2034 # for server_start
NO_NFS3=()
fault_world
declare -A serials
for ((i = 1; i <= COUNT; i++)); do
	mkdir "/mnt/$i"
	nfstlskey add "at$i" --pkcs11 "$KEY&pin-source=file:$PIN_FILE" 2>>"$LOGS/add"
	serials[$i]=$(nfstlskey show "at$i" 2>>"$LOGS/add")
done
forget

# mount_one NUMBER: as soon as all may
mount_one() {
	flock --shared /tmp/start true
	on_client mount -t nfs -o "vers=3,nolock,xprtsec=mtls,${serials[$1]},retry=0" server:/export "/mnt/$1"
}

touch /export/there
exec {start}>/tmp/start
flock $start
mounts=()
for ((i = 1; i <= COUNT; i++)); do
	mount_one $i {start}>&- 2>>/tmp/failed &
	mounts+=($!)
done
begin=$EPOCHREALTIME
exec {start}>&-
mounted=0
for job in "${mounts[@]}"; do
	! wait "$job" || mounted=$((mounted + 1))
done
echo "$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)) ms" | diag
is 'all are mounted' $mounted $COUNT
diag </tmp/failed
is 'each on a connection of its own' "$(ports | wc -l)" $COUNT
is 'the token failed for none' "$(failures)" ''
is 'it signed in each handshake' "$(calls C_Sign 0x0)" "$(handshakes)"
echo "$(handshakes) handshakes" | diag
ok 'files are read over each' cat /mnt/{1..50}/there
for ((i = 1; i <= COUNT; i++)); do
	umount "/mnt/$i"
done
all_gone 'all unmounted'
done_testing
