#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# Identity files: written, loaded, loaded again, changed, wrong, and taken away.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

FILES=/etc/nfs/identities.d
world_up
ca_new root
ca_new middle root
token_init lab
token_identity lab lab root EC:prime256v1 01
file_key bob middle
chmod 600 "$PKI/bob.key"
lab="pkcs11:token=lab;object=lab"

# loads TEXT LINE...: load --all succeeds, and says that
loads() {
	ok "$1: load --all" nfstlskey load --all
	is "$1: says what it did" "$(grep -v warning /tmp/tap.out)" "$(printf '%s\n' "${@:2}")"
}
# check_says TEXT LINE PATTERN FILE-LINE...: one mistake of lab.conf, with its line, which load refuses as well
check_says() {
	local where=$FILES/lab.conf${2:+:$2}
	printf '%s\n' "${@:4}" >$FILES/lab.conf
	refuses "check-config: $1" 10 "^nfstlskey: $where: .*$3" nfstlskey check-config
}
forget() { possessing keyctl clear "$(nfs_keyring)"; }

# --- written by add ---
ok 'add --persist, from a token' nfstlskey add lab --pkcs11 "$lab" --pin-file "$PIN_FILE" --persist
is 'its file' "$(grep -v '^#' $FILES/lab.conf)" "pkcs11 = $lab"$'\n'"pin-file = $PIN_FILE"
is 'is closed to others' "$(stat -c '%a %U' $FILES/lab.conf)" '600 root'
cd "$PKI" || exit
ok 'add --persist, from files, by relative paths' nfstlskey add bob --cert bob.pem --key bob.key --persist
cd / || exit
is 'the paths are absolute' "$(grep -v '^#' $FILES/bob.conf)" "key = $PKI/bob.key"$'\n'"cert = $PKI/bob.pem"
is 'nothing else is left in the folder' "$(ls -A $FILES)" $'bob.conf\nlab.conf'
nok 'no secret is in a file' grep -rq -e "$PIN" -e PRIVATE $FILES
ok 'check-config finds nothing' nfstlskey check-config
serials=$(nfstlskey show lab)
loads 'what is there' 'bob: unchanged' 'lab: unchanged'
is 'the serials are what they were' "$(nfstlskey show lab)" "$serials"
ok 'by name, the token is asked' nfstlskey load lab bob
is 'and all is as it was' "$(grep -v warning /tmp/tap.out)" $'lab: unchanged\nbob: unchanged'

# --- after a boot ---
before=$(nfstlskey list --json)
forget
loads 'an empty keyring' 'bob: added' 'lab: added'
is 'it is what add put there' "$(nfstlskey list --json)" "$before"
notes_sharing 'it says that the keyring is shared, if it is' <(:)

# --- changed ---
echo "chain = $PKI/middle.pem" >>$FILES/bob.conf
loads 'a chain' 'bob: updated' 'lab: unchanged'
payload bob chain | cmp - <(certtool --certificate-info --infile "$PKI/middle.pem" --outder)
result $? 'the intermediate is on the keyring'
sed -i '/^chain/d' $FILES/bob.conf
token_identity lab next root rsa:2048 02
sed -i s/object=lab/object=next/ $FILES/lab.conf
loads 'another key' 'bob: updated' 'lab: updated'
sed -i s/object=next/object=lab/ $FILES/lab.conf
serials=$(nfstlskey show lab)
loads 'and back' 'bob: unchanged' 'lab: updated'
is 'the serials stay' "$(nfstlskey show lab)" "$serials"

# update changes the keyring alone
ok 'update, to what the file says' nfstlskey update bob --cert "$PKI/bob.pem" --key "$PKI/bob.key"
is 'says nothing of it' "$(grep -c 'says something else' /tmp/tap.out)" 0
ok 'update, of the certificate alone' nfstlskey update bob --cert "$PKI/bob.pem"
is 'says nothing of it either' "$(grep -c 'says something else' /tmp/tap.out)" 0
ok 'update, to something else' nfstlskey update bob --cert /etc/../$PKI/bob.pem --key "$PKI/bob.key"
said 'says that the file does not' "warning: $FILES/bob.conf says something else"

