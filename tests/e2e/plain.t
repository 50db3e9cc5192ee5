#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Nothing of ours: a key file put on the keyring with keyctl(1), and the tlshd of Debian 13 without the adapter, or one
# that was built. When this fails, the kernel, the root file system, the harness, or that tlshd is to blame.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

ADAPTER=
world_up
ca_new root
file_key lab root
server_start root
client_start root
openssl pkey -in "$PKI/lab.key" -outform DER -out "$PKI/lab.key.der"
raw_identity lab "$PKI/lab.der" "$PKI/lab.key.der"

serial() { possessing keyctl search "$(nfs_keyring)" user "nfs:x509:lab:$1"; }

mount_lab() {
	on_client mount -t nfs -o "vers=4.2,xprtsec=mtls,cert_serial=$(serial cert),privkey_serial=$(serial privkey),retry=0" \
		server:/ /mnt/nfs
}

# tlshd 1.4.0, as it was released, can use no certificate of the keyring: that is what the adapter mends
if tlshd_is 1.4.0; then
	nok 'tlshd 1.4.0 without the adapter does not mount' mount_lab
	ok 'its log says why' grep -q 'The request is invalid' "$LOGS/tlshd.client"
	done_testing
	exit
fi

ok 'it mounts' mount_lab
ok 'a file is written and read back' works
is 'the server saw the certificate' "$(server_saw)" CN=lab
ok 'the connection survives a restart of the server' server_restart
ok 'a file is written and read back again' works
ok 'it unmounts' umount /mnt/nfs
nok 'a mount without a certificate is refused' on_client mount -t nfs -o vers=4.2,xprtsec=tls,retry=0 server:/ /mnt/nfs
done_testing
