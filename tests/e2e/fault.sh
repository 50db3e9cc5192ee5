# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A token that goes wrong on demand, see tests/pkcs11/fault.c. To be sourced after lib.sh.

FAULT=$(echo /usr/lib/*/nfstls-tests/fault.so)
FAULTS=/run/nfstls-fault
KEY="pkcs11:token=lab;object=client?module-path=$FAULT"
# what has the mount end soon after the first handshake that fails
SOON=soft,timeo=10,retrans=0,retry=0

# fault_world: the usual one, and the identity "good"
fault_world() {
	mkdir $FAULTS
	usual_world
	token_identity lab client root EC:prime256v1
	ok 'good is added' nfstlskey add good --pkcs11 "$KEY&pin-source=file:$PIN_FILE"
	forget
}

# rules RULE...: in the place of those that there are, in the midst of what goes on
rules() {
	printf '%s\n' "$@" >$FAULTS/rules.new
	mv $FAULTS/rules.new $FAULTS/rules
}

# goes_wrong RULE...: from now on, and with nothing of before
goes_wrong() {
	rm -f $FAULTS/once.*
	rules "$@"
	forget
}
goes_well() { goes_wrong ''; }

# forget: calls and log
forget() {
	: >$FAULTS/calls
	: >"$LOGS/tlshd.client"
}

# calls FUNCTION [OUTCOME...]: how many there were
calls() {
	local function=$1
	shift
	grep -c "^$function [0-9]* ${*:-.*}\$" $FAULTS/calls
}

# handshakes: how many there were
handshakes() { grep -c 'Querying the handshake service' "$LOGS/tlshd.client"; }

# told TEXT PATTERN: each handshake failed, and the log has one line for each, which names the identity and matches
told() {
	local lines
	wait_for all_told
	result $? "$1: a line for each handshake"
	all_told || diag <"$LOGS/tlshd.client"
	lines=$(failures | grep -vE "identity 'good': no handshake: $2")
	[[ -n $(failures) && -z $lines ]]
	result $? "$1: it says why"
	[[ -z $lines ]] || diag <<<"wanted: $2"$'\n'"$lines"
	[[ $(failures) != *"$PIN"* && ! $(failures) =~ (object|type|id|pin-source|pin-value|module-path)= ]]
	result $? "$1: and nothing of the URI"
}
all_told() { [[ $(failures | wc -l) -eq $(handshakes) ]]; }

# all_gone TEXT: no process of a handshake is left, a zombie neither
all_gone() {
	wait_for only_daemons
	result $? "$1: no process is left"
	only_daemons || pgrep -xa tlshd | diag
}
only_daemons() { [[ $(pgrep -xc tlshd) -eq 2 ]]; }

# not_now TEXT: a mount fails as the kernel tries again until its time is over; never TEXT: it fails at once
not_now() {
	nok "$1: it does not mount" mount_as good $SOON
	said "$1: mount says that it timed out" 'timed out'
}
never() {
	nok "$1: it does not mount" mount_as "${2-good}" retry=0
	said "$1: mount says that access is denied" 'access denied\|Permission denied'
}

# well_again TEXT
well_again() {
	goes_well
	ok "$1: with a token that is well it mounts" mount_as good
	umount /mnt/nfs
}

# milliseconds COMMAND...: how long it takes
milliseconds() {
	local begin=${EPOCHREALTIME/./}
	"$@" >&2
	echo $(((${EPOCHREALTIME/./} - begin) / 1000))
}
