#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# nfstlskey-messages(7) says what mount and the log say when something is wrong: it is done, and they say it.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

PAGE=/src/man/nfstlskey-messages.7
URI='pkcs11:token=lab;object=alice'

# tells MESSAGE FILE...: it is in one of them, and has an entry in the page
tells() {
	grep -qE "^\.It Li (\\\\&)?$1( |\$)" $PAGE
	result $? "the page has: $1"
	grep -qF -- "$1" "${@:2}"
	result $? "it is said: $1"
}

# says MESSAGE LOGGED MOUNT-ARGUMENT...: the mount fails, and says so; and so does a log, unless it has nothing to say
says() {
	local logged=$2
	: >"$LOGS/tlshd.client"
	: >"$LOGS/tlshd.server"
	nok "it does not mount: ${logged:-$1}" on_client timeout 20 mount "${@:3}" /mnt/nfs
	tells "$1" /tmp/tap.out
	[[ -z $logged ]] || tells "$logged" "$LOGS"/tlshd.*
}
as() { echo -t nfstls -o "tls_identity=$1,vers=4.2" "${2-server:/}"; }
# shellcheck disable=SC2046 # several words
fails() { says 'access denied by server' "$1" $(as "${2-alice}" "${3-server:/}"); }
quietly() { "$@" 2>>"$LOGS/cli"; }

usual_world
ca_new stranger
token_identity lab alice root EC:prime256v1
file_key bob stranger
# shellcheck disable=SC2046
says 'it is not on the .nfs keyring' '' $(as nobody)
if [[ $VM_KERNEL == patched ]]; then
	says 'Required key not available' '' -t nfs -o xprtsec=mtls,tls_identity=nobody,vers=4.2 server:/
	tells 'there is no TLS identity' <(dmesg)
fi

# --- the PIN ---
quietly nfstlskey add alice --pkcs11 "$URI" --pin-file "$PIN_FILE"
chmod 644 "$PIN_FILE"
fails 'the pin-source cannot be used'
chmod 600 "$PIN_FILE"
echo 99999999 >"$PIN_FILE"
fails 'the token refused the PIN'
fails 'locked until nfstlskey unlock'
echo $PIN >"$PIN_FILE"
quietly nfstlskey unlock alice
quietly nfstlskey lock alice
fails 'locked until nfstlskey unlock'
is 'by whom' "$(grep -c 'locked with nfstlskey lock' "$LOGS/tlshd.client")" 1
quietly nfstlskey unlock alice
mounts_as alice CN=alice

# --- the token and its key ---
: >"$LOGS/tlshd.client"
mv /var/lib/softhsm/tokens /var/lib/softhsm/away
mkdir /var/lib/softhsm/tokens
# shellcheck disable=SC2046
on_client mount $(as alice) /mnt/nfs &
wait_for failures
tells 'the token is absent' "$LOGS/tlshd.client"
rmdir /var/lib/softhsm/tokens
mv /var/lib/softhsm/away /var/lib/softhsm/tokens
ended $!
result $? 'and the mount goes on when it is back'
umount /mnt/nfs
quietly nfstlskey add carol --pkcs11 "$URI" --pin-fd 3 --pin-timeout 1 3<"$PIN_FILE"
sleep 1.5
fails 'the token needs a PIN and there is none' carol
token_key lab gone EC:prime256v1 02
token_request lab gone gone
cert_sign gone root --load-request "$PKI/gone.csr"
quietly nfstlskey add gone --cert "$PKI/gone.pem" --pkcs11 'pkcs11:token=lab;object=gone' --pin-file "$PIN_FILE"
token_tool lab --delete-object --type privkey --id 02
fails 'no private key on the token matches the PKCS#11 URI' gone

# --- certificates: the server's, and ours ---
echo 192.0.2.1 alias >>/etc/hosts
fails 'the TLS handshake failed' alice alias:/
quietly nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key"
fails "$(tlshd_is 1.4.0 && echo 'Certificate revoked' || echo 'The certificate is NOT trusted')" bob

# --- an identity that is removed under its mount ---
# shellcheck disable=SC2046
ok 'it mounts' on_client mount $(as alice) /mnt/nfs
quietly nfstlskey remove alice
: >"$LOGS/tlshd.client"
dmesg --clear
server_restart
nok 'the server is restarted: it does not work' timeout 20 ls /mnt/nfs
said 'and says' 'Stale file handle'
if [[ $VM_KERNEL == patched ]]; then
	tells 'is missing from keyring' <(dmesg)
else
	tells 'keyctl_read_alloc: Required key not available' "$LOGS/tlshd.client"
fi
quietly nfstlskey add alice --pkcs11 "$URI" --pin-file "$PIN_FILE"
[[ $VM_KERNEL != patched ]] || ok 'it is added again: it works' works
umount --force --lazy /mnt/nfs

# --- tlshd ---
client_stop
# shellcheck disable=SC2046
says 'No such process' '' $(as alice)
ADAPTER='' client_start root
fails 'ASN1 parser: Error in TAG'
client_stop
NFSTLS_PKCS11_MODULES='/nowhere/*' client_start root
fails 'the PKCS#11 module lies outside the allowed places'
client_stop
client_start root
sed -i s/xprtsec=mtls/xprtsec=none/ /etc/exports
on_server exportfs -ra
# shellcheck disable=SC2046
says 'Operation not permitted' '' $(as alice)
done_testing
