#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# A boot: identities that were persisted are loaded by systemd before fstab is mounted; a token that is absent delays
# nothing, and its identity is there once the token is.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/systemd.sh
. /src/tests/e2e/systemd.sh

FILES=/etc/nfs/identities.d

# --- the units by themselves ---
for unit in nfstlskey-load.service nfstls-tlshd@tenant.service; do
	ok "systemd-analyze verify $unit" systemd-analyze verify --man=no $unit
	is "$unit: and it says nothing" "$(grep -i nfstls /tmp/tap.out)" ''
	ok "$unit: exposure is at most 3.5" systemd-analyze security --offline=yes --threshold=35 $unit
	tail -n 1 /tmp/tap.out | diag
done
ok 'systemd-analyze verify tlshd.service, with the drop-in' systemd-analyze verify --man=no tlshd.service

# allowed GROUP: the system calls of a group of systemd's, and of those in it
allowed() {
	local name
	systemd-analyze syscall-filter "$1" | sed -n '2,$s/^ *\([@a-z_][^ ]*\)$/\1/p' | while read -r name; do
		if [[ $name == @* ]]; then
			allowed "$name"
		else
			echo "$name"
		fi
	done
}
# makes_only_allowed_calls TEXT: what the kernel of this machine cannot enforce; from what strace saw
makes_only_allowed_calls() {
	ok "$1: it is seen to ask for keys" grep -q 'keyctl(' /tmp/strace
	is "$1: no system call that the filter of its unit refuses" \
		"$(sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' /tmp/strace | sort -u | comm -23 - <(allowed @system-service | sort -u))" ''
}

# --- provisioned ---
world_up
ca_new root
token_init lab
token_init late
server_start root
token_identity lab alice root EC:prime256v1
token_identity late carol root EC:prime256v1
file_key bob root
install -d /etc/nfs/pki
install -m 600 "$PKI/bob.key" /etc/nfs/pki
install -m 644 "$PKI/bob.pem" "$PKI/root.pem" /etc/nfs/pki
ok 'alice is persisted, with a key in a token' nfstlskey add alice --pkcs11 'pkcs11:token=lab;object=alice' \
	--pin-file "$PIN_FILE" --persist
ok 'bob is, with a key file' nfstlskey add bob --cert /etc/nfs/pki/bob.pem --key /etc/nfs/pki/bob.key --persist
install -d -m 700 /etc/nfs/credentials
cp "$PIN_FILE" /etc/nfs/credentials/nfstls.carol.pin
printf 'pkcs11 = pkcs11:token=late;object=carol\n' >$FILES/carol.conf
chmod 600 $FILES/carol.conf
ok 'check-config finds nothing' nfstlskey check-config

ok 'load, as strace sees it' on_client strace -f -qq -o /tmp/strace nfstlskey load alice
makes_only_allowed_calls load
client_start root
strace -f -qq -o /tmp/strace -p "$CLIENT_TLSHD" &
sleep 0.2
mounts_as alice CN=alice
client_stop
wait %strace
makes_only_allowed_calls tlshd

# --- the boot: another namespace, whose keyring is empty, and in it systemd as the init of a process namespace ---
another_client reborn
CLIENT=reborn
is 'the keyring is empty' "$(nfstlskey list --noheadings)" ''
late=$(grep -l late /var/lib/softhsm/tokens/*/token.object)
late=${late%/*}
mv "$late" /var/lib/softhsm/late
for config in /etc/tlshd.conf /etc/tlshd/config; do
	mkdir -p "${config%/*}"
	printf '%s\n' '[debug]' loglevel=1 '[authenticate]' keyrings=.nfs '[authenticate.client]' \
		x509.truststore=/etc/nfs/pki/root.pem >$config
done
mkdir -p /mnt/a /mnt/b
cat >/etc/fstab <<-EOF
	server:/ /mnt/a nfs xprtsec=mtls,tls_identity=alice,vers=4.2,_netdev 0 0
	server:/ /mnt/b nfs xprtsec=mtls,tls_identity=bob,vers=4.2,_netdev 0 0
EOF
mkdir -p $UNITS/nfstlskey-load.service.d $UNITS/remote-fs.target.wants
printf '[Service]\nRestartSec=2\nLoadCredential=nfstls.carol.pin:/etc/nfs/credentials/nfstls.carol.pin\n' \
	>$UNITS/nfstlskey-load.service.d/test.conf
printf '[Unit]\nWants=remote-fs.target\nAfter=remote-fs.target\n' >$UNITS/boot.target
ln -sf /usr/lib/systemd/system/{nfstlskey-load,tlshd}.service $UNITS/remote-fs.target.wants/
started=$EPOCHREALTIME
systemd_boot
result $? 'it boots'
diag <<<"in $(((${EPOCHREALTIME/./} - ${started/./}) / 1000)) ms"
names() { nfstlskey list --noheadings | awk '{ print $1 }'; }
# a start that waited for carol would still wait
is 'whose token is there is loaded, and nobody waited for carol' "$(names)" $'alice\nbob'
for mount in a b; do
	ok "/mnt/$mount is mounted" grep -q " /mnt/$mount nfs4 " /proc/mounts
done
is 'by way of a connection each' "$(connections | wc -l)" 2
date >/mnt/a/file
ok 'what is written to one is read from the other' cmp /mnt/a/file /mnt/b/file
is 'the names of the units that failed' "$(systemctl --plain --no-legend --failed list-units | awk '{ print $1 }')" ''

# --- carol's token comes ---
mv /var/lib/softhsm/late "$late"
wait_for nfstlskey show carol
result $? 'carol is loaded when her token is there'
is_done() { [[ $(property nfstlskey-load.service ActiveState) == inactive ]]; }
wait_for is_done
result $? 'and it is not tried any more'
is 'the service ended well' "$(property nfstlskey-load.service Result)" success
restarts=$(property nfstlskey-load.service NRestarts)
ok 'after a few tries' [ "$restarts" -ge 1 ]

# --- a tenant: a namespace that is made after the boot, with a tlshd of its own ---
nok 'no tlshd for a namespace that is not there' systemctl start nfstls-tlshd@tenant
cp $FILES/alice.conf $FILES/tess.conf
echo 'netns = tenant' >>$FILES/tess.conf
CLIENT=tenant
ip netns add tenant
another_client tenant 1
ok 'a tlshd for the tenant' systemctl start nfstls-tlshd@tenant
is 'the identities of the tenant, and no others, are there by then' "$(names)" tess
is 'it runs in the namespace' \
	"$(with_systemd stat -Lc %i "/proc/$(property nfstls-tlshd@tenant MainPID)/ns/net")" "$(stat -c %i /run/netns/tenant)"
wait_for mount_as tess
result $? 'the tenant mounts'
ok 'the tenant writes and reads' works
is 'from its own address' "$(connections | wc -l)" 1
done_testing
