#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: stock patched
#
# nfstlskey verify: what is in order, what is not, and the exit status that goes with the first failure.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh

world_up
ca_new root
ca_new middle root
ca_new issuing middle
ca_new stranger
token_init lab

# verifies TEXT STATUS ARGUMENT...: nothing goes to stderr
verifies() {
	local text=$1 wanted=$2 status=0
	shift 2
	nfstlskey verify --noheadings "$@" >/tmp/verify.out 2>/tmp/verify.err || status=$?
	[[ $status -eq $wanted && ! -s /tmp/verify.err ]]
	result $? "$text"
	[[ $status -eq $wanted && ! -s /tmp/verify.err ]] ||
		{ echo "status $status, wanted $wanted" && cat /tmp/verify.out /tmp/verify.err; } | diag
}

# found TEXT CHECK RESULT PATTERN [COUNT]: so many lines (1) of the last verify say this, and none says otherwise of the check
found() {
	local lines
	lines=$(awk -v check="$2" '$2 == check' /tmp/verify.out)
	[[ $(grep -cE "^[^ ]+ +$2 +$3 .*($4)" <<<"$lines") -eq ${5-1} && $(wc -l <<<"$lines") -eq ${5-1} ]]
	result $? "$1"
	[[ $(grep -cE "^[^ ]+ +$2 +$3 .*($4)" <<<"$lines") -eq ${5-1} && $(wc -l <<<"$lines") -eq ${5-1} ]] ||
		{ echo "wanted ${5-1}: $2 $3 $4" && cat /tmp/verify.out; } | diag
}

# checked: the checks of the last verify, in their order
checked() { awk '{ print $2 }' /tmp/verify.out | uniq | tr '\n' ' '; }

uri() { echo "pkcs11:token=lab;object=$1?pin-source=file:$PIN_FILE"; }
everything='module token pin key signature time validity purpose chain '

