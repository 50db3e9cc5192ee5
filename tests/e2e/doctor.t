#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# nfstlskey doctor: nothing to find where all is well, and the right cause in each set-up that is broken on purpose.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/doctor.sh
. /src/tests/e2e/doctor.sh

# no name server is asked, and waited for
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
usual_world
ca_new stranger
token_identity lab alice root EC:prime256v1
file_key bob root
nfstlskey add alice --pkcs11 "pkcs11:token=lab;object=alice?pin-source=file:$PIN_FILE" &>>"$LOGS/add"

# trusting_tlshd CA: another one, which trusts this CA
trusting_tlshd() {
	pkill -f '[/]etc/tlshd.server'
	wait_for sh -c '! pgrep -f [/]etc/tlshd.server'
	[[ -n ${1-} ]] || return
	sed -i "s|x509.truststore=.*|x509.truststore=$PKI/$1.pem|" /etc/tlshd.server
	: >"$LOGS/tlshd.server"
	server_tlshd
	wait_for grep -q 'priority string' "$LOGS/tlshd.server"
}

# --- all is well ---
doctor_says 'all is well' 0 accepted ok 'takes its certificate, and answers inside TLS'
diag </tmp/doctor
is 'every step has a line, in the order of the way' "$(awk '{ print $1 }' /tmp/doctor | tr '\n' ' ')" \
	'kernel keyring tlshd tokens config mount clock identity server tls certificate name accepted '
ok 'as JSON' nfstlskey doctor alice server:/ --json
said 'for scripts' '"result": *"ok"'
doctor_says 'the server alone' 0 name ok 'for this name' server:/
and_says 'the only identity is presented' accepted ok 'takes its certificate'
doctor_says 'this host alone' 0 identity ok 'key and certificate work' alice
nok 'nothing is said of a server' grep -q ^server /tmp/doctor
nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key" &>>"$LOGS/add"
doctor_says 'of two identities nobody chooses one' 0 accepted warning 'name one IDENTITY' server:/
doctor_says 'a key on the keyring' 0 accepted ok 'takes its certificate' bob server:/
doctor_says 'an address is no name' 10 name failed 'is for DNS:server, and not for this name' alice 192.0.2.1:/
doctor_says 'what is no server' 2 server failed 'it is no SERVER:/PATH' alice :/
refuses 'whoever is not root' 5 'run it as root' on_client setpriv --reuid=65534 --clear-groups nfstlskey doctor
refuses 'two servers' 2 'one server at most' nfstlskey doctor server:/ client:/
ok 'what it found well does mount' mount_as alice
ok 'it unmounts' umount /mnt/nfs

# --- 1: no tlshd ---
client_stop
cp /etc/tlshd.client /etc/tlshd.conf
trusting_tlshd
doctor_says 'no tlshd at all' 1 tlshd failed 'does not run in this network namespace; systemctl start nfstls-tlshd@client' alice
# --- 2: tlshd of another namespace ---
trusting_tlshd root
doctor_says 'a tlshd of another namespace' 1 tlshd failed 'only in another one; systemctl start nfstls-tlshd@client'
# --- 3: without the adapter ---
if [[ $VM_TLSHD != built ]]; then
	ADAPTER='' client_start root
	doctor_says 'a tlshd without the adapter' 1 tokens failed 'was started without the adapter'
	doctor_says 'which an identity without a token does not need' 0 tokens warning 'without the adapter' bob
	client_stop
