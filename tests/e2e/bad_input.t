#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Bad input: one line, the exit status of nfstlskey(8), and a keyring that stays as it was.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

world_up
ca_new root
token_init lab
token_identity lab good root EC:prime256v1 01
good="pkcs11:token=lab;object=good?pin-source=$PIN_FILE"
nfstlskey add taken --pkcs11 "$good"

# bad TEXT STATUS PATTERN ARGUMENT...: for nfstlskey
bad() {
	local keys
	keys=$(keyring_keys)
	refuses "$1" "$2" "$3" nfstlskey "${@:4}"
	[[ $(keyring_keys) == "$keys" ]] || is "$1: the keyring is as it was" "$(keyring_keys)" "$keys"
}

# --- the URI ---
bad 'no such token' 7 "identity 'x'.*absent" add x --pkcs11 "pkcs11:token=nowhere?pin-source=$PIN_FILE"
bad 'no such key' 3 'no private key' add x --pkcs11 "pkcs11:token=lab;object=none?pin-source=$PIN_FILE"
token_init twin
token_init twin
bad 'two tokens with one label' 6 'serial=.*pkcs11:.*serial=' add x --pkcs11 "pkcs11:token=twin?pin-source=$PIN_FILE"
token_key lab one EC:prime256v1 07
token_key lab two EC:prime256v1 07
bad 'two keys with one id' 6 'object=one.*object=two|object=two.*object=one' add x \
	--pkcs11 "pkcs11:token=lab;id=%07?pin-source=$PIN_FILE"
bad 'a key without a certificate' 9 'does not belong' add x --pkcs11 "pkcs11:token=lab;object=one?pin-source=$PIN_FILE"
bad 'a public key' 2 'neither a private key nor a certificate' add x \
	--pkcs11 "pkcs11:token=lab;object=good;type=public?pin-source=$PIN_FILE"
bad 'a PIN in the URI' 2 'pin-source' add x --pkcs11 "pkcs11:token=lab;object=good?pin-value=$PIN"
status=0
[[ $(</tmp/tap.err) != *"$PIN"* ]] || status=1
result $status 'and it is not repeated'
bad 'no URI' 2 'not a well-formed PKCS#11 URI' add x --pkcs11 "http://token"
bad 'an attribute without a value' 2 'not a well-formed PKCS#11 URI' add x --pkcs11 'pkcs11:token'
bad 'an attribute that is none' 2 'not a well-formed PKCS#11 URI' add x --pkcs11 'pkcs11:tokens=lab'
bad 'a bad escape' 2 'not a well-formed PKCS#11 URI' add x --pkcs11 'pkcs11:id=%zz'
bad 'a space' 2 'not a well-formed PKCS#11 URI' add x --pkcs11 'pkcs11:token=my lab'
free_slot=$(softhsm2-util --show-slots | awk '/^Slot/ { slot = $2 } /Initialized: *no/ { print slot }')
bad 'an uninitialised token' 7 'not initialised' add x --pkcs11 "pkcs11:slot-id=$free_slot?pin-source=$PIN_FILE"
cp "$SOFTHSM" "$PKI/module.so"
bad 'a module from anywhere' 5 'outside the allowed places' add x --pkcs11 "pkcs11:token=lab?module-path=$PKI/module.so"

