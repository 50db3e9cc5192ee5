# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # who sources this reads them
#
# tpm2-pkcs11 on a TPM in software, swtpm behind tpm2-abrmd. It is taken away with both.

# shellcheck source=tests/e2e/tpm.sh
. /src/tests/e2e/tpm.sh

SOFTWARE='tpm2-pkcs11, on swtpm'
VERSION=$(version_of libtpm2-pkcs11-1)
MODULE=$(sed -n 's/^module: *//p' "$TPM_MODULE_OFF")
[[ $MODULE == /* ]] || MODULE=$(echo /usr/lib/*/pkcs11/"$MODULE")
# for the functions of lib.sh that make keys
SOFTHSM=$MODULE
NAMES=(P-256 RSA-2048)
NOTES='A wrong PIN counts for the whole TPM.'
token_up() {
	bus_up && tpm_start || return
	mv "$TPM_MODULE_OFF" "$TPM_MODULE"
	tpm_token lab && made_by_pkcs11_tool lab
}
token_uri() { echo "pkcs11:token=lab;object=$1"; }
token_away() { tpm_stop; }
token_back() { tpm_start; }
# no HOME, as under systemd
client_up() {
	local home=$HOME
	unset HOME
	client_start root
	export HOME=$home
}
# the TPM counts for all its tokens
TRIED=0x1
tries() { tpm2_getcap properties-variable | sed -n 's/TPM2_PT_LOCKOUT_COUNTER: *//p'; }

# tpm_token LABEL
tpm_token() {
	mkdir -m 700 /etc/tpm2_pkcs11
	pkcs11-tool --module "$MODULE" --init-token --slot-index 0 --label "$1" --so-pin 31415926 &&
		pkcs11-tool --module "$MODULE" --token-label "$1" --init-pin --login --login-type so --so-pin 31415926 --pin "$PIN"
}
