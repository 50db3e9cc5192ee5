#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Each command, where each call that it makes fails, one after the other: what is for memory, what the kernel does, a key
# that goes. What must hold then is told in tests/unlucky/unlucky.c.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

FILES=/etc/nfs/identities.d
TOOLS=$(echo /usr/lib/*/nfstls-tests)
usual_world
ca_new middle root
token_identity lab lab root EC:prime256v1
template bob 'dns_name = "bob.example"' 'ip_address = "192.0.2.7"'
file_key bob middle
cat "$PKI/middle.pem" >>"$PKI/bob.pem"
chmod 600 "$PKI"/*.key
bob=(--cert "$PKI/bob.pem" --key "$PKI/bob.key")
lab=(--pkcs11 'pkcs11:token=lab;object=lab' --pin-file "$PIN_FILE")

# What is there before each run; it runs in the client's namespace
cat >/tmp/prepare <<-EOF
	exec >/tmp/prepare.log 2>&1
	clean() {
		nfstlskey remove bob --persist
		nfstlskey remove lab --persist
		rm -rf $FILES/.??*
	}
	add() {
		case \$1 in
		bob) nfstlskey add bob ${bob[*]} --persist ;;
		lab) nfstlskey add lab ${lab[*]@Q} --persist ;;
		pin) nfstlskey add lab --pkcs11 'pkcs11:token=lab;object=lab' --pin-fd 0 <$PIN_FILE ;;
		esac
	}
EOF

# unlucky PREPARED OPTIONS COMMAND...: with options of unlucky.c; the program is the one in $PROGRAM
PROGRAM=nfstlskey
unlucky() {
	local prepared=$1 options=$2
	shift 2
	# shellcheck disable=SC2086 # several words
	ok "$PROGRAM $*" on_client "$TOOLS/$PROGRAM" --prepare ". /tmp/prepare; clean; $prepared" $options -- "$@"
	tail -n 1 /tmp/tap.out | diag
}

both='add lab; add bob'
if [[ $VM_KERNEL == patched ]]; then
	unlucky '' '' add bob "${bob[@]}" --expire
	unlucky "rm -rf $FILES" '' add bob "${bob[@]}" --persist
	unlucky '' '' add bob "${bob[@]}" --netns client
	unlucky '' '' add lab --pkcs11 'pkcs11:token=lab;object=lab' --pin-fd 0 --persist <"$PIN_FILE"
	unlucky 'add bob' '' update bob "${bob[@]}"
	unlucky 'add bob' '' update bob --cert "$PKI/bob.pem"
	unlucky "$both" '' update bob --dry-run "${lab[@]}" --cert "$PKI/lab.pem"
	unlucky 'add pin' '' update lab --pkcs11 'pkcs11:token=lab;object=lab' --pin-fd 0 <"$PIN_FILE"
	printf %s "$PIN" >/tmp/pin # and no line end
	unlucky 'add pin' '' unlock lab --pin-fd 0 </tmp/pin
	unlucky 'add bob' --parts remove bob
	unlucky 'add bob' --parts remove bob --persist
	unlucky "$both" '' list --json --output-all --all-netns
	unlucky 'add bob' '' show bob
	for option in --raw --noheadings --output-all; do
		unlucky 'add bob' '' show bob $option
	done
	unlucky "$both" '' show lab --json --output-all --probe
	unlucky "$both" '' export lab
	unlucky 'add bob' '' export bob
	unlucky '' '' tokens
	unlucky "$both" '' check-config
	unlucky "printf '%s\n' pkcs11=x key=y cert=z chain=z pin-file=z netns=. frob=1 >$FILES/bob.conf" --parts check-config
	unlucky 'add bob; nfstlskey remove bob' '' load bob
	unlucky "add lab; nfstlskey remove lab; echo chain = $PKI/root.pem >>$FILES/lab.conf" '' load lab
	unlucky "nfstlskey add bob ${bob[*]} --netns client --persist; nfstlskey remove bob" --parts load bob
	unlucky 'add bob; nfstlskey remove bob' --parts load --all
	unlucky 'add bob' '' load --all
	unlucky 'add pin' --parts lock lab
	unlucky 'add lab; nfstlskey lock lab' '' unlock lab
	unlucky 'add lab' --findings verify lab
	unlucky 'add bob' --findings verify bob --ca "$PKI/root.pem"
	unlucky 'add bob' --findings verify --all
	nfstlskey add carol "${bob[@]}" >/dev/null
	ok 'a mount' on_client mount -t nfs -o vers=4.2,xprtsec=mtls,tls_identity=carol server:/ /mnt/nfs
	unlucky '' '' show carol --json --output MOUNTS
	on_client umount /mnt/nfs
else
	unlucky 'add bob' --findings doctor bob server:/
fi
unlucky 'add bob' '' show bob --mount-options

# What the mount helper becomes prints what it is told
printf '#!/bin/sh\necho "$@"\n' >/sbin/mount.nfs
PROGRAM=mount.nfstls
unlucky 'add bob' '' server:/ /mnt -v -o tls_identity=bob,rw -o vers=4.2
unlucky 'add bob' '' -t nfstls server:/ /mnt -n -s -f -n -o tls_identity=bob,vers=3
done_testing
