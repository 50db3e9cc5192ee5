#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The token matrix: tpm2-pkcs11 on a TPM in software, swtpm behind tpm2-abrmd. It is taken away with both.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/matrix.sh
. /src/tests/e2e/matrix.sh
# shellcheck source=tests/e2e/tpm.sh
. /src/tests/e2e/tpm.sh

SOFTWARE='tpm2-pkcs11, on swtpm'
VERSION=$(version_of libtpm2-pkcs11-1)
NAMES=(P-256 RSA-2048)
SOFTHSM=$(sed -n 's/^module: *//p' "$TPM_MODULE_OFF")
[[ $SOFTHSM == /* ]] || SOFTHSM=$(echo /usr/lib/*/pkcs11/"$SOFTHSM")
token_uri() { echo "pkcs11:token=lab;object=$1"; }
token_away() { tpm_stop; }
token_back() { tpm_start; }
# the TPM counts for all its tokens
TRIED=0x1
tries() { tpm2_getcap properties-variable | sed -n 's/TPM2_PT_LOCKOUT_COUNTER: *//p'; }

# tpm_token LABEL
tpm_token() {
	mkdir -m 700 /etc/tpm2_pkcs11
	pkcs11-tool --module "$SOFTHSM" --init-token --slot-index 0 --label "$1" --so-pin 31415926 &&
		pkcs11-tool --module "$SOFTHSM" --token-label "$1" --init-pin --login --login-type so --so-pin 31415926 --pin "$PIN"
	pin_file
}

world_up
ca_new root
server_start root
unset HOME
client_start root
export HOME=/root
mkdir -p /run/dbus
dbus-daemon --system --fork
ok 'a TPM' tpm_start
mv "$TPM_MODULE_OFF" "$TPM_MODULE"
ok 'a token' tpm_token lab
ok 'keys and certificates' made_by_pkcs11_tool lab
NOTES='A wrong PIN counts for the whole TPM.'
matrix
done_testing
