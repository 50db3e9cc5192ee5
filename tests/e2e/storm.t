#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# A storm of handshakes: 200 mounts over four namespaces with two identities each, all at once, and in the middle of it
# every client's tlshd is killed. Mounts that ended before, and those that began after they were back, must come up; one
# in between may fail, and says so. None comes up as anybody but whom it named, and no key stays in use.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

HOSTS=(tenant1 tenant2 tenant3 tenant4)
NAMES=(alice bob)
EACH=25 # mounts of each of the eight
STORM=/tmp/storm
mkdir -p $STORM/sys $STORM/did
# shellcheck disable=SC2034 # for server_start
NO_NFS3=()

# --- the world ---

# tenant HOST NUMBER: a client of its own name, with a key in a token, a key in a file, and a view of its own of /sys
tenant() {
	local CLIENT=$1
	another_client "$1" "$2"
	mkdir $STORM/sys/"$1" /mnt/"$1"-{alice,bob} /export/"$1"-{alice,bob}
	on_client mount -t sysfs sysfs $STORM/sys/"$1"
	echo "$1" >$STORM/sys/"$1"/fs/nfs/net/nfs_client/identifier
	token_identity lab "$1-alice" root EC:prime256v1 "0$2"
	file_key "$1-bob" root
	client_start root
	ok "$1: alice is added" nfstlskey add alice --pkcs11 "pkcs11:token=lab;object=$1-alice?pin-source=file:$PIN_FILE"
	ok "$1: bob is added" nfstlskey add bob --cert "$PKI/$1-bob.pem" --key "$PKI/$1-bob.key"
}

# watch_server: a record, one file a process, of which certificate the server's tlshd got from which address and port. Its log does not tell.
watch_server() {
	strace -ff -q -ttt -e trace=getpeername,add_key -e signal=none -s 4096 -xx -o $STORM/trace -p "$(pgrep -x tlshd)" &
	WATCH=$!
	wait_for grep -q "^TracerPid:.*$WATCH\$" /proc/"$(pgrep -x tlshd)"/status
}