# what is there costs no login: the token may be away, and a certificate in a file is looked at all the same
cp "$PKI/lab.pem" /etc/nfs/lab.pem
echo 'cert = /etc/nfs/lab.pem' >>$FILES/lab.conf
mv "$PIN_FILE" "$PIN_FILE.away"
loads 'a certificate in a file' 'bob: unchanged' 'lab: unchanged'
mv "$PIN_FILE.away" "$PIN_FILE"
sleep 1.1 # another serial number
cert_sign lab root --load-request "$PKI/lab.csr"
cp "$PKI/lab.pem" /etc/nfs/lab.pem
loads 'which is renewed' 'bob: unchanged' 'lab: updated'
payload lab cert | cmp - "$PKI/lab.der"
result $? 'is the one on the keyring'

# and so is the key in a file
file_key bob middle
loads 'another key file, with its certificate' 'bob: updated' 'lab: unchanged'
is 'which is on the keyring' "$(payload bob privkey | openssl pkey -inform DER -pubout)" \
	"$(openssl pkey -in "$PKI/bob.key" -pubout)"
loads 'once' 'bob: unchanged' 'lab: unchanged'
cp "$PKI/bob.key" "$PKI/bob.aside"
cp "$PKI/middle.key" "$PKI/bob.key"
nok 'another one without' nfstlskey load --all
said 'is none for the certificate' "identity 'bob': the certificate does not belong to the private key"
said 'and keeps no other' 'lab: unchanged'
mv "$PKI/bob.aside" "$PKI/bob.key"
loads 'put right' 'bob: unchanged' 'lab: unchanged'

# --- the order of the folders ---
mkdir -p /run/nfs/identities.d /usr/lib/nfs/identities.d
printf 'key = %s\ncert = %s\n' "$PKI/bob.key" "$PKI/bob.pem" >/usr/lib/nfs/identities.d/vendor.conf
loads 'a file of a package' 'bob: unchanged' 'lab: unchanged' 'vendor: added'
printf 'pkcs11 = %s\npin-file = %s\n' "$lab" "$PIN_FILE" >/run/nfs/identities.d/vendor.conf
loads '/run comes before /usr/lib' 'bob: unchanged' 'lab: unchanged' 'vendor: updated'
refuses 'remove --persist leaves it alone' 5 'vendor.conf is not for nfstlskey to remove' nfstlskey remove vendor --persist
ln -s /dev/null $FILES/vendor.conf
loads '/etc comes before both, and can hide them' 'bob: unchanged' 'lab: unchanged'
rm $FILES/vendor.conf /run/nfs/identities.d/vendor.conf /usr/lib/nfs/identities.d/vendor.conf
nfstlskey remove vendor

# --- failures ---
refuses 'a name that is no file name' 2 'is no file name' nfstlskey add a/b --key "$PKI/bob.key" --cert "$PKI/bob.pem" --persist
ln -s bob.key "$PKI/a#b.key"
refuses 'a path that no file can say' 2 'cannot be persisted' \
	nfstlskey add carol --key "$PKI/a#b.key" --cert "$PKI/bob.pem" --persist
nfstlskey remove bob 2>/dev/null
ln -s bob.key "$PKI/bob.key "
refuses 'nor one that ends in a space' 2 "cannot be persisted: no file can say key '$PKI/bob.key '" \
	nfstlskey add carol --key "$PKI/bob.key " --cert "$PKI/bob.pem" --persist
refuses 'a file that is there' 4 'bob.conf is there already' \
	nfstlskey add bob --key "$PKI/bob.key" --cert "$PKI/bob.pem" --persist
ok 'load mends it' nfstlskey load bob
mount -t tmpfs -o ro none $FILES
refuses 'a folder that cannot be written' 1 'Read-only file system' \
	nfstlskey add carol --key "$PKI/bob.key" --cert "$PKI/bob.pem" --persist
