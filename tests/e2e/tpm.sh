# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A TPM in software, with tpm2-abrmd in the place of the kernel's resource manager. To be sourced after lib.sh; it needs
# a D-Bus.

TPM_STATE=/tmp/tpm

# tpm_start: with what it holds since the last time
tpm_start() {
	mkdir -p $TPM_STATE
	swtpm socket --tpm2 --tpmstate dir=$TPM_STATE --flags not-need-init,startup-clear --seccomp action=none \
		--server type=tcp,port=2321,bindaddr=127.0.0.1 --ctrl type=tcp,port=2322,bindaddr=127.0.0.1 \
		>>"$LOGS/swtpm" 2>&1 &
	SWTPM=$!
	wait_for tpm_listens
	tpm2-abrmd --tcti=swtpm:port=2321 --allow-root >>"$LOGS/tpm2-abrmd" 2>&1 &
	ABRMD=$!
	wait_for tpm2_getrandom 1
}
tpm_listens() { ss -Htln | grep -q :2321; }

tpm_stop() {
	kill "$ABRMD" "$SWTPM"
	wait "$ABRMD" "$SWTPM"
}
