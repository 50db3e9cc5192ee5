#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
# boots: 2
#
# A reboot. In the first virtual machine identities are persisted, and an fstab names them. The second starts from nothing
# but what a disk would have kept, with systemd as its process 1: it loads the identities, starts tlshd and mounts, each
# with its own certificate. A token that is absent delays nothing; its identity and its mount come when the token does. Nor
# does a TPM that is absent, for which systemd waits.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

FILES=/etc/nfs/identities.d
UNITS=/etc/systemd/system
KEPT=(etc/fstab etc/nfs etc/systemd etc/tlshd.conf etc/tlshd usr/local/sbin/saw var/lib/softhsm "${PKI#/}")
names() { nfstlskey list --noheadings | awk '{ print $1 }'; }

# --- the first boot: what an administrator does, on a host whose name here is "client" ---
provision() {
	ip netns attach client $$
	ca_new root
	token_init lab
	token_init late
	token_identity lab alice root EC:prime256v1
	token_identity late carol root EC:prime256v1
	file_key bob root
	install -d /etc/nfs/pki
	install -m 600 "$PKI/bob.key" /etc/nfs/pki
	install -m 644 "$PKI/bob.pem" "$PKI/root.pem" /etc/nfs/pki
	ok 'alice is persisted, with a key in a token' nfstlskey add alice --pkcs11 'pkcs11:token=lab;object=alice' \
		--pin-file "$PIN_FILE" --persist
	ok 'bob is, with a key file' nfstlskey add bob --cert /etc/nfs/pki/bob.pem --key /etc/nfs/pki/bob.key --persist
	ok 'carol is, with a PIN that no file of hers has' nfstlskey add carol --pkcs11 'pkcs11:token=late;object=carol' \
		--pin-fd 3 --persist 3<"$PIN_FILE"
	ok 'check-config finds nothing' nfstlskey check-config
	is 'all are on the keyring' "$(names)" $'alice\nbob\ncarol'
}

configure_tlshd() {
	local config
	for config in /etc/tlshd.conf /etc/tlshd/config; do
		mkdir -p "${config%/*}"
		printf '%s\n' '[debug]' loglevel=1 '[authenticate]' keyrings=.nfs '[authenticate.client]' \
			x509.truststore=/etc/nfs/pki/root.pem >$config
	done
}

# Each certificate is looked at before the next mount begins
configure_mounts() {
	local type options
	type=$(by_kernel nfstls nfs)
	options=$(by_kernel vers=4.2,_netdev xprtsec=mtls,vers=4.2,_netdev)
	mkdir -p $UNITS
	cat >/etc/fstab <<-EOF_FSTAB
		server:/ /mnt/a $type tls_identity=alice,$options 0 0
		server:/ /mnt/b $type tls_identity=bob,$options,x-systemd.after=saw@a.service 0 0
		server:/ /mnt/c $type tls_identity=carol,$options,x-systemd.automount 0 0
	EOF_FSTAB
	printf '%s\n' '[Unit]' After=mnt-%i.mount Before=remote-fs.target '[Service]' Type=oneshot 'ExecStart=/usr/local/sbin/saw %i' \
		'[Install]' WantedBy=remote-fs.target >"$UNITS/saw@.service"
	cat >/usr/local/sbin/saw <<-EOF_SAW
		#!/bin/bash
		# whose certificate the server was shown
		VM_KERNEL=$VM_KERNEL VM_TLSHD=$VM_TLSHD
		. /src/tests/e2e/lib.sh
		server_saw >/run/saw.\$1
		forget_peer
	EOF_SAW
	chmod +x /usr/local/sbin/saw
}

configure_systemd() {
	local unit
	install -d -m 700 /etc/nfs/credentials
	cp "$PIN_FILE" /etc/nfs/credentials/nfstls.carol.pin
	for unit in nfstlskey-load tlshd; do
		mkdir -p $UNITS/$unit.service.d
		printf '[Service]\nLoadCredential=nfstls.carol.pin:/etc/nfs/credentials/nfstls.carol.pin\n' \
			>$UNITS/$unit.service.d/pin.conf
	done
	printf '[Service]\nRestartSec=2\n' >$UNITS/nfstlskey-load.service.d/often.conf
	# what is another host's part of NFS and Kerberos, or would write to the terminals that carry the results
	for unit in nfs-server.service nfs-client.target rpcbind.{service,socket} krb5-{kdc,admin-server}.service \
		gssproxy.service getty.target; do
		ln -sf /dev/null "$UNITS/$unit"
	done
	ok 'the units are enabled' systemctl enable nfstlskey-load.service tlshd.service saw@a.service saw@b.service
}

