#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# A keyring for each network namespace: how it is asked for, and that one name stands for two identities in two of them.
# What root of another namespace gets from it is in isolation.t.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

world_up
another_client other
in_other() { CLIENT=other on_client "$@"; }
ca_new root
file_key alice root
file_key mallory root
server_start root
client_start root
CLIENT=other client_start root
mkdir -p /mnt/other

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
# A host name of its own, as a container has: NFSv4 clients of one name would take the lease from each other
mount_alice() { on_client unshare --uts sh -c "hostname $CLIENT && mount -t nfs -o vers=4.2,xprtsec=mtls,tls_identity=alice server:/ $1"; }
forget_peer
ok 'alice mounts here' mount_alice /mnt/nfs
is 'the server saw our alice' "$(server_saw)" CN=alice
CLIENT=other forget_peer
CLIENT=other ok 'alice mounts there' mount_alice /mnt/other
is 'the server saw their alice' "$(CLIENT=other server_saw)" CN=mallory
is 'each has a connection' "$(connections | wc -l) $(CLIENT=other connections | wc -l)" '1 1'
is 'two clients' "$(nfs4_clients name | sort -u | wc -l)" 2
ok 'a file is written and read back' works
ok 'they unmount' umount /mnt/nfs /mnt/other
ok 'theirs is removed' in_other nfstlskey remove alice
is 'ours is still there' "$(nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=alice
done_testing
