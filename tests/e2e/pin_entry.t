#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# A PIN that a person types, and one that systemd hands to tlshd.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
token_identity lab client root EC:prime256v1

TYPED=/tmp/typescript
URI='pkcs11:token=lab;object=client'

shows() { grep -qa -- "$1" $TYPED; }

# at_terminal TEXT COMMAND...: run it at a terminal, and type TEXT once it has asked for the PIN
at_terminal() {
	local text=$1 status=0 keyboard job
	shift
	rm -f $TYPED
	# what runs in the background has these ignored
	coproc { exec env --default-signal=INT,QUIT nsenter --net="/run/netns/$CLIENT" script -qfec "$*" $TYPED >/dev/null; }
	keyboard=${COPROC[1]} job=$COPROC_PID
	wait_for shows 'PIN of the token'
	printf '%b' "$text" >&"$keyboard"
	wait "$job" || status=$?
	cat $TYPED
	return $status
}

ok 'a PIN is typed' at_terminal "$PIN\n" nfstlskey add typed --pkcs11 "'$URI'" --pin-prompt
said 'it is asked for, and for which identity' "PIN of the token for identity 'typed': "
nok 'it is not shown' grep -qa -- "$PIN" $TYPED
ok 'it mounts' mount_as typed
umount /mnt/nfs
PIN_KEY=$(possessing keyctl search @s user nfs:x509:typed:pin)
nok 'root cannot read the PIN from the keyring' on_client keyctl print "$PIN_KEY"
said 'for want of the right to' 'Permission denied'
nok 'the handle has no PIN' grep -qaF -- "$PIN" <(payload typed privkey)

ok 'lock' nfstlskey lock typed
nok 'it does not mount' mount_as typed retry=0
nok 'unlock with a wrong PIN' at_terminal '141421\n' nfstlskey unlock typed
said 'it says so' "nfstlskey: identity 'typed': .*refused the PIN"
nok 'it does not mount then' mount_as typed retry=0
ok 'unlock asks by itself' at_terminal "$PIN\n" nfstlskey unlock typed
ok 'it mounts again' mount_as typed
umount /mnt/nfs

nok 'nothing typed is no PIN' at_terminal '\n' nfstlskey unlock typed
said 'nothing typed: it says so' 'a PIN has 1 to'
# what ends it in the midst of a PIN
# ended TEXT STATUS [KEY]: half a PIN is typed, and then that key
ended() {
	# shellcheck disable=SC2016 # for the shell at the terminal
	at_terminal "${PIN%??}${3-}" 'trap : INT QUIT TSTP; before=$(stty -g); nfstlskey unlock typed; echo status $?; stty -a
		[ "$(stty -g)" = "$before" ] && echo as it was' >/dev/null
	ok "$1: it ends as programs do" shows "status $2"
	ok "$1: the terminal echoes again" shows ' echo '
	ok "$1: the terminal is as it was" shows '^as it was'
}
ended 'interrupted' 130 '\003'
ended 'told to quit' 131 '\034'
ended 'told to stop, which would leave half a PIN' 130 '\032'
# from_outside SIGNAL: once it waits for a PIN
from_outside() {
	wait_for pgrep -x nfstlskey && wait_for shows 'PIN of the token' && sleep 0.2 && pkill "-$1" -x nfstlskey
}
for signal in TERM HUP; do
	rm -f $TYPED
	from_outside $signal &
	ended "SIG$signal" $((128 + $(kill -l $signal)))
	wait $!
done
ok 'after all that the identity is as it was' mount_as typed
umount /mnt/nfs
refuses 'without a terminal' 2 'no terminal' on_client setsid -w nfstlskey unlock typed --pin-prompt </dev/null

# --- systemd.exec(5), LoadCredential= ---
ok 'an identity without a PIN' nfstlskey update typed --pkcs11 "$URI" --pin-fd 3 --pin-timeout 1 3<<<"$PIN"
sleep 2
nok 'there is none' mount_as typed retry=0
client_stop
mkdir -m 700 /tmp/credentials
(umask 077 && echo "$PIN" >/tmp/credentials/nfstls.typed.pin)
export CREDENTIALS_DIRECTORY=/tmp/credentials
client_start root
ok 'a credential of tlshd: it mounts' mount_as typed
umount /mnt/nfs
chmod 644 /tmp/credentials/nfstls.typed.pin
nok 'a credential that is open to others' mount_as typed retry=0
ok 'and says so' grep -q 'PIN file /tmp/credentials/nfstls.typed.pin is open to others' "$LOGS"/tlshd.client
done_testing
