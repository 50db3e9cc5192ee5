#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ./dev demo runs in the virtual machine: the main job, as an administrator would type it. Each command is shown
# before it runs; the first that fails ends the demo.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
set -uo pipefail

STEP=0
title() {
	STEP=$((STEP + 1))
	printf '\n%d. %s\n' $STEP "$1"
}

# type_on HOST COMMAND-LINE: show it, run it on that host, show what it says
type_on() {
	printf '%s# %s\n' "$1" "$2" | sed 's/^/   /'
	if ! "on_$1" bash -c "set -o pipefail; $2" >/tmp/demo.out 2>&1; then
		sed 's/^/     /' /tmp/demo.out
		give_up 'this command failed'
	fi
	sed 's/^/     /' /tmp/demo.out
}

give_up() {
	printf '\nThe demo stopped at step %d: %s\n' "$STEP" "$1"
	tail -n 5 "$LOGS"/* 2>/dev/null
	exit 1
}

# prepare COMMAND...: what is there before the administrator comes
prepare() { "$@" || give_up "this failed: $*"; }

title 'Two hosts, each a network namespace: an NFS server that asks for a client certificate, and a client'
prepare world_up
prepare ca_new root
prepare server_start root
prepare client_start root
type_on server 'cat /etc/exports'
type_on client 'grep server /etc/hosts'
printf '   Both run Linux %s and tlshd %s. The server trusts the throw-away CA "root" alone.\n' \
	"$(uname -r)" "$(dpkg-query -W -f '${Version}' ktls-utils)"

title 'A token, and a key that is made in it. The PIN is in a file that root alone can read'
prepare pin_file
type_on client "ls -l $PIN_FILE"
type_on client "softhsm2-util --init-token --free --label lab --so-pin 31415926 --pin \"\$(cat $PIN_FILE)\""
type_on client "PIN=\$(cat $PIN_FILE) pkcs11-tool --module $SOFTHSM --token-label lab --login --pin env:PIN \\
    --keypairgen --key-type EC:prime256v1 --label laptop --id 01"

title 'The CA signs its certificate request, and the certificate goes onto the token'
prepare template laptop
type_on client "GNUTLS_PIN=\$(cat $PIN_FILE) certtool --generate-request --template $PKI/laptop.tmpl \\
    --load-privkey 'pkcs11:token=lab;object=laptop;type=private' \\
    --load-pubkey 'pkcs11:token=lab;object=laptop;type=public' --outfile $PKI/laptop.csr"
prepare cert_sign laptop root --load-request "$PKI/laptop.csr"
type_on client "openssl x509 -in $PKI/laptop.pem -noout -subject -issuer -enddate"
type_on client "PIN=\$(cat $PIN_FILE) pkcs11-tool --module $SOFTHSM --token-label lab --login --pin env:PIN \\
    --write-object $PKI/laptop.der --type cert --label laptop --id 01"

title 'The identity "lab" is added to the .nfs keyring, from the token'
type_on client "nfstlskey add lab --pkcs11 'pkcs11:token=lab?pin-source=file:$PIN_FILE'"
type_on client 'nfstlskey list'

title 'No key bytes are on the keyring: in the place of the private key it holds a PKCS#11 URI'
type_on client "keyctl session - sh -c 'keyctl link $(nfs_keyring) @s; keyctl pipe %user:nfs:x509:lab:privkey' 2>/dev/null |
    openssl asn1parse -inform DER"

title 'The client mounts with it: the token signs the TLS handshake'
type_on client "mount -t nfstls -o tls_identity=lab server:/ /mnt/nfs"
type_on client 'grep /mnt/nfs /proc/mounts'

title 'A file goes over the mount and comes back'
type_on client 'echo "signed for in a token" >/mnt/nfs/file'
type_on server 'cat /export/file'
type_on client 'echo 3 >/proc/sys/vm/drop_caches; cat /mnt/nfs/file'
[[ $(</mnt/nfs/file) == 'signed for in a token' ]] || give_up 'that is not what was written'

title 'Whom the server saw'
printf '   %s\n' "$(server_saw)"
[[ $(server_saw) == CN=laptop ]] || give_up 'that is not the certificate of the token'

title 'The end'
type_on client 'umount /mnt/nfs'
type_on client 'nfstlskey remove lab'
type_on client 'nfstlskey list'
printf '\nThe file was read back over a mount whose TLS handshake the token signed.\n'
