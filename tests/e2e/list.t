#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# Looking at identities: their states, columns and mounts, in one network namespace and in all; one of them in full; and as
# PEM (export.t signs with it).

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

usual_world
ca_new middle root
token_identity lab lab middle EC:prime256v1
cat "$PKI"/{lab,middle}.pem >"$PKI/chain.pem"
file_key bob root
template late 'activation_date = "2020-01-01 00:00:00"' 'expiration_date = "2020-02-01 00:00:00"'
sed -i '/expiration_days/d' "$PKI/late.tmpl"
file_key late root
{
	nfstlskey add lab --pkcs11 "pkcs11:token=lab;object=lab?pin-source=file:$PIN_FILE" --cert "$PKI/chain.pem"
	nfstlskey add bob --cert "$PKI/bob.pem" --key "$PKI/bob.key"
	nfstlskey add late --cert "$PKI/late.pem" --key "$PKI/late.key"
} 2>>"$LOGS/add"
nfstlskey list --output-all | diag

# cells COLUMN,... IDENTITY: as a script reads them
cells() { nfstlskey list --raw --noheadings --output "NAME,$1" | sed -n "s/^$2 //p"; }

# --- states ---
is 'a key on a token: ready' "$(cells STATE lab)" ready
is 'a key file: ready' "$(cells STATE bob)" ready
is 'a certificate that is over: expired' "$(cells STATE late)" expired
[[ $(cells DAYS late) -lt -2000 && $(cells DAYS bob) -ge 29 && $(cells DAYS bob) -le 30 ]]
result $? 'days are left, or gone'
nfstlskey lock lab
is 'locked by a person' "$(cells STATE lab)" locked
nfstlskey unlock lab
is 'unlocked again' "$(cells STATE lab)" ready
echo 9999 >"$PIN_FILE"
nfstlskey verify lab >/dev/null 2>&1
is 'latched by a refusal' "$(cells STATE lab)" latched
pin_file
nfstlskey unlock lab
possessing keyctl unlink "$(nfstlskey show late | sed 's/.*privkey_serial=//')" "$(nfs_keyring)"
is 'without its private key: half' "$(cells STATE late)" half
nfstlskey remove late
mv /var/lib/softhsm/tokens /var/lib/softhsm/away && mkdir /var/lib/softhsm/tokens
is 'a token that is away is not asked' "$(cells STATE lab)" ready
is 'unless that is asked for' "$(nfstlskey list --probe --raw --noheadings -o NAME,STATE | grep lab)" 'lab absent'
rmdir /var/lib/softhsm/tokens && mv /var/lib/softhsm/away /var/lib/softhsm/tokens
is 'a token that is there' "$(nfstlskey list --probe --raw --noheadings -o NAME,STATE | grep lab)" 'lab ready'

# --- columns ---
is 'columns in the order that they are asked for' "$(nfstlskey list --raw -o expires,Name | head -n 1)" 'EXPIRES NAME'
is 'a name' "$(cells SANS bob)" DNS:bob
is 'who issued it' "$(cells ISSUER bob)" "$(certtool --certificate-info --infile "$PKI/root.pem" | sed -n 's/^\tSubject: //p' | sed 's/ /\\x20/g')"
is 'serials' "$(cells CERT-SERIAL,PRIVKEY-SERIAL bob)" "$(nfstlskey show bob | sed 's/[^0-9]*\([0-9]*\),[^0-9]*/\1 /')"
[[ $(cells CHAIN-SERIAL lab) =~ ^[0-9]+$ && -z $(cells CHAIN-SERIAL bob) ]]
result $? 'the serial of a chain, where there is one'
[[ $(cells URI lab) == pkcs11:*token=lab* && $(cells URI lab) != *pin-value* ]]
result $? 'what the handle names'
# signed NAME [OPTION...]: an identity with bob's key, and a certificate that says more
signed() {
	openssl req -x509 -CA "$PKI/root.pem" -CAkey "$PKI/root.key" -key "$PKI/bob.key" -subj "/CN=$1" "${@:2}" \
		-out "$PKI/$1.pem" 2>>"$LOGS/pki"
	nfstlskey add "$1" --cert "$PKI/$1.pem" --key "$PKI/bob.key" >/dev/null 2>/tmp/tap.out
}
signed names -addext "subjectAltName=DNS:a.example,IP:192.0.2.7,IP:2001:db8::7,email:bob@b.example,URI:nfs://c,RID:1.2.3,DNS:$(
	printf 'n%.0s' {1..1100}),DNS:z"