umount $FILES
mount --bind $FILES $FILES
mount -o remount,bind,ro $FILES
refuses 'nor be emptied' 1 'its file: Read-only file system' nfstlskey remove bob --persist
umount $FILES
mount -t tmpfs -o ro none /etc/nfs
refuses 'nor be made' 1 'its file: Read-only file system' \
	nfstlskey add carol --key "$PKI/bob.key" --cert "$PKI/bob.pem" --persist
umount /etc/nfs
mount -t tmpfs -o size=4k none $FILES
echo full >$FILES/other
refuses 'a file system that is full' 1 'carol.conf: No space left on device' \
	nfstlskey add carol --key "$PKI/bob.key" --cert "$PKI/bob.pem" --persist
is 'and has nothing of it' "$(ls -A $FILES)" other
umount $FILES
mkdir /tmp/gone
refuses 'a folder that is gone, to which paths are relative' 1 'its file: No such file' sh -c "cd /tmp/gone && rmdir /tmp/gone &&
	exec nsenter --net=/run/netns/client nfstlskey add carol --key $PKI/bob.key --cert $PKI/bob.pem --persist"
is 'none of these is on the keyring' "$(nfstlskey list --noheadings | awk '{ print $1 }')" $'bob\nlab'
for ((room = 1; room < 20; room++)); do
	! with_room keys $room nfstlskey add carol --key "$PKI/bob.key" --cert "$PKI/bob.pem" --persist >/tmp/tap.out 2>&1 || break
	said "room for $room keys is too little" quota
	is 'nothing of it is left' "$(ls -A $FILES; nfstlskey list --noheadings | awk '{ print $1 }')" \
		$'bob.conf\nlab.conf\nbob\nlab'
done
ok 'there was a failure, and then there was room' [ "$room" -gt 2 -a "$room" -lt 20 ]
ok 'remove --persist' nfstlskey remove carol --persist
is 'no failure left a file' "$(ls -A $FILES)" $'bob.conf\nlab.conf'
is 'nor a key' "$(nfstlskey list --noheadings | awk '{ print $1 }')" $'bob\nlab'
nfstlskey remove bob 2>/dev/null
nok 'no room to load one' with_room keys 2 nfstlskey load bob
said 'is told' 'the key quota is used up'
ok 'and then there is' nfstlskey load bob
refuses 'an identity without a file' 3 'it has no file' nfstlskey load carol
refuses 'which?' 2 'which identity' nfstlskey load
refuses 'a PIN for all' 2 'a PIN is for one identity' nfstlskey load --all --pin-fd 0

forget
printf 'pkcs11 = pkcs11:token=gone\n' >$FILES/absent.conf
printf 'pkcs11 = pkcs11:token=lab;object=no?pin-source=%s\n' "$PIN_FILE" >$FILES/a-wrong.conf
nok 'load --all with an absent token and a wrong name' nfstlskey load --all
said 'goes on: bob' '^bob: added'
said 'goes on: lab' '^lab: added'
said 'names the one' "identity 'absent'"
said 'and the other' "identity 'a-wrong'"
nfstlskey load --all >/dev/null 2>&1
is 'the status is that of the token, which may come' $? 7
rm $FILES/absent.conf $FILES/a-wrong.conf

# a PIN that is refused is not tried again, by nobody
forget
(umask 077 && echo 000000 >/etc/nfs/wrong)
sed -i "s|^pin-file.*|pin-file = /etc/nfs/wrong|" $FILES/lab.conf
refuses 'a wrong PIN' 8 'refused' nfstlskey load lab
(umask 077 && echo "$PIN" >/etc/nfs/wrong)
refuses 'is not tried again' 8 'locked until nfstlskey unlock' nfstlskey load lab
nok 'neither by --all' nfstlskey load --all
refuses 'unlock takes no PIN for what is not loaded' 2 'it is not loaded; give the PIN to nfstlskey load' \
	nfstlskey unlock lab --pin-fd 3 3<<<"$PIN"
