# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Other Debian suites than the machine's own, through a private apt state: the machine's sources stay as they are.

APT_DIR=$DEV/apt
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# debian_mirror: where this machine gets the main component of its own Debian from
debian_mirror() {
	local codename mirror
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	# shellcheck disable=SC2016 # apt expands these
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' |
		awk -v codename="$codename" '$3 == "main" && ($2 == codename || $2 ~ /^(old)?stable$/) { print $1; exit }')
	[[ -n $mirror ]] || die "apt's configuration on this machine names no mirror of Debian $codename"
	echo "$mirror"
}

# debian_source SUITE: its line for a sources.list
debian_source() { echo "deb [signed-by=$KEYRING] $(debian_mirror) $1 main"; }

# The proxies and the like of this machine, for an apt that does not read its configuration
apt_acquire_options() { apt-config dump --format '%F "%v";%n' Acquire::http Acquire::https | grep -v ' "";$' || true; }

apt_private() {
	APT_CONFIG=$APT_DIR/apt.conf "$@"
}

# apt_read_suite SUITE: read its package lists
apt_read_suite() {
	mkdir -p "$APT_DIR/lists/partial" "$APT_DIR/cache/archives/partial"
	: >"$APT_DIR/status"
	debian_source "$1" >"$APT_DIR/sources.list"
	cat >"$APT_DIR/apt.conf" <<-EOF
		Dir::State "$APT_DIR";
		Dir::State::status "$APT_DIR/status";
		Dir::Cache "$APT_DIR/cache";
		Dir::Etc::sourcelist "$APT_DIR/sources.list";
		Dir::Etc::sourceparts "-";
		Acquire::Languages "none";
		APT::Sandbox::User "root";
	EOF
	apt_private apt-get update
}
