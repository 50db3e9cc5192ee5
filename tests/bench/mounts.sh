#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mounts.sh [ROUNDS]: a whole mount with a key in a token and with one in a file, in turns; and the most memory that the
# processes of tlshd have for it: tables in Markdown. In the virtual machine: ./dev vm tests/bench/mounts.sh

# shellcheck disable=SC2016 # for Markdown
set -uo pipefail

# shellcheck source=tests/bench/figures.sh
. /src/tests/bench/figures.sh
# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

ROUNDS=${1-31}
TESTS=$(echo /usr/lib/*/nfstls-tests)
RUNS=/tmp/runs
PEAKS=/tmp/peaks
declare -A SERIALS

# identity NAME OPTION...: it is added, and what a mount says of it is kept
identity() {
	nfstlskey add "$@" >>"$LOGS/add" 2>&1
	SERIALS[$1]=$(nfstlskey show "$1" 2>>"$LOGS/add")
}

# identities rsa|ecdsa KEY-TYPE CERTTOOL-OPTION...
identities() {
	token_identity lab "$1" root "$2"
	file_key "$1-file" root "${@:3}"
	identity "$1-token" --pkcs11 "pkcs11:token=lab;object=$1?pin-source=file:$PIN_FILE"
	identity "$1-file" --cert "$PKI/$1-file.pem" --key "$PKI/$1-file.key"
}

# own_client: one more, whose tlshd has a token key in its own configuration, where it can have one. GnuTLS takes what
# pin-source has for the name of a file, and all that is in there for the PIN.
own_client() {
	local CLIENT=own CLIENT_TLSHD pin=/run/own.pin
	[[ $VM_TLSHD == built ]] || return
	(umask 077 && printf %s "$PIN" >$pin)
	another_client own
	client_start root "x509.certificate=$PKI/ecdsa.pem" \
		"x509.private_key=pkcs11:token=lab;object=ecdsa;type=private?pin-source=$pin"
	mount_own && umount /mnt/nfs
} 2>>"$LOGS/own"

mount_own() { CLIENT=own on_client mount -t nfs -o vers=4.2,xprtsec=mtls,retry=0 server:/ /mnt/nfs; }

mount_with() { on_client mount -t nfs -o "vers=4.2,xprtsec=mtls,${SERIALS[$1]}" server:/ /mnt/nfs; }

# timed NAME COMMAND...: a mount, unmounted again; a line with its ms
timed() {
	local begin=$EPOCHREALTIME end
	"${@:2}" || { echo "a mount failed: $1" >&2 && exit 1; }
	end=$EPOCHREALTIME
	umount /mnt/nfs
	echo "$1 $(calculate "(${end/./} - ${begin/./}) / 1000")" >>$RUNS
}

# token_alone rsa|ecdsa: what the token takes, without a mount
token_alone() {
	"$TESTS/signing" 1 "$1" "pkcs11:token=lab;object=$1;type=private" "$PIN_FILE" raw="$SOFTHSM" | sed "s/^raw/$1-raw/" >>$RUNS || exit
}

rounds() {
	local i name
	for ((i = 0; i < ROUNDS; i++)); do
		for name in rsa ecdsa; do
			timed "$name-file" mount_with "$name-file"
			token_alone "$name"
			timed "$name-token" mount_with "$name-token"
		done
		[[ -z $OWN ]] || timed own mount_own
	done
}

# ratio NAME TYPE: to what a mount with a file key and the token by itself take
ratio() { calculate "$(median "$1" $RUNS) / ($(median "$2-file" $RUNS) + $(median "$2-raw" $RUNS))"; }

mount_row() {
	row "$1" "$(calculate "$(median "$2" $RUNS) / $(median "$3-file" $RUNS)")" "$(ratio "$2" "$3")" "$(median "$2" $RUNS)" \
		"$(spread "$2" $RUNS)"
}

mount_table() {
	local type
	heading mount 'ratio to the file key' 'ratio to file key and token' ms 'the middle half'
	for type in rsa ecdsa; do
		mount_row "$type, a key in a file" "$type-file" "$type"
		mount_row "$type, a key in a token" "$type-token" "$type"
		row "$type, the token alone (raw PKCS#11 calls)" - - "$(median "$type-raw" $RUNS)" "$(spread "$type-raw" $RUNS)"
	done
	if [[ -n $OWN ]]; then
		mount_row 'ecdsa, a token key of the configuration of tlshd' own ecdsa
	else
		row "ecdsa, a token key of the configuration of tlshd: $OWN_MISSING" - - - -
	fi
	echo
	for type in rsa ecdsa; do
		verdict "a mount with a token key to one with a file key and the token, $type" "$(ratio "$type-token" "$type")" 1.05
	done
	echo
	[[ -z $OWN ]] || own_text
}

own_text() {
	local modules
	modules=$(basename -s .module -a /usr/share/p11-kit/modules/*.module | paste -sd ' ')
	cat <<-END
		For the token key of its configuration, which is one for all mounts, a tlshd leaves all to GnuTLS. At each handshake that
		loads and initialises every module that p11-kit is configured with (here $modules), also where the URI has a
		\`module-path\`. The PIN stands in that URI, or in a file that its \`pin-source\` names without \`file:\` and that does not end
		in a newline.

	END
}

# peaks NAME: the processes of a few mounts
peaks() {
	local i
	rm -f $PEAKS
	for ((i = 0; i < 5; i++)); do
		mount_with "$1" && umount /mnt/nfs
	done
	wait_for peaks_told "$1" || exit
	sed "s/^/$1-/" $PEAKS >>$RUNS
}
peaks_told() { [[ $(grep -c child $PEAKS) -ge 5 && ($1 == *-file || $(grep -c agent $PEAKS) -ge 5) ]]; }

# peak_row TEXT WAY
peak_row() {
	row "$1" "$(calculate "$(median "$2" $RUNS) / $(median ecdsa-file-child $RUNS)")" \
		"$(printf '%.0f' "$(median "$2" $RUNS)")" "$(printf '%.0f' "$(median "$2" $RUNS 3)")"
}

peak_table() {
	client_stop
	export NFSTLS_PEAK=$PEAKS
	ADAPTER=$TESTS/peak.so${ADAPTER:+:$ADAPTER} client_start root
	peaks ecdsa-file
	peaks ecdsa-token
	heading 'process of tlshd' 'ratio to the first' 'KiB at most' 'KiB that are no file'\''s, at the end'
	peak_row 'its child, a key in a file' ecdsa-file-child
	peak_row 'its child, a key in a token' ecdsa-token-child
	peak_row 'the agent of that child, with the module' ecdsa-token-agent
	echo
}

usual_world
identities rsa rsa:2048 --key-type rsa --bits 2048
identities ecdsa EC:prime256v1 --ecc
OWN='' OWN_MISSING='that needs a newer tlshd, see `--tlshd`'
if own_client; then
	OWN=1
elif [[ $VM_TLSHD == built ]]; then
	OWN_MISSING='this tlshd did not mount with one'
fi
rounds
mount_table
peak_table
