# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The root file systems: a small Debian each, never written to after it was made.

ROOTFS_PACKAGES=(
	nfs-common nfs-kernel-server ktls-utils keyutils iproute2 procps kmod less strace
	# those that mount by themselves
	autofs systemd
	# RPCSEC_GSS beside TLS: a KDC with kadmin.local, kinit, and a daemon of the server
	krb5-admin-server krb5-user gssproxy
	softhsm2 gnutls-bin opensc opencryptoki pkcs11-provider openssl p11-kit p11-kit-modules
	# the walks of the README: what they install, who types them, and a TPM with its resource manager
	ykcs11 yubikey-manager pcscd libtpm2-pkcs11-1 libtpm2-pkcs11-tools python3-pexpect
	swtpm tpm2-abrmd libtss2-tcti-tabrmd0 dbus
	# other tokens: NSS and its database, and a smartcard in software with a reader for pcscd
	libnss3-tools libcacard0 vsmartcard-vpcd
	# what the project's binaries load
	libsmartcols1 libmount1 libeconf0 libtasn1-6 libp11-kit0 libgnutls30t64 libnl-genl-3-200 libtirpc3t64
)

# rootfs_packages ROOT: bookworm is there to build the project in, trixie-build to build its packages in, with no more
# than they ask for
rootfs_packages() {
	case $1 in
	bookworm) printf '%s\n' "${BUILD_PACKAGES[@]}" ;;
	trixie-build) printf '%s\n' build-essential lintian && debian_build_depends ;;
	*) printf '%s\n' "${ROOTFS_PACKAGES[@]}" ;;
	esac
}

# debian_build_depends: the names of Build-Depends in debian/control, which has one on a line
debian_build_depends() { sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \([^ ,]*\).*/\1/p' "$TOP/debian/control"; }

# rootfs_build trixie|sid|bookworm|trixie-build: returns non-zero, with the reason in $ROOTFS_MISSING, if there can be
# none
rootfs_build() {
	local suite=$1 root=$DEV/root/$1 key
	key=$({ rootfs_packages "$suite" && declare -f rootfs_make; } | hash_of)
	stamp_is "$root.stamp" "$key" && return
	# the others must be there; sid moves, and mirrors drop it
	if [[ $suite == sid ]] && ! rootfs_suite_exists "$suite"; then
		ROOTFS_MISSING="the mirror of this machine does not serve $suite; see $LOG_DIR/apt-$suite.log"
		return 1
	fi
	step "building the root file system $suite (1 to 2 minutes)" "rootfs-$suite" rootfs_make "$suite" "$root"
	stamp "$root.stamp" "$key"
}

rootfs_suite_exists() { (strictly apt_read_suite "$1") >"$LOG_DIR/apt-$1.log" 2>&1; }

rootfs_make() {
	local root=$2 suite=${1%-build} packages
	packages=$(rootfs_packages "$1" | paste -sd ,)
	mkdir -p "$(dirname "$root")"
	rm -rf "$root.new"
	apt_acquire_options >"$DEV/apt-acquire.conf"
	mmdebstrap --variant=minbase --format=directory --include="$packages" \
		--aptopt="$DEV/apt-acquire.conf" --aptopt='Acquire::Check-Valid-Until "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$root.new" "$(debian_source "$suite")"
	# user-mode Linux opens the folder as the user that runs it, whatever that user's umask was
	chmod 755 "$root.new"
	rm -rf "$root" "$root.stamp"
	mv "$root.new" "$root"
}
