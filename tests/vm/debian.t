#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The packages of debian/: built as two revisions in a Debian 13 that has what debian/control asks for and lintian, and
# tried in another one, with what an NFS client has: tests/vm/debian-guest.t. run-test calls this on the host.

# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the other Debian
set -uo pipefail

results=$1
# shellcheck source=tests/vm/common.sh
. "$TOP/tests/vm/common.sh"
# shellcheck source=tests/vm/project.sh
. "$TOP/tests/vm/project.sh"
# shellcheck source=tests/vm/kernel.sh
. "$TOP/tests/vm/kernel.sh"
# shellcheck source=tests/vm/boot.sh
. "$TOP/tests/vm/boot.sh"
folder=$results/build
mkdir "$folder"
version=$(dpkg-parsechangelog -l "$SRC/debian/changelog" -S Version)
upstream=${version%-*} next=${version%-*}-$((${version##*-} + 1))
count=0

# ok TEXT COMMAND...: what it says is kept, and its end shown when it fails
ok() {
	local text=$1 status=ok log
	shift
	count=$((count + 1))
	log=$results/$count.log
	"$@" >"$log" 2>&1 || status='not ok'
	echo "$status $count - $text"
	[[ $status == ok ]] || tail -n 40 "$log" | sed 's/^/# /'
}

# in_debian COMMAND...: in the folder with the packages
in_debian() {
	"$TOP/tests/vm/in-root.sh" "$DEV/root/trixie-build" "$SRC" "$folder" bash -euc 'cd /mnt && "$@"' bash "$@"
}

# make_dist: with a name of its own, for the test distcheck makes one in the same folder
make_dist() {
	make -C "$BUILD" dist distdir=nfstlskey-for-debian &&
		mv "$BUILD/nfstlskey-for-debian.tar.xz" "$folder/nfstlskey_$upstream.orig.tar.xz"
}

# unpack: the tarball and, beside it, debian/
unpack() {
	in_debian sh -euc 'mkdir tree
		tar -xf *.orig.tar.xz -C tree --strip-components=1
		! [ -e tree/debian ] || { echo "the tarball has a folder debian" && exit 1; }
		cp -a /srv/debian tree/'
}

build() { in_debian env -C tree DEB_BUILD_OPTIONS="${1-}" DEB_BUILD_PROFILES="${1-}" dpkg-buildpackage -us -uc; }

# next_revision: as one would upload it
next_revision() {
	sed "1s/([^)]*)/($next)/" "$SRC/debian/changelog" >"$folder/tree/debian/changelog"
}

# lint: there is no bug of Debian's that a first upload could close
lint() {
	in_debian sh -euc 'lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs \
		"nfstlskey_$1"_*.changes' sh "$version"
}

# what make check leaves
tests_ran() { grep -c '^:test-result: PASS' "$folder"/tree/tests/unit/*.trs; }
no_tests_ran() { ! ls "$folder"/tree/tests/unit/*.trs; }

# library_test: what debian/tests/control has for the development package
library_test() {
	in_debian sh -euc 'dpkg --install "libnfstls-p11-0_$1"_*.deb "libnfstls-p11-dev_$1"_*.deb
		/srv/debian/tests/library' sh "$version"
}

# stage_packages: what the virtual machine lays over its root file system: /debs, and nothing else
stage_packages() {
	local package
	STAGE=$folder/stage
	mkdir -p "$STAGE"/debs/{1,2}
	for package in libnfstls-p11-0 nfstlskey nfstlskey-tlshd; do
		cp "$folder/${package}_$version"_*.deb "$STAGE/debs/1"
		cp "$folder/${package}_$next"_*.deb "$STAGE/debs/2"
	done
}

try_packages() {
	stage_packages
	KERNEL=$(kernel_tree stock)/linux VM_TIMEOUT=300 VM_RESULTS=$results
	vm_run "$TOP/tests/vm/debian-guest.t" "$count"
}

ok 'make dist' make_dist
ok 'it has no debian/' unpack
ok 'dpkg-buildpackage builds the source package and the others' build
ok 'and runs the tests' tests_ran
ok 'lintian has nothing to say' lint
ok 'the autopkgtest of the library' library_test
next_revision
ok 'it builds once more in the same folder, another revision, without the tests' build nocheck
ok 'which were not run' no_tests_ran
if [[ -e $folder/nfstlskey-tlshd_${next}_$(dpkg --print-architecture).deb ]]; then
	try_packages
else
	echo "1..$count"
fi
