#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tokens.sh [ROUNDS]: what it takes to open a key of each token software of the matrix and to sign with it once, in several
# ways that take turns: tables in Markdown. In the virtual machine: ./dev vm tests/bench/tokens.sh

set -uo pipefail

# shellcheck source=tests/bench/figures.sh
. /src/tests/bench/figures.sh

ROUNDS=${1-7}
RUNS=/results/tokens.runs
KEYS=/results/tokens.keys
NOTES=/results/tokens.notes
# The keys of what takes long to start or to log in to. Not the TPM's RSA-2048: lent, its C_Sign fails now and then with
# CKR_MECHANISM_INVALID.
declare -A LENT=([smartcard]=RSA-2048 [tpm2]=P-256)

# alone COMMAND...: in namespaces where the files that it changes and the daemons that it starts are its own
alone() {
	# shellcheck disable=SC2016 # for the shell inside
	unshare --mount --pid --fork --kill-child --mount-proc bash -euc '
		mount -t tmpfs -o mode=1777 tmp /tmp
		mount -t tmpfs -o mode=755 run /run
		for folder in /etc /var/lib /usr/share/p11-kit/modules; do
			mkdir -p /run/upper$folder /run/work$folder
			mount -t overlay -o lowerdir=$folder,upperdir=/run/upper$folder,workdir=/run/work$folder overlay $folder
		done
		exec "$@"' bash "$@"
}

each_software() {
	local file name
	for file in /src/tests/e2e/matrix/*.sh; do
		name=$(basename "$file" .sh)
		if ! alone /src/tests/bench/token.sh "$name" "$ROUNDS" "${LENT[$name]-}" >/results/tokens.log 2>&1; then
			echo "$name was not measured:" >&2
			tail -n 5 /results/tokens.log >&2
			return 1
		fi
	done
}

# compare KEY WAY OTHER: the ratio of the medians
compare() { calculate "$(median "$1-$2" $RUNS) / $(median "$1-$3" $RUNS)"; }

# was_measured KEY WAY
was_measured() { grep -q "^$1-$2 " $RUNS; }

# each_key COMMAND...: with the key and what it is called
each_key() {
	local key title
	while read -r key title; do
		"$@" "$key" "$title"
	done <$KEYS
}

token_row() {
	local way cells=()
	for way in gnutls-all library; do
		if was_measured "$1" $way; then
			cells+=("$(compare "$1" $way raw)" "$(median "$1-$way" $RUNS)" "$(spread "$1-$way" $RUNS)")
		else
			cells+=('no key' - -)
		fi
	done
	row "$2" "$(median "$1-raw" $RUNS)" "$(spread "$1-raw" $RUNS)" "${cells[@]}"
}

held_row() {
	local lent=(- -)
	if was_measured "$1" raw+server; then
		lent=("$(compare "$1" raw+server raw)" "$(compare "$1" library+server library)")
	fi
	row "$2" "$(compare "$1" held raw)" "$(median "$1-held" $RUNS)" "${lent[@]}"
}

lent_verdict() {
	! was_measured "$1" raw+server ||
		verdict "our library through a p11-kit server, which would save something below 1, $2" \
			"$(compare "$1" library+server library)" 1
}

token_verdict() { verdict "our library to raw PKCS#11 calls, $2, the medians" "$(compare "$1" library raw)" 1.1; }

each_software || exit
echo "The token software of \`docs/tokens.md\`, $ROUNDS runs of each way."
echo
heading 'token and key' 'raw PKCS#11 calls, ms' 'the middle half' 'GnuTLS, with all modules of p11-kit, to raw' ms \
	'the middle half' 'our library, to raw' ms 'the middle half'
each_key token_row
echo
sort -u $NOTES
each_key token_verdict
echo
cat <<END
NSS and the token behind a p11-kit server have their module by name in the handle: p11-kit finds it by its name when it has
loaded all modules that it is configured with, of which the others are not initialised. A \`module-path\` spares that.

END
heading 'token and key' 'the signature alone, to raw PKCS#11 calls' ms 'raw PKCS#11 calls through a p11-kit server, to without' \
	'our library through one, to without'
each_key held_row
echo
cat <<END
A server that held a session for its clients, logged in, would save what the first column leaves; and whoever could connect
to it could sign. A p11-kit server holds none: for each connection it starts a process that initialises the module anew,
and the login ends with the connection.
END
