#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A newcomer's walk: what README.md and nfstlskey-tokens(7) say under "SoftHSM", "YubiKey", "TPM" and "A network HSM",
# typed word for word at a terminal, up to a mount. In the place of hardware: for a YubiKey the real ykman with the PIV
# session of a SoftHSM token (walk/ykman); for a TPM swtpm, with tpm2-abrmd as the kernel would manage its resources; for
# an HSM a copy of SoftHSM's module where a vendor's might be.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/tpm.sh
. /src/tests/e2e/tpm.sh

README=/src/README.md
MAN=/src/man/nfstlskey-tokens.7
PIN=27182818 # a YubiKey's has at most eight digits
SO_PIN=31415926
ADD_PIN_FILE=$(grep -o 'install -D [^`]*' $README)

# walk TITLE: its commands, of the README if it has them
walk() {
	local from=$README
	grep -qxF "### $1" $README || from=$MAN
	/src/tests/unit/walk_of "$from" "$1"
}

# What the terminal asks, and what a person types
ANSWERS=(
	'SO PIN: $' "$SO_PIN"
	"Security Officer's PIN: \$" "$SO_PIN"
	'requires security officer PIN.*PIN: $' "$SO_PIN"
	'management key .*: $' ''
	'challenge password: $' ''
	'PIN: $' "$PIN"
)
typed() { on_client /src/tests/e2e/walk/typist "$1" "${ANSWERS[@]}"; }

# type_walk TITLE: each command of it; and the CA answers a request as soon as there is one
type_walk() {
	local line command=
	while IFS= read -r line; do
		command+=$line$'\n'
		[[ $line != *\\ ]] || continue
		[[ $command == '#'* ]] || ok "$1: ${command%%$'\n'*}" typed "$command"
		[[ ! -e client.csr || -e client.pem ]] || ok "$1: the CA answers" answer client.csr
		command=
	done < <(walk "$1")
}

# answer REQUEST
answer() {
	template client
	cert_sign client root --load-request "$1" && cp "$PKI/client.pem" .
}

# newcomer TITLE: a host on which nobody did anything yet; then the walk, and the mount at its end is used
newcomer() {
	rm -rf /etc/nfs /root/walk
	mkdir /root/walk
	cd /root/walk || return
	ok "$1: $ADD_PIN_FILE" typed "$ADD_PIN_FILE"
	echo $PIN >/etc/nfs/lab.pin
	forget_peer
	type_walk "$1"
	is "$1: the server saw the certificate of the token" "$(server_saw)" CN=client
	date +%N >/mnt/date
	ok "$1: what is written to the mount is on the server" cmp /mnt/date /export/export/date
	is "$1: in the place of the private key is a handle" "$(payload lab privkey | grep -ac 'PKCS#11 Provider URI')" 1
	umount /mnt
	nfstlskey remove lab
}

world_up
ca_new root
server_start root
mkdir /export/export
# as systemd does, which gives tlshd no home
unset HOME
client_start root
export HOME=/root

newcomer SoftHSM

# --- a container: the token of that walk over a socket, and no way to it but that ---
another_client tenant
typed "$(walk 'A token behind a socket')" >/tmp/tap.out
MODULE=$(sed -n 's/^\.Dl ?module-path=//p' $MAN)
(
	CLIENT=tenant
	export SOFTHSM2_CONF=/dev/null
	export P11_KIT_SERVER_ADDRESS=unix:path=/run/nfs-token
	client_start root
	nfstlskey add tenant --pin-file /etc/nfs/lab.pin --pkcs11 "pkcs11:token=lab;object=nfs?module-path=$MODULE" &&
		mount_as tenant && works && server_saw
) >>/tmp/tap.out 2>&1
result $? 'a token behind a socket: it signs for a mount in another network namespace'
said 'a token behind a socket: the server saw its certificate' CN=client
umount /mnt/nfs
softhsm2-util --delete-token --token lab >>"$LOGS/token"

# --- a key file, whose identity moves to a token under its mount ---
title='From a key file to a token'
token_init lab
echo $PIN >/etc/nfs/lab.pin
file_key client root
cp "$PKI/client.key" lab.key
cp "$PKI/client.pem" lab.pem
nfstlskey add lab --cert lab.pem --key lab.key
on_client mount -t nfstls -o tls_identity=lab server:/export /mnt
type_walk "$title"
is "$title: in the place of the private key is a handle" "$(payload lab privkey | grep -ac 'PKCS#11 Provider URI')" 1
forget_peer
server_restart
ok "$title: the mount goes on" cmp /mnt/date /export/export/date
is "$title: the server saw its certificate" "$(server_saw)" CN=client
umount /mnt
nfstlskey remove lab
softhsm2-util --delete-token --token lab >>"$LOGS/token"

# --- a YubiKey, and what Debian's package would start, were systemd there ---
mkdir -p /run/dbus
dbus-daemon --system --fork
pcscd
export YUBIKEY_TOKEN='YubiKey PIV #123456' YUBIKEY_PIN=$PIN
token_init "$YUBIKEY_TOKEN"
PATH=/src/tests/e2e/walk:$PATH newcomer YubiKey
ok 'YubiKey: its module is there' grep -q 'module: ykcs11' <(p11-kit list-modules 2>&1)

# --- a TPM ---
tpm_start
mv "$TPM_MODULE_OFF" "$TPM_MODULE"
newcomer TPM

# ptool_token: the way that tpm2-pkcs11 itself documents
ptool_token() {
	tpm2_ptool addtoken --pid 1 --label ptool --sopin $SO_PIN --userpin $PIN &&
		tpm2_ptool addkey --algorithm ecc256 --label ptool --key-label nfs --userpin $PIN &&
		token_request ptool nfs ptool &&
		cert_sign ptool root --load-request "$PKI/ptool.csr" &&
		tpm2_ptool addcert --label ptool --key-label nfs "$PKI/ptool.pem"
}
ok 'TPM: a token that tpm2_ptool makes' ptool_token
ok 'TPM: it is added as well' nfstlskey add ptool --pkcs11 'pkcs11:token=ptool;object=nfs' --pin-file /etc/nfs/lab.pin
mounts_as ptool CN=ptool
mv "$TPM_MODULE" "$TPM_MODULE_OFF"

# --- a network HSM ---
mkdir -p /opt/vendor/lib
cp -L $SOFTHSM /opt/vendor/lib/pkcs11.so
rm /usr/share/p11-kit/modules/softhsm2.module
token_init lab
newcomer 'A network HSM'
ok 'A network HSM: systemd takes the drop-in' systemd-analyze verify --man=no nfstlskey-load.service
is 'A network HSM: and says nothing of it' "$(grep -i nfstls /tmp/tap.out)" ''
ok 'A network HSM: the identity waits for the network' \
	grep -q network-online.target /etc/systemd/system/nfstlskey-load.service.d/network.conf
done_testing
