#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: patched
#
# add --persist and remove --persist, killed before each system call that changes a file or the keyring.

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
done_testing
