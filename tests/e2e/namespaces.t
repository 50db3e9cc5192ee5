#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# A keyring for each network namespace, and root of another namespace, who knows every serial, gets nothing from it.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

world_up
ip netns add other
in_other() { nsenter --net=/run/netns/other "$@"; }
ca_new root
file_key alice root
file_key mallory root

# --- the interface: request_key("nfs_keyring", ".nfs", "") ---
# keyring_of COMMAND...: the serial that the kernel names there
# shellcheck disable=SC2016 # for the shell inside
keyring_of() { "$@" keyctl session - sh -c 'keyctl print "$(keyctl request2 nfs_keyring .nfs "" @s)"' 2>>"$LOGS/keyctl"; }
ring=$(keyring_of on_client)
[[ $ring =~ ^[0-9]+$ ]]
result $? 'the kernel names a keyring'
is 'the same one each time' "$(keyring_of on_client)" "$ring"
[[ $(keyring_of in_other) =~ ^[0-9]+$ && $(keyring_of in_other) != "$ring" ]]
result $? 'another namespace has another'
is 'it is what it should be' "$(on_client keyctl rdescribe "$ring" | cut -d';' -f1,2,5)" 'keyring;0;.nfs'
nok 'another description' on_client keyctl session - keyctl request2 nfs_keyring .other '' @s
nok 'no callout information' on_client keyctl session - keyctl request nfs_keyring .nfs @s
ok 'the true serial can be added' on_client keyctl session - keyctl add nfs_keyring .nfs "$ring" @s
nok 'another serial cannot' on_client keyctl session - keyctl add nfs_keyring .nfs 1 @s
nok 'a user gets nothing' on_client setpriv --reuid=65534 --clear-groups \
	keyctl session - keyctl request2 nfs_keyring .nfs '' @s
nok 'nor does root without capabilities' on_client setpriv --bounding-set=-all \
	keyctl session - keyctl request2 nfs_keyring .nfs '' @s

# --- one name, two namespaces ---
ok 'alice is added here' nfstlskey add alice --cert "$PKI/alice.pem" --key "$PKI/alice.key"
ok 'an alice is added there' in_other nfstlskey add alice --cert "$PKI/mallory.pem" --key "$PKI/mallory.key"
is 'here is ours' "$(nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=alice
is 'there is theirs' "$(in_other nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=mallory
ok 'theirs is removed' in_other nfstlskey remove alice
is 'ours is still there' "$(nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=alice

# --- root of another namespace, and of the initial one ---
serials=$(nfstlskey show alice)
cert=${serials%,*} cert=${cert#*=} key=${serials##*=}
state() { nfstlskey list --json; on_client cat /proc/keys | grep nfs:x509 | sort; }
before=$(state)
for operation in "describe $key" "print $key" "pipe $key" "list $ring" "link $key @s" "link $ring @s" \
	"move $key $ring @s" "search $ring user nfs:x509:alice:privkey" "update $key x" "revoke $key" \
	"invalidate $key" "setperm $key 0x3f3f3f3f" "timeout $key 1" "clear $ring" "unlink $key $ring" \
	"padd user nfs:x509:alice:chain $ring" "restrict_keyring $ring" "chown $key 1" "revoke $cert"; do
	# shellcheck disable=SC2086 # words
	nok "another namespace: keyctl $operation" in_other keyctl session - keyctl $operation </dev/null
	# shellcheck disable=SC2086
	nok "the initial namespace: keyctl $operation" keyctl session - keyctl $operation </dev/null
done
is 'nothing of ours has changed' "$(state)" "$before"
on_client keyctl session - bash -c "keyctl request2 nfs_keyring .nfs '' @s >/dev/null
	keyctl pipe $key >/tmp/inside
	nsenter --net=/run/netns/other keyctl pipe $key >/tmp/outside" 2>>"$LOGS/keyctl"
[[ -s /tmp/inside ]]
result $? 'who possesses the keyring reads the key'
[[ ! -s /tmp/outside ]]
result $? 'and no longer when the session is taken along into another namespace'

# --- user namespaces ---
# shellcheck disable=SC2016 # for the shell inside
ok 'a user namespace that owns its network namespace provisions itself' unshare --user --map-root-user --net --mount bash -c '
	mount -t tmpfs run /run && nfstlskey add own --cert "$0" --key "$1" && nfstlskey show own' "$PKI/alice.pem" "$PKI/alice.key"
nok 'one that does not own it cannot' unshare --user --map-root-user nfstlskey list
done_testing