ok 'until a person says so' nfstlskey unlock lab
ok 'then it loads' nfstlskey load lab
is 'without a latch' "$(payload lab latch)" ''
sed -i "/^pin-file/d" $FILES/lab.conf
forget
refuses 'no PIN' 8 'PIN' nfstlskey load lab
ok 'one that is typed' nfstlskey load lab --pin-fd 0 <<<"$PIN"
is 'it is kept' "$(payload lab pin)" "$PIN"


# what add was told and no file keeps
nfstlskey remove lab --persist
ok 'add --persist with a PIN that is typed' nfstlskey add lab --pkcs11 "$lab" --pin-fd 3 --persist 3<<<"$PIN"
said 'says that the file has it not' 'its file holds no PIN; after a boot, type it with nfstlskey load lab'

# --- another namespace ---
another_client other
rm $FILES/lab.conf
printf 'netns = other\n' >>$FILES/bob.conf
forget
ok 'load for another namespace' nfstlskey load --all
said 'says which' '^bob: added in network namespace other'
is 'it is on the keyring there' "$(nsenter --net=/run/netns/other nfstlskey list --noheadings | wc -l)" 1
# shellcheck disable=SC2016 # for perl
ok 'whoever started it may ignore SIGCHLD' on_client perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' nfstlskey load bob
is 'and nowhere else, where each has its own' "$(nfstlskey list --noheadings | wc -l)" "$(by_kernel 1 0)"
# its process, which waits for the lock, is ended from outside
exec 9>/run/nfstlskey.lock
flock 9
(exec nsenter --net=/run/netns/client nfstlskey load bob) >/tmp/killed 2>&1 9>&- &
wait_for pgrep -P $!
pkill -KILL -P $!
wait $!
is 'a process of load that is killed' $? 1
is 'is a failure' "$(</tmp/killed)" "nfstlskey: identity 'bob': its process was ended by signal 9"
exec 9>&-
sed -i 's/^netns.*/netns = nowhere/' $FILES/bob.conf
refuses 'a namespace that is not there' 7 'no network namespace /run/netns/nowhere' nfstlskey load bob
sed -i /^netns/d $FILES/bob.conf

rmdir /run/nfs/identities.d
ln -s identities.d /run/nfs/identities.d
refuses 'a folder that cannot be read' 1 'the identity files: Too many levels of symbolic links' nfstlskey load --all
refuses 'nor checked' 1 'the identity files: Too many levels' nfstlskey check-config
rm /run/nfs/identities.d

