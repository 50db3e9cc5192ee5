#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# A mount whose identity is updated: the next connection presents the new certificate, and nobody remounts.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
token_identity lab old root EC:prime256v1 01
token_identity lab new root rsa:2048 02
file_key file root

nfstlskey add lab --pkcs11 "pkcs11:token=lab;object=old?pin-source=$PIN_FILE"
serials=$(nfstlskey show lab)
ok 'it mounts' mount_as lab
ok 'a file is written and read back' works
is 'the server saw the old certificate' "$(server_saw)" CN=old

# reconnects TEXT SUBJECT
reconnects() {
	forget_peer
	server_restart
	ok "$1: a file is written and read back" works
	is "$1: the server saw its certificate" "$(server_saw)" "$2"
	is "$1: the mount was not made anew" "$(nfstlskey show lab)" "$serials"
}

ok 'another key of the token takes its place' nfstlskey update lab --pkcs11 "pkcs11:token=lab;object=new?pin-source=$PIN_FILE"
notes_sharing 'it says that the keyring is shared, if it is'
ok 'the connection that is up goes on' works
reconnects 'new key' CN=new

ok 'a key file takes its place' nfstlskey update lab --cert "$PKI/file.pem" --key "$PKI/file.key"
reconnects 'key file' CN=file

state=$(keyring_state)
nok 'an update that fails' nfstlskey update lab --cert "$PKI/old.pem" --key "$PKI/file.key"
is 'leaves everything as it was' "$(keyring_state)" "$state"
reconnects 'failed update' CN=file

ok 'it unmounts' umount /mnt/nfs
ok 'it is removed' nfstlskey remove lab
is 'nothing is left on the keyring' "$(keyring_keys)" ''
done_testing
