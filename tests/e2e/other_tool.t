#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Another tool on the same keyring: the system calls that the nfstlskey of ktls-utils 1.5.0 was seen to make, each of
# which this kernel must answer as that tool wants. What one tool puts there, the other lists, shows, updates and removes;
# what the other knows nothing of and leaves behind is in nobody's way.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world

# other add|update NAME CERT KEY (both DER), other remove|show NAME, other list
cat >/tmp/other <<'PERL'
use strict;
my ($command, $name, @files) = @ARGV;
my ($ADD_KEY, $REQUEST_KEY, $KEYCTL) = (248, 249, 250);
my ($JOIN, $UPDATE, $SETPERM, $DESCRIBE, $LINK, $UNLINK, $SEARCH, $READ) = (1, 2, 5, 6, 8, 9, 10, 11);
my ($THREAD, $PROCESS) = (-1, -2);
my $type = "user";

# syscall() tells numbers from strings, and wants strings in variables; not in copies of them, where it is to write
sub call {
	my $what = shift;
	my $result = syscall $KEYCTL, @_;
	die "$what: $!\n" if $result < 0;
	return $result;
}

# first the size, then the text
sub text {
	my ($what, $operation, $key) = @_;
	my $text = "\0" x call $what, $operation, $key, 0, 0;
	call $what, $operation, $key, $text, length $text;
	return $text;
}

sub must_be {
	my ($key, $kind) = @_;
	my $description = text "describe", $DESCRIBE, $key;
	$description =~ /^$kind;0;\d+;[0-9a-f]+;\.nfs\0$/ or die "not a $kind of root: $description\n";
}

# 0 where the kernel does not know the type; nor does it when it is asked for a module
sub named_by_kernel {
	my ($kind, $description, $callout) = ("nfs_keyring", ".nfs", "");
	my $key = syscall $REQUEST_KEY, $kind, $description, $callout, $THREAD;
	$key = syscall $REQUEST_KEY, $kind, $description, $callout, $THREAD
		if $key < 0 && $!{ENOKEY} && system(qw(modprobe -q nfs)) == 0;
	die "request_key: $!\n" if $key < 0 && !$!{ENOKEY};
	return 0 if $key < 0;
	must_be $key, "nfs_keyring";
	my $serial = text "read the serial", $READ, $key;
	$serial =~ /^\d+$/ or die "not a serial: $serial\n";
	return $serial + 0;
}

sub shared_by_all {
	my ($kind, $description, $found) = ("keyring", ".nfs", "\0" x 1023);
	syscall $REQUEST_KEY, $kind, $description, 0, 0;
	open my $keys, "<", "/proc/keys" or die "/proc/keys: $!\n";
	for (<$keys>) {
		next if !/^([0-9a-f]+) .* keyring +\.nfs: /;
		my $serial = hex $1;
		call "describe", $DESCRIBE, $serial, $found, length $found;
		return $serial if $found =~ /^keyring;\d+;\d+;[0-9a-f]+;\.nfs\0/;
	}
	die "no keyring\n";
}

sub keyring {
	call "join", $JOIN, 0;
	my $ring = named_by_kernel || shared_by_all;
	must_be $ring, "keyring";
	call "link", $LINK, $ring, $PROCESS;
	return $ring;
}

sub find {
	my ($ring, $name, $part) = @_;
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
		my ($name, $part) = text("describe", $DESCRIBE, $_ + 0) =~ /^user;.*;nfs:x509:(.+):(cert|privkey)\0$/ or next;
		print "$name\n" if $part eq "cert" || !find $ring, $name, "cert";
	}
	exit;
}
my %key = map {$_ => find $ring, $name, $_} "cert", "privkey";
if ($command eq "add") {
	die "there already\n" if $key{cert} || $key{privkey};
	for my $part ("cert", "privkey") {
		my ($description, $payload) = ("nfs:x509:$name:$part", payload shift @files);
		$key{$part} = syscall $ADD_KEY, $type, $description, $payload, length $payload, $ring;
		die "add: $!\n" if $key{$part} < 0;
		call "setperm", $SETPERM, $key{$part}, 0x3f090000;
	}
}
die "not there\n" if !$key{cert} && !$key{privkey};
if ($command eq "remove") {
	$key{$_} && call "unlink", $UNLINK, $key{$_}, $ring for "cert", "privkey";
	exit;
}
die "half of it\n" if !$key{cert} || !$key{privkey};
if ($command eq "update") {
	for my $part ("cert", "privkey") {
		my $payload = payload shift @files;
		call "update", $UPDATE, $key{$part}, $payload, length $payload;
	}
}
print $command eq "show" ? "cert_serial=$key{cert},privkey_serial=$key{privkey}\n"
	: "$name: cert_serial=$key{cert} privkey_serial=$key{privkey}\n";
