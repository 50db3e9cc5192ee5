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
bad 'two PIN files' 8 'the URI names one already' add x \
	--pkcs11 "pkcs11:token=lab;object=good?pin-source=$PIN_FILE" --pin-file "$PIN_FILE"
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
head -c 1100000 /dev/zero >"$PKI/long.crt"
bad 'a file that is too long' 10 'not a regular file of at most 1 MiB' add x --cert "$PKI/long.crt" --key "$PKI/other.key"
# with_names NUMBER NAME: a certificate for the key of "other", with so many names
with_names() {
	openssl req -x509 -CA "$PKI/root.pem" -CAkey "$PKI/root.key" -key "$PKI/other.key" -subj "/CN=$2" \
		-addext "subjectAltName=$(seq -f 'DNS:host%g.example' -s , "$1")" -out "$PKI/$2.pem" 2>>"$LOGS/pki"
}
with_names 2000 large
bad 'a certificate that no key has room for' 10 'a kernel key holds 32767' add x --cert "$PKI/large.pem" --key "$PKI/other.key"
bad 'a private key without its certificate' 2 'needs --cert' add x --key "$PKI/other.key"
bad 'a private key with a PIN' 2 'needs no PIN' add x --cert "$PKI/other.pem" --key "$PKI/other.key" --pin-fd 3
{
	echo '-----BEGIN PKCS#11 PROVIDER URI-----'
	handle_der "pkcs11:token=lab?pin-value=$PIN" | base64
	echo '-----END PKCS#11 PROVIDER URI-----'
} >"$PKI/pin.handle"
bad 'a handle with a PIN' 2 'carries a PIN' add x --key "$PKI/pin.handle"
bad 'a PIN descriptor that is closed' 1 'reading the PIN: Bad file descriptor' update taken \
	--pkcs11 'pkcs11:token=lab;object=good' --pin-fd 9
bad 'one that has nothing to say' 2 'a PIN has 1 to 4096 bytes' update taken \
	--pkcs11 'pkcs11:token=lab;object=good' --pin-fd 3 3</dev/null
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
nok 'but not for as long as it is valid' nfstlskey add x --cert "$PKI/expired.pem" --key "$PKI/expired.key" --expire
said 'which is over' 'has expired; with --expire it would be gone at once'

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

bad 'a table of what is done' 2 'only what --dry-run would change' update taken --pkcs11 "$good" --json
bad 'a table of mount options' 2 'one line for mount -o' show taken --mount-options --raw
bad 'or what a probe finds' 2 'one line for mount -o' show taken --mount-options --probe
bad 'two PINs' 2 'one PIN is enough' add x --pkcs11 "$good" --pin-fd 3 --pin-file "$PIN_FILE"
bad 'a namespace that cannot be' 2 'neither a name nor an absolute path' list --netns ..
bad 'a namespace below a file' 1 'Not a directory' list --netns /etc/passwd/x
bad 'a column that there is not' 2 'no column' show taken -o COLOUR
bad 'doctor: a column that there is not' 2 'no column' doctor -o COLOUR

# --- keys that another tool, or a bug, has left there ---
raw_part keyless cert <"$PKI/other.der" >/dev/null
bad 'half an identity: export is of the certificate' 2 'which key' update keyless
bad 'half an identity: it has no key to renew' 3 'it has no private key' update keyless --cert "$PKI/other.pem"
bad 'half an identity: it has no PIN' 3 'its private key' unlock keyless
bad 'half an identity: nor can it be mounted' 3 'half of it is missing' show keyless --mount-options
raw_part certless privkey <"$PKI/other.der" >/dev/null
bad 'the other half: there is no certificate to export' 3 'has no certificate' export certless
bad 'a key on the keyring has no PIN to lock' 2 'not on a token' lock certless
payload taken cert | raw_part chained cert >/dev/null
payload taken privkey | raw_part chained privkey >/dev/null
echo garbage | raw_part chained chain >/dev/null
nok 'a chain that is none' nfstlskey export chained
said 'is said to be none, after the certificate' 'not a readable certificate'
handle_der "pkcs11:token=lab?pin-value=$PIN" >"$PKI/pin.der"
raw_identity secret "$PKI/good.der" "$PKI/pin.der"
bad 'a handle that carries a PIN: unlock' 10 'carries a PIN.*nfstlskey update' unlock secret
echo garbage | raw_part taken next >/dev/null
state=$(keyring_state)
for command in show export lock unlock; do
	bad "a change that cannot be ended: $command" 1 'cannot be read; nfstlskey remove it' $command taken
