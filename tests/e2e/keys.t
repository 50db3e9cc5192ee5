#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# The main job: keys of each kind in a token, each mounts with its own certificate.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

# signs_only IDENTITY: tlshd 1.0.0, on the server, hands the client's certificate to the kernel, which knows no Ed25519.
# The client can do no more than end its side of the handshake well.
signs_only() {
	: >"$LOGS/tlshd.client"
	: >"$LOGS/tlshd.server"
	nok "$1: this server cannot have it" mount_as "$1" retry=0
	ok "$1: but the token signed" grep -q 'Handshake with server .* was successful' "$LOGS/tlshd.client"
	ok "$1: and the server took the signature" grep -q 'Handshake with client .* was successful' "$LOGS/tlshd.server"
	ok "$1: it is the key for the kernel that it failed to make" grep -q 'add_key: Package not installed' "$LOGS/tlshd.server"
}

usual_world

id=1
for type in rsa:2048 rsa:3072 rsa:4096 EC:prime256v1 EC:secp384r1 EC:secp521r1 EC:edwards25519; do
	name=client-${type#*:}
	token_identity lab "$name" root "$type" "0$id"
	ok "$name: it is added" nfstlskey add "$name" --pkcs11 "pkcs11:token=lab;object=$name?pin-source=file:$PIN_FILE"
	notes_sharing "$name: it says that the keyring is shared, if it is"
	if [[ $type == EC:edwards25519 ]] && tlshd_is 1.0.0; then
		signs_only "$name"
	else
		mounts_as "$name" "CN=$name"
	fi
	id=$((id + 1))
done

nfstlskey list | diag
is 'seven identities are listed, on the token' "$(nfstlskey list --noheadings | grep -c 'token lab')" 7
is 'each with its type' "$(nfstlskey list --raw --noheadings --output TYPE | sort | tr '\n' ' ')" \
	'Ed25519 P-256 P-384 P-521 RSA-2048 RSA-3072 RSA-4096 '
done_testing
