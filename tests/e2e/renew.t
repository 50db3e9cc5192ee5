#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: sid
#
# A certificate is renewed alone, or with its key, and whatever an update or an add is stopped at, a handshake finds the
# old pair or the new one, whole. With sid's tlshd, whose log has the subject that a server saw: the two certificates of one
# key have one key identifier.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
token_identity lab lab root EC:prime256v1
file_key old root
file_key new root --key-type=rsa --bits=2048
lab=(--pkcs11 'pkcs11:token=lab;object=lab')
old=(--cert "$PKI/old.pem" --key "$PKI/old.key")
new=(--cert "$PKI/new.pem" --key "$PKI/new.key")

# other certificates of keys that have one
token_request lab lab renewed
cert_sign renewed root --load-request "$PKI/renewed.csr"
template renewed_file
cert_sign renewed_file root --load-privkey "$PKI/old.key"

# serials_of NAME
serials_of() { nfstlskey show "$1" 2>>"$LOGS/show"; }

# seen SERIALS: whom the server sees when they are mounted; no command of ours runs
seen() {
	forget_peer
	on_client mount -t nfs -o "vers=4.2,xprtsec=mtls,$1" server:/ /mnt/nfs >>"$LOGS/mount" 2>&1 && umount /mnt/nfs
	server_saw
}

# --- the certificate alone ---
add_with_pin() { nfstlskey add lab "${lab[@]}" --pin-fd 3 3<"$PIN_FILE"; }
ok 'an identity with a PIN in the kernel' add_with_pin
serials=$(serials_of lab)
pin=$(keyring_keys | grep :pin)
ok 'it mounts' mount_as lab
ok 'its certificate is renewed' nfstlskey update lab --cert "$PKI/renewed.pem"
is 'the PIN is what it was' "$(keyring_keys | grep :pin)" "$pin"
forget_peer
server_restart
ok 'the mount goes on' works
is 'with the new certificate' "$(server_saw)" CN=renewed
is 'under the same serials' "$(serials_of lab)" "$serials"
ok 'it unmounts' umount /mnt/nfs

state=$(keyring_state)
refuses 'a certificate of another key' 9 "identity 'lab'.*does not belong" nfstlskey update lab --cert "$PKI/new.pem"
refuses 'a PIN for a key that stays' 2 'the key stays, and so does its PIN' \
	nfstlskey update lab --cert "$PKI/lab.pem" --pin-prompt
refuses 'a certificate alone for nobody' 3 "identity 'who'" nfstlskey update who --cert "$PKI/lab.pem"
is 'all is as it was' "$(keyring_state)" "$state"
ok 'it is locked' nfstlskey lock lab
refuses 'no login is made for a certificate while it is' 8 "identity 'lab'.*locked" \
	nfstlskey update lab --cert "$PKI/lab.pem"
ok 'it is removed' nfstlskey remove lab

ok 'an identity with a key file' nfstlskey add lab "${old[@]}"
serials=$(serials_of lab)
is 'its certificate' "$(seen "$serials")" CN=old
ok 'is renewed' nfstlskey update lab --cert "$PKI/renewed_file.pem"
is 'and presented' "$(seen "$serials")" CN=renewed_file

# --- what it would do ---
state=$(keyring_state)
ok 'a rehearsal' nfstlskey update lab "${new[@]}" --dry-run
said 'it tells the certificate of now' 'certificate .*CN=renewed_file'
said 'and the one to come' 'CN=new'
is 'it changes nothing' "$(keyring_state)" "$state"
script -qec "stty cols 100; nsenter --net=/run/netns/$CLIENT nfstlskey update lab ${new[*]} --dry-run" /dev/null >/tmp/wide 2>&1
is 'on a terminal it is no wider than that' "$(tr -d '\r' </tmp/wide | awk 'length > 100' | wc -l) $(grep -c ^certificate /tmp/wide)" '0 1'
ok 'a rehearsal of a certificate alone' nfstlskey update lab --cert "$PKI/old.pem" --dry-run --json
said 'says that the key stays' '"part":"private key"\|"part": "private key"'
said 'as it is' '"unchanged"'
refuses 'a rehearsal fails where the update would' 9 'does not belong' \
	nfstlskey update lab --cert "$PKI/new.pem" --dry-run

# stopped HOW WHEN COMMAND...: that system call of those that read and change keys is never made, or fails
stopped() {
	local how=$1 when=$2
	shift 2
	on_client strace -f -qq -o /dev/null -e trace=add_key,keyctl -e "inject=add_key,keyctl:$how:when=$when" "$@" >/tmp/stopped 2>&1
}