done
bad 'a change that cannot be ended: update' 1 'cannot be read' update taken --pkcs11 "$good"
bad 'a change that cannot be ended: add' 1 'cannot be read' add taken --pkcs11 "$good"
ok 'it can be removed' nfstlskey remove taken
is 'whole' "$(keyring_keys | grep -c nfs:x509:taken:)" 0
ok 'and added again' nfstlskey add taken --pkcs11 "$good"
for name in keyless certless chained secret; do nfstlskey remove $name; done
possessing keyctl revoke "$(nfstlskey show taken | sed 's/.*=//')"
bad 'a key that was revoked is none' 3 'half of it is missing' show taken
ok 'an update brings it back' nfstlskey update taken --pkcs11 "$good"
ok 'and it verifies' nfstlskey verify taken
key=$(nfstlskey show taken | sed 's/.*=//')
possessing keyctl setperm "$key" 0
for command in show 'remove --persist' 'update --cert /none' 'add --key /none' lock verify; do
	# shellcheck disable=SC2086 # words
	bad "a key that is closed: $command" 5 'looking it up: Permission denied' $command taken
done
possessing keyctl unlink "$key" "$(nfs_keyring)"
ok 'an update brings that back too' nfstlskey update taken --pkcs11 "$good"

# --- the lock ---
mv /run/nfstlskey.lock /run/lock.aside
ln -s /tmp/elsewhere /run/nfstlskey.lock
bad 'a lock that is a link' 1 'the lock file: Too many levels of symbolic links' remove taken
nok 'is not followed' [ -e /tmp/elsewhere ]
mv /run/lock.aside /run/nfstlskey.lock

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
refuses 'no quota for the keys' 1 'quota' with_room keys 1 nfstlskey add x --cert "$PKI/other.pem" --key "$PKI/other.key"
is 'leaves the keyring as it was' "$(keyring_state)" "$state"
# how many keys are made before it may be another one
for room in 2 3 4 5 6; do
	! with_room keys $room nfstlskey lock taken >/tmp/tap.out 2>&1 || break
	cat /tmp/tap.out
done >/tmp/failures
ok 'nor for a latch' grep -q 'no latch could be set' /tmp/failures
nfstlskey unlock taken

# a few bytes more each time, so that it ends at each step of a change
with_names 100 wide
# at_each_step TEXT ARGUMENT...: until there is room
at_each_step() {
	local room failed=()
	for ((room = 500; room < 12000; room += 500)); do
		! with_room bytes $room nfstlskey "${@:2}" >/tmp/tap.out 2>&1 || break
		grep -q 'quota is used up' /tmp/tap.out || failed+=("$room: $(</tmp/tap.out)")
		[[ $(keyring_state) == "$state" ]] || failed+=("$room: $(keyring_keys)")
	done
	is "$1: as it was after each failure" "$(printf '%s\n' "${failed[@]}")" ''
	ok "$1: there were some, and then there was room" [ $room -gt 1200 -a $room -lt 12000 ]
	diag <<<"$room bytes"
}
at_each_step 'add' add x --cert "$PKI/wide.pem" --key "$PKI/other.key"
state=$(keyring_state)
nfstlskey remove x
nfstlskey add x --cert "$PKI/other.pem" --key "$PKI/other.key"
state=$(keyring_state)
at_each_step 'update' update x --cert "$PKI/wide.pem" --key "$PKI/other.key"
done_testing
