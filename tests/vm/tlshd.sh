# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A tlshd that the user built, $VM_TLSHD, in the place of the one that the root file system has.

# tlshd_is_program FILE: returns non-zero and says why if it can be no tlshd
tlshd_is_program() {
	if [[ ! -f $1 ]]; then
		echo "$1 is no file"
	elif [[ ! -x $1 ]]; then
		echo "$1 is not executable"
	elif [[ $(head -c 4 "$1" | tr -d '\0') != $'\x7fELF' ]]; then
		echo "$1 is no ELF program; if it is libtool's wrapper, the program is in .libs"
	else
		return 0
	fi
	return 1
}

# tlshd_missing: what it needs, a library or a version of one, that neither the root file system nor the project has. The
# loader of the root file system is asked, on this host: it ends at the first that it does not find anywhere, and names
# those of this host that it would take.
tlshd_missing() {
	local root=$DEV/root/$VM_ROOTFS loader folders list
	loader=("$root"/usr/lib/*/ld-linux*.so.*)
	folders=("$STAGE"/usr/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu)
	if ! list=$("${loader[0]}" --inhibit-cache --inhibit-rpath "$VM_TLSHD" \
		--library-path "$(IFS=: && echo "${folders[*]}")" --list "$VM_TLSHD" 2>&1); then
		echo "${list#"$VM_TLSHD: "}"
		return
	fi
	awk -v root="$root/" -v stage="$STAGE/" '/not found/ || $2 == "=>" && index($3, root) != 1 && index($3, stage) != 1' \
		<<<"$list"
}

# tlshd_check: it must be able to start there
tlshd_check() {
	local missing
	[[ -n $VM_TLSHD ]] || return 0
	missing=$(tlshd_missing)
	[[ -z $missing ]] || die "$VM_TLSHD needs what the root file system $VM_ROOTFS has not:"$'\n'"$missing"
}

# tlshd_install: into the folder that the virtual machine lays over its root file system. The drop-in is left without the
# preloading.
tlshd_install() {
	install "$VM_TLSHD" "$RUN/stage/usr/sbin/tlshd"
	sed -i /LD_PRELOAD=/d "$RUN/stage/usr/lib/systemd/system/tlshd.service.d/nfstls.conf"
}
