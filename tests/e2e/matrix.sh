# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The token matrix: what each token software is put through, and its row of docs/tokens.md. Each test matrix_*.t is one of
# them. To be sourced after lib.sh.

# shellcheck source=tests/e2e/token_software.sh
. /src/tests/e2e/token_software.sh

WRONG=14142135
CELLS=()

# matrix_world: the CA "root", a server, the token, a client that has it, and its PIN in $PIN_FILE
matrix_world() {
	world_up
	ca_new root
	server_start root
	ok 'a token with keys and certificates' token_up
	client_up
	pin_file
}

# column STEP: a cell says yes if all of it went well, unless the step has more to say, in $CELL
column() {
	local failed=$TAP_FAILED
	CELL=yes
	"$1"
	[[ $TAP_FAILED -eq $failed ]] || CELL='**no**'
	CELLS+=("$CELL")
}

step_add() {
	for NAME in "${NAMES[@]}"; do
		ok "add: $NAME" nfstlskey add "$NAME" --pkcs11 "$(token_uri "$NAME")" --pin-file "$PIN_FILE"
		is "add: $NAME is known by its type" "$(nfstlskey list --noheadings --output NAME,TYPE | awk -v name="$NAME" '$1 == name { print $2 }')" "$NAME"
		is "add: in the place of the private key of $NAME is a handle" \
			"$(payload "$NAME" privkey | grep -ac 'PKCS#11 Provider URI')" 1
	done
}

step_verify() {
	for NAME in "${NAMES[@]}"; do
		ok "verify: $NAME" nfstlskey verify "$NAME" --ca "$PKI/root.pem"
	done
}

step_mount() {
	for NAME in "${NAMES[@]}"; do
		mounts_as "$NAME" "CN=$NAME"
	done
}

# renewed NAME: another certificate of its key, under another name and with another key identifier: the server's tlshd is
# asked for both
renewed() {
	openssl x509 -in "$PKI/$1.pem" -noout -pubkey >"$PKI/renewed.pub"
	printf '%s\n' basicConstraints=CA:FALSE keyUsage=digitalSignature extendedKeyUsage=clientAuth \
		subjectKeyIdentifier=0123456789abcdef0123456789abcdef01234567 authorityKeyIdentifier=keyid >"$PKI/renewed.ext"
	openssl x509 -new -force_pubkey "$PKI/renewed.pub" -subj /CN=renewed -days 30 -extfile "$PKI/renewed.ext" \
		-CA "$PKI/root.pem" -CAkey "$PKI/root.key" -out "$PKI/renewed.pem" 2>>"$LOGS/pki"
}

step_renew() {
	ok 'renew: it mounts' mount_as "$NAME"
	renewed "$NAME"
	ok 'renew: a new certificate under the mount' nfstlskey update "$NAME" --cert "$PKI/renewed.pem"
	forget_peer
	server_restart
	ok 'renew: the mount goes on' works
	is 'renew: the server saw the new one' "$(server_saw)" CN=renewed
	umount /mnt/nfs
}

more_failures_than() { [[ $(failures | wc -l) -gt $1 ]]; }
# handshake_fails: and the log tells of it
handshake_fails() {
	local before
	before=$(failures | wc -l)
	timeout 10 stat -f /mnt/nfs >/dev/null 2>&1 &
	wait_for more_failures_than "$before"
}

step_wrong_pin() {
	ok 'wrong PIN: it mounts' mount_as "$NAME"
	(umask 077 && echo $WRONG >"$PIN_FILE")
	: >"$LOGS/tlshd.client"
	for n in 1 2 3; do
		server_restart
		ok "wrong PIN: the server restarted ($n), and a handshake fails" handshake_fails
	done
	failures | diag
	is 'wrong PIN: one login' "$(failures | grep -c 'no handshake: the token refused the PIN: ')" 1
	is 'wrong PIN: and then none' "$(failures | grep -vc 'no handshake: locked until nfstlskey unlock: ')" 1
	is 'wrong PIN: which the token has counted' "$(tries)" "$TRIED"
	pin_file
	nok 'wrong PIN: the right one is not tried by itself' timeout 5 stat -f /mnt/nfs
	ok 'wrong PIN: unlock with the right one' nfstlskey unlock "$NAME"
	wait_for works
	result $? 'wrong PIN: the mount recovers'
	umount /mnt/nfs
}

step_absent() {
	local waiting
	ok 'absent: it mounts' mount_as "$NAME"
	: >"$LOGS/tlshd.client"
	token_away
	server_restart
	works >/tmp/waiting 2>&1 &
	waiting=$!
	wait_for failures
	result $? 'absent: a handshake fails'
	failures | diag
	is 'absent: the log says why' "$(failures | grep -vc 'no handshake: the token is absent: ')" 0
	kill -0 $waiting
	result $? 'absent: the mount waits'
	# a module may have much to say as well
	nfstlskey add more --pkcs11 "$(token_uri "$NAME")" --pin-file "$PIN_FILE" >/tmp/tap.out 2>&1
	is 'absent: add fails, for that reason' $? 7
	said 'absent: and says so' "identity 'more': the token is absent: "
	token_back
	ended $waiting
	result $? 'absent: it is back, and the mount goes on by itself'
	diag </tmp/waiting
	CELL='waits, comes back'
	umount /mnt/nfs
}

# matrix: runs it all, and leaves the row in the results
matrix() {
	local types
	types=$(printf '%s, ' "${NAMES[@]}")
	for step in add verify mount; do
		column step_$step
	done
	NAME=${NAMES[0]}
	for step in renew wrong_pin absent; do
		column step_$step
	done
	{
		printf '| %s | %s | %s ' "$SOFTWARE" "$VERSION" "${types%, }"
		printf '| %s ' "${CELLS[@]}" "$NOTES" "\`$(basename "$0" .t)\`"
		echo '|'
	} >/results/row
	diag </results/row
}
