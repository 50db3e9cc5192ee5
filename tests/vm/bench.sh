# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# ./dev bench: all that is measured, in one run, as one Markdown file.

# What the tables are made on and with. bench_versions DPKG-QUERY-OPTION...
bench_versions() {
	dpkg-query "$@" -W -f '${source:Package} ${Version}\n' 'libgnutls30*' 'libp11-kit0' softhsm2 ktls-utils 2>/dev/null |
		grep -v ' $' | paste -sd , | sed 's/,/, /g'
}

bench_head() {
	local tlshd='that of the package, with the adapter'
	[[ -z $VM_TLSHD ]] || tlshd='one that was built, given with --tlshd, without the adapter'
	cat <<-EOF2
		<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
		# Performance

		Written by \`./dev bench\` on $(date -u +%F). What counts are the ratios, of what was measured in turns in one run; the
		medians, in ms, are of one machine and for orientation. All of it ran on one of its $BENCH_PROCESSORS processors, $PRIORITY; the load
		at the start was $(cut -d ' ' -f 1 /proc/loadavg). The middle half is what lies between the first and the third quartile.

		- host: Linux $(uname -r); $(bench_versions)
		- virtual machine: Linux $("$KERNEL" --version) with the patches of kernel/, as user-mode Linux, one processor, $VM_ROOTFS; $(bench_versions --admindir="$DEV/root/$VM_ROOTFS/var/lib/dpkg")
		- tlshd there: $tlshd

	EOF2
}

# bench_part TITLE COMMAND...: what it prints is Markdown
bench_part() {
	say "$1"
	printf '## %s\n\n' "$1"
	"${@:2}" || echo "*This part failed.*"
	echo
}

bench_tables() {
	bench_head
	bench_part "Opening a key and signing, on the host's kernel" env STAGE="$STAGE" "$TOP/tests/bench/signing.sh" 71
	bench_part 'Opening a key and signing, in the virtual machine' vm_run "$TOP/tests/bench/signing.sh" 21
	bench_part 'Opening a key and signing, of other token software' vm_run "$TOP/tests/bench/tokens.sh" 9
	bench_part 'Mounts, and the memory of tlshd' vm_run "$TOP/tests/bench/mounts.sh"
	bench_part "Commands, on the host's kernel" env STAGE="$STAGE" "$TOP/tests/bench/cli.sh"
	bench_part 'Handshakes at once' vm_run "$TOP/tests/bench/rates.sh"
}

# On one processor, and there before all others where that is allowed: what else the machine does then hardly shows in
# the figures, nor does where processes are moved to
bench_steady() {
	taskset --cpu-list --pid $(($(nproc) - 1)) $$ >/dev/null
	chrt --fifo --pid 50 $$ 2>/dev/null && PRIORITY='with the priority of real time'
}

# bench_main FILE
bench_main() {
	PRIORITY='with the usual priority'
	BENCH_PROCESSORS=$(nproc)
	bench_steady || true
	bench_tables >"$DEV/performance.md"
	! grep -q 'This part failed' "$DEV/performance.md" || die "a part failed; what there is is in $DEV/performance.md"
	mkdir -p "$(dirname "$1")"
	mv "$DEV/performance.md" "$1"
	say "written: $1"
}
