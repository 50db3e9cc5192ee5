# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The project itself: built from a copy of the tree, so that the tree stays clean, and installed into a folder of its
# own that every virtual machine lays over its root file system.

SRC=$DEV/src
BUILD=$DEV/build
STAGE=$DEV/stage

# project_copy: brings the copy of the tree up to date; what was built from another one is installed no longer
project_copy() {
	local changed
	mkdir -p "$SRC"
	# with --checksum the copy keeps its times, and make its peace, when only the times of the tree changed
	changed=$(rsync -rlpc --delete --out-format=%n --exclude=/.git --exclude=/.dev --exclude=/.mirror \
		--filter=':- .gitignore' "$TOP/" "$SRC/")
	[[ -z $changed ]] || rm -rf "$STAGE"
	if project_needs_autoreconf; then
		step 'running autoreconf' autoreconf project_autoreconf
	fi
}

project_build() {
	project_copy
	[[ ! -d $STAGE ]] || return 0
	mkdir -p "$BUILD"
	if project_needs_configure "$BUILD"; then
		step 'configuring the project' configure project_configure
	fi
	step 'building the project' make project_make
}

project_needs_autoreconf() {
	[[ ! -e $SRC/configure || ! -e $SRC/Makefile.in ||
		-n $(find "$SRC" \( -name configure.ac -o -name Makefile.am -o -name '*.mk' \) -newer "$SRC/Makefile.in") ]]
}

# project_needs_configure BUILD
project_needs_configure() { [[ ! -e $1/Makefile || $SRC/configure -nt $1/config.status ]]; }

project_autoreconf() {
	autoreconf --install --force "$SRC"
}

project_configure() {
	cd "$BUILD"
	"$SRC/configure" --prefix=/usr --sysconfdir=/etc --localstatedir=/var \
		--libdir="/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" --enable-strict
}

project_make() {
	make -C "$BUILD" -j"$(nproc)"
	rm -rf "$STAGE.new"
	make -C "$BUILD" install install-tests DESTDIR="$STAGE.new"
	mv "$STAGE.new" "$STAGE"
}