is 'names of every kind that there is a word for, but for those that are too long' "$(cells SANS names)" \
	'DNS:a.example,IP:192.0.2.7,IP:2001:db8::7,email:bob@b.example,URI:nfs://c,DNS:z'
# RFC 5280 section 4.1.2.5
signed endless -not_after 99991231235959Z
is 'a certificate without an end is over never' "$(cells STATE,EXPIRES,DAYS endless | cut -c 1-29)" 'ready 9999-12-31T23:59:59Z 29'
ok 'it verifies' nfstlskey verify endless
said 'until that day' 'until 9999-12-31'
ok 'for as long as it is valid' nfstlskey update endless --cert "$PKI/endless.pem" --expire
[[ $(possessing keyctl rdescribe "$(nfstlskey show endless | sed 's/.*=//')") == user\;* ]]
result $? 'it stays'
token_identity lab ed root EC:edwards25519 05
nfstlskey add ed --pkcs11 "pkcs11:token=lab;object=ed?pin-source=$PIN_FILE" 2>>"$LOGS/add"
is 'kinds of keys' "$(cells TYPE lab) $(cells TYPE ed)" 'P-256 Ed25519'
raw_identity foreign "$PKI/bob.pem" "$PKI/bob.pem"
is 'what is no certificate' "$(cells STATE,TYPE,SUBJECT foreign)" 'unreadable  '
ok 'what an update of it would change' nfstlskey update foreign --cert "$PKI/bob.pem" --key "$PKI/bob.key" --dry-run
said 'it had none that could be told' '^certificate  '
handle_der 'pkcs11:token=lab' 'PKCS#11 Provider URI v9.9' >/tmp/foreign.handle
raw_identity alien "$PKI/bob.der" /tmp/foreign.handle
is 'a handle that is none' "$(cells STATE,KEY alien)" 'unreadable unreadable\x20handle'
ok 'and what would change of that' nfstlskey update alien --cert "$PKI/bob.pem" --key "$PKI/bob.key" --dry-run
said 'its key' '^private key *unreadable handle *on the keyring'
ok 'of a chain' nfstlskey update lab --cert "$PKI/lab.pem" --dry-run
said 'how many there are' '^chain *1 intermediate *none'
for name in names endless ed foreign alien; do nfstlskey remove $name; done
refuses 'a column that there is not' 2 "no column 'COLOUR'; there are NAME,STATE," nfstlskey list -o NAME,COLOUR
ok 'all columns as JSON' nfstlskey list --json --output-all
said 'numbers are numbers' '"days": *[0-9]'
said 'and what is not there is null' '"chain-serial": *null\|"chain-serial":null'

# --- mounts ---
ok 'it mounts' on_client mount -t "$(by_kernel nfstls nfs)" -o vers=4.2,xprtsec=mtls,tls_identity=lab server:/ /mnt/nfs
is 'the mount that uses it' "$(cells MOUNTS lab)" /mnt/nfs
is 'nobody else does' "$(cells MOUNTS bob)" ''
ok 'it unmounts' umount /mnt/nfs
options=$(nfstlskey show bob --mount-options)
is 'what mount takes' "${options%%[0-9]*}" "$(by_kernel xprtsec=mtls,cert_serial= xprtsec=mtls,tls_identity=bob)"
ok 'mount takes it' on_client mount -t nfs -o "vers=4.2,$options" server:/ /mnt/nfs
is 'which is known, where the kernel tells' "$(cells MOUNTS bob)" "$(by_kernel '' /mnt/nfs)"
mkdir -p /mnt/too /mnt/three
mount --bind /mnt/nfs /mnt/too
mount --bind /mnt/nfs /mnt/three
is 'every mount of it, in the order in which they were made' "$(cells MOUNTS bob)" \
	"$(by_kernel '' /mnt/nfs,/mnt/too,/mnt/three)"
