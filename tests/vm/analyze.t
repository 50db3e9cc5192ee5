#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# analyze.t: what three analysers find in the C sources: gcc's own, clang's by way of clang-tidy, and cppcheck. run-test
# calls this on the host.

set -uo pipefail

# shellcheck source=tests/vm/common.sh
. "$TOP/tests/vm/common.sh"
# shellcheck source=tests/vm/project.sh
. "$TOP/tests/vm/project.sh"
build=$DEV/analyze
packages=(p11-kit-1 gnutls libtasn1 libkeyutils smartcols libeconf mount libnl-genl-3.0 libtirpc cmocka)
count=0

# finds_nothing WHO COMMAND...: what it says is shown when it fails
finds_nothing() {
	local who=$1 status=ok
	shift
	"$@" >"$LOG_DIR/analyze-$who.log" 2>&1 || status='not ok'
	count=$((count + 1))
	echo "$status $count - $who finds nothing"
	[[ $status == ok ]] || grep -aE -m 20 'warning:|error:' "$LOG_DIR/analyze-$who.log" | sed 's/^/# /'
}

# Leaks are LeakSanitizer's: gcc 12 takes for one what is put into an array at an index that it does not know
gcc_analyzer() {
	mkdir -p "$build"
	cd "$build" || return
	if project_needs_configure "$build"; then
		"$SRC/configure" --enable-strict CFLAGS='-g -O2 -fanalyzer -Wno-analyzer-malloc-leak' || return
	fi
	make -k -j"$(nproc)"
}

# In the unit tests an assertion of cmocka's ends the function, which no analyser of clang's knows
clang_tidy() {
	local flags
	read -ra flags < <(pkg-config --cflags "${packages[@]}")
	cd "$SRC" || return
	printf '%s\n' p11/*.c nfstlskey/*.c tlshd-patches/*.c tests/fuzz/*.c tests/pkcs11/*.c |
		xargs -P "$(nproc)" -I '{}' clang-tidy --quiet '{}' -- -DHAVE_CONFIG_H "-I$BUILD" -Ip11 -Infstlskey "${flags[@]}"
}

# varFuncNullUB: POSIX has NULL of the size of a pointer. memleak: it takes asprintf() < 0 ? NULL : text for one. Tests
# may fall over where there is no memory. In the bench it takes an array for unset that a loop sets.
cpp_check() {
	cd "$SRC" || return
	cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --std=c11 --library=gnu --inline-suppr \
		--enable=warning,performance,portability --suppress=varFuncNullUB --suppress=memleak \
		--suppress='nullPointerOutOfMemory:tests/*' --suppress=normalCheckLevelMaxBranches \
		--suppress='uninitvar:tests/bench/*' \
		-DHAVE_CONFIG_H "-I$BUILD" -Ip11 -Infstlskey -Itests/unit p11 nfstlskey tlshd-patches tests
}

finds_nothing gcc gcc_analyzer
finds_nothing clang-tidy clang_tidy
finds_nothing cppcheck cpp_check
echo "1..$count"
