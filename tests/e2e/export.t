#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rootfs: trixie sid
#
# What export writes, in the hands of OpenSSL: pkcs11-provider has the token sign, with the PIN from where the handle says,
# and the certificate that is in the same file verifies it.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/provider.sh
. /src/tests/e2e/provider.sh

world_up
ca_new root
ca_new middle root
file_key server root
token_init lab
diag < <(dpkg-query -W openssl pkcs11-provider)
provider_configure

# signs IDENTITY [OPTION...]: with the handle in IDENTITY.pem; and what it signed is what the certificate there verifies
signs() {
	head -c 1000 /dev/urandom >/tmp/data
	with_provider pkeyutl -sign -rawin "${@:2}" -inkey "/tmp/$1.pem" -in /tmp/data -out /tmp/signature &&
		openssl pkeyutl -verify -rawin "${@:2}" -certin -inkey "/tmp/$1.pem" -in /tmp/data -sigfile /tmp/signature
}

number=1
# exports NAME KEY-TYPE [PIN-OPTION...]: a key on the token becomes an identity, and that becomes NAME.pem
exports() {
	token_identity lab "$1" middle "$2" 0$((number++))
	cat "$PKI/$1.pem" "$PKI/middle.pem" >"$PKI/$1.chain"
	nfstlskey add "$1" --pkcs11 "pkcs11:token=lab;object=$1" --cert "$PKI/$1.chain" "${@:3}" && nfstlskey export "$1" >"/tmp/$1.pem"
}

ok 'an EC key is exported' exports ec EC:prime256v1 --pin-file "$PIN_FILE"
ok 'OpenSSL signs with it' signs ec -digest sha256
ok 'an RSA key is exported' exports rsa rsa:2048 --pin-file "$PIN_FILE"
ok 'OpenSSL signs with it' signs rsa -digest sha256
ok 'as in TLS 1.3' signs rsa -digest sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:digest
ok 'an Ed25519 key is exported' exports ed EC:edwards25519 --pin-file "$PIN_FILE"
ok 'OpenSSL signs with it' signs ed
nok 'the certificate of one verifies nothing of the other' \
	openssl pkeyutl -verify -rawin -certin -inkey /tmp/ec.pem -digest sha256 -in /tmp/data -sigfile /tmp/signature

# --- the PIN, and the token ---
mv "$PIN_FILE" "$PIN_FILE.away"
nok 'without the file that the handle names it cannot' signs ec -digest sha256
mv "$PIN_FILE.away" "$PIN_FILE"
ok 'with it it can' signs ec -digest sha256
mv /var/lib/softhsm/tokens /var/lib/softhsm/away && mkdir /var/lib/softhsm/tokens
nok 'nor without the token' signs ec -digest sha256
rmdir /var/lib/softhsm/tokens && mv /var/lib/softhsm/away /var/lib/softhsm/tokens
exports typed EC:prime256v1 --pin-fd 3 3<"$PIN_FILE" >/dev/null 2>&1
nok 'a handle without a PIN file has none to give' signs typed -digest sha256
provider_configure "pkcs11-module-token-pin = file:$PIN_FILE"
ok 'OpenSSL signs with it where its configuration does' signs typed -digest sha256

# --- TLS ---
openssl s_server -accept 4433 -naccept 1 -rev -tls1_3 -cert "$PKI/server.pem" -key "$PKI/server.key" \
	-CAfile "$PKI/root.pem" -Verify 3 -verify_return_error </dev/null >/tmp/s_server 2>&1 &
wait_for grep -q ACCEPT /tmp/s_server
ok 'OpenSSL does a handshake with the file: its key, certificate and chain' with_provider s_client \
	-connect localhost:4433 -tls1_3 -cert /tmp/rsa.pem -key /tmp/rsa.pem -cert_chain /tmp/rsa.pem \
	-CAfile "$PKI/root.pem" -verify_return_error
ok 'the server verified it' wait_for grep -q 'depth=0 CN *= *rsa' /tmp/s_server
is 'up to its root' "$(grep -c 'depth=[012]' /tmp/s_server)" 3
ok 'and took the handshake' grep -q '^CONNECTION ESTABLISHED' /tmp/s_server
diag </tmp/s_server
done_testing
