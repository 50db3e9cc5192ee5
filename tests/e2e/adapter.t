#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# What the adapter, or a tlshd that does without it, leaves alone, and the handshake that it must not let pass.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

world_up
ca_new root
token_init lab
file_key client root
server_start root xprtsec=mtls:tls

# configured TEXT: a client that tlshd's own configuration names
configured() {
	client_start root "x509.certificate=$PKI/client.pem" "x509.private_key=$PKI/client.key"
	forget_peer
	ok "a configured certificate, $1: it mounts" on_client mount -t nfs -o vers=4.2,xprtsec=mtls server:/ /mnt/nfs
	ok "a configured certificate, $1: a file is written and read back" works
	is "a configured certificate, $1: the server saw it" "$(server_saw)" CN=client
	umount /mnt/nfs
	client_stop
}

token_identity lab token root rsa:2048
nfstlskey add token --pkcs11 "pkcs11:token=lab;object=token?pin-source=file:$PIN_FILE"
if [[ $VM_TLSHD == built ]]; then
	configured 'with the tlshd that was built'
else
	configured 'with the adapter'
	ADAPTER='' configured 'without the adapter'
	# No adapter, no token: the handle is a broken key
	ADAPTER='' client_start root
	nok 'without the adapter a handle does not mount' mount_as token retry=0
	client_stop
fi
client_start root
mounts_as token CN=token

# refused IDENTITY PATTERN: no mount, and the log says why
refused() {
	: >"$LOGS/tlshd.client"
	nok "$1: it does not mount" mount_as "$1" retry=0
	grep -q "identity '$1': no handshake:.*$2" "$LOGS/tlshd.client"
	result $? "$1: the log says why"
	grep 'no handshake:' "$LOGS/tlshd.client" | diag
}

# What is not the key's fault has its line too, with the token that was meant
ca_new other
client_stop
client_start other
refused token 'the TLS handshake failed: token "lab".*; see the server'
client_stop
client_start root

# A curve that TLS 1.3 has no scheme for: GnuTLS would go on without a certificate, and this server would let it pass
token_identity lab curve root EC:secp224r1 02
refuses 'a key on a curve that TLS 1.3 has not is not added' 9 'cannot sign as TLS 1.3 needs' \
	nfstlskey add curve --pkcs11 "pkcs11:token=lab;object=curve?pin-source=file:$PIN_FILE"
payload token privkey >/tmp/handle
uri=$(openssl asn1parse -inform DER -in /tmp/handle | sed -n 's/.*UTF8STRING *://p')
uri=${uri/object=token/object=curve}
handle_der "${uri/id=%01/id=%02}" >/tmp/handle
raw_identity curve "$PKI/curve.der" /tmp/handle
refused curve 'without our certificate'

# A handle by another name belongs to no identity, so nobody knows of a latch, and nobody logs in
cert=$(nfstlskey show token | sed 's/cert_serial=\([0-9]*\),.*/\1/')
key=$(payload token privkey | possessing keyctl padd user stray "$(nfs_keyring)")
possessing keyctl setperm "$key" 0x3f090000
: >"$LOGS/tlshd.client"
nok 'a handle of no identity: it does not mount' on_client mount -t nfs \
	-o "vers=4.2,xprtsec=mtls,cert_serial=$cert,privkey_serial=$key,retry=0" server:/ /mnt/nfs
grep -q "no handshake: .*keyring" "$LOGS/tlshd.client"
result $? 'a handle of no identity: the log says why'
grep 'no handshake:' "$LOGS/tlshd.client" | diag
possessing keyctl unlink "$key" "$(nfs_keyring)"

# A token that has unlearned what it could
sed -i 's/^slots.mechanisms.*/slots.mechanisms = CKM_RSA_PKCS,CKM_SHA256_RSA_PKCS/' /etc/softhsm/softhsm2.conf
refuses 'a key that cannot sign with PSS is not added' 9 'cannot sign' \
	nfstlskey add mute --pkcs11 "pkcs11:token=lab;object=token?pin-source=file:$PIN_FILE"
refused token 'cannot sign as TLS 1.3 needs'
done_testing
