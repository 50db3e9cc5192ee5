#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# soak.t [SECONDS]: mounts, writes and reads with verified contents, while servers restart, tlshds are killed, identities
# updated, and the token taken away and brought back; two namespaces with two identities each. No byte is lost, no mount
# hangs, and afterwards there are no more keys, memory, descriptors or processes than before.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

SOAK=${1-45}
DIR=/tmp/soak
FILES=6
HOSTS=(one two)
# whose mount it is, and its version of NFS
MOUNTS=(one-alice=4.2 one-bob=4.0 two-alice=4.1 two-bob=4.2)
mkdir -p $DIR
# shellcheck disable=SC2034 # for server_start
NFSD_THREADS=8

# --- the world ---

# host NAME NUMBER: a client, with a key in the token and a key in a file, each with a second certificate to change to
host() {
	local CLIENT=$1
	another_client "$1" "$2"
	mkdir -p /mnt/"$1"-{alice,bob} /export/"$1"-{alice,bob} "$DIR/sys-$1"
	on_client mount -t sysfs sysfs "$DIR/sys-$1"
	echo "$1" >"$DIR/sys-$1/fs/nfs/net/nfs_client/identifier"
	token_identity lab "$1-alice" root EC:prime256v1 "0$2"
	cp "$PKI/$1-alice.tmpl" "$PKI/$1-alice2.tmpl"
	cert_sign "$1-alice2" root --load-request "$PKI/$1-alice.csr"
	file_key "$1-bob" root
	file_key "$1-bob2" root
	client_start root
	echo "$CLIENT_TLSHD" >"$DIR/tlshd-$1"
	update add "$1" alice ''
	update add "$1" bob ''
}

# update add|update HOST NAME WHICH: to its first certificate, or its second, which is called 2
update() {
	local CLIENT=$2 key=(--key "$PKI/$2-bob$4.key")
	[[ $3 == bob ]] || key=(--pkcs11 "pkcs11:token=lab;object=$2-alice?pin-source=file:$PIN_FILE")
	nfstlskey "$1" "$3" "${key[@]}" --cert "$PKI/$2-$3$4.pem" &>>"$LOGS/update"
}

# --- those who write ---