# --- the PIN: pkcs11-spy writes down what the token is asked ---
spy=$(echo /usr/lib/*/pkcs11-spy.so)
export PKCS11SPY=$SOFTHSM PKCS11SPY_OUTPUT=/tmp/spy
# logins: how many since the last time
logins() {
	grep -c ' C_Login$' /tmp/spy
	rm -f /tmp/spy
}
ok 'the right PIN' nfstlskey update taken --pkcs11 "pkcs11:token=lab;object=good?pin-source=$PIN_FILE&module-path=$spy"
is 'is asked for once to find the key, once to prove it' "$(logins)" 2
state=$(keyring_state)
(umask 077 && echo 123456 >/etc/nfs/wrong)
bad 'a wrong PIN' 8 'refused the PIN.*tried once' update taken \
	--pkcs11 "pkcs11:token=lab;object=good?pin-source=/etc/nfs/wrong&module-path=$spy"
is 'is tried once' "$(logins)" 1
bad 'no PIN' 8 'needs a PIN and there is none' update taken --pkcs11 "pkcs11:token=lab;object=good?module-path=$spy"
bad 'no PIN file' 8 'No such file' update taken --pkcs11 "pkcs11:token=lab;object=good?pin-source=/none&module-path=$spy"
install -m 0644 "$PIN_FILE" /etc/nfs/open
bad 'a PIN file that all can read' 8 'open to others' update taken \
	--pkcs11 "pkcs11:token=lab;object=good?pin-source=/etc/nfs/open&module-path=$spy"
install -m 0640 "$PIN_FILE" /etc/nfs/open
bad 'a PIN file that a group can read' 8 'open to others' update taken \
	--pkcs11 "pkcs11:token=lab;object=good?pin-source=file:/etc/nfs/open&module-path=$spy"
install -m 0600 -o nobody "$PIN_FILE" /etc/nfs/nobodys
bad 'a PIN file that is not of root' 8 'not owned by root' update taken \
	--pkcs11 "pkcs11:token=lab;object=good?pin-source=file:/etc/nfs/nobodys&module-path=$spy"
mkdir -m 0700 /etc/nfs/folder
bad 'a PIN file that cannot be read' 8 'not a regular file' update taken \
	--pkcs11 "pkcs11:token=lab;object=good?pin-source=file:/etc/nfs/folder&module-path=$spy"
is 'none of these is tried' "$(logins)" 0
unset PKCS11SPY PKCS11SPY_OUTPUT

# --- the files ---
file_key other root
head -c 200 "$PKI/other.pem" >"$PKI/short.crt"
head -c 100 "$PKI/other.key" >"$PKI/short.key"
: >"$PKI/empty"
head -c 1000 /dev/urandom >"$PKI/random"
openssl pkey -in "$PKI/other.key" -aes256 -passout pass:secret -out "$PKI/locked.key"
bad 'a certificate for another key of the token' 9 'does not belong' update taken --pkcs11 "$good" --cert "$PKI/other.pem"
bad 'a certificate for another key file' 9 'does not belong' add x --cert "$PKI/good.pem" --key "$PKI/other.key"
bad 'a truncated certificate' 10 'no readable certificate' add x --cert "$PKI/short.crt" --key "$PKI/other.key"
bad 'a truncated key' 10 'no readable private key' add x --cert "$PKI/other.pem" --key "$PKI/short.key"
bad 'an encrypted key' 10 'encrypted' add x --cert "$PKI/other.pem" --key "$PKI/locked.key"
bad 'a certificate of random bytes' 10 'no readable certificate' add x --cert "$PKI/random" --key "$PKI/other.key"
bad 'a key of random bytes' 10 'no readable private key' add x --cert "$PKI/other.pem" --key "$PKI/random"
bad 'an empty file' 10 'no readable certificate' add x --cert "$PKI/empty" --key "$PKI/other.key"
bad 'no file' 10 'No such file' add x --cert /none --key "$PKI/other.key"
is 'after all that the keyring is as it was' "$(keyring_state)" "$state"

template expired 'activation_date = "2020-01-01 00:00:00"' 'expiration_date = "2021-01-01 00:00:00"'
sed -i '/expiration_days/d' "$PKI/expired.tmpl"
file_key expired root
ok 'an expired certificate is taken' nfstlskey add expired --cert "$PKI/expired.pem" --key "$PKI/expired.key"
warning=$(</tmp/tap.out)
status=0
[[ $warning == *"identity 'expired': warning: the certificate expired on 2021-01-01"* ]] || status=1
result $status 'with a warning that names the day'
notes_sharing 'and with the note that the keyring is shared, if it is'

# --- the name, and the rest of the command line ---
long=$(printf 'n%.0s' {1..200})
ok 'a name of 200 bytes' nfstlskey add "$long" --cert "$PKI/other.pem" --key "$PKI/other.key"
bad 'a name of 201 bytes' 2 '1 to 200 bytes' add "n$long" --cert "$PKI/other.pem" --key "$PKI/other.key"
for name in '' 'a b' a:b 'a;b' a,b $'a\n' ä; do
	bad "the name '${name//$'\n'/\\n}'" 2 'name' add "$name" --cert "$PKI/other.pem" --key "$PKI/other.key"
done
bad 'a name that is taken' 4 "identity 'taken'.*there already" add taken --cert "$PKI/other.pem" --key "$PKI/other.key"
bad 'show of nobody' 3 'not on the .nfs keyring' show nobody
bad 'update of nobody' 3 'not on the .nfs keyring' update nobody --cert "$PKI/other.pem" --key "$PKI/other.key"
bad 'remove of nobody' 3 'not on the .nfs keyring' remove nobody
bad 'no command' 2 'which command'
bad 'an unknown command' 2 'unknown command' frobnicate
bad 'an unknown option' 2 'unknown option' add x --pin 1234
bad 'an option without its value' 2 'needs a value' add x --cert
bad 'an option of another command' 2 'does not take' list --cert "$PKI/other.pem"
bad 'no identity' 2 'which identity' show
bad 'two identities' 2 'unexpected' show a b
bad 'no key' 2 'which key' add x --cert "$PKI/other.pem"
bad 'two keys' 2 'not both' add x --key "$PKI/other.key" --pkcs11 "$good"

# --- the kernel ---
refuses 'not root' 5 'run it as root' on_client setpriv --reuid=65534 --clear-groups nfstlskey add x --pkcs11 "$good"
# without /proc/keys, which is how the keyring is found where the kernel cannot be asked
without_proc_keys=(on_client unshare --mount sh -c 'mount --bind /dev/null /proc/keys && nfstlskey list')
if [[ $VM_KERNEL == stock ]]; then
	refuses 'no NFS client in the kernel' 11 'no .nfs keyring' "${without_proc_keys[@]}"
else
	ok '/proc/keys is not needed' "${without_proc_keys[@]}"
	refuses 'root without capabilities' 5 'keyring: Operation not permitted' on_client setpriv --bounding-set=-all nfstlskey list
fi
state=$(keyring_state)
quota=$(cat /proc/sys/kernel/keys/root_maxkeys)
awk '$1 == "0:" { split($4, keys, "/"); print keys[1] + 1 }' /proc/key-users >/proc/sys/kernel/keys/root_maxkeys
refuses 'no quota for the keys' 1 'quota' nfstlskey add x --cert "$PKI/other.pem" --key "$PKI/other.key"
echo "$quota" >/proc/sys/kernel/keys/root_maxkeys
is 'leaves the keyring as it was' "$(keyring_state)" "$state"
done_testing
