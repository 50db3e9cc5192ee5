#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The systemd units by themselves: systemd finds no fault with them, and what they close is nothing that they need.
# reboot.t boots with them.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

export SYSTEMD_LOG_LEVEL=notice
for unit in nfstlskey-load.service nfstls-tlshd@tenant.service; do
	ok "systemd-analyze verify $unit" systemd-analyze verify --man=no $unit
	is "$unit: and it says nothing" "$(grep -i nfstls /tmp/tap.out)" ''
	ok "$unit: exposure is at most 3.5" systemd-analyze security --offline=yes --threshold=35 $unit
	tail -n 1 /tmp/tap.out | diag
done
ok 'systemd-analyze verify tlshd.service, with the drop-in' systemd-analyze verify --man=no tlshd.service

# allowed GROUP: the system calls of a group of systemd's, and of those in it
allowed() {
	local name
	systemd-analyze syscall-filter "$1" | sed -n '2,$s/^ *\([@a-z_][^ ]*\)$/\1/p' | while read -r name; do
		if [[ $name == @* ]]; then
			allowed "$name"
		else
			echo "$name"
		fi
	done
}
# makes_only_allowed_calls TEXT: what the kernel of this machine cannot enforce; from what strace saw
makes_only_allowed_calls() {
	ok "$1: it is seen to ask for keys" grep -q 'keyctl(' /tmp/strace
	is "$1: no system call that the filter of its unit refuses" \
		"$(sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' /tmp/strace | sort -u | comm -23 - <(allowed @system-service | sort -u))" ''
}

usual_world
token_identity lab alice root EC:prime256v1
ok 'alice is persisted' nfstlskey add alice --pkcs11 'pkcs11:token=lab;object=alice' --pin-file "$PIN_FILE" --persist
nfstlskey remove alice 2>>"$LOGS/cli"
ok 'load, as strace sees it' on_client strace -f -qq -o /tmp/strace nfstlskey load alice
makes_only_allowed_calls load
strace -f -qq -o /tmp/strace -p "$CLIENT_TLSHD" &
sleep 0.2
mounts_as alice CN=alice
client_stop
wait %strace
makes_only_allowed_calls tlshd
done_testing