umount /mnt/too /mnt/three
ok 'it unmounts' umount /mnt/nfs

# --- one of them ---
ok 'one in full' nfstlskey show bob --output-all --json
said 'it is bob' '"name": *"bob"'
[[ $(grep -c '"name"' /tmp/tap.out) -eq 1 ]]
result $? 'and nobody else'
refuses 'nobody in full' 3 "identity 'who'" nfstlskey show who --json

# --- as PEM ---
ok 'an identity with a handle as PEM' nfstlskey export lab
is 'the certificate, the chain and the handle' "$(grep -e '-----BEGIN' /tmp/tap.out | uniq -c | tr -s ' \n' ' ')" \
	' 2 -----BEGIN CERTIFICATE----- 1 -----BEGIN PKCS#11 PROVIDER URI----- '
cp /tmp/tap.out /tmp/lab.pem
is 'the leaf comes first' "$(openssl x509 -in /tmp/lab.pem -noout -subject -nameopt RFC2253)" subject=CN=lab
ok 'it can be added as it is' nfstlskey add again --key /tmp/lab.pem --cert /tmp/lab.pem
nfstlskey remove again
ok 'an identity with a key file' nfstlskey export bob
is 'gives its certificate alone' "$(grep -ce '-----BEGIN' /tmp/tap.out)" 1
said 'and says so' "identity 'bob': warning: its private key is on the keyring, and is not exported"
nok 'nothing of the private key' grep -q PRIVATE /tmp/tap.out

# --- what cannot be printed is no success ---
full() { "$@" >/dev/full; }
closed() { "$@" >&-; }
for command in list 'list --json' 'show bob' 'show bob --json' 'export lab' 'verify bob' tokens 'update bob --dry-run'; do
	[[ $command != update* ]] || command+=" --cert $PKI/bob.pem"
	# shellcheck disable=SC2086 # words
	refuses "a full device: $command" 1 'standard output: No space left' full nfstlskey $command
done
refuses 'standard output is closed' 1 'standard output: Bad file descriptor' closed nfstlskey list
nok 'nor is add' closed nfstlskey add carol --cert "$PKI/bob.pem" --key "$PKI/bob.key"
said 'which says so' 'standard output: Bad file descriptor'
ok 'and has added it' nfstlskey remove carol
is 'nothing is written to what is opened in its place' "$(</run/nfstlskey.lock)" ''

# --- network namespaces ---
ip netns add tenant
[[ $VM_KERNEL != patched ]] || nfstlskey add carol --netns tenant --cert "$PKI/bob.pem" --key "$PKI/bob.key" 2>>"$LOGS/add"
ok 'a namespace by its name' nfstlskey list --netns tenant
ok 'or by a path' nfstlskey list --netns /run/netns/tenant
is 'it has its own, where there is such a thing' "$(nfstlskey list --netns tenant --raw --noheadings -o NAME | tr '\n' ' ')" \
	"$(by_kernel 'bob lab ' 'carol ')"
is 'as if started there' "$(nfstlskey list --netns tenant --raw --noheadings -o NAME,NETNS | tail -n 1)" \
	"$(by_kernel 'lab tenant' 'carol tenant')"
is 'all of them' "$(nfstlskey list --all-netns --raw --noheadings -o NAME,NETNS 2>/tmp/tap.err | tr '\n' ' ')" \
	"$(by_kernel 'bob client lab client ' 'bob client lab client carol tenant ')"
[[ $(</tmp/tap.err) == *'every network namespace shares it'* || $VM_KERNEL == patched ]]
result $? 'with a word about a keyring that all share, where they do'
refuses 'a namespace that there is not' 3 'no network namespace /run/netns/nowhere' nfstlskey list --netns nowhere
refuses 'another kind of namespace' 2 'no network namespace' nfstlskey list --netns /proc/self/ns/mnt
refuses 'one and all' 2 'not both' nfstlskey list --netns tenant --all-netns

done_testing