shut_down() {
	local late
	late=$(grep -l late /var/lib/softhsm/tokens/*/token.object)
	mkdir /var/lib/softhsm/late
	mv "${late%/*}" /var/lib/softhsm/late
	tar -C / -cf /disk/kept.tar "${KEPT[@]}"
	cp /proc/sys/kernel/random/boot_id /disk
	echo "$TAP_COUNT" >/disk/tests
}

# --- the second ---
# The server is another host, and has been up all the time
another_kernel() {
	TAP_COUNT=$(</disk/tests)
	ip netns attach client 1
	nok 'it is another boot' cmp /proc/sys/kernel/random/boot_id /disk/boot_id
	is 'the keyring is empty' "$(names)$(keyring_keys)" ''
	rm -rf /etc/nfs
	tar -C / -xf /disk/kept.tar
	world_up
	server_start root
}

systemctl() { command systemctl --no-pager "$@"; }
property() { systemctl show --value --property="$2" "$1"; }
is_active() { [[ $(property "$1" ActiveState) == active ]]; }

boot_with_systemd() {
	local started=$EPOCHREALTIME
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	printf '%s\0' /lib/systemd/systemd --log-target=kmsg >/run/init
	wait_for is_active remote-fs.target || wait_for is_active remote-fs.target
	result $? 'it boots, as far as remote file systems'
	diag <<<"in $(((${EPOCHREALTIME/./} - ${started/./}) / 1000)) ms"
	is 'systemd is process 1' "$(</proc/1/comm)" systemd
}

is_waited_for() { systemctl --plain --no-legend list-jobs | grep -q " $1 .*running"; }

# a start that waited for carol would still wait
nobody_waited() {
	is 'whose token is there is loaded, and nobody waited for carol' "$(names)" $'alice\nbob'
	is 'which is still tried' "$(property nfstlskey-load.service ActiveState)" activating
	is 'nothing failed' "$(systemctl --plain --no-legend --failed list-units)" ''
	ok 'while a TPM that is absent is still waited for by its daemon' is_waited_for dev-tpm0.device
}

mounted_each_as_itself() {
	local mount
	for mount in a b; do
		ok "/mnt/$mount is mounted" grep -q " /mnt/$mount nfs4 " /proc/mounts
	done
	is 'the first with the key in the token' "$(</run/saw.a)" CN=alice
	is 'the second with the key file' "$(</run/saw.b)" CN=bob
	is 'a connection each' "$(connections | wc -l)" 2
	is 'nfstlskey knows them' "$(nfstlskey list --raw --noheadings -o NAME,MOUNTS | tr '\n' ' ')" 'alice /mnt/a bob /mnt/b '
	date >/mnt/a/file
	ok 'what is written to one is read from the other' cmp /mnt/a/file /mnt/b/file
	[[ $(property tlshd ActiveEnterTimestampMonotonic) -lt $(property mnt-a.mount InactiveExitTimestampMonotonic) ]]
	result $? 'tlshd was there before the first mount'
	is 'with the adapter, unless it was built to do without' \
		"$(grep -o tlshd-adapter.so "/proc/$(property tlshd MainPID)/maps" | uniq)" "${ADAPTER##*/}"
}

token_comes() {
	local restarts
	mv /var/lib/softhsm/late/* /var/lib/softhsm/tokens
	wait_for nfstlskey show carol
	result $? 'carol is loaded when her token is there'
	is_done() { [[ $(property nfstlskey-load.service ActiveState) == inactive ]]; }
	wait_for is_done
	result $? 'and it is not tried any more'
	is 'the service ended well' "$(property nfstlskey-load.service Result)" success
	restarts=$(property nfstlskey-load.service NRestarts)
	ok 'after a few tries' [ "$restarts" -ge 1 ]
	ok 'her mount comes up when it is looked at' cmp /mnt/a/file /mnt/c/file
	is 'with her certificate' "$(server_saw)" CN=carol
	is 'over one more connection' "$(connections | wc -l)" 3
}

# a namespace that is made after the boot, with a tlshd of its own
tenant_comes() {
	local all=''
	nok 'no tlshd for a namespace that is not there' systemctl start nfstls-tlshd@tenant
	cp $FILES/alice.conf $FILES/tess.conf
	echo 'netns = tenant' >>$FILES/tess.conf
	another_client tenant 1
	ok 'a tlshd for the tenant' systemctl start nfstls-tlshd@tenant
	[[ $VM_KERNEL == patched ]] || all=$'alice\nbob\ncarol\n'
	CLIENT=tenant
	is 'the identities of the tenant are there by then, and no others where it has a keyring' "$(names)" "${all}tess"
	is 'it runs in the namespace' \
		"$(stat -Lc %i "/proc/$(property nfstls-tlshd@tenant MainPID)/ns/net")" "$(stat -c %i /run/netns/tenant)"
	wait_for mount_as tess
	result $? 'the tenant mounts'
	ok 'the tenant writes and reads' works
	is 'from its own address' "$(connections | wc -l)" 1
}

if [[ $1 -eq 1 ]]; then
	provision
	configure_tlshd
	configure_mounts
	configure_systemd
	shut_down
else
	another_kernel
	boot_with_systemd
	nobody_waited
	mounted_each_as_itself
	token_comes
	tenant_comes
	done_testing
fi