# mount_one MOUNT VERSION: until it is there, for at most a minute
mount_one() {
	local CLIENT=${1%-*} name=${1#*-} i
	for ((i = 0; i < 60; i++)); do
		on_client mount -t nfs -o "vers=$2,xprtsec=mtls,tls_identity=$name,retry=0,hard" "server:/$1" "/mnt/$1" \
			2>>"$DIR/$1.mounts" && return
		sleep 1
	done
	return 1
}

# write_one MOUNT NUMBER: a file with new contents, written and synced; on the server they are the same, and so they are
# when they are read from there
write_one() {
	local file=$(($2 % FILES)) text=$DIR/$1.text
	head -c $((RANDOM * 8 + 1)) /dev/urandom >"$text"
	dd if="$text" of="/mnt/$1/$file" bs=64k conv=fsync status=none || return
	cmp "$text" "/export/$1/$file" || return
	dd if="/mnt/$1/$file" iflag=direct bs=64k status=none | cmp - "$text"
}

# works_on MOUNT VERSION: until it is told to stop; now and then from a new mount
works_on() {
	local n
	for ((n = 1; ; n++)); do
		[[ ! -e $DIR/stop ]] || break
		write_one "$1" $n 2>>"$DIR/$1.errors" || echo "file $n of $1" >>"$DIR/lost"
		echo $n >"$DIR/$1.count"
		[[ $((n % 40)) -eq 0 ]] || continue
		umount "/mnt/$1" && mount_one "$1" "$2" || echo "mount after file $n of $1" >>"$DIR/lost"
	done
	umount "/mnt/$1" || echo "umount of $1" >>"$DIR/lost"
}

# --- what happens to them ---

# every client is back, and has what it had
all_are_back() { [[ $(nfs4_clients name | wc -l) -ge 4 ]]; }
break_connections() {
	server_restart_in_grace
	[[ $# -eq 0 ]] || "$@"
	wait_for all_are_back 2>>"$DIR/late" || true
	end_grace
}

restart_server() { break_connections; }

kill_tlshd() {
	local host=${HOSTS[RANDOM % 2]}
	kill -KILL "$(<"$DIR/tlshd-$host")"
	break_connections sleep 1
	CLIENT=$host client_start root
	echo "$CLIENT_TLSHD" >"$DIR/tlshd-$host"
}

server_tlshd_comes() { sleep 1 && server_tlshd; }

kill_server_tlshd() {
	pkill -KILL -f '[/]etc/tlshd.server'
	break_connections server_tlshd_comes
}

take_token_away() {
	mv /var/lib/softhsm/tokens /var/lib/softhsm/away
	mkdir /var/lib/softhsm/tokens
	break_connections bring_token_back
}

bring_token_back() {
	sleep 2
	rmdir /var/lib/softhsm/tokens
	mv /var/lib/softhsm/away /var/lib/softhsm/tokens
}

update_identities() {
	local host which
	for host in "${HOSTS[@]}"; do
		which=$((RANDOM % 2 * 2))
		update update "$host" alice "${which#0}" || echo "update of $host's alice" >>"$DIR/lost"
		update update "$host" bob "${which#0}" || echo "update of $host's bob" >>"$DIR/lost"
	done
	break_connections
}

EVENTS=(restart_server kill_tlshd kill_server_tlshd take_token_away update_identities)

# work SECONDS: with everything at least once
work() {
	local begun=$SECONDS i mount workers=()
	rm -f $DIR/stop
	for mount in "${MOUNTS[@]}"; do
		mount_one "${mount%=*}" "${mount#*=}" || echo "first mount of ${mount%=*}" >>$DIR/lost
		works_on "${mount%=*}" "${mount#*=}" &
		workers+=($!)
	done
	for ((i = 0; i < ${#EVENTS[@]} || SECONDS - begun < $1; i++)); do
		sleep 2
		"${EVENTS[i % ${#EVENTS[@]}]}"
		echo "${EVENTS[i % ${#EVENTS[@]}]}" >>$DIR/events
		[[ $((i % 20)) -ne 19 ]] || echo "$((SECONDS - begun)) s: $(cat $DIR/*.count | awk "{ sum += \$1 } END { print sum }") files" >&2
	done
	touch $DIR/stop
	timeout 180 tail -q --pid="${workers[0]}" --pid="${workers[1]}" --pid="${workers[2]}" --pid="${workers[3]}" -f /dev/null
}

# --- what there is ---

no_connections() { [[ -z $(on_server ss -Htn state established 'sport = :2049') ]]; }

# descriptors, and processes, of all but the kernel; no test ends while it counts
processes() { grep -l . /proc/[0-9]*/cmdline 2>/dev/null | wc -l; }
descriptors() { for pid in $(pgrep -x tlshd); do ls "/proc/$pid/fd"; done | wc -l; }
root_keys() { awk '$1 == "0:" { print $2 }' /proc/key-users; }
# kB that nothing gives back
memory() { awk '/^(AnonPages|SUnreclaim|KernelStack|PageTables|VmallocUsed):/ { sum += $2 } END { print sum }' /proc/meminfo; }

count_all() {
	wait_for no_connections
	sleep 1
	forget_peer
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	echo "$(root_keys) $(processes) $(descriptors) $(memory)"
}

world_up
ca_new root
token_init lab
server_start root
number=1
for host in "${HOSTS[@]}"; do
	host "$host" $((number++))
done

work 1
read -r keys processes descriptors memory <<<"$(count_all)"
ok 'nobody hangs, with everything once' test -z "$(jobs -r | grep works_on)"
work "$SOAK"
is 'nobody hangs' "$(jobs -r | grep works_on)" ''
read -r keys_now processes_now descriptors_now memory_now <<<"$(count_all)"
is 'no byte is lost, no mount failed' "$(sort $DIR/lost 2>/dev/null | head -n 20)" ''
cat $DIR/*.errors 2>/dev/null | sort | uniq -c | sort -rn | head -n 10 | diag
is 'keys' "$keys_now" "$keys"
is 'processes' "$processes_now" "$processes"
is 'descriptors of tlshd' "$descriptors_now" "$descriptors"
ok 'memory: no more than 4 MB' [ "$memory_now" -le $((memory + 4096)) ]
sort $DIR/events | uniq -c | diag
for mount in "${MOUNTS[@]}"; do
	echo "${mount%=*}: $(<$DIR/"${mount%=*}".count) files in the end, $(grep -c . $DIR/"${mount%=*}".mounts) failed mounts" | diag
done
echo "memory $memory kB, then $memory_now kB; grace that was too short: $(wc -l <$DIR/late)" | diag
done_testing
