#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rootfs: trixie sid
#
# RPCSEC_GSS inside of mutual TLS with the older daemon on the server, rpc.svcgssd, and what it cannot do.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/two.sh
. /src/tests/e2e/two.sh
# shellcheck source=tests/e2e/krb5.sh
. /src/tests/e2e/krb5.sh

# shellcheck disable=SC2034 # for lib.sh
NO_NFS3=()
krb5_world svcgssd
gssd_start
tickets dora fred gina
flavour krb5 3
flavour krb5i 4.0
flavour krb5p 4.2

# --- credentials that are too big for it: 32 KiB of groups, 2 KiB of ticket ---
ok 'alice mounts' mount_named alice 4.2 / /mnt/nfs sec=krb5
nok 'gina, who is in too many groups, does not write' as gina touch /mnt/nfs/gina
said 'as she gets no context' 'Permission denied'
writes dora next-to-gina
# the kernel's warning is wanted, and not on the console, where it would end the test
dmesg --console-level 1
nok 'fred, whose ticket is too long, does not write' as fred timeout 5 touch /mnt/nfs/fred
ok 'the kernel says why' grep -q 'credential too large - please use gssproxy' <(dmesg)
kadmin.local -q "addprinc -pw $PIN egon" >>"$LOGS/kadmin" 2>&1
tickets egon
nok 'then nobody does who has no context yet' as egon timeout 5 touch /mnt/nfs/egon
writes dora after-fred
ok 'it unmounts' umount /mnt/nfs
done_testing