# --- a time ---
# shellcheck disable=SC2016 # for awk
# times: of the parts that have one
times() { on_client awk '/ nfs:x509:lab:/ && $4 != "perm" { print $NF }' /proc/keys | wc -l; }
is 'there is no time unless it is asked for' "$(times)" 0
ok 'it goes with its certificate' nfstlskey update lab "${old[@]}" --expire
is 'then there is' "$(times)" 2
ok 'and without' nfstlskey update lab "${old[@]}"
is 'none again' "$(times)" 0
ok 'it goes with its certificate again' nfstlskey update lab "${old[@]}" --expire
fails=0 lost=''
until stopped error=EDQUOT $((fails + 1)) nfstlskey update lab "${new[@]}"; do
	fails=$((fails + 1))
	[[ $(times) -eq 2 ]] || lost+=" $fails"
done
is 'an update that fails leaves the time' "$lost" ''
ok 'it failed now and then' [ $fails -gt 5 ]
ok 'it is removed' nfstlskey remove lab

# --- stopped anywhere ---
parts() { keyring_keys | grep -c "x509:lab:"; }
state_of() { nfstlskey "$1" lab "${@:2}" >&2 && keyring_state; }

before=$(state_of add "${old[@]}" 2>>"$LOGS/add")
after=$(state_of update "${new[@]}" 2>>"$LOGS/add")
[[ -n $before && -n $after && $before != "$after" ]]
result $? 'two states to tell apart'
serials=$(serials_of lab)
# stop_update HOW: at each system call; counts in $stops, in $olds and $news what was found then
stop_update() {
	stops=0 olds=0 news=0 half=''
	while nfstlskey update lab "${old[@]}" >>"$LOGS/add" 2>&1 && ! stopped "$1" $((stops + 1)) nfstlskey update lab "${new[@]}"; do
		stops=$((stops + 1))
		case $1/$(seen "$serials") in
		*/CN=old) olds=$((olds + 1)) ;;
		signal=KILL/CN=new) news=$((news + 1)) ;;
		*) half+=" handshake:$stops" ;;
		esac
		[[ $(serials_of lab) == "$serials" ]] || half+=" serials:$stops"
		case $(keyring_state) in
		"$before" | "$after") ;;
		*) half+=" keys:$stops" ;;
		esac
	done
	echo "$stops stops, $olds times the old, $news times the new" | diag
}
stop_update signal=KILL
is 'an update that is killed leaves the old or the new' "$half" ''
[[ $olds -gt 5 && $news -gt 2 ]]
result $? 'it was killed before and after it counted'
stop_update error=EDQUOT
is 'an update that has no quota left leaves the old' "$half" ''

ok 'it is removed' nfstlskey remove lab
# the certificate and the key, or nothing at all
stops=0 none=0 whole=0 half=''
until stopped signal=KILL $((stops + 1)) nfstlskey add lab "${old[@]}"; do
	stops=$((stops + 1))
	if serials=$(serials_of lab); then
		whole=$((whole + 1))
		[[ $(seen "$serials") == CN=old && $(parts) -eq 2 ]] || half+=" handshake:$stops"
		nfstlskey remove lab
	else
		none=$((none + 1))
	fi
	[[ $(parts) -eq 0 ]] || half+=" keys:$stops"
done
echo "$stops stops, $none times none, $whole times whole" | diag
is 'an add that is killed leaves it whole, or nothing' "$half" ''
[[ $none -gt 5 && $whole -gt 2 ]]
result $? 'it was killed before and after it counted'

# --- no room, for real ---
state=$(keyring_state)
refuses 'no quota for an update' 1 "identity 'lab': .*[Qq]uota" with_room bytes 200 nfstlskey update lab "${new[@]}"
refuses 'no quota for an add' 1 "identity 'more': .*[Qq]uota" with_room bytes 200 nfstlskey add more "${new[@]}"
is 'the old is there' "$(keyring_state)" "$state"

# --- many of both ---
COUNT=50
serials=$(serials_of lab)
renew_often() {
	local i
	for ((i = 0; i < COUNT; i++)); do
		{ nfstlskey update lab "${new[@]}" && nfstlskey update lab "${old[@]}"; } >>"$LOGS/add" 2>&1 || echo "$i"
	done
}
renew_often >/tmp/renewed &
renewals=$!
why() { echo "$1" && tail -n 2 "$LOGS/mount" && tail -n 8 "$LOGS/tlshd.client"; }
failed=0 both=''
for ((i = 0; i < COUNT; i++)); do
	who=$(seen "$serials")
	[[ $who == CN=old || $who == CN=new ]] || { failed=$((failed + 1)) && why "$who" | diag; }
	both+="$who "
done
kill -0 $renewals 2>/dev/null
echo "updates went on to the end: $?" | diag
wait $renewals
is 'no update failed' "$(</tmp/renewed)" ''
is 'no handshake failed while keys were renewed' "$failed" 0
[[ $both == *CN=old* && $both == *CN=new* ]]
result $? 'both pairs were seen'
is 'nothing is left over' "$(parts)" 2
done_testing