# --- what is in order ---
id=1
while read -r type schemes names; do
	name=client-${type#*:}
	token_identity lab "$name" root "$type" "0$id"
	ok "$name: it is added" nfstlskey add "$name" --pkcs11 "$(uri "$name")"
	nok "$name: nothing to warn of" grep -q warning: /tmp/tap.out
	verifies "$name: it verifies" 0 "$name" --ca "$PKI/root.pem"
	is "$name: in all points" "$(checked)" "$everything"
	is "$name: which are fine" "$(awk '$3 != "ok"' /tmp/verify.out)" ''
	found "$name: each scheme is tried" signature ok "$names" "$schemes"
	id=$((id + 1))
done <<-'EOF'
	rsa:2048 3 RSA-PSS-RSAE-SHA(256|384|512)
	EC:prime256v1 1 ECDSA-SECP256R1-SHA256
	EC:secp384r1 1 ECDSA-SECP384R1-SHA384
	EC:secp521r1 1 ECDSA-SECP521R1-SHA512
EOF
diag </tmp/verify.out
module=$(awk '$2 == "module" { print $4 }' /tmp/verify.out)
ok 'the module is named' cmp "$module" "$SOFTHSM"
found 'and the token' token ok 'token "lab" \(serial [0-9a-f]+\)'
found 'and where the PIN came from' pin ok "accepted, from file:$PIN_FILE"

verifies 'without a CA file nobody can tell what the server trusts' 0 client-2048
found 'which is worth a warning that names the issuer' chain warning "0 intermediate.*must trust 'CN=root'"
cp "$PKI/root.pem" /tmp/own-store
cat /etc/ssl/certs/ca-certificates.crt >>/tmp/own-store 2>/dev/null || mkdir -p /etc/ssl/certs
cp /tmp/own-store /etc/ssl/certs/ca-certificates.crt
verifies 'but what this host trusts' 0 client-2048
found 'is taken for what the server trusts' chain ok "'CN=root' among those that this host trusts"
: >/etc/ssl/certs/ca-certificates.crt
verifies 'a CA file that is none of this certificate' 10 client-2048 --ca "$PKI/stranger.pem"
found 'is a failure of the chain' chain failed "'CN=root', which is none of the CA file"
refuses 'a CA file that is not there' 10 'No such file' nfstlskey verify client-2048 --ca /nowhere
refuses 'nobody' 3 'not on the .nfs keyring' nfstlskey verify nobody

# --- a key in a file ---
file_key file root
nfstlskey add file --cert "$PKI/file.pem" --key "$PKI/file.key" 2>>"$LOGS/cli"
verifies 'a key on the keyring verifies' 0 file --ca "$PKI/root.pem"
is 'in the points that concern it' "$(checked)" 'key signature validity purpose chain '
found 'with a signature that fits the certificate' signature ok ECDSA-SECP256R1-SHA256
file_key pss root --key-type rsa-pss --hash sha384 --bits 2048
ok 'an RSASSA-PSS key for one hash is added' nfstlskey add pss --cert "$PKI/pss.pem" --key "$PKI/pss.key"
verifies 'an RSASSA-PSS key for one hash' 0 pss
found 'signs with that one' signature ok RSA-PSS-SHA384
file_key other root
openssl pkcs8 -topk8 -nocrypt -in "$PKI/other.key" -outform DER -out "$PKI/other.p8"
raw_identity mixed "$PKI/file.der" "$PKI/other.p8"
verifies 'a key of another certificate' 9 mixed --ca "$PKI/root.pem"
found 'does not verify' signature failed 'does not belong'
raw_identity noise "$PKI/file.der" "$PKI/file.pem"
verifies 'what is no key' 10 noise
found 'is said to be none' key failed 'not a readable private key'
raw_identity nocert "$PKI/file.pem" "$PKI/other.p8"
verifies 'what is no certificate' 10 nocert
is 'is all there is to say' "$(checked)" 'certificate '
handle_der 'pkcs11:token=lab;object=client-2048' 'PKCS#11 Provider URI v9.9' >"$PKI/bad.handle"
raw_identity handle "$PKI/client-2048.der" "$PKI/bad.handle"
verifies 'a handle that is none' 10 handle --ca "$PKI/root.pem"
is 'costs no module' "$(checked)" 'handle validity purpose chain '
possessing keyctl unlink "%user:nfs:x509:noise:cert" "$(nfs_keyring)"
verifies 'half an identity' 3 noise
found 'is no identity' identity failed 'half of it is missing'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:secp224r1 -nodes -keyout "$PKI/curve.key" -subj /CN=curve \
	-outform DER -out "$PKI/curve.der" 2>>"$LOGS/pki"
openssl pkcs8 -topk8 -nocrypt -in "$PKI/curve.key" -outform DER -out "$PKI/curve.p8"
raw_identity curve "$PKI/curve.der" "$PKI/curve.p8"
verifies 'a key on a curve that TLS 1.3 does not have' 9 curve
found 'signs nothing' signature failed 'cannot sign as TLS 1.3 needs'
handle_der "pkcs11:token=lab;object=client-prime256v1;type=private?pin-source=file:$PIN_FILE" >"$PKI/bare.handle"
raw_identity bare "$PKI/client-prime256v1.der" "$PKI/bare.handle"
verifies 'a handle that names no module' 0 bare
found 'is worth a warning' module warning 'names none, so each handshake loads them all'
for name in mixed noise nocert handle curve bare; do nfstlskey remove $name; done

# --- the certificate ---
# certificate NAME TEMPLATE-EDIT [LINE...]: an identity whose certificate says something else
certificate() {
	template "$1" "${@:3}"
	sed -i "$2" "$PKI/$1.tmpl"
	file_key "$1" root
	nfstlskey add "$1" --cert "$PKI/$1.pem" --key "$PKI/$1.key" >/tmp/tap.out 2>&1
	result $? "$1: it is added"
}
certificate expired /expiration_days/d 'activation_date = "2020-01-01 00:00:00"' 'expiration_date = "2021-01-01 00:00:00"'
said 'with a warning' "warning: the certificate expired on 2021-01-01 00:00 UTC; servers will refuse it"
verifies 'an expired certificate' 10 expired --ca "$PKI/root.pem"
found 'has expired' validity failed 'expired on 2021-01-01 00:00 UTC'
found 'and that is not held against the chain as well' chain ok 'CN=root'
certificate early /expiration_days/d 'activation_date = "2096-01-01 00:00:00"' 'expiration_date = "2097-01-01 00:00:00"'
verifies 'a certificate of the future' 10 early
found 'is not valid yet' validity failed 'not valid before 2096-01-01'
certificate soon 's/expiration_days.*/expiration_days = 13/'
said 'with a warning' 'warning: the certificate expires on .*; renew it'
verifies 'a certificate that expires soon' 0 soon
found 'is worth a warning' validity warning 'expires on .* UTC'
certificate serving /tls_www_client/d
said 'with a warning' 'warning: the certificate is not for TLS clients'
verifies 'a certificate for servers' 10 serving
found 'is not for clients' purpose failed clientAuth
# certtool gives every TLS certificate the right to sign
openssl req -x509 -CA "$PKI/root.pem" -CAkey "$PKI/root.key" -key "$PKI/other.key" -subj /CN=wrapping \
	-addext keyUsage=critical,keyEncipherment -addext basicConstraints=CA:FALSE -out "$PKI/wrapping.pem" 2>>"$LOGS/pki"
ok 'wrapping: it is added' nfstlskey add wrapping --cert "$PKI/wrapping.pem" --key "$PKI/other.key"
said 'with a warning' 'warning: the certificate is not for signatures'
verifies 'a certificate for encryption' 10 wrapping
found 'is not for signatures' purpose failed digitalSignature
certificate anything '/tls_www/d; /signing_key/d'
verifies 'a certificate that does not say what it is for' 0 anything
found 'is for everything' purpose ok 'TLS clients'

# --- the chain ---
token_identity lab leaf issuing EC:prime256v1 0a
ok 'a leaf without its intermediates is added' nfstlskey add leaf --pkcs11 "$(uri leaf)"
verifies 'which no check without the root will tell' 0 leaf
found 'but it names the issuer' chain warning "must trust 'CN=issuing'"
verifies 'with the CA file it fails' 10 leaf --ca "$PKI/root.pem"
found 'and says what is missing' chain failed "issuer 'CN=issuing', which is none of the CA file.*--cert"
verifies 'a server that trusts the issuer itself is content' 0 leaf --ca "$PKI/issuing.pem"
cat "$PKI"/{leaf,issuing}.pem >"$PKI/chain"
ok 'one of two intermediates' nfstlskey update leaf --pkcs11 "$(uri leaf)" --cert "$PKI/chain"
verifies 'is not enough' 10 leaf --ca "$PKI/root.pem"
found 'and the next issuer is named' chain failed "'CN=middle'"
cat "$PKI/middle.pem" >>"$PKI/chain"
ok 'both' nfstlskey update leaf --pkcs11 "$(uri leaf)" --cert "$PKI/chain"
verifies 'are enough' 0 leaf --ca "$PKI/root.pem"
found 'and counted' chain ok "2 intermediate.*up to 'CN=root'"
openssl x509 -in "$PKI/middle.pem" -outform DER -out "$PKI/middle.der"
possessing sh -c "keyctl pupdate %user:nfs:x509:leaf:chain <$PKI/middle.der"
verifies 'a gap in the chain' 10 leaf
found 'is found without a CA file' chain failed 'certificate 1 of 2 was not issued by the one after it'
# the right name, and another key
mv "$PKI/issuing.pem" "$PKI/true.pem"
ca_new issuing middle
openssl x509 -in "$PKI/issuing.pem" -outform DER | cat - "$PKI/middle.der" >"$PKI/false.chain"
possessing sh -c "keyctl pupdate %user:nfs:x509:leaf:chain <$PKI/false.chain"
verifies 'an impostor in the chain' 10 leaf
found 'is found without a CA file' chain failed .
nfstlskey remove leaf

# --- the token, the PIN, and logins: pkcs11-spy writes down what the token is asked ---
spy=$(echo /usr/lib/*/pkcs11-spy.so)
export PKCS11SPY=$SOFTHSM PKCS11SPY_OUTPUT=/tmp/spy
calls() { grep -c " $1\$" /tmp/spy; }
token_identity lab spied root rsa:2048 0b
nfstlskey add spied --pkcs11 "$(uri spied)&module-path=$spy" 2>>"$LOGS/cli"
rm /tmp/spy
keys=$(keyring_state)
verifies 'one verify' 0 spied --ca "$PKI/root.pem"
is 'is one login' "$(calls C_Login)" 1
is 'and a signature for each scheme' "$(calls C_Sign)" 3
is 'and changes nothing' "$(keyring_state)" "$keys"
rm /tmp/spy

cp -p "$PIN_FILE" "$PIN_FILE.right"
echo 123456 >"$PIN_FILE"
verifies 'a wrong PIN' 8 spied --ca "$PKI/root.pem"
found 'is refused' pin failed 'refused the PIN.*tried once'
is 'and what could not be looked at is left out' "$(checked)" 'module token pin validity purpose chain '
is 'it was tried once' "$(calls C_Login)" 1
verifies 'the next verify' 8 spied
found 'finds the latch, and its cause' pin failed 'locked until nfstlskey unlock: .*C_Login: '
is 'and tries nothing' "$(calls C_Login)" 1
cp -p "$PIN_FILE.right" "$PIN_FILE"
verifies 'the right PIN alone' 8 spied
is 'is not tried' "$(calls C_Login)" 1
ok 'a person unlocks it' nfstlskey unlock spied
verifies 'and it verifies' 0 spied
found 'with the PIN' pin ok accepted
rm /tmp/spy
ok 'it is locked by a person' nfstlskey lock spied
verifies 'what a person locked' 8 spied
found 'stays locked' pin failed 'locked with nfstlskey lock'
is 'and nothing is tried' "$(calls C_Login)" 0
nfstlskey unlock spied 2>>"$LOGS/cli"
rm "$PIN_FILE"
verifies 'a PIN file that is gone' 8 spied
found 'is named' pin failed "$PIN_FILE: No such file"
cp -p "$PIN_FILE.right" "$PIN_FILE"

# a PIN that the kernel keeps
nfstlskey update spied --pkcs11 'pkcs11:token=lab;object=spied' --pin-fd 0 <<<"$PIN" 2>>"$LOGS/cli"
verifies 'a PIN in the keyring' 0 spied
found 'is one source' pin ok 'from the keyring'

# --- the token goes away ---
mv /var/lib/softhsm/tokens /var/lib/softhsm/away
mkdir /var/lib/softhsm/tokens
verifies 'no token' 7 client-2048 --ca "$PKI/root.pem"
found 'the module is there' module ok "$module"
found 'the token is not' token failed 'absent.*"lab"'
is 'the certificate is looked at all the same' "$(checked)" 'module token validity purpose chain '
rmdir /var/lib/softhsm/tokens
mv /var/lib/softhsm/away /var/lib/softhsm/tokens
token_tool lab --delete-object --type privkey --label client-secp384r1
verifies 'a key that was deleted' 3 client-secp384r1
found 'is missing' key failed 'no private key'
is 'behind a token that took its PIN' "$(checked)" 'module token pin key validity purpose chain '
mv "$module" "$module.away"
verifies 'no module' 7 client-2048
found 'is named' module failed "$module"
is 'and the certificate is looked at all the same' "$(checked)" 'module validity purpose chain '
mv "$module.away" "$module"

# --- a key that always authenticates ---
token_tool lab --keypairgen --key-type EC:prime256v1 --label always --id 0c --always-auth
token_request lab always always
cert_sign always root --load-request "$PKI/always.csr"
token_certificate lab always always 0c
ok 'a key that always authenticates is added' nfstlskey add always --pkcs11 "$(uri always)"
said 'with a warning' 'warning: it always authenticates'
verifies 'it verifies' 0 always --ca "$PKI/root.pem"
found 'with a warning' key warning 'it always authenticates'

# --- all of them, and JSON ---
# rows FIELD: of what verify --json prints, which must be JSON whole
# shellcheck disable=SC2016 # for perl
rows() {
	nfstlskey verify --json "${@:2}" | perl -0777 -e '
		my $string = qr/"(?:[^"\\\x00-\x1f]|\\(?:["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/;
		my $object = qr/\{\s*$string\s*:\s*$string(?:\s*,\s*$string\s*:\s*$string)*\s*\}/;
		$_ = <STDIN>;
		/\A\s*\{\s*"findings"\s*:\s*\[\s*((?:$object(?:\s*,\s*$object)*)?)\s*\]\s*\}\s*\z/ or die "not JSON: $_";
		my $rows = $1;
		print "$1\n" while $rows =~ /"$ARGV[0]"\s*:\s*"((?:[^"\\]|\\.)*)"/g;' "$1"
}
nfstlskey verify --all --noheadings >/tmp/verify.out 2>>"$LOGS/cli"
is 'all are verified, and the first failure counts' "$?" 3
is 'every identity' "$(awk '{ print $1 }' /tmp/verify.out | uniq | tr '\n' ' ')" \
	"$(nfstlskey list --noheadings | awk '{ print $1 }' | tr '\n' ' ')"
for field in identity check result; do
	column=$((column + 1))
	is "JSON has the same rows: $field" "$(rows $field --all)" "$(awk -v column=$column '{ print $column }' /tmp/verify.out)"
done
is 'a quotation mark is no end of a string' "$(rows detail client-2048 | grep -c 'token \\"lab\\"')" 1
is 'the fields are these' "$(nfstlskey verify --json file | grep -o '"[a-z]*": *"' | tr -d ' ":' | sort -u | tr '\n' ' ')" \
	'check detail identity result '
nfstlskey list --noheadings | awk '{ print $1 }' >/tmp/names
while read -r name; do nfstlskey remove "$name"; done </tmp/names
verifies 'an empty keyring is fine' 0 --all
is 'and prints nothing' "$(</tmp/verify.out)" ''
is 'or an empty list' "$(rows identity --all)" ''
done_testing