# handshakes: from that record "TIME ADDRESS:PORT CERTIFICATE" of each handshake, in order
handshakes() {
	# shellcheck disable=SC2016 # for perl
	perl -ne '
		my ($time, $call) = /^([\d.]+) (.*)/ or next;
		if ($call =~ /^getpeername.*htons\((\d+)\).*inet_addr\("(.*?)"\)/) {
			my ($port, $address) = ($1, $2);
			$address =~ s/\\x(..)/chr hex $1/ge;
			$peer{$ARGV} = "$address:$port";
		} elsif ($call =~ /^add_key\(".*?", ".*?", "(.*?)"/) {
			print "$time $peer{$ARGV} ", $1 =~ s/\\x//gr, "\n";
		}' $STORM/trace.* | sort -n
}

# seen_as_others: the mounts that came up on a connection on which the server saw another certificate than that of the
# identity which the mount named, or none. A port can be used again: what counts is the last handshake before the mount.
seen_as_others() {
	local host name
	for host in "${HOSTS[@]}"; do
		for name in "${NAMES[@]}"; do
			awk -v address="$(sed -n "s/ $host\$//p" /etc/hosts)" -v who="$host-$name" \
				-v wanted="$(od -An -v -tx1 "$PKI/$host-$name.der" | tr -d ' \n')" '
				NR == FNR { count++; time[count] = $1; peer[count] = $2; cert[count] = $3; next }
				$1 != "up" { next }
				{
					seen = "nobody"
					for (i = 1; i <= count; i++)
						if (peer[i] == address ":" $4 && time[i] < $3)
							seen = cert[i]
					if (seen != wanted)
						print who, $0, seen
				}' $STORM/handshakes $STORM/did/"$host-$name"
		done
	done
}

# --- one mount ---

# mount_named HOST NAME VERSION
mount_named() {
	local path=/ options='' CLIENT=$1
	[[ $3 != 3 ]] || path=/export options=,nolock
	on_client mount -t nfs -o "vers=$3,xprtsec=mtls,tls_identity=$2,retry=0$options" "server:$path" "/mnt/$1-$2"
}

# port_of HOST FOLDER: from where the mount's own connection comes
port_of() {
	sed -n 's/^src_port=//p' $STORM/sys/"$1"/fs/nfs/"$(mountpoint -d "$2")"/nfs_client/switch/xprt-*/xprt_info
}

# one_mount HOST NAME VERSION: mount, write, unmount, and say how it went: "up BEGIN END PORT", or "down BEGIN END -" when it
# failed as it should, anything else when not
one_mount() {
	local folder=/mnt/$1-$2 begin=$EPOCHREALTIME status=0 port
	mount_named "$@" 2>$STORM/"$1-$2".err || status=$?
	if [[ $status -ne 0 ]]; then
		[[ $status -eq 32 && -s $STORM/$1-$2.err ]] && ! mountpoint -q "$folder" && status=down
		echo "$status $begin $EPOCHREALTIME - $3 $(tr '\n' ' ' <$STORM/"$1-$2".err)"
		return
	fi
	echo "$begin" >"$folder/$1-$2/file" && sync -f "$folder" && [[ $(<"/export/$1-$2/file") == "$begin" ]] || status=broken
	port=$(port_of "$1" "$folder")
	[[ $status != 0 ]] || status=up
	echo "$status $begin $EPOCHREALTIME $port $3"
	umount "$folder" || echo "stuck $begin $EPOCHREALTIME $port $3"
}

# tenant_storms HOST NAME: one after the other; after one that failed, not before its tlshd is back
tenant_storms() {
	local versions=(4.2 4.0 3 4.1) i line
	for ((i = 0; i < EACH; i++)); do
		line=$(one_mount "$1" "$2" "${versions[i % 4]}")
		echo "$line" >>$STORM/did/"$1-$2"
		[[ $line == up* ]] || wait_for test -e $STORM/back
	done
}

# --- tlshd killed in the middle ---

did() { cat $STORM/did/* 2>/dev/null | grep -c "$1"; }
did_at_least() { [[ $(did "$1") -ge $2 ]]; }

kill_tlshds() {
	local host process
	for host in "${HOSTS[@]}"; do
		for process in $(ip netns pids "$host"); do
			[[ $(<"/proc/$process/comm") != tlshd ]] || kill -KILL "$process"
		done
	done 2>/dev/null
	wait "${TLSHDS[@]}" 2>/dev/null
}

start_tlshds() {
	local host
	TLSHDS=()
	for host in "${HOSTS[@]}"; do
		CLIENT=$host client_start root
		TLSHDS+=("$CLIENT_TLSHD")
	done
}

# --- keys ---

# keys_in_use: each key of an identity and each keyring, with its usage count; how many keys root has
keys_in_use() {
	local host
	for host in "${HOSTS[@]}"; do
		echo "$host"
		CLIENT=$host on_client grep -E ' nfs:x509:| \.nfs' /proc/keys | sort
	done
	awk '$1 == "0:" { print $3, $4, $5 }' /proc/key-users
}

same_keys() {
	forget_peer
	[[ $(keys_in_use) == "$KEYS" ]]
}

no_connections() { [[ -z $(on_server ss -Htn state established 'sport = :2049') ]]; }

world_up
ca_new root
token_init lab
server_start root
watch_server
number=1
TLSHDS=()
for host in "${HOSTS[@]}"; do
	tenant "$host" $((number++))
	TLSHDS+=("$CLIENT_TLSHD")
done
# tlshd 1.4.0 makes itself a session keyring if it finds a .nfs keyring when it starts, and at first there was none
kill_tlshds
start_tlshds
forget_peer
KEYS=$(keys_in_use)

workers=()
for host in "${HOSTS[@]}"; do
	for name in "${NAMES[@]}"; do
		tenant_storms "$host" "$name" &
		workers+=($!)
	done
done
until did_at_least . 70; do
	sleep 0.2
done
down=$EPOCHREALTIME
kill_tlshds
ok 'without tlshd mounts fail' wait_for did_at_least '^down' 4
start_tlshds
up=$EPOCHREALTIME
touch $STORM/back
wait "${workers[@]}"

is 'all mounts have ended' "$(did '^[ud]')" $((EACH * 8))
is 'each as it should' "$(cat $STORM/did/* | grep -v '^up\|^down')" ''
echo "$(did '^up') came up, $(did '^down') failed" | diag
cat $STORM/did/* | grep '^down' | cut -d ' ' -f 5- | sort | uniq -c | diag
is 'only those failed for which there was no tlshd' \
	"$(cat $STORM/did/* | awk -v down="$down" -v up="$up" '$1 == "down" && ($3 < down || $2 > up)')" ''
wait_for no_connections
ok 'keys are in use as at the start' wait_for same_keys
same_keys || diff <(echo "$KEYS") <(keys_in_use) | diag

kill "$WATCH"
wait "$WATCH"
handshakes >$STORM/handshakes
is 'the server saw everybody as whom the mount named' "$(seen_as_others)" ''
done_testing
