#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# add --persist and remove --persist, killed before each system call that changes a file or the keyring; and each of those
# calls failing, once.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

FILES=/etc/nfs/identities.d
world_up
ca_new root
file_key bob root
chmod 600 "$PKI/bob.key"
add() { nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key" --persist; }
nothing_left() { [[ -z $(ls $FILES) && -z $(keyring_keys) ]]; }

# killed_at CALL N COMMAND...: whether it came to that call, and so was killed
killed_at() {
	on_client strace -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" "${@:3}" >/tmp/tap.out 2>&1
	[[ $? -eq 137 ]]
}

# killed_everywhere TEXT PREPARE MEND COMMAND...: each time MEND must leave nothing behind
killed_everywhere() {
	local call n kills=0 failed=()
	for call in write fsync link rename unlink add_key keyctl; do
		for ((n = 1; n < 200; n++)); do
			"$2" >/dev/null 2>&1
			killed_at $call $n "${@:4}" || break
			kills=$((kills + 1))
			"$3" >/tmp/mend 2>&1 || failed+=("$call $n: $(tail -n 1 /tmp/mend)")
			rm -f $FILES/.bob.conf.*
		done
		"$3" >/dev/null 2>&1
	done
	is "$1: all is well after each of the kills" "$(printf '%s\n' "${failed[@]}")" ''
	diag <<<"$kills kills"
	ok "$1: there were some" [ "$kills" -gt 10 ]
}

# A file is whole or not there; what it describes can be loaded; and without a file there is nothing.
mend_add() {
	if [[ -e $FILES/bob.conf ]]; then
		nfstlskey check-config && nfstlskey load --all && nfstlskey show bob && nfstlskey remove bob --persist || return
	fi
	nothing_left
}
killed_everywhere 'add --persist' true mend_add nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key" --persist

# A removal that was cut short can be said again.
mend_remove() {
	nfstlskey remove bob --persist || nothing_left || return
	nothing_left
}
killed_everywhere 'remove --persist' add mend_remove nfstlskey remove bob --persist

# failed_at CALL N COMMAND...: whether it came to that call; its status is in $STATUS
failed_at() {
	STATUS=0
	on_client strace -f -qq -o /tmp/strace -e "trace=$1" -e "inject=$1:error=EIO:when=$2" "${@:3}" >/tmp/tap.out 2>/tmp/tap.err ||
		STATUS=$?
	grep -q INJECTED /tmp/strace
}

# failing_everywhere TEXT PREPARE CHECK COMMAND...: CHECK says what is not as it should be, and ends as at first
failing_everywhere() {
	local call n failures=0 wrong=()
	for call in fsync link rename unlink add_key keyctl; do
		for ((n = 1; n < 200; n++)); do
			"$2" >/dev/null 2>&1
			failed_at $call $n "${@:4}" || break
			[[ $STATUS -eq 0 ]] || failures=$((failures + 1))
			[[ $STATUS -eq 0 || -s /tmp/tap.err ]] || wrong+=("$call $n: status $STATUS without a word")
			"$3" >/tmp/mend 2>&1 || wrong+=("$call $n: status $STATUS: $(cat /tmp/tap.err /tmp/mend)")
			rm -f $FILES/.bob.conf.*
		done
		nfstlskey remove bob --persist >/dev/null 2>&1
	done
	is "$1: all is well after each of the failures" "$(printf '%s\n' "${wrong[@]}")" ''
	diag <<<"$failures failures"
	ok "$1: there were some" [ "$failures" -gt 10 ]
}

# Done is done, and failed is nothing, but for a file that could not be taken away again, of which it has told
check_add() {
	if [[ $STATUS -ne 0 ]]; then
		! grep -q 'could not be taken away' /tmp/tap.err || rm $FILES/bob.conf
		nothing_left
	else
		nfstlskey show bob && nfstlskey remove bob --persist && nothing_left
	fi
}
failing_everywhere 'add --persist' true check_add nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key" --persist

# Whatever is left can be removed, and a file that is aside is told of
check_remove() {
	if [[ $STATUS -eq 0 ]]; then
		nothing_left
	else
		mend_remove
	fi
}
failing_everywhere 'remove --persist' add check_remove nfstlskey remove bob --persist

# An update that fails leaves what was there
file_key carol root
updated() { [[ $(payload bob cert | sha256sum) == "$(sha256sum <"$PKI/carol.der")" ]]; }
check_update() {
	if [[ $STATUS -eq 0 ]]; then
		updated && nfstlskey show bob
	else
		nfstlskey show bob && ! updated && [[ $(payload bob privkey | sha256sum) == "$OLD" ]]
	fi
}
prepare_update() {
	nfstlskey remove bob --persist
	add
	OLD=$(payload bob privkey | sha256sum)
}
failing_everywhere 'update' prepare_update check_update nfstlskey update bob --cert "$PKI/carol.pem" --key "$PKI/carol.key"
done_testing
