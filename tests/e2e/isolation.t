#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Root of another network namespace, and of the initial one, who knows every serial number. On the patched kernel nothing
# of it leads anywhere; on the stock kernel the same attacks give the private key away, or change it, and that is wanted
# there: it shows that they are attacks.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

world_up
another_client other
ca_new root
file_key alice root
file_key mallory root
server_start root
client_start root
CLIENT=other client_start root
mkdir -p /mnt/other

# provide: alice is there, and nothing else is; what there is to know is known
provide() {
	local serials
	possessing keyctl clear "$(nfs_keyring)"
	nfstlskey add alice --cert "$PKI/alice.pem" --key "$PKI/alice.key" 2>>"$LOGS/keyctl"
	ring=$(nfs_keyring)
	serials=$(nfstlskey show alice 2>>"$LOGS/keyctl")
	cert=${serials%,*} cert=${cert#*=} key=${serials##*=}
	state=$(keyring_state)
}
provide
payload alice privkey >/tmp/secret
ok 'alice mounts' mount_as alice
ok 'a file is written and read back' works

# has_secret FILE: the private key, as bytes or in hexadecimal digits
has_secret() {
	perl -e 'use strict;
		local $/;
		open my $in, "<:raw", "/tmp/secret" or die;
		my $secret = <$in>;
		open $in, "<:raw", $ARGV[0] or die;
		my $data = <$in>;
		(my $hex = lc $data) =~ s/\s//g;
		exit !(index($data, $secret) >= 0 || index($hex, unpack "H*", $secret) >= 0)' "$1"
}

# attack TEXT STOCK PATCHED COMMAND...: what came of it: refused, succeeds (and nobody is the worse for it), reads, changes
attack() {
	local effect=refused
	"${@:4}" >/tmp/attack.out 2>/tmp/attack.err </dev/null && effect=succeeds
	if has_secret /tmp/attack.out; then
		effect=reads
	elif [[ $(keyring_state) != "$state" ]]; then
		effect=changes
	fi
	is "$1" "$effect" "$(by_kernel "$2" "$3")"
	diag </tmp/attack.err
	[[ $effect != changes ]] || provide
}

# attacks WHO COMMAND...: the same from each place. First the attacker tries to get possession.
attacks() {
	local who=$1 stock operation
	shift
	while read -r stock operation; do
		eval "operation=\"$operation\""
		attack "$who: $operation" "$stock" refused \
			"$@" keyctl session - sh -c "keyctl link $ring @s; keyctl $operation" </dev/null
	done <<-'LIST'
		succeeds describe $key
		succeeds security $key
		reads pipe $key
		reads print $key
		reads read $key
		succeeds list $ring
		succeeds link $key @s
		succeeds link $ring @s
		succeeds search $ring user nfs:x509:alice:privkey
		succeeds request user nfs:x509:alice:privkey @s
		reads pipe %user:nfs:x509:alice:privkey
		changes move $key $ring @s
		changes update $key x
		changes setperm $key 0x3f3f3f3f
		changes chown $key 1
		changes chgrp $key 1
		changes timeout $key 100
		changes unlink $key $ring
		changes revoke $key
		changes revoke $cert
		changes invalidate $key
		changes clear $ring
		changes add user nfs:x509:alice:chain x $ring
		refused restrict_keyring $ring
		refused setperm $ring 0x3f3f3f3f
		refused chown $ring 1
		refused add nfs_keyring .nfs $ring @s
	LIST
}
attacks 'another namespace' nsenter --net=/run/netns/other
# One keyring for all: once is enough on the stock kernel
[[ $VM_KERNEL == stock ]] || attacks 'the initial namespace' env

# --- possession that is taken along ---
# shellcheck disable=SC2016 # for perl
# read_from KEYRING NAMESPACE: as root of A, take possession by this keyring of the process (-1: thread, -2: process,
# -3: session), go into the other namespace, and read the key there
read_from() {
	on_client perl -e 'use strict;
		my ($into, $namespace, $kernel, $ring, $key) = @ARGV;
		my ($request_key, $keyctl, $setns) = (249, 250, 308);
		my ($join, $link, $read) = (1, 8, 11);
		# syscall() takes no constants
		my ($type, $description, $callout) = ("nfs_keyring", ".nfs", "");
		syscall($keyctl, $join, 0) > 0 or die "join: $!";
		if ($kernel eq "patched") {
			syscall($request_key, $type, $description, $callout, $into + 0) > 0 or die "request_key: $!";
		} else {
			syscall($keyctl, $link, $ring + 0, $into + 0) == 0 or die "link: $!";
		}
		open my $net, "<", "/run/netns/$namespace" or die;
		syscall($setns, fileno $net, 0) == 0 or die "setns: $!";
		my $data = "\0" x 32767;
		my $size = syscall($keyctl, $read, $key + 0, $data, length $data);
		die "read: $!" if $size < 0;
		print substr $data, 0, $size;' -- "$1" "$2" "$VM_KERNEL" "$((ring))" "$key"
}
for keyring in -1:thread -2:process -3:session; do
	attack "the ${keyring#*:} keyring, not taken anywhere" reads reads read_from "${keyring%:*}" client
	attack "the ${keyring#*:} keyring, taken into another namespace" reads refused read_from "${keyring%:*}" other
done

# --- what was planted in the session that nfstlskey inherits, as with sudo ---
# shellcheck disable=SC2016 # for the shell inside
in_planted() {
	on_client keyctl session - sh -c 'keyctl setperm @s 0x3f3f3f3f
		plant="setpriv --reuid=65534 --clear-groups keyctl"
		for part in cert privkey; do echo evil | $plant padd user nfs:x509:alice:$part @s >/dev/null || exit 99; done
		for part in cert privkey; do echo evil | $plant padd user nfs:x509:eve:$part @s >/dev/null || exit 99; done
		# refused on the patched kernel, unknown on the stock kernel
		$plant add nfs_keyring .nfs 1 @s && exit 98
		exec "$@"' sh "$@" 2>>"$LOGS/keyctl"
}
is 'planted keys: nfstlskey finds the true ones' "$(in_planted nfstlskey show alice)" \
	"cert_serial=$cert,privkey_serial=$key"
nok 'planted keys: and not those of somebody who is not there' in_planted nfstlskey show eve
is 'planted keys: nobody else is listed' "$(in_planted nfstlskey list --noheadings | wc -l)" 1
ok 'planted keys: what is added' in_planted nfstlskey add bob --cert "$PKI/mallory.pem" --key "$PKI/mallory.key"
is 'planted keys: is on the keyring' "$(nfstlskey list --noheadings | wc -l)" 2
ok 'and can be removed' nfstlskey remove bob

# --- a user without privileges, in A ---
user() { on_client setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$@"; }
is 'a user: sees no keys' "$(user grep -c 'nfs:x509\|\.nfs' /proc/keys)" 0
for operation in "request2 nfs_keyring .nfs '' @s" "describe $ring" "list $ring" "link $ring @s" "describe $key" "pipe $key" \
	"link $key @s" "search $ring user nfs:x509:alice:privkey" "pipe %user:nfs:x509:alice:privkey" "update $key x" \
	"revoke $key" "invalidate $key" "timeout $key 1" "setperm $key 0x3f3f3f3f" "unlink $key $ring" \
	"add user nfs:x509:alice:chain x $ring" "clear $ring"; do
	attack "a user: $operation" refused refused user keyctl session - sh -c "keyctl $operation"
done
nok 'a user: nfstlskey' user nfstlskey list

# --- a mount in another namespace, by the serials of A ---
CLIENT=other forget_peer
dmesg --clear
attack 'another namespace: a mount by our serials' succeeds refused nsenter --net=/run/netns/other \
	mount -t nfs -o "vers=4.2,xprtsec=mtls,cert_serial=$cert,privkey_serial=$key,retry=0" server:/ /mnt/other
if [[ $VM_KERNEL == stock ]]; then
	is 'and the server takes it for us' "$(CLIENT=other server_saw)" CN=alice
	ok 'it unmounts' umount /mnt/other
else
	ok 'and says why' grep -q "cert_serial=$cert is not a live key .* of this network namespace" <(dmesg)
fi

# --- A goes on ---
ok 'the mount goes on' works
if [[ $VM_KERNEL == patched ]]; then
	forget_peer
	server_restart
	ok 'also over a new connection' works
	is 'as alice' "$(server_saw)" CN=alice
fi
# The last one: there is no keyring after it
attack 'another namespace: revoke the keyring' changes refused nsenter --net=/run/netns/other keyctl revoke "$ring"
attack 'another namespace: invalidate the keyring' refused refused nsenter --net=/run/netns/other keyctl invalidate "$ring"
done_testing
