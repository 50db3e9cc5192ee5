#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rootfs: trixie sid
# kernel: stock patched
#
# RPCSEC_GSS inside of mutual TLS: users' own principals on a connection that is an identity's, with gssproxy on the server.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh
# shellcheck source=tests/e2e/krb5.sh
. /src/tests/e2e/krb5.sh

krb5_world gssproxy
refuses 'without rpc.gssd there is no mount' 32 'incorrect mount option' mount_named alice 4.2 / /mnt/nfs sec=krb5p
gssd_start
tickets dora fred gina
flavour krb5 4.0
flavour krb5i 4.1
flavour krb5p 4.2

# --- neither is enough ---
refuses 'Kerberos without TLS' 32 'not permitted' on_client mount -t nfs -o vers=4.2,sec=krb5p,retry=0 server:/ /mnt/nfs
refuses 'Kerberos in TLS that is not mutual' 32 'not permitted' \
	on_client mount -t nfs -o vers=4.2,sec=krb5p,xprtsec=tls,retry=0 server:/ /mnt/nfs
refuses 'mutual TLS without Kerberos' 32 'not permitted' mount_named alice 4.2 / /mnt/nfs sec=sys

# --- big credentials, and what is not in TLS: rpc.gssd speaks to the server by itself ---
ok 'alice mounts' mount_named alice 4.2 / /mnt/nfs sec=krb5p
kill -STOP "$CLIENT_TLSHD"
writes fred fred
writes gina ginas/gina
kill -CONT "$CLIENT_TLSHD"
umount /mnt/nfs

# --- two identities, one machine principal ---
forget_peer
ok 'alice mounts' mount_named alice 4.2 / /mnt/nfs sec=krb5p
is 'the server saw alice' "$(server_saw)" CN=alice
forget_peer
ok 'bob mounts' mount_named bob 4.2 /other /mnt/other sec=krb5p
is 'the server saw bob' "$(server_saw)" CN=bob
two_clients krb5p
ok 'dora writes on both, as nothing ties a user to an identity' as dora touch /mnt/nfs/dora /mnt/other/dora
echo 0 >/proc/sys/fs/leases-enable
exec {alices}<>/mnt/nfs/alices {bobs}<>/mnt/other/bobs
ok 'alice locks a file' flock -n "$alices"
ok 'bob locks a file' flock -n "$bobs"
owners=$(nfs4_clients name)
dmesg --clear
server_restart_in_grace
ok 'the server restarted, and waits for its clients' in_grace
ok 'alice goes on writing' writes_on "$alices" after
ok 'while others have to wait, as bob is not back' in_grace
ok 'bob goes on writing' writes_on "$bobs" after
ok 'both said that they have reclaimed all that they had' wait_for all_reclaimed
ok 'both have their locks' both_locked
is 'the clients are those of before' "$(nfs4_clients name)" "$owners"
writes dora dora-after
exec {alices}>&- {bobs}>&-
two_end krb5p

# --- another flavour below: the identity stays ---
mkdir /export/below
mount -t tmpfs -o mode=1777 below /export/below
exports '/export fsid=0,sec=sys:krb5i' '/export/below fsid=1,sec=krb5i'
ok 'alice mounts, without Kerberos' mount_named alice 4.2 / /mnt/nfs
ok 'which is so' grep -q ' /mnt/nfs .*,sec=sys,' /proc/mounts
writes dora below/dora
ok 'below it is Kerberos' grep -q " /mnt/nfs/below .*,sec=krb5i,xprtsec=mtls," /proc/mounts
is 'one connection' "$(connections | wc -l)" 1
ok 'it unmounts' umount --recursive /mnt/nfs

is 'the KDC was asked for the server by users, and by the machine as who the host is' "$(asked_for_server)" 'dora fred gina nfs/nfstls'
done_testing
