#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
# rootfs: trixie sid
#
# The main job: keys of each kind in a token, each mounts with its own certificate.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world

id=1
for type in rsa:2048 rsa:3072 EC:prime256v1 EC:secp384r1; do
	name=client-${type#*:}
	token_identity lab "$name" root "$type" "0$id"
	ok "$name: it is added" nfstlskey add "$name" --pkcs11 "pkcs11:token=lab;object=$name?pin-source=file:$PIN_FILE"
	notes_sharing "$name: it says that the keyring is shared, if it is"
	mounts_as "$name" "CN=$name"
	id=$((id + 1))
done

nfstlskey list | diag
is 'four identities are listed, on the token' "$(nfstlskey list --noheadings | grep -c 'token lab')" 4
done_testing
