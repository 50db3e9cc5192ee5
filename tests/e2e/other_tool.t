#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# Another tool on the same keyring: the system calls by which the nfstlskey of ktls-utils 1.5.0 is known to work, each of
# which this kernel must answer as that tool wants. What one tool puts there, the other lists, shows, updates and removes.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
tenant_up

# other add|update NAME CERT KEY (both DER), other remove|show NAME, other list
cat >/tmp/other <<'PERL'
use strict;
my ($command, $name, @files) = @ARGV;
my ($ADD_KEY, $REQUEST_KEY, $KEYCTL) = (248, 249, 250);
my ($JOIN, $UPDATE, $SETPERM, $DESCRIBE, $LINK, $UNLINK, $SEARCH, $READ) = (1, 2, 5, 6, 8, 9, 10, 11);
my ($THREAD, $PROCESS) = (-1, -2);
my $type = "user";

# syscall() tells numbers from strings, and wants strings in variables
sub call {
	my ($what, @arguments) = @_;
	my $result = syscall $KEYCTL, @arguments;
	die "$what: $!\n" if $result < 0;
	return $result;
}

sub text {
	my ($what, $operation, $key) = @_;
	my $text = "\0" x 32767;
	my $length = syscall $KEYCTL, $operation, $key, $text, length $text;
	die "$what: $!\n" if $length < 0;
	return substr $text, 0, $length;
}

sub must_be {
	my ($key, $kind) = @_;
	my $description = text "describe", $DESCRIBE, $key;
	$description =~ /^$kind;0;\d+;[0-9a-f]+;\.nfs\0$/ or die "not a $kind of root: $description\n";
}

sub keyring {
	my ($kind, $description, $callout) = ("nfs_keyring", ".nfs", "");
	call "join", $JOIN, 0;
	my $key = syscall $REQUEST_KEY, $kind, $description, $callout, $THREAD;
	die "request_key: $!\n" if $key < 0;
	must_be $key, "nfs_keyring";
	my $serial = text "read the serial", $READ, $key;
	$serial =~ /^\d+$/ or die "not a serial: $serial\n";
	must_be $serial + 0, "keyring";
	call "link", $LINK, $serial + 0, $PROCESS;
	return $serial + 0;
}

sub find {
	my ($ring, $part) = @_;
	my $description = "nfs:x509:$name:$part";
	my $key = syscall $KEYCTL, $SEARCH, $ring, $type, $description, 0;
	die "search: $!\n" if $key < 0 && !$!{ENOKEY};
	return $key < 0 ? 0 : $key;
}

sub payload {
	local $/;
	open my $file, "<:raw", $_[0] or die "$_[0]: $!\n";
	return scalar <$file>;
}

my $ring = keyring;
if ($command eq "list") {
	for (unpack "i*", text "list", $READ, $ring) {
		print "$1\n" if text("describe", $DESCRIBE, $_ + 0) =~ /;nfs:x509:([^:]*):cert\0$/;
	}
	exit;
}
my %key = map {$_ => find $ring, $_} "cert", "privkey";
if ($command eq "add") {
	die "there already\n" if $key{cert} || $key{privkey};
	for my $part ("cert", "privkey") {
		my ($description, $payload) = ("nfs:x509:$name:$part", payload shift @files);
		$key{$part} = syscall $ADD_KEY, $type, $description, $payload, length $payload, $ring;
		die "add: $!\n" if $key{$part} < 0;
		call "setperm", $SETPERM, $key{$part}, 0x3f090000;
	}
}
die "not there\n" if !$key{cert} || !$key{privkey};
if ($command eq "update") {
	for my $part ("cert", "privkey") {
		my $payload = payload shift @files;
		call "update", $UPDATE, $key{$part}, $payload, length $payload;
	}
}
if ($command eq "remove") {
	call "unlink", $UNLINK, $key{$_}, $ring for "cert", "privkey";
} else {
	print "cert_serial=$key{cert},privkey_serial=$key{privkey}\n";
}
PERL
other() { on_client perl -MErrno /tmp/other "$@"; }

for name in alice bob; do
	file_key $name root
	openssl pkey -in "$PKI/$name.key" -outform DER -out "$PKI/$name.key.der"
done
alice=("$PKI/alice.der" "$PKI/alice.key.der")
bob=("$PKI/bob.der" "$PKI/bob.key.der")

# mount_named NAME
mount_named() { on_client mount -t nfs -o "vers=4.2,xprtsec=mtls,tls_identity=$1,retry=0" server:/ /mnt/nfs; }
# mounts_named NAME SUBJECT
mounts_named() {
	forget_peer
	ok "$1 mounts by name" mount_named "$1"
	is 'the server saw its certificate' "$(server_saw)" "$2"
	ok 'it unmounts' umount /mnt/nfs
}

# --- what the other tool adds ---
ok 'the other tool adds alice' other add alice "${alice[@]}"
serials=$(other show alice)
is 'ours shows her serials' "$(nfstlskey show alice)" "$serials"
is 'ours lists her' "$(nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=alice
is 'her keys have the permissions of ours' "$(keyring_keys | awk '{ print $4 }' | sort -u)" 3f090000
keyring_keys | diag
refuses 'ours does not add another' 4 'there already' nfstlskey add alice --cert "$PKI/bob.pem" --key "$PKI/bob.key"
mounts_named alice CN=alice
ok 'ours updates her' nfstlskey update alice --cert "$PKI/bob.pem" --key "$PKI/bob.key"
is 'under the same serials' "$(other show alice)" "$serials"
ok 'ours removes her' nfstlskey remove alice
nok 'she is gone for the other' other show alice
said 'as it says' 'not there'

# --- what ours adds ---
ok 'ours adds bob' nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key"
is 'the other lists him' "$(other list)" bob
is 'the other shows his serials' "$(other show bob)" "$(nfstlskey show bob)"
nok 'the other does not add another' other add bob "${bob[@]}"
said 'as it says' 'there already'
ok 'the other updates him' other update bob "${alice[@]}"
is 'ours shows the new certificate' "$(nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=alice
mounts_named bob CN=alice
ok 'the other removes him' other remove bob
is 'he is gone for ours' "$(nfstlskey list --noheadings)" ''
is 'and from the keyring' "$(keyring_keys)" ''

# It knows of no intermediates
ca_new middle root
file_key carol middle
cat "$PKI"/{carol,middle}.pem >"$PKI/carol.chain"
ok 'ours adds carol, with an intermediate' nfstlskey add carol --cert "$PKI/carol.chain" --key "$PKI/carol.key"
ok 'the other removes her' other remove carol
refuses 'ours says that half of her is left' 3 'half of it is missing' nfstlskey show carol
ok 'and removes that' nfstlskey remove carol
is 'nothing is left on the keyring' "$(keyring_keys)" ''

# --- elsewhere ---
install -d -o 100000 -m 0700 /tmp/tenant
cp "${alice[@]}" /tmp/tenant
chown -R 100000 /tmp/tenant
ok 'in a user namespace that owns its network namespace the other tool adds alice' \
	in_tenant perl -MErrno /tmp/other add alice /tmp/tenant/alice.der /tmp/tenant/alice.key.der
is 'and ours lists her' "$(in_tenant nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=alice
nok 'in one that does not it cannot' on_client unshare --user --map-root-user perl -MErrno /tmp/other list
said 'as request_key says' 'request_key: Operation not permitted'
done_testing
