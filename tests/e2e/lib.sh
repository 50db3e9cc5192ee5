# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the end-to-end tests and the demo type, as short functions. They run as root in the virtual machine of ./dev:
# a server and a client, each a network namespace with a tlshd of its own, and a throw-away CA.

PKI=/tmp/pki
LOGS=/tmp/log
PIN=271828182846
PIN_FILE=/etc/nfs/pin
SOFTHSM=/usr/lib/softhsm/libsofthsm2.so
# What is preloaded into the client's tlshd, unless that is one that the user built and that is to do without
ADAPTER=$(echo /usr/lib/*/nfstls/tlshd-adapter.so)
[[ $VM_TLSHD != built ]] || ADAPTER=
# tlshd_is VERSION: whether tlshd is the distribution's, and of this version
tlshd_is() { [[ $VM_TLSHD != built && $(dpkg-query -W -f '${Version}' ktls-utils) == "$1"-* ]]; }
mkdir -p "$PKI" "$LOGS" /etc/nfs /mnt/nfs
# The module of TPMs has five lines to say wherever modules are looked for and there is none. A test with a TPM brings it back.
TPM_MODULE=/usr/share/p11-kit/modules/tpm2_pkcs11.module
TPM_MODULE_OFF=/run/tpm2_pkcs11.module
[[ ! -e $TPM_MODULE ]] || mv "$TPM_MODULE" "$TPM_MODULE_OFF"

# --- TAP: what the tests print (testanything.org) ---

TAP_COUNT=0
TAP_FAILED=0

# result STATUS TEXT
result() {
	TAP_COUNT=$((TAP_COUNT + 1))
	if [[ $1 -eq 0 ]]; then
		echo "ok $TAP_COUNT - $2"
	else
		TAP_FAILED=$((TAP_FAILED + 1))
		echo "not ok $TAP_COUNT - $2"
	fi
}

diag() { sed 's/^/# /'; }

# ok TEXT COMMAND...: the command must succeed; what it says is shown when it does not
ok() {
	local text=$1 status=0
	shift
	"$@" >/tmp/tap.out 2>&1 || status=$?
	result "$status" "$text"
	[[ $status -eq 0 ]] || { echo "status $status of: $*" && cat /tmp/tap.out; } | diag
}

# nok TEXT COMMAND...: the command must fail
nok() {
	local text=$1 status=0
	shift
	"$@" >/tmp/tap.out 2>&1 || status=$?
	[[ $status -ne 0 ]]
	result $? "$text"
	[[ $status -ne 0 ]] || { echo "it succeeded: $*" && cat /tmp/tap.out; } | diag
}

# said TEXT PATTERN: after ok or nok; what the command said
said() {
	local status=0
	grep -q -- "$2" /tmp/tap.out || status=1
	result $status "$1"
	[[ $status -eq 0 ]] || { echo "wanted: $2" && cat /tmp/tap.out; } | diag
}

# is TEXT GOT WANTED
is() {
	[[ $2 == "$3" ]]
	result $? "$1"
	[[ $2 == "$3" ]] || printf 'got:    %s\nwanted: %s\n' "$2" "$3" | diag
}

# refuses TEXT STATUS PATTERN COMMAND...: it fails with that status and says why in one line, which matches
refuses() {
	local text=$1 wanted=$2 pattern=$3 status=0 lines
	shift 3
	"$@" >/tmp/tap.out 2>/tmp/tap.err || status=$?
	lines=$(wc -l </tmp/tap.err)
	[[ $status -eq $wanted && $lines -eq 1 && ! -s /tmp/tap.out && $(</tmp/tap.err) =~ $pattern ]]
	result $? "$text"
	if [[ $status -ne $wanted || $lines -ne 1 || -s /tmp/tap.out || ! $(</tmp/tap.err) =~ $pattern ]]; then
		{ echo "status $status, wanted $wanted with a line like: $pattern" && cat /tmp/tap.out /tmp/tap.err; } | diag
	fi
}

# by_kernel STOCK PATCHED: what is wanted on the kernel that runs
by_kernel() {
	if [[ $VM_KERNEL == patched ]]; then
		echo "$2"
	else
		echo "$1"
	fi
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() { echo "1..$TAP_COUNT"; }

# wait_for COMMAND...: try for ten seconds
wait_for() {
	local i
	for ((i = 0; i < 100; i++)); do
		if "$@" >/dev/null 2>&1; then
			return 0
		fi
		sleep 0.1
	done
	echo "it did not come true within 10 s: $*" >&2
	return 1
}

# ended JOB: within twenty seconds, and well
ended() {
	local i
	for ((i = 0; i < 200; i++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	((i < 200)) && wait "$1"
}

# --- two hosts ---

on_server() { nsenter --net=/run/netns/server "$@"; }
# The client is that of world_up, or for one call another: CLIENT=NAME on_client ...
CLIENT=client
on_client() { nsenter --net="/run/netns/$CLIENT" "$@"; }

# The command works on the keyring of the namespace that it runs in: the client's
nfstlskey() { on_client nfstlskey "$@"; }

# notes_sharing TEXT: after ok or nok; nfstlskey says that all namespaces share the keyring, where they do, and only there
notes_sharing() {
	is "$1" "$(grep -c 'every network namespace shares it' /tmp/tap.out)" "$(by_kernel 1 0)"
}

# world_up: the client is another namespace too, unless this one was given the name
world_up() {
	local host address=1
	ip netns add server
	[[ -e /run/netns/client ]] || ip netns add client
	ip link add server0 netns server type veth peer name client0 netns client
	for host in server client; do
		nsenter --net=/run/netns/$host ip link set lo up
		nsenter --net=/run/netns/$host ip address add 192.0.2.$address/24 dev ${host}0
		nsenter --net=/run/netns/$host ip link set ${host}0 up
		echo "192.0.2.$address $host" >>/etc/hosts
		address=$((address + 1))
	done
}

# another_client NAME [NUMBER]: one more client, over a link of its own to the same address of the server. Its network
# namespace is made, unless there is one of this name.
another_client() {
	local net=198.51.100 number=${2-0}
	local here=$((4 * number + 1)) there=$((4 * number + 2))
	[[ -e /run/netns/$1 ]] || ip netns add "$1"
	ip link add "to-$1" netns server type veth peer name "${1}0" netns "$1"
	on_server ip address add $net.$here/30 dev "to-$1"
	on_server ip link set "to-$1" up
	nsenter --net="/run/netns/$1" ip link set lo up
	nsenter --net="/run/netns/$1" ip address add $net.$there/30 dev "${1}0"
	nsenter --net="/run/netns/$1" ip link set "${1}0" up
	nsenter --net="/run/netns/$1" ip route add 192.0.2.0/24 via $net.$here
	grep -q " $1\$" /etc/hosts || echo "$net.$there $1" >>/etc/hosts
}

# client_gone NAME: whether a client that another_client made is gone, for its end of the link goes with the namespace
client_gone() { ! on_server ip link show "to-$1"; }

# tenant_up: one more client, "tenant", whose network namespace belongs to a user namespace of its own. Its uid 0 is 100000.
tenant_up() {
	unshare --user --net --mount --uts sleep infinity &
	TENANT=$!
	wait_for in_new_namespaces
	echo 0 100000 65536 >/proc/$TENANT/uid_map
	echo 0 100000 65536 >/proc/$TENANT/gid_map
	ip netns attach tenant $TENANT
	another_client tenant
	in_tenant hostname tenant
	in_tenant mount -t tmpfs run /run
}

# unshare(1) goes from one namespace after the other to the command
in_new_namespaces() { [[ $(<"/proc/$TENANT/comm") == sleep ]]; }

in_tenant() { nsenter --target "$TENANT" --user --net --mount --uts "$@"; }

# --- a throw-away CA ---

# ca_new NAME [ISSUER]: a root, or an intermediate
ca_new() {
	local kind=--generate-self-signed issuer=()
	if [[ -n ${2-} ]]; then
		kind=--generate-certificate
		issuer=(--load-ca-certificate "$PKI/$2.pem" --load-ca-privkey "$PKI/$2.key")
	fi
	printf 'cn = "%s"\nca\ncert_signing_key\nexpiration_days = 30\n' "$1" >"$PKI/$1.tmpl"
	(umask 077 && certtool --generate-privkey --ecc --outfile "$PKI/$1.key" 2>>"$LOGS/pki")
	certtool $kind --load-privkey "$PKI/$1.key" --template "$PKI/$1.tmpl" "${issuer[@]}" \
		--outfile "$PKI/$1.pem" 2>>"$LOGS/pki"
}

# template NAME [LINE...]: what a host's certificate says
template() {
	local name=$1
	shift
	printf '%s\n' "cn = \"$name\"" "dns_name = \"$name\"" tls_www_client tls_www_server signing_key \
		'expiration_days = 30' "$@" >"$PKI/$name.tmpl"
}

# cert_sign NAME CA --load-request FILE | --load-privkey FILE: NAME.pem and NAME.der, for the template NAME
cert_sign() {
	local name=$1 ca=$2
	shift 2
	certtool --generate-certificate "$@" --template "$PKI/$name.tmpl" --load-ca-certificate "$PKI/$ca.pem" \
		--load-ca-privkey "$PKI/$ca.key" --outfile "$PKI/$name.pem" 2>>"$LOGS/pki"
	certtool --certificate-info --infile "$PKI/$name.pem" --outder --outfile "$PKI/$name.der" 2>>"$LOGS/pki"
}

# file_key NAME CA [CERTTOOL-OPTION...]: a key in a file and its certificate
file_key() {
	local name=$1 ca=$2
	shift 2
	[[ $# -gt 0 ]] || set -- --ecc
	(umask 077 && certtool --generate-privkey "$@" --outfile "$PKI/$name.key" 2>>"$LOGS/pki")
	[[ -e $PKI/$name.tmpl ]] || template "$name"
	cert_sign "$name" "$ca" --load-privkey "$PKI/$name.key"
}

# subject NAME
subject() {
	certtool --certificate-info --infile "$PKI/$1.pem" | sed -n 's/^\tSubject: //p'
}

# --- a token ---

pin_file() {
	(umask 077 && echo "$PIN" >"$PIN_FILE")
}

token_init() {
	softhsm2-util --init-token --free --label "$1" --pin "$PIN" --so-pin 31415926 >>"$LOGS/token"
	[[ -e $PIN_FILE ]] || pin_file
}

token_tool() {
	local token=$1
	shift
	PIN=$PIN pkcs11-tool --module "$SOFTHSM" --token-label "$token" --login --pin env:PIN "$@" >>"$LOGS/token" 2>&1
}

# token_key TOKEN OBJECT KEY-TYPE [ID]: a key that is made in the token
token_key() {
	token_tool "$1" --keypairgen --key-type "$3" --label "$2" --id "${4-01}"
}

# token_request TOKEN OBJECT NAME: a certificate request that the token signs
token_request() {
	[[ -e $PKI/$3.tmpl ]] || template "$3"
	GNUTLS_PIN=$PIN certtool --generate-request --load-privkey "pkcs11:token=$1;object=$2;type=private" \
		--load-pubkey "pkcs11:token=$1;object=$2;type=public" --template "$PKI/$3.tmpl" --outfile "$PKI/$3.csr" \
		2>>"$LOGS/pki"
}

# token_certificate TOKEN OBJECT NAME [ID]: put NAME.der onto the token
token_certificate() {
	token_tool "$1" --write-object "$PKI/$3.der" --type cert --label "$2" --id "${4-01}"
}

# token_identity TOKEN NAME CA KEY-TYPE [ID]: a key, a request, and the certificate back on the token
token_identity() {
	token_key "$1" "$2" "$4" "${5-01}"
	token_request "$1" "$2" "$2"
	cert_sign "$2" "$3" --load-request "$PKI/$2.csr"
	token_certificate "$1" "$2" "$2" "${5-01}"
}

# token_made TOKEN OBJECT CA KEY-TYPE [ID]: the same where no module is registered, so that certtool has no way to the token
token_made() {
	token_key "$1" "$2" "$4" "${5-01}"
	token_tool "$1" --read-object --type pubkey --id "${5-01}" --output-file "$PKI/$2.pub"
	openssl pkey -pubin -inform DER -in "$PKI/$2.pub" -out "$PKI/$2.spki"
	template "$2"
	cert_sign "$2" "$3" --load-pubkey "$PKI/$2.spki"
	token_certificate "$1" "$2" "$2" "${5-01}"
}

# --- the server ---

# A test that mounts with NFSv3 empties this before it starts the server: nfsd and mountd then register with an rpcbind
NO_NFS3=(--no-nfs-version 3)

# nfsd does as many handshakes at once: each takes a thread.
NFSD_THREADS=2

# The logs of the tlshds of servers.
SERVER_LOGS=("$LOGS/tlshd.server")

# server_start ROOT-CA [EXPORT-OPTION...]: nfsd and a tlshd that trusts this CA alone
server_start() {
	local ca=$1 options=${2-xprtsec=mtls}
	file_key server "$ca"
	cat >/etc/tlshd.server <<-EOF
		[debug]
		loglevel=1
		[authenticate.server]
		x509.truststore=$PKI/$ca.pem
		x509.certificate=$PKI/server.pem
		x509.private_key=$PKI/server.key
	EOF
	server_tlshd
	mkdir -p /export /run/rpc_pipefs /var/lib/nfs/nfsdcld
	mount -t tmpfs export /export
	[[ ${#NO_NFS3[@]} -gt 0 ]] || on_server rpcbind
	on_server mount -t rpc_pipefs pipefs /run/rpc_pipefs
	on_server mount -t nfsd nfsd /proc/fs/nfsd
	on_server nfsdcld
	echo "/export *(rw,fsid=0,no_root_squash,sec=sys,$options)" >/etc/exports
	on_server exportfs -a
	# to nfsd a client of the first second since the boot is an expired one, of which the kernel warns
	wait_for second_of_boot_is_over
	# nfsd waits a second for nfsdcld to come; where that was not enough, clients would have to wait for 90
	until nfsd_start && [[ $(</proc/fs/nfsd/v4_end_grace) == Y ]]; do server_stop; done
	mountd_start on_server "${NO_NFS3[@]}"
	wait_for grep -q 'priority string' "$LOGS/tlshd.server"
}

server_tlshd() {
	(exec nsenter --net=/run/netns/server tlshd -s -c /etc/tlshd.server) >>"$LOGS/tlshd.server" 2>&1 &
}

# mountd_start WHERE [OPTION...]: by way of netlink, nfs-utils 3.1 has the kernel take a referral for a replica
mountd_start() {
	local netlink=()
	! rpc.mountd --help 2>&1 | grep -q -- --no-netlink || netlink=(--no-netlink)
	"$1" rpc.mountd "${netlink[@]}" "${@:2}"
}

# nfsd_start: newer nfs-utils leave 4.0 out unless asked for it
nfsd_start() { on_server rpc.nfsd "${NO_NFS3[@]}" --nfs-version 4.0 "$NFSD_THREADS"; }

# nfsd_up: with clients to wait for, the grace period is ended by hand
nfsd_up() {
	nfsd_start
	end_grace
}

end_grace() { echo Y >/proc/fs/nfsd/v4_end_grace 2>/dev/null || true; }

server_stop() { on_server rpc.nfsd 0; }

second_of_boot_is_over() { [[ $(</proc/uptime) != 0.* ]]; }

# server_restart: every connection breaks
server_restart() { server_stop && nfsd_up; }

# server_restart_in_grace: and what clients had they can reclaim, until all NFSv4.1 clients have or end_grace is called
server_restart_in_grace() { server_stop && nfsd_start; }

# server_saw: the subject of the client certificate that the server's tlshd verified after forget_peer. tlshd 1.4.0 logs
# it. 1.0.0 leaves the certificate (of a chain, the last one) as an asymmetric key, which shows the end of its subject key identifier; the CA's files say
# whose that is.
server_saw() {
	local id file logged
	logged=$(sed -n "s/.*Peer certificate: subject \`\([^']*\)'.*/\1/p" "${SERVER_LOGS[@]}" | head -n 1)
	if [[ -n $logged ]]; then
		echo "$logged"
		return
	fi
	id=$(sed -n "s/.* asymmetri TLS x509 $CLIENT: X509\.[^ ]* \([0-9a-f]*\) .*/\1/p" /proc/keys | tail -n 1)
	for file in "$PKI"/*.pem; do
		if [[ -n $id ]] && certtool --certificate-info --infile "$file" | grep -A 1 'Subject Key Identifier' | grep -q "$id\$"; then
			subject "$(basename "$file" .pem)"
			return
		fi
	done
	echo "nobody (key identifier '$id')"
}

# forget_peer: so that the next server_saw is about the next handshake; no peer's certificate stays behind as a key
forget_peer() {
	local serial
	truncate --size 0 "${SERVER_LOGS[@]}"
	while read -r serial; do
		keyctl unlink "0x$serial" @u
	done < <(grep 'asymmetri TLS x509 ' /proc/keys | cut -d ' ' -f 1)
}

# --- the client ---

# client_start ROOT-CA [LINE...]: a tlshd that trusts this CA, with the adapter unless ADAPTER is empty; the lines go into
# the client's section of its configuration
client_start() {
	cat >"/etc/tlshd.$CLIENT" <<-EOF
		[debug]
		loglevel=1
		[authenticate]
		keyrings=.nfs
		[authenticate.client]
		x509.truststore=$PKI/$1.pem
	EOF
	printf '%s\n' "${@:2}" >>"/etc/tlshd.$CLIENT"
	: >"$LOGS/tlshd.$CLIENT"
	# exec, so that the number is tlshd's and not that of a shell
	(
		export LD_PRELOAD=$ADAPTER
		exec nsenter --net="/run/netns/$CLIENT" tlshd -s -c "/etc/tlshd.$CLIENT"
	) >>"$LOGS/tlshd.$CLIENT" 2>&1 &
	CLIENT_TLSHD=$!
	wait_for grep -q 'priority string' "$LOGS/tlshd.$CLIENT"
}

client_stop() {
	kill "$CLIENT_TLSHD"
	wait "$CLIENT_TLSHD"
}

# usual_world: what most tests begin with: the CA "root", a token "lab", the server and the client
usual_world() {
	world_up
	ca_new root
	token_init lab
	server_start root
	client_start root
}

# failures: the lines of handshakes that failed
failures() { grep "identity '.*': no handshake" "$LOGS/tlshd.client"; }

# mount_as IDENTITY [OPTION]: what an administrator types, on the client
mount_as() {
	on_client mount -t nfs -o "vers=4.2,xprtsec=mtls,$(nfstlskey show "$1")${2:+,$2}" server:/ /mnt/nfs
}

# works: write a file over the mount and read it back on both sides
works() {
	local text
	text="written at $(date +%s%N)"
	echo "$text" >/mnt/nfs/file
	sync -f /mnt/nfs
	[[ $(</export/file) == "$text" ]] || return
	echo 3 >/proc/sys/vm/drop_caches
	[[ $(</mnt/nfs/file) == "$text" ]]
}

# mounts_as IDENTITY SUBJECT: mount, use, and see whom the server saw; unmount
mounts_as() {
	forget_peer
	ok "$1: it mounts" mount_as "$1"
	ok "$1: a file is written and read back" works
	is "$1: the server saw its certificate" "$(server_saw)" "$2"
	ok "$1: it unmounts" umount /mnt/nfs
}

# --- who is on which connection ---

# connections: those of the client to the server, each by the client's address and port, since two servers can be reached
# from one port; connections_to ADDRESS: to one of several
connections() { connections_to 0.0.0.0/0; }
connections_to() { on_client ss -Htn state established "dport = :2049 and dst $1" | awk '{ print $3 }' | sort; }

# sent CONNECTION: how many bytes the client sent there
sent() { on_client ss -Htin state established "src $1" | sed -n 's/.*bytes_sent:\([0-9]*\).*/\1/p'; }

# nfs4_clients FIELD: a field of each NFSv4 client that the server knows
nfs4_clients() { sed -n "s/^$1: //p" /proc/fs/nfsd/clients/*/info 2>/dev/null | sort; }

# writes_over FOLDER CONNECTION [OTHER]: what is written there goes over the one, and not over the other
writes_over() {
	local -i mine other=0
	mine=$(sent "$2")
	[[ -z ${3-} ]] || other=$(sent "$3")
	head -c 1000000 /dev/urandom >"$1/big"
	sync -f "$1"
	[[ -z ${3-} || $(($(sent "$3") - other)) -lt 100000 ]] && [[ $(($(sent "$2") - mine)) -gt 1000000 ]]
}

# --- the keyring, by hand ---

# possessing COMMAND...: on the client, with the keyring in our session, so that its keys can be read
possessing() {
	local get='keyctl request2 nfs_keyring .nfs "" @s >/dev/null'
	[[ $VM_KERNEL == patched ]] || get="keyctl link $(nfs_keyring) @s"
	on_client keyctl session - sh -c "$get && exec \"\$@\"" sh "$@" 2>>"$LOGS/keyctl"
}

# nfs_keyring: the serial; the patched kernel names that of the client's namespace, the stock kernel has one
nfs_keyring() {
	if [[ $VM_KERNEL == patched ]]; then
		possessing keyctl print %nfs_keyring:.nfs
	else
		awk '/keyring +\.nfs:/ { print "0x" $1 }' /proc/keys
	fi
}

# payload IDENTITY PART
payload() { possessing keyctl pipe "%user:nfs:x509:$1:$2"; }

# shellcheck disable=SC2016 # for awk
# keyring_keys: what is on the keyring, without the payloads and without how often it is in use; quick
keyring_keys() { on_client awk '/ nfs:x509:/ { $3 = ""; print }' /proc/keys | sort; }

# keyring_state: all that a failed command must leave as it was
keyring_state() {
	keyring_keys
	possessing sh -c "for key in \$(keyctl rlist $(nfs_keyring)); do keyctl pipe \$key; done | sha256sum"
}

# handle_der URI [DESCRIPTION]: a token handle, written without our code
handle_der() {
	perl -e '
		sub tlv {
			my ($tag, $value) = @_;
			my $n = length $value;
			return chr($tag) . ($n < 128 ? chr($n) : $n < 256 ? pack("CC", 0x81, $n) : pack("Cn", 0x82, $n)) . $value;
		}
		print tlv(0x30, tlv(0x1a, $ARGV[1]) . tlv(0x0c, $ARGV[0]))' "$1" "${2-PKCS#11 Provider URI v1.0}"
}

# with_room keys|bytes NUMBER COMMAND...: as if root's quota ended there
with_room() {
	local limit=/proc/sys/kernel/keys/root_max$1 quota status=0
	quota=$(<"$limit")
	awk -v field="$([[ $1 == keys ]] && echo 4 || echo 5)" -v room="$2" \
		'$1 == "0:" { split($field, used, "/"); print used[1] + room }' /proc/key-users >"$limit"
	"${@:3}" || status=$?
	echo "$quota" >"$limit"
	return $status
}
# raw_part IDENTITY PART <PAYLOAD: a key on the keyring as somebody else might write it; prints its serial
raw_part() { possessing keyctl padd user "nfs:x509:$1:$2" "$(nfs_keyring)"; }

# raw_identity NAME CERT-FILE PRIVKEY-FILE: keys on the keyring as somebody else might write them
raw_identity() {
	local cert key
	cert=$(raw_part "$1" cert <"$2")
	key=$(raw_part "$1" privkey <"$3")
	possessing keyctl setperm "$cert" 0x3f090000
	possessing keyctl setperm "$key" 0x3f090000
}
