# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The packages of the host that build the project, the kernel and the root file systems.

# The project and its unit tests
BUILD_PACKAGES=(
	build-essential pkgconf libcmocka-dev softhsm2 opensc
	libgnutls28-dev libp11-kit-dev libtasn1-6-dev libkeyutils-dev libsmartcols-dev libmount-dev libeconf-dev
	libnl-genl-3-dev libtirpc-dev
)
HOST_PACKAGES=(
	"${BUILD_PACKAGES[@]}" autoconf automake libtool rsync
	# other tests
	gnutls-bin openssl keyutils p11-kit p11-kit-modules shellcheck mandoc perl clang-tidy cppcheck valgrind
	# the kernel
	flex bison bc git xz-utils
	# the root file systems
	mmdebstrap ca-certificates debian-archive-keyring
)

packages_missing() {
	comm -13 <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${HOST_PACKAGES[@]}" 2>/dev/null |
		sed -n 's/ installed$//p' | sort -u) <(printf '%s\n' "${HOST_PACKAGES[@]}" | sort)
}

packages_install() {
	local missing
	command -v dpkg-query >/dev/null || die 'the set-up knows Debian 12 and 13 only'
	mapfile -t missing < <(packages_missing)
	[[ ${#missing[@]} -gt 0 ]] || return 0
	step 'reading the package lists' apt-update apt-get update
	step "installing ${missing[*]}" packages env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${missing[@]}"
}
