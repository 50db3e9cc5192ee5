# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# RPCSEC_GSS inside of TLS: a Kerberos realm with its KDC on the server, the daemons of both sides, and users. To be
# sourced after lib.sh and two.sh. alice and bob are identities of the client, as in two.sh; its users are
#   dora  with a ticket
#   egon  without one
#   fred  with a ticket that is too long for rpc.svcgssd
#   gina  with a ticket, and in 5,000 groups

REALM=NFSTLS.TEST
KRB5=/tmp/krb5
MACHINE_KEYTAB=/etc/krb5.client.keytab
export KRB5_KDC_PROFILE=$KRB5/kdc.conf

# krb5_world DAEMON: which is gssproxy or svcgssd, on the server
krb5_world() {
	# shellcheck disable=SC2034 # for two.sh
	TWO_TYPE=nfstls
	# mountd, which would look up a user's groups once more, has 32 KiB for them
	sed -i s/^manage-gids=y/manage-gids=n/ /etc/nfs.conf
	usual_world
	token_identity lab alice root EC:prime256v1
	file_key bob root
	ok 'alice is added, with a key in a token' nfstlskey add alice --pkcs11 "pkcs11:token=lab;object=alice?pin-source=file:$PIN_FILE"
	ok 'bob is added, with a key file' nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key"
	users_new
	realm_new
	exports '/export fsid=0,sec=krb5:krb5i:krb5p'
	on_server rpc.idmapd
	"server_$1"
	mkdir /mnt/other /run/rpc_pipefs.client
	on_client mount -t rpc_pipefs pipefs /run/rpc_pipefs.client
}

# exports LINE...: folders, and the options of each; with mutual TLS alone
exports() {
	local line
	for line; do
		echo "${line% *} *(rw,no_root_squash,xprtsec=mtls,${line#* })"
	done >/etc/exports
	on_server exportfs -ra
}

users_new() {
	useradd dora
	useradd egon
	useradd fred
	useradd gina
	seq 100001 105000 | sed 's/.*/g&:x:&:gina/' >>/etc/group
	mkdir /export/other /export/ginas
	chmod 1777 /export /export/other
	chown :105000 /export/ginas
	chmod 770 /export/ginas
}

# A ticket has in it how its user was authenticated. A line of the configuration has 2,048 bytes at most.
realm_new() {
	mkdir $KRB5
	cat >/etc/krb5.conf <<-EOF
		[libdefaults]
		default_realm = $REALM
		dns_canonicalize_hostname = false
		dns_lookup_kdc = false
		spake_preauth_groups = edwards25519
		[realms]
		$REALM = {
			kdc = 192.0.2.1
		}
	EOF
	cat >$KRB5_KDC_PROFILE <<-EOF
		[kdcdefaults]
		kdc_listen = 192.0.2.1
		kdc_tcp_listen = 192.0.2.1
		[realms]
		$REALM = {
			database_name = $KRB5/principal
			key_stash_file = $KRB5/stash
			spake_preauth_indicator = $(printf 'long%.0s' {1..480})
		}
		[logging]
		kdc = FILE:$LOGS/kdc
	EOF
	sed -i "s/^# Domain = .*/Domain = ${REALM,,}/" /etc/idmapd.conf
	kdb5_util -P "$PIN" create -s >>"$LOGS/kdb" 2>&1
	principals
	on_server krb5kdc >>"$LOGS/krb5kdc" 2>&1
}

# The machine has more keys than its own, and its own is not the first
principals() {
	kadmin.local >>"$LOGS/kadmin" 2>&1 <<-EOF
		addprinc -randkey nfs/server
		addprinc -randkey nfs/elsewhere
		addprinc -randkey nfs/nfstls
		addprinc -pw $PIN dora
		addprinc -pw $PIN +requires_preauth fred
		addprinc -pw $PIN gina
		ktadd nfs/server
		ktadd -k $MACHINE_KEYTAB nfs/elsewhere
		ktadd -k $MACHINE_KEYTAB nfs/nfstls
	EOF
}

server_gssproxy() {
	on_server gssproxy
	wait_for on_server grep -q 1 /proc/net/rpc/use-gss-proxy
}

server_svcgssd() { on_server rpc.svcgssd; }

gssd_start() { on_client rpc.gssd -p /run/rpc_pipefs.client -k $MACHINE_KEYTAB; }

# as USER COMMAND...
as() { on_client timeout 90 setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"; }

# tickets USER...
tickets() {
	local user
	for user; do
		as "$user" kinit "$user" <<<"$PIN" >>"$LOGS/kinit"
	done
}

# asked_for_server: the principals that the KDC gave tickets for the server
asked_for_server() { sed -n "s,.* \([^ ]*\)@$REALM for nfs/server@.*,\1,p" "$LOGS/kdc" | sort -u | paste -sd ' '; }

# writes USER FILE: as this user, over the mount on /mnt/nfs; whose the file is on the server
writes() {
	# shellcheck disable=SC2016 # for sh
	ok "$2: $1 writes" as "$1" sh -c 'echo "$1" >"/mnt/nfs/$1"' sh "$2"
	is "$2: which is $1's" "$(stat -c %U "/export/$2")" "$1"
}

# flavour FLAVOUR VERSION: users' own principals inside, the identity outside
flavour() {
	local name="$1, $2"
	forget_peer
	ok "$name: alice mounts" mount_named alice "$2" / /mnt/nfs "sec=$1"
	ok "$name: with this flavour" grep -q " /mnt/nfs nfs.*,sec=$1,xprtsec=mtls," /proc/mounts
	is "$name: the server saw her certificate" "$(server_saw)" CN=alice
	writes dora "$1-$2"
	ok "$name: root writes, with the machine's ticket" sh -c "echo >/mnt/nfs/$1-$2-root"
	is "$name: who is nobody there" "$(stat -c %U "/export/$1-$2-root")" nobody
	nok "$name: egon, who has no ticket, does not read" as egon cat "/mnt/nfs/$1-$2"
	said "$name: for want of it" 'Permission denied'
	ok "$name: it unmounts" umount /mnt/nfs
	wait_for no_connections
	clients_expire
}