fi
# --- with the library, as a patched one ---
library=$(echo /usr/lib/*/libnfstls-p11.so.0)
if [[ $VM_TLSHD != built ]]; then
	ADAPTER=$library client_start root
	doctor_says 'a tlshd that was built with the library' 0 tokens ok 'uses token handles by itself' alice
	client_stop
fi
# --- its configuration ---
client_start root
doctor_says 'as it should be' 0 config ok "/etc/tlshd.client: servers are verified with $PKI/root.pem" alice
on_client unshare --pid --fork --mount-proc nfstlskey doctor alice --noheadings >/tmp/doctor 2>&1
and_says 'where tlshd cannot be seen it may be well all the same' tlshd warning 'not among the processes that are seen from here'
cp /etc/tlshd.client /tmp/tlshd.client
sed -i '/^keyrings/d' /etc/tlshd.client
doctor_says 'a keyring that tlshd is not told of' 0 config "$(by_kernel warning ok)" "$(by_kernel 'does not say keyrings=.nfs' 'verified with')" alice
sed -i 's/^\[authenticate\].*/&\nkeyrings=.nvme;.nfs;/' /etc/tlshd.client
doctor_says 'a keyring among others' 0 config ok 'verified with' alice
sed -i '/^x509.truststore/d' /etc/tlshd.client
doctor_says 'no truststore' 0 config ok 'verified with what this host trusts' alice
doctor_says 'which does not have the CA of the server' 10 certificate failed "'CN=root', which is not in what this host trusts"
echo '[authenticate' >/etc/tlshd.client
doctor_says 'a configuration that cannot be read' 10 config failed '/etc/tlshd.client cannot be read' alice
cp /tmp/tlshd.client /etc/tlshd.client
# however it is named
# started ARGUMENT...: a tlshd in the place of the one that runs
started() {
	client_stop
	: >"$LOGS/tlshd.client"
	(exec env LD_PRELOAD="$ADAPTER" nsenter --net=/run/netns/client tlshd -s "$@") >>"$LOGS/tlshd.client" 2>&1 &
	CLIENT_TLSHD=$!
	wait_for grep -q 'priority string' "$LOGS/tlshd.client"
}
for way in --config=/etc/tlshd.client -c/etc/tlshd.client '--config /etc/tlshd.client'; do
	# shellcheck disable=SC2086 # words
	started $way
	doctor_says "$way" 0 config ok '/etc/tlshd.client: servers' alice
done
started
mv /etc/tlshd.conf /etc/tlshd.conf.away
doctor_says 'no configuration' 0 config warning 'has no configuration file' alice
mv /etc/tlshd.conf.away /etc/tlshd.conf
client_stop
client_start root
sed -i 's|^x509.truststore=.*|x509.truststore=/nowhere.pem|' /etc/tlshd.client
doctor_says 'a truststore that is not there' 10 config failed '/nowhere.pem: No such file'
client_stop
client_start stranger
doctor_says 'a CA of the server that we do not trust' 10 certificate failed "issued by 'CN=root', which is not in $PKI/stranger.pem"
client_stop
client_start root

# --- 4: the module is missing ---
module=$(realpath "$SOFTHSM")
mv "$module" "$module.away"
doctor_says 'the module is missing' 7 module failed "cannot be loaded.*libsofthsm2.so"
mv "$module.away" "$module"
# --- the token is absent ---
mv /var/lib/softhsm/tokens /var/lib/softhsm/away && mkdir /var/lib/softhsm/tokens
doctor_says 'the token is absent' 7 token failed 'insert the token'
rmdir /var/lib/softhsm/tokens && mv /var/lib/softhsm/away /var/lib/softhsm/tokens
# --- 5: the PIN is refused ---
echo 9999 >"$PIN_FILE"
doctor_says 'the PIN is refused' 8 pin failed 'refused.*it was tried once'
doctor_says 'and not tried again' 8 pin failed 'locked until nfstlskey unlock.*incorrect.*; if the PIN was refused, correct it first'
pin_file
ok 'it is put right' nfstlskey unlock alice

# --- 6: expired ---
template late 'activation_date = "2020-01-01 00:00:00"' 'expiration_date = "2020-02-01 00:00:00"'
sed -i '/expiration_days/d' "$PKI/late.tmpl"
file_key late root
nfstlskey add late --cert "$PKI/late.pem" --key "$PKI/late.key" &>>"$LOGS/add"
doctor_says 'a certificate that is over' 10 validity failed 'expired on 2020-02-01' late server:/
# --- 7: the server's name ---
echo '192.0.2.1 files.example' >>/etc/hosts
doctor_says 'a name that the server has not' 10 name failed 'is for DNS:server, and not' alice files.example:/export
and_says 'the rest is well' accepted ok 'takes its certificate'
doctor_says 'a name that has no address' 3 server failed 'no address' alice nowhere.invalid:/
# --- 8: a server without TLS: an RPC server that knows nothing of it, on the port of NFS ---
nsenter --net=/run/netns/server ip address add 192.0.2.3/24 dev server0
echo '192.0.2.3 plain' >>/etc/hosts
on_server rpc.nfsd 0
doctor_says 'no server on that port' 1 server failed 'Connection refused'
on_server rpcbind
(exec nsenter --net=/run/netns/server rpc.mountd --port 2049 --foreground) >>"$LOGS/mountd" 2>&1 &
wait_for on_server sh -c 'ss -Hltn "sport = :2049" | grep -q .'
doctor_says 'a server without TLS' 1 tls failed 'the server does no TLS' alice plain:/
kill %%
wait %%
nfsd_up
# and one whose tlshd is gone
trusting_tlshd
doctor_says 'a server without a tlshd' 1 handshake failed 'gave up before it showed a certificate.*whether tlshd runs there'
# --- 9: a CA that the server does not know ---
trusting_tlshd stranger
doctor_says 'a CA that the server does not know' 10 accepted failed "it trusts 'CN=stranger'"
trusting_tlshd root
doctor_says 'all is well again' 0 accepted ok 'takes its certificate'

# and one that has the name of one that it knows
certtool --generate-privkey --ecc --outfile "$PKI/impostor.key" 2>>"$LOGS/pki"
certtool --generate-self-signed --load-privkey "$PKI/impostor.key" --template "$PKI/root.tmpl" --outfile "$PKI/impostor.pem" \
	2>>"$LOGS/pki"
trusting_tlshd impostor
doctor_says 'a CA that the server takes for another one' 10 accepted failed 'the server refuses the certificate.*log of its tlshd'
trusting_tlshd root
# something else on that port
on_server rpc.nfsd 0
# shellcheck disable=SC2016 # for perl
(exec nsenter --net=/run/netns/server perl -MIO::Socket::INET -e '
	my $server = IO::Socket::INET->new(LocalPort => 2049, Listen => 5, ReuseAddr => 1) or die;
	while (my $client = $server->accept) { print $client "HTTP/1.0 400 Bad Request\r\n\r\n" }') &
wait_for on_server sh -c 'ss -Hltn "sport = :2049" | grep -q .'
doctor_says 'a server of another kind' 1 tls failed 'does not answer as an NFS server does .Protocol error.'
kill %%
wait %%
nfsd_up

# --- 10: the clock ---
now=$(date +%s)
date -s 2019-01-01 >/dev/null
nfstlskey doctor alice server:/ --noheadings >/tmp/doctor 2>&1
is 'a clock that is behind fails first' "$(awk '/ failed  / { print $1 }' /tmp/doctor | head -n 1)" clock
and_says 'with what it says' clock failed 'it says 2019-01-01.*when this program was written; set it'
date -s @$((now + 10 * 365 * 86400)) >/dev/null
nfstlskey doctor alice server:/ --noheadings >/tmp/doctor 2>&1
and_says 'a clock that is ahead: the certificate seems to be over' validity failed 'expired on'
and_says 'and nothing keeps the clock right' clock warning 'nothing keeps it right; where that is wrong, certificates seem out of date'
and_says 'the certificate of the server is over as well' certificate failed 'expired.*Is the clock of this host right'
date -s @"$now" >/dev/null

# failing CALL:RESULT ARGUMENT...: doctor, where the kernel answers a system call so
failing() {
	local call=${1%%:*}
	on_client strace -f -qq -o /dev/null -e "trace=$call" -e "inject=$1" nfstlskey doctor --noheadings "${@:2}" >/tmp/doctor 2>&1
}
failing clock_adjtime,adjtimex:retval=0 alice
and_says 'a clock that is kept' clock ok synchronised
failing fsopen:error=ENODEV alice
is 'a kernel without an NFS client' $? 11
and_says 'is told so' kernel failed 'has no NFS client .No such device.; modprobe nfs'
failing setsockopt:error=ENOENT alice
is 'a kernel without TLS' $? 11
and_says 'is told so' kernel failed 'has no TLS'
failing bind:error=EACCES alice
is 'a kernel that cannot be asked for handshakes' $? 1
and_says 'is told so' tlshd failed 'it cannot be looked for'

# --- 11: half an identity ---
possessing keyctl unlink "$(nfstlskey show late | sed 's/.*privkey_serial=//')" "$(nfs_keyring)"
doctor_says 'half an identity' 3 identity failed 'half of it is missing' late server:/
nfstlskey remove late
doctor_says 'nobody of that name' 3 identity failed 'not on the keyring' late server:/
possessing keyctl setperm "$(nfstlskey show bob | sed 's/.*=//')" 0
doctor_says 'a key that is closed' 1 keyring failed 'it cannot be read: Permission denied' bob
possessing keyctl clear "$(nfs_keyring)"
doctor_says 'nobody at all' 3 identity failed 'there is none; nfstlskey add' server:/
mkdir -p /etc/nfs/identities.d
printf 'pkcs11 = pkcs11:token=lab;object=alice?pin-source=file:%s\n' "$PIN_FILE" >/etc/nfs/identities.d/alice.conf
doctor_says 'one that has a file' 3 identity failed 'load --all' server:/

# --- 12: the kernel is too old: one without the .nfs keyring, by hiding the only place where it is found ---
if [[ $VM_KERNEL == stock ]]; then
	: >/tmp/keys
	on_client unshare --mount sh -c 'mount --bind /tmp/keys /proc/keys && exec nfstlskey doctor server:/ --noheadings' \
		>/tmp/doctor 2>&1
	is 'a kernel without the .nfs keyring' $? 11
	and_says 'is named as the cause' keyring failed 'Linux 6.16 or newer'
fi
mv /sbin/mount.nfstls /sbin/mount.away
nfstlskey doctor --noheadings >/tmp/doctor 2>&1
if [[ $VM_KERNEL == stock ]]; then
	and_says 'a host without mount.nfstls is told so' mount failed 'install mount.nfstls there'
else
	and_says 'a host without mount.nfstls needs none' mount ok 'tls_identity=IDENTITY'
fi
rm /sbin/mount.nfs
nfstlskey doctor --noheadings >/tmp/doctor 2>&1
is 'a host without mount.nfs' $? 1
and_says 'is told so' mount failed 'install nfs-common'
done_testing