PERL
other() { on_client perl -MErrno /tmp/other "$@"; }

ca_new middle root
for name in alice bob; do
	file_key $name root
	# it stores an EC key as RFC 5915 has it
	openssl ec -in "$PKI/$name.key" -outform DER -out "$PKI/$name.key.der" 2>>"$LOGS/pki"
done
file_key carol middle
cat "$PKI"/{carol,middle}.pem >"$PKI/carol.chain"
token_identity lab lab middle EC:prime256v1
cat "$PKI"/{lab,middle}.pem >"$PKI/lab.chain"
alice=("$PKI/alice.der" "$PKI/alice.key.der")
bob=("$PKI/bob.der" "$PKI/bob.key.der")
alice_files=(-c "$PKI/alice.pem" -k "$PKI/alice.key")
bob_files=(-c "$PKI/bob.pem" -k "$PKI/bob.key")

# add_lab: with all that the other tool knows nothing of
add_lab() {
	nfstlskey add lab --pkcs11 'pkcs11:token=lab;object=lab' --cert "$PKI/lab.chain" --pin-fd 3 3<"$PIN_FILE" 2>>"$LOGS/add"
}
cells() { nfstlskey list --raw --noheadings --output "$1" | sed 's/ *$//'; }
# what possesses the keyring sees the PIN too
left() { possessing sh -c "for key in \$(keyctl rlist $(nfs_keyring)); do keyctl rdescribe \$key; done" | sed 's/.*nfs:x509://' | sort | paste -sd ' '; }
# mounts_named NAME SUBJECT: by name where the kernel takes one
mounts_named() {
	forget_peer
	ok "$1 mounts" on_client mount -t nfs \
		-o "vers=4.2,xprtsec=mtls,$(by_kernel "$(nfstlskey show "$1")" "tls_identity=$1"),retry=0" server:/ /mnt/nfs
	is 'the server saw its certificate' "$(server_saw)" "$2"
	ok 'it unmounts' umount /mnt/nfs
}

# --- what the other tool adds ---
ok 'the other tool adds alice' other add alice "${alice[@]}"
said=$(</tmp/tap.out)
serials=$(other show alice)
is 'ours shows her serials, in the same words' "$(nfstlskey show alice)" "$serials"
is 'ours lists her' "$(cells NAME,STATE,KEY,SUBJECT)" 'alice ready keyring CN=alice'
ok 'a handshake will work' nfstlskey verify alice
is 'her keys have the permissions of ours' "$(keyring_keys | awk '{ print $4 }' | sort -u)" 3f090000
refuses 'ours does not add another' 4 'there already' nfstlskey add alice "${bob_files[@]}"
mounts_named alice CN=alice
ok 'ours gives her a certificate alone' nfstlskey update alice --cert "$PKI/alice.pem"
ok 'ours updates her' nfstlskey update alice "${bob_files[@]}"
is 'with a word like that of the other' "$(grep -v warning /tmp/tap.out)" "$said"
is 'under the same serials' "$(other show alice)" "$serials"
ok 'ours removes her' nfstlskey remove alice
nok 'she is gone for the other' other show alice
said 'as it says' 'not there'

# --- what ours adds ---
ok 'ours adds bob, with the options of the other' nfstlskey add bob "${bob_files[@]}"
is 'and says the serials as it does' "$(grep -v warning /tmp/tap.out)" \
	"bob: $(other show bob | tr , ' ')"
is 'the other lists him' "$(other list)" bob
other add alice "${alice[@]}" >/dev/null
is 'both list two, one a line' "$(nfstlskey list --noheadings --output NAME)" "$(other list | sort)"
other remove alice
is 'the other shows his serials' "$(other show bob)" "$(nfstlskey show bob)"
nok 'the other does not add another' other add bob "${bob[@]}"
said 'as it says' 'there already'
ok 'the other updates him' other update bob "${alice[@]}"
is 'ours shows the new certificate' "$(cells NAME,SUBJECT)" 'bob CN=alice'
mounts_named bob CN=alice
ok 'the other removes him' other remove bob
is 'nothing is left' "$(left)" ''

# --- what the other knows nothing of: intermediates, a PIN, a latch ---
ok 'ours adds an identity with a chain and a PIN' add_lab
is 'the other lists it' "$(other list)" lab
is 'and shows it' "$(other show lab)" "$(nfstlskey show lab)"
ok 'ours locks it' nfstlskey lock lab
ok 'the other removes it' other remove lab
is 'which leaves a rest' "$(left)" 'lab:chain lab:latch'
is 'of which the other says nothing' "$(other list)" ''
is 'and ours says so' "$(cells NAME,STATE)" 'lab half'
refuses 'as it does to who wants to mount' 3 'are gone; add it again, or remove what is left' nfstlskey show lab
ok 'ours adds it again' add_lab
is 'and the latch is gone' "$(left)" 'lab:cert lab:chain lab:pin lab:privkey'
mounts_as lab CN=middle
ok 'the other removes it again' other remove lab
is 'which leaves the PIN' "$(left)" 'lab:chain lab:pin'
ok 'ours takes the rest away' nfstlskey remove lab
is 'all of it' "$(left)" ''
refuses 'and then there is nothing to remove' 3 'not on the .nfs keyring' nfstlskey remove lab

