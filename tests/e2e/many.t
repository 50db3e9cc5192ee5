#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Twenty mounts at once, of two identities by turns: not one rides on a connection of the other identity.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh

TWO_TYPE=nfstls
two_world

# odd numbers are alice's, even ones bob's
name_of() { (($1 % 2)) && echo alice || echo bob; }
for n in {1..20}; do
	mkdir -p "/mnt/many/$n" "/export/$n"
done

# grown: the connections that sent more than half a megabyte since then
declare -A SENT
note_sent() { local connection; for connection in $(connections); do SENT[$connection]=$(sent "$connection"); done; }
grown() { local connection; for connection in $(connections); do (($(sent "$connection") - ${SENT[$connection]} < 500000)) || echo "$connection"; done; }
connection_of() {
	note_sent
	head -c 600000 /dev/urandom >"/mnt/many/$1/data"
	sync -f "/mnt/many/$1"
	grown
}

for version in 4.2 4.0 3; do
	jobs=()
	for n in {1..20}; do
		mount_named "$(name_of "$n")" $version "/$n" "/mnt/many/$n" &
		jobs+=($!)
	done
	failed=0
	for job in "${jobs[@]}"; do
		wait "$job" || failed=$((failed + 1))
	done
	is "$version: twenty mounts at once come up" "$failed" 0
	is "$version: over two connections" "$(connections | wc -l)" 2
	[[ $version == 3 ]] || two_clients $version
	alices=$(connection_of 1)
	bobs=$(connection_of 2)
	[[ -n $alices && -n $bobs && $alices != "$bobs" && $alices != *$'\n'* && $bobs != *$'\n'* ]]
	result $? "$version: each writes over one of them"
	wanted='' got=''
	for n in {1..20}; do
		wanted+="$n $( ((n % 2)) && echo "$alices" || echo "$bobs") "
		got+="$n $(connection_of "$n") "
	done
	is "$version: alice's and bob's each over the one of their identity" "$got" "$wanted"
	for n in {2..20..2}; do
		umount "/mnt/many/$n"
	done
	wait_for bash -c "! nsenter --net=/run/netns/client ss -Htn state established 'src $bobs' | grep -q ."
	forget_peer
	server_restart
	ok "$version: a file is written over the connection that is left" dd if=/dev/zero of=/mnt/many/1/data count=1 conv=fsync
	is "$version: which is alice's" "$(server_saw)" CN=alice
	for n in {1..20..2}; do
		umount "/mnt/many/$n"
	done
	wait_for no_connections
done
done_testing
