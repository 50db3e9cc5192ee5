#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# Nothing secret: neither the PIN nor the private key's prime is in the keyring, in the process list, in a log, or in
# the memory of the client's tlshd. The key is imported into the token here, so that its prime is known.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world

openssl genrsa -out /tmp/key.pem 2048 2>>"$LOGS/pki"
softhsm2-util --import /tmp/key.pem --token lab --label known --id 01 --pin "$PIN" >>"$LOGS/token"
openssl rsa -in /tmp/key.pem -noout -text 2>/dev/null |
	sed -n '/^prime1:/,/^prime2:/p' | grep '^ ' | tr -d ' :\n' | sed 's/^00//' >/tmp/prime.hex
rm /tmp/key.pem
token_request lab known known
cert_sign known root --load-request "$PKI/known.csr"
token_certificate lab known known

# found TEXT-PREFIX FILE...: whether the PIN or the prime (as bytes in either order, or in hex) is in the files
cat >/tmp/search <<'EOF'
use strict;
my ($pin, $hex) = (shift, shift);
my $prime = pack "H*", $hex;
my %secrets = (PIN => $pin, prime => $prime, 'prime, limbs' => scalar reverse($prime), 'prime in hex' => lc $hex);
my $found = 0;
local $/;
for my $file (@ARGV) {
	open my $in, '<:raw', $file or next;
	my $data = <$in> // next;
	for my $name (sort keys %secrets) {
		next if index($data, $secrets{$name}) < 0 && ($name ne 'prime in hex' || index(lc $data, $secrets{$name}) < 0);
		print "$name in $file\n";
		$found = 1;
	}
}
exit $found;
EOF
clean() { perl /tmp/search "$PIN" "$(</tmp/prime.hex)" "$@"; }

# image PID: its memory, all of it that can be read
image() {
	perl -e '
		open my $maps, "<", "/proc/$ARGV[0]/maps" or die;
		open my $mem, "<:raw", "/proc/$ARGV[0]/mem" or die;
		binmode STDOUT;
		while (<$maps>) {
			my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+) r/ or next;
			sysseek $mem, hex $from, 0 or next;
			for (my $left = hex($to) - hex $from; $left > 0; ) {
				my $n = sysread $mem, my $data, $left < 65536 ? $left : 65536 or last;
				print $data;
				$left -= $n;
			}
		}' "$1"
}

ok 'it is added' nfstlskey add known --pkcs11 "pkcs11:token=lab?pin-source=file:$PIN_FILE"
ok 'it mounts' mount_as known
ok 'a file is written and read back' works
server_restart
ok 'and again over a new connection' works

payload known cert >/tmp/payload.cert
payload known privkey >/tmp/payload.privkey
ok 'the keyring has neither' clean /tmp/payload.cert /tmp/payload.privkey
cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >/tmp/processes 2>/dev/null
ok 'the process list has neither, nor an environment' clean /tmp/processes
dmesg >/tmp/dmesg
on_client cat /proc/mounts /proc/keys /proc/self/mountstats >/tmp/proc
ok 'no log has either' clean "$LOGS/tlshd.client" "$LOGS/tlshd.server" /tmp/dmesg /tmp/proc
image "$CLIENT_TLSHD" >/tmp/image
ok 'the memory of tlshd was read' grep -q 'x509.truststore' /tmp/image
diag <<<"$(stat -c %s /tmp/image) bytes"
ok "the memory of tlshd has neither" clean /tmp/image

# The search itself must be able to find them
printf '%s' "$(</tmp/prime.hex)" | perl -e 'print scalar reverse pack "H*", <STDIN>' >/tmp/planted
nok 'a planted prime is found' clean /tmp/planted
nok 'the PIN is found in the PIN file' clean "$PIN_FILE"
done_testing
