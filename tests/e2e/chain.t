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
done_testing
