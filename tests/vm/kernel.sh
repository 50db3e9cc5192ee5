# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The kernels: Linux 7.3 for user mode, as Debian has it ("stock") and with the series of kernel/ ("patched").
# Both are built inside their source trees: paths in the build are then relative, and "patched" can begin as a copy of
# the built stock tree in which make rebuilds only what the series touches.

KERNEL_PACKAGE=linux-source-7.3
KERNEL_CONFIG=$TOP/tests/vm/kernel.config
KERNEL_SOURCE=

# kernel_build stock|patched: leaves the path of the kernel in $KERNEL
kernel_build() {
	local stock=$DEV/kernel/stock series
	mkdir -p "$DEV/kernel"
	if [[ -n $KERNEL_SOURCE ]]; then
		stock=$DEV/kernel/$(hash_of <<<"$KERNEL_SOURCE")
		step "copying $KERNEL_SOURCE" kernel-copy kernel_copy_tree "$stock"
	elif [[ ! -d $stock ]]; then
		kernel_fetch
		step 'unpacking the kernel source' kernel-unpack kernel_unpack "$stock"
	fi
	[[ -e $stock/linux ]] || say 'the first kernel takes 5 to 10 minutes'
	kernel_make "$stock"

	KERNEL=$stock/linux
	[[ $1 == patched ]] || return 0
	mapfile -t series < <(find "$TOP/kernel" -name '*.patch' | sort)
	if [[ ${#series[@]} -eq 0 ]]; then
		say 'kernel/ has no patches yet: the patched kernel is the stock kernel'
		return
	fi
	kernel_build_patched "$stock" "$stock-patched" "${series[@]}"
	KERNEL=$stock-patched/linux
}

# kernel_make TREE: build it, unless nothing has changed since it was built
kernel_make() {
	local key
	key=$({ cat "$KERNEL_CONFIG" "$1/.patches" 2>/dev/null || true; } | hash_of)
	[[ -z $KERNEL_SOURCE ]] && stamp_is "$1/.built" "$key" && return
	step "building the kernel $(basename "$1")" "kernel-$(basename "$1")" kernel_compile "$1"
	stamp "$1/.built" "$key"
}

# Touches .config only when it changes, so that make has nothing to do when nothing changed
kernel_compile() {
	cd "$1"
	cp .config .config.before 2>/dev/null || : >.config.before
	make ARCH=um KCONFIG_ALLCONFIG="$KERNEL_CONFIG" allnoconfig
	if cmp -s .config .config.before; then
		touch -r .config.before .config
	fi
	kernel_check_config
	make ARCH=um -j"$(nproc)" linux
}

# Kconfig drops without a word what it does not know and what depends on something that is off
kernel_check_config() {
	local missing
	missing=$(grep -o '^CONFIG_[A-Za-z0-9_]*=y' "$KERNEL_CONFIG" | grep -vxFf .config || true)
	[[ -z $missing ]] || die "this kernel has not, or not with this configuration: ${missing//$'\n'/ }"
}

# The source of graphics, sound and network drivers, of other processors: half of the files, none of them compiled.
# Their Kconfig and make files are read, and stay.
KERNEL_UNUSED=('*/drivers/gpu/*.[ch]' '*/drivers/media/*.[ch]' '*/drivers/staging/*.[ch]' '*/sound/*.[ch]'
	'*/drivers/net/ethernet/*.[ch]' '*/drivers/net/wireless/*.[ch]' '*.dts' '*.dtsi')

kernel_unpack() {
	local deb=("$DEV/cache/$KERNEL_PACKAGE"_*.deb)
	rm -rf "$1.new"
	mkdir "$1.new"
	dpkg-deb --fsys-tarfile "${deb[-1]}" | tar -xO "./usr/src/$KERNEL_PACKAGE.tar.xz" |
		tar -xJ --strip-components=1 -C "$1.new" "${KERNEL_UNUSED[@]/#/--exclude=}"
	touch "$1.new/.unpacked"
	mv "$1.new" "$1"
}

# What the user built there, for another processor, stays behind; what was built here stays here
kernel_copy_tree() {
	mkdir -p "$1"
	rsync -rlpt --exclude=/.git --exclude='*.o' --exclude='*.a' --exclude='.*.cmd' --exclude=/.config \
		--exclude=/include/generated --exclude=/include/config --exclude='/arch/*/include/generated' \
		"$KERNEL_SOURCE/" "$1/"
	[[ -e $1/.unpacked ]] || touch "$1/.unpacked"
}

# Backports move on: what was fetched is kept
kernel_fetch() {
	compgen -G "$DEV/cache/${KERNEL_PACKAGE}_*.deb" >/dev/null && return
	step 'reading the package lists of trixie-backports' apt-backports apt_read_suite trixie-backports
	if ! apt_private apt-cache show "$KERNEL_PACKAGE" >/dev/null 2>&1; then
		die "trixie-backports on this machine's mirror has no $KERNEL_PACKAGE (it has:" \
			"$(apt_private apt-cache pkgnames linux-source- | sort | tr '\n' ' ')). Give a tree with" \
			"--kernel-source DIR, or put a $KERNEL_PACKAGE package into $DEV/cache"
	fi
	mkdir -p "$DEV/cache"
	step "fetching $KERNEL_PACKAGE (160 MB)" kernel-fetch kernel_download
}

kernel_download() {
	mkdir -p "$DEV/cache/partial"
	cd "$DEV/cache/partial"
	apt_private apt-get download "$KERNEL_PACKAGE"
	mv "${KERNEL_PACKAGE}"_*.deb ..
}

# kernel_build_patched STOCK PATCHED PATCH...
kernel_build_patched() {
	local stock=$1 patched=$2 key
	shift 2
	key=$(cat "$stock/.built" "$@" | hash_of)
	if [[ -n $KERNEL_SOURCE ]] || ! stamp_is "$patched/.patches" "$key"; then
		step "applying the $# patches of kernel/" kernel-patch kernel_patch "$stock" "$patched" "$key" "$@"
	fi
	kernel_make "$patched"
}

# Sources are hard links: a patch replaces a file, it does not write into it. What the build made is copied, since
# make does write into its files.
kernel_patch() {
	local stock=$1 patched=$2 key=$3
	shift 3
	rm -rf "$patched" "$patched.new"
	mkdir "$patched.new"
	(cd "$stock" && find . -type f -newer .unpacked -print0 | tar -c --null -T -) | tar -x -C "$patched.new"
	rsync -a --ignore-existing --link-dest="$stock" "$stock/" "$patched.new/"
	cd "$patched.new"
	rm -f .built
	# git must not take this folder for a part of the repository that it is in
	GIT_CEILING_DIRECTORIES=$(dirname "$patched") git apply --verbose "$@"
	stamp .patches "$key"
	mv "$patched.new" "$patched"
}
