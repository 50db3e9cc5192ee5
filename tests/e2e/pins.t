#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# How often a PIN is tried, as the token counts it: a wrong one once, and not at all when that could lock it.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/fault.sh
. /src/tests/e2e/fault.sh

WRONG=141421356237
REFUSED=0xa0

# pin_is PIN: what the file has from now on
pin_is() { (umask 077 && echo "$1" >"$PIN_FILE"); }

# tried TEXT [LOGIN...]: these logins, and no others
tried() {
	local wanted=''
	[[ $# -lt 2 ]] || wanted=$(printf '%s,' "${@:2}")
	is "$1: $(($# - 1)) logins" "$(sed -n 's/^C_Login [0-9]* //p' $FAULTS/calls | tr '\n' ,)" "$wanted"
	forget
}

# use: the mount, for as long as one handshake may take
use() { timeout -s KILL 20 ls /mnt/nfs; }

fault_world

# --- a mount that is there, and a PIN that is wrong all at once ---
ok 'hard mount: it mounts' mount_as good
tried 'hard mount' "0x0 user"
pin_is $WRONG
count=0
for i in {1..10}; do
	server_restart
	! use 2>/dev/null || count=$((count + 1))
done
is 'server restarted ten times: nobody gets through' $count 0
client_stop
client_start root # which forgets the log
nok 'tlshd restarted: nobody gets through' use
[[ $(handshakes) -gt 0 ]]
result $? 'tlshd restarted: a handshake was tried'
tried 'server restarted ten times, then tlshd' "$REFUSED user"
pin_is "$PIN"
nok 'the PIN is right again: it has to be unlocked' use
tried 'not unlocked'
ok 'unlock' nfstlskey unlock good
tried 'unlock' '0x0 user'
ok 'the mount is there again' wait_for works
tried 'the mount is there again' '0x0 user'
umount /mnt/nfs

# --- a latch that would have no room: other keys come and go, so that there may be some for one login, and then one is set ---
pin_is $WRONG
forget
for room in 'bytes 60' 'bytes 60' 'bytes 400' 'keys 1'; do
	# shellcheck disable=SC2086 # two words
	with_room $room mount_as good $SOON >>/tmp/tap.out 2>&1
done
ok 'no room for a latch: one login at most' [ "$(calls C_Login)" -le 1 ]
[[ $(failures) == *'no PIN is tried without room for a latch: '* ]]
result $? 'no room for a latch: it says so'
pin_is "$PIN"
ok 'room for a latch: unlock' nfstlskey unlock good
ok 'room for a latch: it mounts' mount_as good
umount /mnt/nfs
forget

# --- a change that was never brought to its end, as by a kill: what does it later takes no latch away ---
serials=$(nfstlskey show good)
by_serials() { on_client mount -t nfs -o "vers=4.2,xprtsec=mtls,$serials,$SOON" server:/ /mnt/nfs; }
{ payload good cert && payload good privkey; } >/tmp/next
possessing keyctl setperm "$(raw_part good next </tmp/next)" 0x3f010000
pin_is $WRONG
forget
nok 'a change is not at its end' by_serials
tried 'a change is not at its end' "$REFUSED user"
ok 'it is brought there' nfstlskey show good
nok 'it is brought there: the latch stays' by_serials
tried 'it is brought there: the latch stays'
pin_is "$PIN"
ok 'it is brought there: unlock' nfstlskey unlock good
forget

# --- many at once ---
names=()
for i in {1..20}; do
	names+=("many$i")
	nfstlskey add "many$i" --pkcs11 "$KEY&pin-source=file:$PIN_FILE" >>"$LOGS/add" 2>&1
	mkdir "/mnt/many$i"
done
pin_is $WRONG
forget
mount_many() {
	local name mounts=()
	for name in "${names[@]}"; do
		on_client mount -t nfs -o "vers=4.2,xprtsec=mtls,$(nfstlskey show "$name" 2>/dev/null),retry=0" server:/ "/mnt/$name" &
		mounts+=($!)
	done
	wait "${mounts[@]}"
}
mount_many >/tmp/tap.out 2>&1
is 'twenty at once: all are refused' "$(grep -c 'access denied' /tmp/tap.out)" 20
grep -v 'access denied' /tmp/tap.out | diag
wait_for all_told
is 'twenty at once: each is told' "$(failures | grep -c 'refused the PIN\|locked until nfstlskey unlock')" "$(handshakes)"
tried 'twenty at once, with the same PIN file' "$REFUSED user"
pin_is "$PIN"
ok 'unlock one' nfstlskey unlock many1
forget
for name in many1 many20 good; do
	ok "unlock one: $name mounts" mount_as $name retry=0
	umount /mnt/nfs
done
tried 'unlock one' '0x0 user' '0x0 user' '0x0 user'

# --- two network namespaces, each with a keyring of its own where the kernel has that ---
another_client other
in_other() { nsenter --net=/run/netns/other "$@"; }
ok 'another namespace' in_other nfstlskey add there --pkcs11 "$KEY&pin-source=file:$PIN_FILE"
(exec env LD_PRELOAD="$ADAPTER" nsenter --net=/run/netns/other tlshd -s -c /etc/tlshd.client) >"$LOGS/tlshd.other" 2>&1 &
wait_for grep -q 'priority string' "$LOGS/tlshd.other"
serials=$(in_other nfstlskey show there)
mount_there() { in_other mount -t nfs -o "vers=4.2,xprtsec=mtls,$serials,$SOON" server:/ /mnt/nfs; }
pin_is $WRONG
forget
nok 'another namespace: a wrong PIN' mount_as good $SOON
nok 'another namespace: the same PIN' mount_there
tried 'another namespace: the same PIN' "$REFUSED user"
pin_is "$PIN"
nok 'another namespace: not before somebody unlocks it' mount_there
tried 'another namespace: not before somebody unlocks it'
ok 'another namespace: unlock here' nfstlskey unlock good
ok 'another namespace: it mounts there' mount_there
umount /mnt/nfs
in_other nfstlskey remove there
kill $!
forget

# --- what the token says of its PIN: CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED ---
for flags in 0x20000 0x40000 0x60000; do
	goes_wrong "flags $flags"
	never "flags $flags"
	told "flags $flags" 'the PIN is locked or about to be; it was not tried: '
	tried "flags $flags"
	refuses "flags $flags: unlock" 8 'not tried' nfstlskey unlock good
	tried "flags $flags: unlock"
done
goes_wrong 'flags 0x10000'
ok 'a count that is low' mount_as good retry=0
tried 'a count that is low' '0x0 user'
umount /mnt/nfs
ok 'a count that is low: verify' nfstlskey verify good
said 'a count that is low: warns' 'pin *warning accepted, but a wrong one was given before'
well_again 'then'

# --- a token that neither says that a PIN is wrong nor counts: CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED ---
for code in 0x5 0x6; do
	goes_wrong "C_Login $code"
	never "login fails with $code"
	never "login fails with $code: and again"
	tried "login fails with $code" "$code user"
	goes_well
	ok "login fails with $code: unlock" nfstlskey unlock good
	well_again "login fails with $code"
done

# --- a PIN that the kernel keeps ---
ok 'a PIN by a descriptor' nfstlskey update good --pkcs11 "$KEY" --pin-fd 3 3<<<"$PIN"
forget
ok 'a PIN by a descriptor: it mounts' mount_as good retry=0
umount /mnt/nfs
tried 'a PIN by a descriptor' '0x0 user'
ok 'it is a PIN of nobody else' nfstlskey add filed --pkcs11 "$KEY&pin-source=file:$PIN_FILE"
refuses 'a PIN for one that has a PIN file' 2 'its PIN is that of file:.*; correct it there' nfstlskey unlock filed --pin-fd 3 3<<<"$PIN"
tried 'a PIN for one that has a PIN file' '0x0 user' '0x0 user'
nfstlskey remove filed
refuses 'unlock of nobody' 3 'not on the .nfs keyring' nfstlskey unlock nobody
ok 'with a time limit' nfstlskey update good --pkcs11 "$KEY" --pin-fd 3 --pin-timeout 3 3<<<"$PIN"
ok 'with a time limit: it mounts' mount_as good retry=0
umount /mnt/nfs
sleep 3
forget
never 'after that time'
told 'after that time' 'the token needs a PIN and there is none: '
tried 'after that time'
refuses 'unlock with a wrong PIN' 8 'refused the PIN' nfstlskey unlock good --pin-fd 3 3<<<$WRONG
tried 'unlock with a wrong PIN' "$REFUSED user"
ok 'unlock' nfstlskey unlock good --pin-fd 3 3<<<"$PIN"
forget
ok 'unlock: it mounts' mount_as good retry=0
tried 'unlock: it mounts' '0x0 user'
umount /mnt/nfs
ok 'lock' nfstlskey lock good
never 'locked'
told 'locked' 'locked until nfstlskey unlock: .*; if the PIN was refused, correct it before'
tried 'locked'
ok 'unlock again' nfstlskey unlock good --pin-fd 3 3<<<"$PIN"
well_again 'unlock again'

# --- a key that wants the PIN for each signature ---
token_tool lab --keypairgen --key-type EC:prime256v1 --label always --id 02 --always-auth
token_request lab always always
cert_sign always root --load-request "$PKI/always.csr"
ok 'CKA_ALWAYS_AUTHENTICATE: it is added' nfstlskey add always --cert "$PKI/always.pem" \
	--pkcs11 "${KEY/client/always}&pin-source=file:$PIN_FILE"
forget
ok 'CKA_ALWAYS_AUTHENTICATE: it mounts' mount_as always retry=0
umount /mnt/nfs
is 'CKA_ALWAYS_AUTHENTICATE: one signature' "$(calls C_Sign)" 1
tried 'CKA_ALWAYS_AUTHENTICATE' '0x0 user' '0x0 context'
goes_wrong "C_Login $REFUSED after 1"
never 'refused for the signature' always
tried 'refused for the signature' '0x0 user' "$REFUSED context"
goes_well
never 'and never again' always
tried 'and never again'
ok 'until unlock' nfstlskey unlock always
ok 'unlock: it mounts' mount_as always retry=0
done_testing
