#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which PIN files are taken: add and update refuse the others and leave the keyring as it was, and so does a handshake,
# each in one line. tests/unit/pin_test.c has each rule by itself.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/fault.sh
. /src/tests/e2e/fault.sh

# refused TEXT REASON: the file as it is now
refused() {
	local before
	before=$(keyring_state)
	forget
	refuses "$1: add" 8 "identity 'other': .*PIN file $PIN_FILE.*$2" \
		nfstlskey add other --pkcs11 "$KEY" --pin-file "$PIN_FILE"
	refuses "$1: add, file:" 8 "PIN file $PIN_FILE.*$2" nfstlskey add other --pkcs11 "$KEY&pin-source=file:$PIN_FILE"
	refuses "$1: update" 8 "identity 'good': .*PIN file $PIN_FILE.*$2" \
		nfstlskey update good --pkcs11 "$KEY" --pin-file "$PIN_FILE"
	is "$1: the keyring is as it was" "$(keyring_state)" "$before"
	never "$1"
	told "$1" "the pin-source cannot be used: PIN file $PIN_FILE.*$2.*; mend the PIN file"
	is "$1: no login" "$(calls C_Login)" 0
	is "$1: no latch, the keyring is as it was" "$(keyring_state)" "$before"
	rm -rf "$PIN_FILE"
}

# taken TEXT: the file as it is now
taken() {
	ok "$1: update" nfstlskey update good --pkcs11 "$KEY" --pin-file "$PIN_FILE"
	forget
	ok "$1: it mounts" mount_as good retry=0
	is "$1: with one login" "$(calls C_Login 0x0 user)" 1
	umount /mnt/nfs
}

fault_world
umask 077

taken 'with a newline'
printf %s "$PIN" >"$PIN_FILE"
taken 'without a newline'
chmod 0400 "$PIN_FILE"
taken 'for reading only'
ok 'as a URI with file:' nfstlskey update good --pkcs11 "$KEY&pin-source=file:$PIN_FILE"
ok 'as a URI with file:, it mounts' mount_as good retry=0
umount /mnt/nfs
ok 'as a URI with file://' nfstlskey update good --pkcs11 "$KEY&pin-source=file://$PIN_FILE"
ok 'as a URI with file://, it mounts' mount_as good retry=0
umount /mnt/nfs
ok 'as a URI with a path' nfstlskey update good --pkcs11 "$KEY&pin-source=$PIN_FILE"
ok 'as a URI with a path, it mounts' mount_as good retry=0
umount /mnt/nfs

rm -f "$PIN_FILE"
refused 'missing' 'No such file'
: >"$PIN_FILE"
refused 'empty' 'is empty'
echo >"$PIN_FILE"
refused 'a newline alone' 'is empty'
for mode in 0640 0604 0620; do
	echo "$PIN" >"$PIN_FILE"
	chmod $mode "$PIN_FILE"
	refused "mode $mode" 'is open to others'
done
echo "$PIN" >"$PIN_FILE"
chown nobody "$PIN_FILE"
refused 'of somebody else' 'is not owned by root'
echo "$PIN" >/etc/nfs/there
ln -s /etc/nfs/there "$PIN_FILE"
refused 'a link' 'is a symbolic link'
mkfifo "$PIN_FILE"
refused 'a FIFO' 'is not a regular file'
mkdir "$PIN_FILE"
refused 'a folder' 'is not a regular file'
head -c 5120 /dev/zero | tr '\0' 1 >"$PIN_FILE"
refused '5 KiB' 'is longer than 4096 bytes'

# root reads what nobody may: only without CAP_DAC_OVERRIDE a file of its own is unreadable
echo "$PIN" >"$PIN_FILE"
chmod 0 "$PIN_FILE"
before=$(keyring_state)
refuses 'unreadable: add' 8 "PIN file $PIN_FILE: Permission denied" \
	on_client setpriv --bounding-set=-dac_override,-dac_read_search nfstlskey add other --pkcs11 "$KEY" --pin-file "$PIN_FILE"
is 'unreadable: the keyring is as it was' "$(keyring_state)" "$before"
echo "$PIN" >"$PIN_FILE.new"
mv -f "$PIN_FILE.new" "$PIN_FILE"
ok 'mended: it mounts, without unlock' mount_as good retry=0
done_testing
