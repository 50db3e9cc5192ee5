# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What measures the command with many identities: in the virtual machine, on the .nfs keyring of its kernel, or on the
# host's own kernel ($STAGE is set), where a keyring stands in for .nfs.

# bench_enter SCRIPT [ARG...]: begin the script again where it changes nothing of the host: in a session keyring of its
# own, which ends with it, and in a mount namespace with a /run of its own
bench_enter() {
	# shellcheck disable=SC2016 # for the shell in the session
	local enter=(keyctl session - bash -c 'exec 2>&3 3>&- && exec "$0" "$@"' bash)
	[[ -z ${BENCH_INSIDE-} ]] || return 0
	export BENCH_INSIDE=1
	[[ -z ${STAGE-} ]] || enter=(unshare --mount "${enter[@]}")
	# keyctl has a word to say of each session
	exec 3>&2 2>/dev/null "${enter[@]}" "$@"
}

# bench_start: leaves the keyring in $KEYRING, and the certificate of all identities in $CERT
bench_start() {
	local tests=(/usr/lib/*/nfstls-tests)
	if [[ -n ${STAGE-} ]]; then
		STAGE=$(realpath "$STAGE")
		tests=("$STAGE"/usr/lib/*/nfstls-tests)
		bench_stand_in "${tests[0]}"
	fi
	PROBE=${tests[0]}/probe
	FILES=/run/nfs/identities.d
	BENCH=$(mktemp -d)
	mkdir -p $FILES
	printf 'cn = "client"\ndns_name = "client"\ntls_www_client\nsigning_key\nexpiration_days = 30\n' >"$BENCH/template"
	(umask 077 && certtool --generate-privkey --ecc --outfile "$BENCH/key") 2>"$BENCH/log"
	certtool --generate-self-signed --load-privkey "$BENCH/key" --template "$BENCH/template" --outfile "$BENCH/cert" \
		2>>"$BENCH/log"
	certtool --certificate-info --infile "$BENCH/cert" --outder --outfile "$BENCH/der"
	bench_keyring
}

# bench_end: for a trap; what a command has said is told when one has failed
bench_end() {
	[[ $? -eq 0 ]] || tail -n 5 "$BENCH/log" >&2
	rm -rf "$BENCH"
}

# bench_stand_in FOLDER: nfstlskey, as it was built, with a keyring of ours in the place of .nfs
bench_stand_in() {
	local folder
	export LD_LIBRARY_PATH=${1%/nfstls-tests} LD_PRELOAD=$1/stand_in.so PATH=$STAGE/usr/sbin:$PATH
	mount -t tmpfs bench /run
	for folder in /etc/nfs/identities.d /usr/lib/nfs/identities.d; do
		[[ ! -d $folder ]] || mount -t tmpfs bench $folder
	done
}

bench_keyring() {
	local namer
	if [[ -n ${STAGE-} ]]; then
		KEYRING=$(keyctl newring nfstls-bench @s)
		keyctl setperm "$KEYRING" 0x3f3f0000
		export NFSTLS_STAND_IN=$KEYRING
	elif [[ $VM_KERNEL == stock ]]; then
		KEYRING=0x$(awk '/keyring +\.nfs:/ { print $1 }' /proc/keys)
		keyctl link "$KEYRING" @s
	else
		namer=$(keyctl request2 nfs_keyring .nfs '' @s)
		KEYRING=$(keyctl pipe "$namer")
	fi
}

# bench_fill COUNT: so many identities, many1 to manyCOUNT
bench_fill() {
	"$PROBE" fill $((BENCH_COUNT + 1)) "$1" "$BENCH/der"
	BENCH_COUNT=$1
}
BENCH_COUNT=0

# bench_files COUNT: so many identity files, and nothing on the keyring
bench_files() {
	local i
	rm -rf $FILES
	mkdir -p $FILES
	for ((i = 1; i <= $1; i++)); do
		printf 'key = %s\ncert = %s\n' "$BENCH/key" "$BENCH/cert" >$FILES/many$i.conf
	done
	keyctl clear "$KEYRING"
	BENCH_COUNT=0
}

# What a command takes in ms. ms RUNS COMMAND...: by the clock, the median. least_ms: the least, which a busy machine
# changes less. cpu_ms: the least that its process has of a processor, which it changes least; for a kernel that counts
# finer than by its ticks.
ms() { "$PROBE" time "$@" | cut -d ' ' -f 1; }
least_ms() { "$PROBE" time "$@" | cut -d ' ' -f 2; }
cpu_ms() { "$PROBE" time "$@" | cut -d ' ' -f 3; }
