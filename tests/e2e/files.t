#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# Identities from files: a private key, and the PEM in which OpenSSL's pkcs11-provider names a key on a token.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/provider.sh
. /src/tests/e2e/provider.sh

world_up
ca_new root
server_start root
client_start root

file_key pem root --ecc
ok 'a key file in PEM is added' nfstlskey add pem --cert "$PKI/pem.pem" --key "$PKI/pem.key"
mounts_as pem CN=pem

file_key der root --rsa --bits 2048
openssl pkey -in "$PKI/der.key" -outform DER -out "$PKI/der.key.der"
ok 'a key file in DER is added' nfstlskey add der --cert "$PKI/der.der" --key "$PKI/der.key.der"
mounts_as der CN=der

token_init lab
provider_configure "pkcs11-module-path = $SOFTHSM" "pkcs11-module-token-pin = file:$PIN_FILE" \
	'pkcs11-module-encode-provider-uri-to-pem = true'
ok 'OpenSSL makes a key in the token' with_provider genpkey -propquery '?provider=pkcs11' -algorithm EC \
	-pkeyopt ec_paramgen_curve:P-256 -pkeyopt 'pkcs11_uri:pkcs11:token=lab;object=provider' -out "$PKI/provider.handle"
is 'and writes the PEM of a token handle' "$(head -n 1 "$PKI/provider.handle")" '-----BEGIN PKCS#11 PROVIDER URI-----'
token_request lab provider provider
cert_sign provider root --load-request "$PKI/provider.csr"
id=$(openssl asn1parse -in "$PKI/provider.handle" | sed -n 's/.*;id=%\([^;]*\);.*/\1/p' | tr -d %)
token_certificate lab provider provider "$id"
uri=$(openssl asn1parse -in "$PKI/provider.handle" | sed -n 's/.*UTF8STRING *://p')
refuses 'the PEM names no PIN file: it is not guessed' 8 'needs a PIN' \
	nfstlskey add provider --key "$PKI/provider.handle"
handle_der "$uri${uri:+?}pin-source=file:$PIN_FILE" | { echo '-----BEGIN PKCS#11 PROVIDER URI-----' && base64 -w 64 &&
	echo '-----END PKCS#11 PROVIDER URI-----'; } >"$PKI/provider.pin.handle"
ok 'the PEM with a pin-source is added' nfstlskey add provider --key "$PKI/provider.pin.handle"
mounts_as provider CN=provider

nfstlskey list | diag
done_testing
