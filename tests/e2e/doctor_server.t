#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nfstlskey doctor and servers that go wrong in the midst of it: one finding names the cause and what to do, it comes in
# time, and the token is asked no more often than where all is well.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/fault.sh
. /src/tests/e2e/fault.sh
# shellcheck source=tests/e2e/doctor.sh
. /src/tests/e2e/doctor.sh

ODD_SERVER=$(echo /usr/lib/*/nfstls-tests/odd_server)
CONDUCT=/run/odd
# where servers wait for what never comes, all at once
WAITERS=(silent drip tls-silent tls-drip inside-silent inside-drip inside-flood)

echo 'nameserver 127.0.0.1' >/etc/resolv.conf
mkdir $FAULTS $CONDUCT
world_up
ca_new root
ca_new stranger
token_init lab
token_identity lab client root EC:prime256v1
template server "$(printf 'dns_name = "%s"\n' "${WAITERS[@]}")"
file_key server root
template other
file_key other root
file_key rsa root --key-type=rsa --bits=2048
sed 's/"rsa"/"server"/' "$PKI/rsa.tmpl" >"$PKI/rsa_server.tmpl"
cert_sign rsa_server root --load-privkey "$PKI/rsa.key"
cp "$PKI/rsa.key" "$PKI/rsa_server.key"
sed -e '/expiration_days/d' -e '$a activation_date = "2020-01-01 00:00:00"\nexpiration_date = "2020-02-01 00:00:00"' \
	"$PKI/server.tmpl" >"$PKI/expired.tmpl"
file_key expired root
certtool --generate-self-signed --load-privkey "$PKI/server.key" --template "$PKI/server.tmpl" --outfile "$PKI/selfsigned.pem" \
	2>>"$LOGS/pki"
cp "$PKI/server.key" "$PKI/selfsigned.key"
client_start root
goes_well
nfstlskey add good --pkcs11 "$KEY&pin-source=file:$PIN_FILE" &>>"$LOGS/add"

# conduct ADDRESS WORDS: how the server treats whoever comes to this address; with what of the words is not said here
conduct() { echo "cert=$PKI/server,ca=$PKI/root.pem${2:+,$2}" >"$CONDUCT/$1"; }

# with_server WORDS TEXT STATUS STEP RESULT PATTERN [ARGUMENT...]: doctor, of good at a server that does so
with_server() {
	local text=$2
	conduct 192.0.2.1 "$1"
	: >$FAULTS/calls
	shift
	doctor_says "${@:1:5}" "${@:6}"
	no_more_logins "$text"
}

# no_more_logins TEXT: one for the check of the identity, one for the handshake, and each went well
no_more_logins() {
	[[ $(calls C_Login) -le 2 && $(calls C_Login) -eq $(calls C_Login 0x0 user) ]] || LOGINS+=" $1:$(calls C_Login)"
}
LOGINS=''

# odd WORDS TEXT STATUS STEP RESULT PATTERN: the same, for most
odd() { with_server "$1" "$2" "$3" "$4" "$5" "$6" good server:/; }

(exec nsenter --net=/run/netns/server "$ODD_SERVER" $CONDUCT) >>"$LOGS/odd" 2>&1 &
SERVER=$!
wait_for grep -q listening "$LOGS/odd"

odd '' 'a server that does all as it should' 0 accepted ok 'takes its certificate, and answers inside TLS'
is 'the token is asked twice' "$(calls C_Login)" 2

# --- before TLS ---
no_nfs() { echo "does not answer as an NFS server does .$1.; see what listens on its port 2049"; }
odd answer=gone 'it ends the connection at once' 1 tls failed "$(no_nfs 'Connection reset by peer')"
odd answer=close 'it ends it when it is asked' 1 tls failed "$(no_nfs 'Connection reset by peer')"
odd answer=reset 'it resets it' 1 tls failed "$(no_nfs 'Connection reset by peer')"
odd answer=garbage 'garbage' 1 tls failed "$(no_nfs 'Protocol error')"
odd answer=half 'half an answer' 1 tls failed "$(no_nfs 'Connection reset by peer')"
odd answer=large 'an answer that is too large' 1 tls failed "$(no_nfs 'Protocol error')"
odd answer=fragment 'an answer in fragments' 1 tls failed "$(no_nfs 'Protocol error')"
odd answer=another-call 'the answer to another call' 1 tls failed "$(no_nfs 'Protocol error')"
odd answer=plain 'without STARTTLS' 1 tls failed 'the server does no TLS; Linux does from 6.4 on'
odd answer=versions 'other versions of NFS' 1 tls failed 'the server does no TLS; Linux does from 6.4 on'
odd answer=denied 'it denies the call' 1 tls failed 'the server does no TLS; Linux does from 6.4 on'
odd answer=rpc-versions 'other versions of RPC' 1 tls failed 'the server does no TLS; Linux does from 6.4 on'

# --- in the handshake ---
no_cert() { echo "gave up before it showed a certificate .$1.; see whether tlshd runs there, and its log"; }
odd tls=gone 'STARTTLS, and the end' 1 handshake failed "$(no_cert 'Connection reset by peer')"
odd tls=close 'STARTTLS, and the end after our first message' 1 handshake failed "$(no_cert 'Connection reset by peer')"
odd tls=reset 'or a reset' 1 handshake failed "$(no_cert 'Connection reset by peer')"
odd tls=garbage 'garbage for a handshake' 1 handshake failed 'what it says is no handshake of TLS 1.3 .*; see what listens on its port 2049'
odd tls=starttls 'RPC for a handshake' 1 handshake failed 'what it says is no handshake of TLS 1.3 .*; see what listens on its port 2049'
odd tls=tls-alert 'an alert' 1 handshake failed "$(no_cert 'Internal error')"
odd cut=60 'half of its first message' 1 handshake failed "$(no_cert 'Connection reset by peer')"
odd cut=300 'half of what follows' 1 handshake failed "$(no_cert 'Connection reset by peer')"
odd cut=1020 'a certificate, and the end' 1 handshake failed 'the handshake broke off .Connection reset by peer.; see the log of its tlshd'
# it has not read all that we have sent, so that its end is a reset, which may come before its certificate
odd leaves=yes 'the end before it has heard who we are' 1 handshake failed '(the handshake broke off|gave up before it showed a certificate) .Connection reset by peer.; see'
odd versions=+VERS-TLS1.2 'TLS 1.2 alone' 1 handshake failed 'it does no TLS 1.3 that this host does too .Handshake failed.; update TLS there'
odd tls=tls-1.2 'TLS 1.2 whatever we say' 1 handshake failed 'it does no TLS 1.3 that this host does too .*; update TLS there'
odd alpn=h2 'TLS for something else' 1 handshake failed 'its TLS is not for RPC .*; see what listens on its port 2049'
odd alpn=none 'no ALPN at all, which tlshd does not mind' 0 accepted ok 'takes its certificate'
odd tickets=yes 'tickets to come back with' 0 accepted ok 'takes its certificate'

# --- its certificate ---
odd "cert=$PKI/other" 'a certificate of another name' 10 name failed 'is for DNS:other, and not for this name'
odd "cert=$PKI/expired" 'a certificate that is over' 10 certificate failed 'expired.*Is the clock of this host right'
odd "cert=$PKI/selfsigned" 'a certificate that it signed itself' 10 certificate failed "issued by 'CN=server', which is not in"

# --- ours ---
odd ask=no 'it does not ask who we are' 0 accepted warning 'does not ask who we are'
odd ask=must 'it insists' 0 accepted ok 'takes its certificate'
odd "ca=$PKI/stranger.pem" 'it names another CA, and takes ours' 0 accepted ok 'takes its certificate'
odd "ca=$PKI/stranger.pem,inside=alert" 'and does not' 10 accepted failed "refuses the certificate .CA is unknown.: it trusts 'CN=stranger'; have our CA"
odd inside=alert 'it refuses us by an alert' 10 accepted failed 'refuses the certificate .CA is unknown.; the log of its tlshd'
odd inside=alert-handshake 'or by another one' 10 accepted failed 'refuses the certificate .Handshake failed.; the log of its tlshd'
odd inside=alert-odd 'or by one without a name' 10 accepted failed 'refuses the certificate .A TLS fatal alert has been received..; the log of its tlshd'
odd inside=alert-gone 'and has gone by then' 10 accepted failed 'refuses the certificate .CA is unknown.; the log of its tlshd'
for i in {1..20}; do
	ca_new "ca$i"
done
cat "$PKI"/ca?.pem "$PKI"/ca??.pem >"$PKI/many.pem"
odd "ca=$PKI/many.pem,inside=alert" 'of many CAs some are named' 10 accepted failed "it trusts '[^;]*', and 15 more; have our CA"
for schemes in '' ,ask=must; do
	odd "cert=$PKI/rsa_server,schemes=+SIGN-RSA-PSS-RSAE-SHA256$schemes" "schemes that our key cannot do$schemes" \
		9 accepted failed 'was not sent: the key signs in no scheme that the server takes; '
done

ca_new between root
file_key carol between
cat "$PKI/carol.pem" "$PKI/between.pem" >"$PKI/carol_chain.pem"
nfstlskey add carol --cert "$PKI/carol_chain.pem" --key "$PKI/carol.key" &>>"$LOGS/add"
with_server '' 'a certificate with its intermediate' 0 accepted ok 'takes its certificate' carol server:/
with_server inside=alert 'whose root the server names' 10 accepted failed 'refuses the certificate .CA is unknown.; the log of its tlshd' \
	carol server:/

# --- words for a terminal ---
template mean "$(printf 'cn = "mean \e[31m"')"
sed -i 1d "$PKI/mean.tmpl"
file_key mean root
odd "cert=$PKI/mean" 'a name with an escape sequence' 10 name failed 'is for DNS:mean'

# --- inside of TLS ---
odd inside=gone 'the end after the handshake' 10 accepted failed 'ended the connection when it was to take the certificate .(Connection reset by peer|Broken pipe).; the log of its tlshd'
odd inside=close 'the end after the call' 10 accepted failed 'ended the connection when it was to take the certificate .(Connection reset by peer|Broken pipe).; the log of its tlshd'
odd inside=bye 'the end of TLS' 10 accepted failed 'ended the connection when it was to take the certificate .Connection reset by peer.; the log of its tlshd'
odd inside=reset 'a reset' 10 accepted failed 'ended the connection when it was to take the certificate .(Connection reset by peer|Broken pipe).; the log of its tlshd'
odd inside=half 'half an answer inside TLS' 1 accepted failed 'does not answer inside TLS .Connection reset by peer.; see whether nfsd'
for word in garbage large fragment another-call; do
	odd inside=$word "$word inside TLS" 1 accepted failed 'what the server answers inside TLS is not NFS; see what listens on its port 2049'
done
odd inside=versions 'other versions of NFS inside TLS' 0 accepted ok 'takes its certificate'

# --- nobody ---
file_key bob root
nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key" &>>"$LOGS/add"
with_server '' 'nobody is presented' 0 accepted warning 'nobody was presented to the server; name one IDENTITY' server:/
with_server ask=must 'to a server that insists' 1 accepted failed 'nobody was presented.* which insists .*; name one IDENTITY' server:/
with_server ask=no,inside=garbage 'nor to one that does not ask' 1 accepted failed 'what the server answers inside TLS is not NFS' server:/

is 'no more logins than that' "$LOGINS" ''

# --- what happens between the check of the identity and the handshake ---
# meanwhile COMMAND...: done when the server has taken doctor's connection, which is when it reads this
meanwhile() {
	rm $CONDUCT/192.0.2.1
	mkfifo $CONDUCT/192.0.2.1
	{ "$@" && echo "cert=$PKI/server,ca=$PKI/root.pem"; } >$CONDUCT/192.0.2.1 2>>"$LOGS/meanwhile" &
}
forget
meanwhile rules 'C_Sign 0x30'
doctor_says 'the token fails in the handshake' 1 handshake failed 'the token failed: .*C_Sign: .*0x30' good server:/
goes_well
meanwhile rules 'C_Login 0xa0'
doctor_says 'the PIN is refused there' 8 handshake failed 'refused' good server:/
is 'it was tried once' "$(calls C_Login 0xa0 user)" 1
goes_well
ok 'it is put right' nfstlskey unlock good
meanwhile eval 'nfstlskey remove good >&2'
doctor_says 'the identity is removed there' 1 handshake failed 'it could not be tried .*; try again' good server:/
nfstlskey add good --pkcs11 "$KEY&pin-source=file:$PIN_FILE" &>>"$LOGS/add"

# --- it lets us wait ---
since() { echo $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)); }
# waits: doctor for one of these servers; what it says, its status, and how long it took
waits() {
	local begin=$EPOCHREALTIME
	on_client timeout 60 nfstlskey doctor --noheadings good "$1:/" >"/tmp/waits.$1" 2>&1
	echo "status $? $(since)" >>"/tmp/waits.$1"
}
# waited TEXT HOST STEP PATTERN: it took 10 s, and what all of them at once take for the rest
waited() {
	local took
	mv "/tmp/waits.$2" /tmp/doctor
	took=$(sed -n 's/^status 1 //p' /tmp/doctor)
	[[ $took -gt 9500 && $took -lt 40000 && $(grep -c ' failed  ' /tmp/doctor) -eq 1 ]] && doctor_said "$3" failed "$4"
	doctor_result $? "$1"
}
i=11
for host in "${WAITERS[@]}"; do
	nsenter --net=/run/netns/server ip address add "192.0.2.$i/24" dev server0
	echo "192.0.2.$i $host" >>/etc/hosts
	case $host in
	tls-* | inside-*) conduct "192.0.2.$i" "tickets=yes,${host%%-*}=${host#*-}" ;;
	*) conduct "192.0.2.$i" "answer=$host" ;;
	esac
	i=$((i + 1))
	waits "$host" &
	PIDS+=($!)
done
wait "${PIDS[@]}"
waited 'no answer' silent tls "$(no_nfs 'Connection timed out')"
waited 'an answer that never ends' drip tls "$(no_nfs 'Connection timed out')"
waited 'no handshake' tls-silent handshake 'does not show a certificate .Connection timed out.; see whether tlshd'
waited 'a handshake that never ends' tls-drip handshake 'does not show a certificate .Connection timed out.; see whether tlshd'
waited 'no answer inside TLS' inside-silent accepted 'does not answer inside TLS .Connection timed out.; see whether nfsd'
waited 'an answer that never ends inside TLS' inside-drip accepted 'does not answer inside TLS .Connection timed out.; see whether nfsd'
waited 'tickets without end' inside-flood accepted 'does not answer inside TLS .Connection timed out.; see whether nfsd'

kill "$SERVER"
nok 'the server knew all words' grep 'what is' "$LOGS/odd"
[[ $TAP_FAILED -eq 0 ]] || diag <"$LOGS/odd"
done_testing