# --- check-config ---
nfstlskey remove bob --persist >/dev/null 2>&1
key="key = $PKI/bob.key" cert="cert = $PKI/bob.pem"
check_says 'an unknown key' 2 "unknown key 'colour'" "$key" 'colour = red' "$cert"
check_says 'no key' '' 'neither pkcs11 nor key' "$cert"
check_says 'a private key alone' 1 'a private key needs its certificate' "$key"
check_says 'both sources' 2 'not both' "pkcs11 = $lab" "$key"
check_says 'a bad URI' 3 'URI scheme must be' '# a comment' '' 'pkcs11 = token=lab'
check_says 'a PIN in a URI' 1 'PIN' "pkcs11 = $lab?pin-value=1234"
check_says 'a PIN' 2 'a PIN does not belong here' "pkcs11 = $lab" 'pin = 1234'
check_says 'two PIN files' 2 'names a PIN file too' "pkcs11 = $lab?pin-source=$PIN_FILE" "pin-file = $PIN_FILE"
check_says 'a certificate that is missing' 2 'No such file' "$key" 'cert = /nowhere.pem'
check_says 'a chain that is missing' 3 'No such file' "$key" "$cert" 'chain = /nowhere.pem'
check_says 'a relative path' 2 'absolute path' "$key" 'cert = bob.pem'
check_says 'a URI for a path' 1 'a URI belongs behind pkcs11' "key = $lab" "$cert"
check_says 'a bad namespace' 3 'network namespace' "$key" "$cert" 'netns = a/b'
check_says 'a key that comes twice' '[12]' 'is there twice' "$cert" "$cert" "$key"
check_says 'a line that is none' '[123]' 'KEY = VALUE' "$cert" hello "$key"
check_says 'a comment behind a value' 1 'comment' "$cert # mine" "$key"
check_says 'a section' '' 'no sections' '[identity]' "$cert" "$key"
check_says 'no value' 1 'has no value' 'cert =' "$key"
chmod 644 /etc/nfs/wrong
check_says 'a PIN file that is open' 2 'open to others' "pkcs11 = $lab" 'pin-file = /etc/nfs/wrong'
check_says 'a PIN file of a URI that is open' 1 'open to others' "pkcs11 = $lab?pin-source=file:/etc/nfs/wrong"
chmod 644 "$PKI/bob.key"
check_says 'a private key that is open' 1 'open to others' "$key"
chmod 600 "$PKI/bob.key"
check_says 'a PIN file that is missing' 2 '/nowhere: No such file' "pkcs11 = $lab" 'pin-file = /nowhere'
check_says 'a PIN file that is none' 2 'is not a regular file' "pkcs11 = $lab" 'pin-file = /etc/nfs'
install -m 600 -o nobody "$PIN_FILE" /etc/nfs/nobodys
check_says "a PIN file that is somebody else's" 2 'not owned by root' "pkcs11 = $lab" 'pin-file = /etc/nfs/nobodys'
check_says 'a certificate that is a folder' 2 'is not a regular file' "$key" 'cert = /etc/nfs'
install -m 600 /dev/null "$PKI/nothing"
printf '%s\n' "key = $PKI/nothing" >$FILES/lab.conf
nok 'check-config: a key that is none' nfstlskey check-config
said 'says what' "$PKI/nothing holds no readable private key"
said 'and where' "lab.conf:1: $PKI/nothing cannot be read"
printf '%s\n' "$cert" 'chain = a' '' 'colour = red' "$key" 'netns = ..' >$FILES/lab.conf
nok 'check-config: more than one mistake' nfstlskey check-config
is 'they are told in their order' "$(sed -n 's/.*lab.conf:\([0-9]*\): .*/\1/p' /tmp/tap.out | tr '\n' ' ')" '2 4 6 '
refuses 'load tells the first' 10 'lab.conf:[0-9]*: .*see nfstlskey check-config' nfstlskey load lab
printf '%s\n' "$key" "$cert" >$FILES/lab.conf
chmod 600 $FILES/lab.conf
refuses 'whoever may not read it' 10 'lab.conf: ' setpriv --reuid=65534 --clear-groups nfstlskey check-config
chmod 664 $FILES/lab.conf
check_says 'a file that others can write' '' 'others than root can write it' "$key" "$cert"
refuses 'which load refuses too' 10 'others than root' nfstlskey load lab
ln -sf /nowhere $FILES/lab.conf
refuses 'check-config: a link that leads nowhere' 10 'lab.conf: No such file' nfstlskey check-config
rm $FILES/lab.conf
mkdir $FILES/lab.conf
refuses 'check-config: a folder' 10 'lab.conf: it is not a regular file' nfstlskey check-config
rmdir $FILES/lab.conf
printf '%s\n' "$key" "$cert" >"$FILES/a:b.conf"
refuses 'check-config: a bad name' 10 'a:b.conf: its name.*that of no identity' nfstlskey check-config
rm "$FILES/a:b.conf"

# --- taken away ---
printf '%s\n' "$key" "$cert" >$FILES/bob.conf
ok 'load again' nfstlskey load bob
ok 'remove without --persist' nfstlskey remove bob
said 'says that the file stays' 'bob.conf stays'
ok 'load again' nfstlskey load bob
ok 'remove --persist' nfstlskey remove bob --persist
is 'no file is left' "$(ls -A $FILES)" ''
is 'and no key' "$(keyring_keys)" ''
refuses 'there is nothing to remove' 3 'has no file' nfstlskey remove bob --persist
loads 'nothing to load'
done_testing