# --- the other puts its own key where such a rest is, or over a token's ---
add_lab >/dev/null
nfstlskey lock lab 2>>"$LOGS/add"
other remove lab
ok 'the other adds its own by that name' other add lab "${alice[@]}"
is 'a latch is about a token: it does not count' "$(cells NAME,STATE,KEY)" 'lab ready keyring'
ok 'it mounts' mount_as lab
umount /mnt/nfs
ok 'ours updates it' nfstlskey update lab "${alice_files[@]}"
is 'and takes the rest away' "$(left)" 'lab:cert lab:privkey'
nfstlskey remove lab
add_lab >/dev/null
nfstlskey lock lab 2>>"$LOGS/add"
ok 'the other updates what was locked on its token' other update lab "${alice[@]}"
is 'and it is ready' "$(cells NAME,STATE,KEY)" 'lab ready keyring'
ok 'it mounts with the chain of before behind its certificate' mount_as lab
umount /mnt/nfs
ok 'verify tells of that chain' grep -q 'chain.*failed.*was not issued by the one after it' <(nfstlskey verify lab)
nfstlskey remove lab

# --- half of one, whoever has it from ---
for part in cert privkey; do
	other add alice "${alice[@]}" >/dev/null
	possessing keyctl unlink "%user:nfs:x509:alice:$part" "$(nfs_keyring)"
	is "without its $part both list it" "$(other list) $(cells NAME,STATE)" 'alice alice half'
	nok 'neither shows it: the other' other show alice
	refuses 'nor ours' 3 'half of it is missing' nfstlskey show alice
	refuses 'ours adds none by its name' 4 'there already' nfstlskey add alice "${alice_files[@]}"
	ok 'ours removes it' nfstlskey remove alice
	is 'nothing is left' "$(left)" ''
done

# --- a change of ours that was cut short, and then the other removed the identity ---
cat "${alice[@]}" | raw_part alice next >/dev/null
is 'it does not come back' "$(nfstlskey list)$(left)" ''

# --- names: the other has no limit of 200 bytes ---
long=$(printf 'n%.0s' {1..900})
ok 'the other adds a name of 900 bytes' other add "$long" "${alice[@]}"
is 'ours lists it' "$(cells NAME)" "$long"
is 'ours shows it' "$(nfstlskey show "$long")" "$(other show "$long")"
refuses 'ours would not add it' 2 '1 to 200 bytes, not 900' nfstlskey add "$long" "${alice_files[@]}"
ok 'ours removes it' nfstlskey remove "$long"
is 'nothing is left' "$(left)" ''

# --- a key that any user may have, of the longest name ---
huge=$(printf 'n%.0s' {1..4000})
# shellcheck disable=SC2016 # for the user's shell
setpriv --reuid 1000 --clear-groups sh -c 'keyctl setperm $(keyctl add user "$1" payload @u) 0x3f3f3f3f' sh "$huge"
# shellcheck disable=SC2016 # for the user's shell
setpriv --reuid 1000 --clear-groups sh -c 'keyctl setperm $(keyctl add user "$1" payload @u) 0x3f3f3f3f' sh \
	$'x\n00000001 I------     2 perm 1f1f0000     0     0 keyring   .nfs: empty'
is 'all can see them' "$(grep -c 'nnnnnn\|^00000001' /proc/keys)" 2
ok 'they are in nobody'"'"'s way' nfstlskey add bob "${bob_files[@]}"
mounts_as bob CN=bob
nfstlskey remove bob

# --- elsewhere ---
if [[ $VM_KERNEL == patched ]]; then
	tenant_up
	install -d -o 100000 -m 0700 /tmp/tenant
	cp "${alice[@]}" /tmp/tenant
	chown -R 100000 /tmp/tenant
	ok 'in a user namespace that owns its network namespace the other tool adds alice' \
		in_tenant perl -MErrno /tmp/other add alice /tmp/tenant/alice.der /tmp/tenant/alice.key.der
	is 'and ours lists her' "$(in_tenant nfstlskey list --noheadings | grep -o 'CN=[a-z]*')" CN=alice
	nok 'in one that does not it cannot' on_client unshare --user --map-root-user perl -MErrno /tmp/other list
	said 'as request_key says' 'request_key: Operation not permitted'
fi
done_testing
