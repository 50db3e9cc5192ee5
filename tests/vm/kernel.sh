# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The kernels: Linux 7.3 for user mode, as Debian has it and with the series of kernel/, built inside their source trees:
# paths in the build are then relative, and a tree can begin as a copy of another one, in which make rebuilds only what
# differs.

KERNELS=(
	"stock    the kernel of Debian's source"
	'patched  the same with the patches of kernel/'
	'debug    the patched kernel with KASAN, lockdep, kmemleak and DEBUG_OBJECTS, which look for its mistakes; slow'
)
KERNEL_PACKAGE=linux-source-7.3
KERNEL_SOURCE=

kernel_names() { printf '%s\n' "${KERNELS[@]%% *}"; }
kernel_exists() { kernel_names | grep -qxF -- "$1"; }

# kernel_tree KERNEL: where it is built
kernel_tree() {
	local tree=$DEV/kernel/stock
	[[ -z $KERNEL_SOURCE ]] || tree=$DEV/kernel/$(hash_of <<<"$KERNEL_SOURCE")
	[[ $1 == stock ]] || tree+=-$1
	echo "$tree"
}

# kernel_config TREE
kernel_config() {
	cat "$TOP/tests/vm/kernel.config"
	[[ $1 != *-debug ]] || cat "$TOP/tests/vm/kernel-debug.config"
}

# kernel_build KERNEL: leaves its path in $KERNEL
kernel_build() {
	local stock patched debug
	stock=$(kernel_tree stock) patched=$(kernel_tree patched) debug=$(kernel_tree debug)
	kernel_stock_tree "$stock"
	[[ -e $stock/linux ]] || say 'the first kernel takes 5 to 10 minutes'
	kernel_make "$stock"
	if [[ $1 != stock ]]; then
		kernel_patched_tree "$stock" "$patched" "$TOP"/kernel/*.patch
		kernel_make "$patched"
	fi
	if [[ $1 == debug ]]; then
		kernel_debug_tree "$stock" "$patched" "$debug"
		[[ -e $debug/linux ]] || say 'the first debug kernel takes about 10 minutes'
		kernel_make "$debug"
	fi
	# shellcheck disable=SC2034 # for who called
	KERNEL=$(kernel_tree "$1")/linux
}

# kernel_stock_tree TREE: the source as it was published
kernel_stock_tree() {
	mkdir -p "$DEV/kernel"
	if [[ -n $KERNEL_SOURCE ]]; then
		step "copying $KERNEL_SOURCE" kernel-copy kernel_copy_tree "$1"
	elif [[ ! -d $1 ]]; then
		kernel_fetch
		step 'unpacking the kernel source' kernel-unpack kernel_unpack "$1"
	fi
}

# kernel_make TREE: build it, unless nothing has changed since it was built
kernel_make() {
	local key
	key=$({ kernel_config "$1" && { cat "$1/.patches" 2>/dev/null || true; }; } | hash_of)
	[[ -z $KERNEL_SOURCE ]] && stamp_is "$1/.built" "$key" && return
	step "building the kernel $(basename "$1")" "kernel-$(basename "$1")" kernel_compile "$1"
	stamp "$1/.built" "$key"
}

# Touches .config only when it changes, so that make has nothing to do when nothing changed
kernel_compile() {
	cd "$1"
	cp .config .config.before 2>/dev/null || : >.config.before
	kernel_config "$1" >.config.wanted
	make ARCH=um KCONFIG_ALLCONFIG=.config.wanted allnoconfig
	if cmp -s .config .config.before; then
		touch -r .config.before .config
	fi
	kernel_check_config .config.wanted
	make ARCH=um -j"$(nproc)" linux
}

# Kconfig drops without a word what it does not know and what depends on something that is off
kernel_check_config() {
	local missing
	missing=$(grep -o '^CONFIG_[A-Za-z0-9_]*=y' "$1" | grep -vxFf .config || true)
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

# kernel_patched_tree STOCK PATCHED PATCH...
kernel_patched_tree() {
	local stock=$1 patched=$2 key
	shift 2
	key=$(cat "$stock/.built" "$@" | hash_of)
	if [[ -n $KERNEL_SOURCE ]] || ! stamp_is "$patched/.patches" "$key"; then
		step "applying the $# patches of kernel/" kernel-patch kernel_patch "$stock" "$patched" "$key" "$@"
	fi
}

# kernel_fork STOCK TREE: sources are hard links: a patch replaces a file, it does not write into it. What the build made
# is copied, since make does write into its files.
kernel_fork() {
	mkdir "$2"
	(cd "$1" && find . -type f -newer .unpacked -print0 | tar -c --null -T -) | tar -x -C "$2"
	rsync -a --ignore-existing --link-dest="$1" "$1/" "$2/"
}

# kernel_patch STOCK PATCHED KEY PATCH...
kernel_patch() {
	local stock=$1 patched=$2 key=$3
	shift 3
	rm -rf "$patched.new"
	kernel_fork "$stock" "$patched.new"
	cd "$patched.new"
	rm -f .built
	# git must not take this folder for a part of the repository that it is in
	GIT_CEILING_DIRECTORIES=$(dirname "$patched") git apply --verbose "$@"
	if [[ -d $patched ]]; then
		rm -f "$patched/.patches"
		kernel_update "$stock" "$patched.new" "$patched"
		rm -rf "$patched.new"
	else
		mv "$patched.new" "$patched"
	fi
	stamp "$patched/.patches" "$key"
}

# kernel_update STOCK FROM TREE: the sources of FROM to TREE, without what was built there; stock is asked what that is,
# since there the only new files are those. Only the files that differ are replaced, with the time of now: make sees each
# change, and nothing else. (The patches touch headers that all include; few changes of a patch do.)
kernel_update() {
	local stock=$1 from=$2 tree=$3 how=(-rlpc)
	(cd "$stock" && find . -type f -newer .unpacked | sed 's|^\.||') >"$DEV/kernel/built"
	[[ -d $tree ]] || how=(-a --link-dest="$from")
	rsync "${how[@]}" --exclude-from="$DEV/kernel/built" --exclude='*.o' --exclude='.*.cmd' --exclude=/.patches \
		"$from/" "$tree/"
}

# kernel_debug_tree STOCK PATCHED DEBUG: the sources of PATCHED
kernel_debug_tree() {
	local stamp
	stamp=$(<"$2/.patches")
	if [[ -n $KERNEL_SOURCE ]] || ! stamp_is "$3/.patches" "$stamp"; then
		step 'copying the patched sources' kernel-debug-copy kernel_update "$@"
		stamp "$3/.patches" "$stamp"
	fi
}
