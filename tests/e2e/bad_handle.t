#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# A handle that is not as it should be, or a token that does not play: the handshake fails closed, tlshd's log says why
# in one line, and that line has nothing of the URI but the token's label and serial.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
token_identity lab client root EC:prime256v1
nfstlskey add good --pkcs11 "pkcs11:token=lab;object=client?pin-source=file:$PIN_FILE"
payload good privkey >/tmp/good
uri=$(openssl asn1parse -inform DER -in /tmp/good | sed -n 's/.*UTF8STRING *://p')

count=0
# fails_closed TEXT MOUNT-ERROR PATTERN: with the handle in /tmp/handle
fails_closed() {
	local name=bad$((count += 1)) line
	raw_identity "$name" "$PKI/client.der" /tmp/handle
	: >"$LOGS/tlshd.client"
	nok "$1: it does not mount" mount_as "$name" retry=0
	grep -qE "$2" /tmp/tap.out
	result $? "$1: mount says: $2"
	diag </tmp/tap.out
	line=$(grep 'no handshake:' "$LOGS/tlshd.client")
	diag <<<"$line"
	[[ $line =~ identity\ \'$name\'.*$3 && $(wc -l <<<"$line") -eq 1 ]]
	result $? "$1: the log says so, in one line"
	[[ ! $line =~ (object|type|id|pin-source|pin-value|module-path)= && $line != *"$PIN"* ]]
	result $? "$1: and nothing of the URI"
}
denied='access denied|Permission denied'

head -c -1 /tmp/good >/tmp/handle
fails_closed 'truncated' "$denied" 'not a well-formed token handle'
{ cat /tmp/good && printf '\0'; } >/tmp/handle
fails_closed 'a trailing byte' "$denied" 'not a well-formed token handle'
handle_der "$uri" 'PKCS#11 Provider URI v2.0' >/tmp/handle
fails_closed 'another description' "$denied" 'not a well-formed token handle'
handle_der "$uri@" | tr @ '\0' >/tmp/handle
fails_closed 'a NUL' "$denied" 'not a well-formed token handle'
handle_der "http:${uri#pkcs11:}" >/tmp/handle
fails_closed 'a foreign scheme' "$denied" 'not a well-formed PKCS#11 URI'
handle_der "$uri&pin-value=$PIN" >/tmp/handle
fails_closed 'a PIN' "$denied" 'carries a PIN'
handle_der "${uri/type=private/type=cert}" >/tmp/handle
fails_closed 'a certificate' "$denied" 'neither a private key'
cp "$SOFTHSM" /tmp/module.so
handle_der "${uri%%&module-path=*}&module-path=/tmp/module.so" >/tmp/handle
fails_closed 'a module from anywhere' "$denied" 'outside the allowed places'
handle_der "${uri/object=client/object=other}" >/tmp/handle
fails_closed 'a missing key' "$denied" 'no private key on the token'

token_key lab twin EC:prime256v1 01
handle_der "${uri/;object=client/}" >/tmp/handle
fails_closed 'two keys' "$denied" 'more than one private key'
cp /tmp/good /tmp/handle
(umask 077 && echo 123456 >"$PIN_FILE")
fails_closed 'a wrong PIN' "$denied" 'refused the PIN.*token "lab"'
chmod 0644 "$PIN_FILE"
fails_closed 'an open PIN file' "$denied" 'open to others'
rm "$PIN_FILE"
pin_file

# What may pass is tried again by the kernel: a soft mount ends, and the log has a line for each try
mv /var/lib/softhsm/tokens /var/lib/softhsm/away
mkdir /var/lib/softhsm/tokens
: >"$LOGS/tlshd.client"
nok 'no token: it does not mount' mount_as good soft,timeo=10,retrans=1,retry=0
grep -q 'timed out' /tmp/tap.out
result $? 'no token: mount says that it timed out'
grep -q "identity 'good': no handshake: the token is absent" "$LOGS/tlshd.client"
result $? 'no token: the log says so'
rmdir /var/lib/softhsm/tokens
mv /var/lib/softhsm/away /var/lib/softhsm/tokens

# The PIN that was refused came from the good identity's PIN file: nobody tries it again before a person says so
nok 'a PIN that was refused for another identity is not tried' mount_as good retry=0
grep -q "identity 'good': no handshake: locked until nfstlskey unlock.*(by identity 'bad11')" "$LOGS/tlshd.client"
result $? 'the log says so, and for which one'
ok 'it is unlocked' nfstlskey unlock good
ok 'the good handle mounts all the same' mount_as good
done_testing
