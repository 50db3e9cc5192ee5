#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# opencryptoki's software token, which counts wrong PINs and locks itself: with a wrong PIN in the PIN file it is asked
# once, however often the client connects, and is never locked. The right PIN, and a person who says so, bring the
# mount back.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/token_software.sh
. /src/tests/e2e/token_software.sh
# shellcheck source=tests/e2e/matrix/opencryptoki.sh
. /src/tests/e2e/matrix/opencryptoki.sh

world_up
ca_new root
server_start root
client_start root
ok 'the daemon of opencryptoki is there' ock_up
ok 'the token is initialised' ock_init lab
pin_file

ok 'a key is made on the token, and its certificate put there' token_made lab ock root EC:prime256v1
diag <"$LOGS/token"

ok 'it is added' nfstlskey add lab --pkcs11 "pkcs11:token=lab;object=ock?pin-source=file:$PIN_FILE&module-path=$MODULE"
mounts_as lab CN=ock
is 'no wrong PIN was given' "$(tries)" USER_PIN_INITIALIZED

# --- the PIN file goes wrong under a mount that must not give up ---
ok 'it mounts' mount_as lab
mkdir /mnt/other
(umask 077 && echo 123456789012 >"$PIN_FILE")
# refusals: the lines of all handshakes that failed
refusals() { cat "$LOGS"/tlshd.client* | grep 'no handshake:'; }
more_than() { [[ $(refusals | wc -l) -gt $1 ]]; }
for n in 1 2 3 4 5; do
	before=$(refusals | wc -l)
	server_restart
	timeout 10 stat -f /mnt/nfs >/dev/null 2>&1 &
	ok "the server restarted ($n): a handshake fails" wait_for more_than "$before"
	# a tlshd that is new knows no more than the keyring tells it
	if [[ $n == 3 ]]; then
		client_stop
		cp "$LOGS/tlshd.client" "$LOGS/tlshd.client.before"
		client_start root
	fi
done
for n in 1 2 3; do
	nok "a new mount fails ($n)" on_client timeout 30 mount -t nfs \
		-o "vers=4.2,nosharecache,xprtsec=mtls,$(nfstlskey show lab),retry=0" server:/ /mnt/other
done
is 'the token is not locked, nor near it: one wrong PIN' "$(tries)" 'USER_PIN_COUNT_LOW USER_PIN_INITIALIZED'
refusals | diag
is 'one login failed' "$(refusals | grep -c 'refused the PIN:')" 1

# --- a person puts it right ---
pin_file
ok 'unlock with the right PIN' nfstlskey unlock lab
is 'the token has forgotten the wrong ones' "$(tries)" USER_PIN_INITIALIZED
wait_for works
result $? 'the mount recovers without being mounted anew'
umount /mnt/nfs

# --- one try is left: nobody may spend it but a person, at the token itself ---
# login PIN: by a tool of the token
login() { PIN=$1 pkcs11-tool --module "$MODULE" --token-label lab --login --pin env:PIN --list-objects; }
has_final_try() { [[ $(tries) == *FINAL_TRY* ]]; }
for n in 1 2 3; do
	has_final_try || nok "a wrong PIN by another program ($n)" login 141421
done
ok 'the token says that one try is left' has_final_try
refuses 'unlock with the right PIN does not spend it' 8 'one try is left' nfstlskey unlock lab
refuses 'nor does add' 8 'one try is left' nfstlskey add other \
	--pkcs11 "pkcs11:token=lab;object=ock?pin-source=file:$PIN_FILE&module-path=$MODULE"
nok 'nor does a mount' mount_as lab retry=0
ok 'the token takes the right one from a tool of its own' login "$PIN"
is 'and says no more of it' "$(tries)" USER_PIN_INITIALIZED
ok 'it mounts as before' mount_as lab
umount /mnt/nfs
done_testing
