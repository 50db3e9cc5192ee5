#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# A tenant: a user namespace that owns a network namespace. Its root provisions identities of its own, and its mounts name
# them; that the mount itself is made, and tlshd run, is up to the host, since NFS cannot be mounted from a user namespace
# without its leave (FS_USERNS_DELEGATABLE), and the handshake's netlink interface is for the host. A user namespace that
# does not own its network namespace gets neither the keyring nor a mount by name.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
file_key own root
file_key alice root
ok 'the host adds alice' nfstlskey add alice --cert "$PKI/alice.pem" --key "$PKI/alice.key"

# --- the tenant's world ---
tenant_up
install -o 100000 -m 0600 "$PKI/own.key" /tmp/own.key

# --- it provisions on its own ---
ok 'it adds an identity' in_tenant nfstlskey add own --cert "$PKI/own.pem" --key /tmp/own.key
ok 'and sees it' in_tenant nfstlskey show own
is 'and no other' "$(in_tenant nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=own
# shellcheck disable=SC2016 # for the shell inside
ring=$(in_tenant keyctl session - sh -c 'keyctl print "$(keyctl request2 nfs_keyring .nfs "" @s)"' 2>>"$LOGS/keyctl")
is 'the keyring belongs to uid 0 as it is seen inside' "$(in_tenant keyctl rdescribe "$ring" | cut -d';' -f1,2,5)" \
	'keyring;0;.nfs'
is 'and to the uid behind it as it is seen outside' \
	"$(CLIENT=tenant possessing keyctl rdescribe "$ring" | cut -d';' -f1,2,5)" 'keyring;100000;.nfs'
is 'its two keys are charged to it' "$(awk '$1 == "100000:" { sub("/.*", "", $4); print $4 }' /proc/key-users)" 2
is 'the host has but its own' "$(nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=alice

# --- mounting ---
CLIENT=tenant client_start root
mkdir -p /mnt/tenant
nok 'mount(8) inside is refused' in_tenant mount -t nfs -o vers=4.2,xprtsec=mtls,tls_identity=own,retry=0 server:/ /mnt/tenant
CLIENT=tenant forget_peer
ok 'the host mounts for it' env --chdir / nsenter --net=/run/netns/tenant \
	mount -t nfs -o vers=4.2,xprtsec=mtls,tls_identity=own server:/ /mnt/nfs
is 'the server saw its identity' "$(CLIENT=tenant server_saw)" CN=own
ok 'a file is written and read back' works
ok 'it unmounts' umount /mnt/nfs

# prepare_mount FOLDER OPTION...: says who and which descriptor it is; once it has read a line, mounts what was made of it
cat >/tmp/prepare_mount <<'PERL'
use strict;
my ($folder, @options) = @ARGV;
my ($move_mount, $fsopen, $fsconfig, $fsmount) = (429, 430, 431, 432);
my ($set_string, $empty_path, $type, $empty) = (1, 4, "nfs", "");
my $fs = syscall($fsopen, $type, 0);
die "fsopen: $!\n" if $fs < 0;
open my $log, "<&=", $fs or die;
for (@options) {
	my ($name, $value) = split /=/, $_, 2;
	next if syscall($fsconfig, $fs, $set_string, $name, $value, 0) == 0;
	my $error = "$!\n";
	sysread $log, my $message, 1000;
	die "$name: $error$message\n";
}
$| = 1;
print "$$ $fs\n";
<STDIN> or exit 1;
my $mount = syscall($fsmount, $fs, 0, 0);
die "fsmount: $!\n" if $mount < 0;
syscall($move_mount, $mount, $empty, -100, $folder, $empty_path) == 0 or die "move_mount: $!\n";
PERL
# create_mount PROCESS DESCRIPTOR: the step that takes the host's privileges
cat >/tmp/create_mount <<'PERL'
use strict;
my ($process, $descriptor) = @ARGV;
my ($pidfd_open, $pidfd_getfd, $fsconfig, $create) = (434, 438, 431, 6);
my $pidfd = syscall($pidfd_open, $process + 0, 0);
my $fs = syscall($pidfd_getfd, $pidfd, $descriptor + 0, 0);
die "pidfd_getfd: $!\n" if $fs < 0;
open my $log, "<&=", $fs or die;
syscall($fsconfig, $fs, $create, 0, 0, 0) == 0 and exit;
my $error = $!;
sysread $log, my $message, 1000;
die "create: $error\n$message\n";
PERL
options=(source=server:/ addr=192.0.2.1 clientaddr=198.51.100.2 vers=4.2 xprtsec=mtls)
# delegated IDENTITY-OPTIONS [COMMAND...]: the tenant prepares, another creates (through the command), the tenant mounts
delegated() {
	local process descriptor
	# shellcheck disable=SC2086 # words
	coproc PREPARE { in_tenant perl /tmp/prepare_mount /mnt/tenant "${options[@]}" $1; }
	read -r process descriptor <&"${PREPARE[0]}" || return
	if ! "${@:2}" perl /tmp/create_mount "$process" "$descriptor"; then
		kill "$PREPARE_PID"
		return 1
	fi
	echo >&"${PREPARE[1]}"
	wait "$PREPARE_PID"
}

CLIENT=tenant forget_peer
ok 'it prepares a mount by name, the host creates it, it mounts' delegated tls_identity=own env
is 'the server saw its identity' "$(CLIENT=tenant server_saw)" CN=own
ok 'the mount is inside, by name' in_tenant grep -q ' /mnt/tenant .*tls_identity=own,' /proc/mounts
ok 'and not outside' test -z "$(grep ' /mnt/tenant ' /proc/mounts)"
ok 'a file is written inside' in_tenant sh -c 'echo inside >/mnt/tenant/file && sync -f /mnt/tenant'
is 'and is on the server' "$(</export/file)" inside
ok 'it unmounts' in_tenant umount /mnt/tenant
nok 'it cannot create the mount itself' delegated tls_identity=own in_tenant
nok "it cannot name the host's alice" delegated tls_identity=alice env
said 'and is told why' 'no TLS identity "alice" on the ".nfs" keyring of this network namespace'
serials=$(nfstlskey show alice)
nok "nor her keys" delegated "${serials/,/ }" env
said 'and is told why' 'is not a live key of type "user" on the ".nfs" keyring of this network namespace'

# --- a user namespace in a network namespace that it does not own ---
in_unowned() { on_client unshare --user --map-root-user --mount "$@"; }
refuses 'without its own network namespace: nfstlskey' 5 'Operation not permitted' in_unowned nfstlskey list
nok 'request_key' in_unowned keyctl session - keyctl request2 nfs_keyring .nfs '' @s
# prepared OPTION...: which process and descriptor, when it can be prepared; nobody goes on from there
prepared() { echo | in_unowned perl /tmp/prepare_mount /mnt/tenant "${options[@]}" "$@"; }
nok 'it can prepare a mount, which nobody creates' prepared proto=tcp
said 'up to there' fsmount
for option in tls_identity=alice "${serials%,*}" "${serials#*,}"; do
	nok "but not with ${option%=*}=" prepared "$option"
	said 'and is told why' "${option%=*}= takes CAP_SYS_ADMIN in the user namespace that owns the network"
done
done_testing
