#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# series.t [build]: the patches of kernel/, one after the other, in a throw-away git repository with the files that they
# touch: each applies with git am, and checkpatch finds nothing. With "build" the repository is a whole kernel tree, and
# each step of it is built, like `git rebase --exec`. run-test calls this on the host.

set -uo pipefail

# shellcheck source=tests/vm/common.sh
. "$TOP/tests/vm/common.sh"
# shellcheck source=tests/vm/kernel.sh
. "$TOP/tests/vm/kernel.sh"

stock=$(kernel_tree stock)
patches=("$TOP"/kernel/*.patch)
folder=$(mktemp -d "${TMPDIR:-/tmp}/nfstls-series.XXXXXX")
LEFTOVERS+=("$folder")
tree=$folder/tree
count=0

# ok TEXT COMMAND...: what it says is shown when it fails
ok() {
	local text=$1 status=ok
	shift
	"$@" >"$folder/out" 2>&1 || status='not ok'
	count=$((count + 1))
	echo "$status $count - $text"
	[[ $status == ok ]] || tail -n 30 "$folder/out" | sed 's/^/# /'
}

# touched PATCH...: the files that they change, and those that they add
touched() { sed -n 's|^--- a/||p; s|^+++ b/||p' "$@" | sort -u; }
added() { sed -n '/^--- \/dev\/null$/ { n; s|^+++ b/||p }' "$@"; }

in_git() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null git -C "$tree" -c user.name=test -c user.email=test@localhost "$@"
}

commit_stock() {
	in_git init -q
	printf '%s\n' "${changed[@]}" | in_git add --force --pathspec-from-file=-
	in_git commit -q -m "$KERNEL_PACKAGE"
}

copy_changed() {
	mkdir "$tree"
	tar -c -C "$stock" "${changed[@]}" | tar -x -C "$tree"
}

applies() { in_git am --whitespace=error "$1"; }

# What checkpatch cannot know, and what is as it should be:
# - UNKNOWN_COMMIT_ID: Debian's source has no history in which the id of a Fixes: tag could be looked up;
# - FILE_PATH_CHANGES: whether MAINTAINERS has new files, for which there is a test below;
# - CAMELCASE of Opt_: the enumerators of fs/nfs/fs_context.c, one for each mount option, are called so.
checkpatch() {
	(cd "$stock" && perl scripts/checkpatch.pl --strict --no-summary --terse --show-types \
		--ignore UNKNOWN_COMMIT_ID,FILE_PATH_CHANGES "$1" 2>&1) | grep -v 'CAMELCASE: Avoid CamelCase: <Opt_[a-z_]*>$'
	[[ ${PIPESTATUS[1]} -ne 0 ]]
}

# in_maintainers FILE: an entry for its folder covers it
in_maintainers() { grep -qxF "F:	$(dirname "$1")/" "$stock/MAINTAINERS"; }

# --- with "build" ---

build() { make -C "$tree" ARCH=um -j"$(nproc)" "$@" 2>&1 | tee "$folder/build"; }

# builds: and the compiler has nothing to say
builds() { build linux && ! grep -i 'warning:' "$folder/build"; }

# warnings PATCH...: what W=1 says of the files that they touch and that this kernel has, without the line numbers
warnings() {
	local file objects=()
	while read -r file; do
		[[ ! -e $tree/${file%.c}.o ]] || objects+=("${file%.c}.o")
	done < <(touched "$@" | grep '\.c$')
	[[ ${#objects[@]} -eq 0 ]] || build W=1 "${objects[@]}" | grep -i 'warning:' | sed -E 's/:[0-9]+(:[0-9]+)?:/:/' | sort -u
}

# no_new_warnings PATCH: that W=1 had not before the series
no_new_warnings() { ! warnings "$1" | grep -vxFf "$folder/known"; }

# Without keys there is no NFSv4
builds_without_keys() {
	(cd "$tree" && scripts/config -d KEYS -d NFS_V4 -d NFSD_V4 && make ARCH=um olddefconfig) || return
	! grep -q '^CONFIG_KEYS=' "$tree/.config" || { echo 'something selects KEYS'; return 1; }
	build fs/nfs/ net/sunrpc/ net/handshake/ && ! grep -i 'warning:' "$folder/build"
}

mode=${1-}
mapfile -t changed < <(touched "${patches[@]}" | grep -vxFf <(added "${patches[@]}"))
if [[ $mode == build ]]; then
	kernel_fork "$stock" "$tree"
	warnings "${patches[@]}" >"$folder/known"
else
	copy_changed
fi
commit_stock

for patch in "${patches[@]}"; do
	name=$(basename "$patch" .patch)
	ok "$name: applies" applies "$patch"
	ok "$name: checkpatch finds nothing" checkpatch "$patch"
	[[ $mode == build ]] || continue
	ok "$name: builds" builds
	ok "$name: W=1 has nothing new to say" no_new_warnings "$patch"
done
for file in $(added "${patches[@]}"); do
	ok "MAINTAINERS covers $file" in_maintainers "$file"
done
[[ $mode != build ]] || ok 'it builds without CONFIG_KEYS' builds_without_keys
ok 'kernel/series names the patches' diff <(printf '%s\n' "${patches[@]##*/}") "$TOP/kernel/series"
echo "1..$count"
