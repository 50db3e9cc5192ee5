#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# The server knows the root alone: the client has to send the intermediates, wherever they came from.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

world_up
ca_new root
ca_new middle root
ca_new issuing middle
token_init lab
server_start root
client_start root

# sends_chain IDENTITY: two intermediates come with its certificate
sends_chain() {
	forget_peer
	ok "$1: it mounts" mount_as "$1"
	ok "$1: a file is written and read back" works
	ok "$1: the server was given three certificates" grep -q 'offered 3 certificate' "$LOGS/tlshd.server"
	ok "$1: it unmounts" umount /mnt/nfs
}

uri="pkcs11:token=lab;object=leaf?pin-source=file:$PIN_FILE"

token_identity lab leaf issuing EC:prime256v1
ok 'without intermediates it is added' nfstlskey add leaf --pkcs11 "$uri"
nok 'and the server refuses it' mount_as leaf

cat "$PKI"/{root,issuing,leaf,middle}.pem >"$PKI/chain"
ok 'a file with the chain, in any order, completes it' nfstlskey update leaf --pkcs11 "$uri" --cert "$PKI/chain"
sends_chain leaf
for ca in issuing middle; do
	openssl x509 -in "$PKI/$ca.pem" -outform DER -out "$PKI/$ca.der"
done
is 'two intermediates are on the keyring, issuer after issued, and no root' \
	"$(payload leaf chain | sha256sum)" "$(cat "$PKI"/{issuing,middle}.der | sha256sum)"

ok 'an update without them takes them away' nfstlskey update leaf --pkcs11 "$uri"
nok 'and the server refuses it again' mount_as leaf

for ca in issuing middle; do
	token_certificate lab "$ca" "$ca" "ca"
done
ok 'intermediates that the token holds are taken from it' nfstlskey update leaf --pkcs11 "$uri"
sends_chain leaf

file_key file issuing
cat "$PKI"/{file,issuing,middle}.pem >"$PKI/file.chain"
ok 'a key file has a chain too' nfstlskey add file --key "$PKI/file.key" --cert "$PKI/file.chain"
sends_chain file

# refused IDENTITY: no mount, and the log says why
refused() {
	: >"$LOGS/tlshd.client"
	nok "$1: it does not mount" mount_as "$1" retry=0
	grep -q "identity '$1': no handshake: not a readable certificate" "$LOGS/tlshd.client"
	result $? "$1: the log says why"
}
# deep NUMBER: an identity with so many intermediates
deep() { nfstlskey add "deep$1" --key "$PKI/deep$1.key" --cert "$PKI/deep$1.chain"; }
above=root
for ((i = 1; i <= 10; i++)); do
	ca_new "ca$i" "$above"
	above=ca$i
	((i >= 9)) || continue
	file_key "deep$i" "$above"
	cat "$PKI/deep$i.pem" "$PKI"/ca*.pem >"$PKI/deep$i.chain"
done
ok 'nine intermediates are sent' deep 9
nok 'there is nothing to warn of' grep -q warning:.*intermediates /tmp/tap.out
ok 'and taken' mount_as deep9
umount /mnt/nfs
ok 'more than that' deep 10
said 'are worth a warning' 'warning: there are 10 intermediates, and tlshd sends 9 at most'
nfstlskey verify deep10 >/tmp/tap.out 2>&1
is 'verify finds them' $? 10
refused deep10

payload file privkey >/tmp/privkey
raw_identity broken "$PKI/file.der" /tmp/privkey
raw_part broken chain <<<garbage >/dev/null
nfstlskey verify broken >/tmp/tap.out 2>&1
is 'a chain that cannot be read' $? 10
said 'is told' 'the intermediates cannot be read'
refused broken
done_testing
