# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# ./dev tokens: the token matrix, and docs/tokens.md of the rows that its tests leave in the results. Where a test fails the
# page stays as it was.

tokens_main() {
	local tests
	tests=("$TOP"/tests/e2e/matrix_*.t)
	tests=("${tests[@]##*/}")
	tests=("${tests[@]%.t}")
	VM_KERNEL='' VM_ROOTFS=''
	check_main "${tests[@]}"
	tokens_page "${tests[@]}" >"$DEV/tokens.md"
	mv "$DEV/tokens.md" "$TOP/docs/tokens.md"
	say 'docs/tokens.md is written'
}

# tokens_page TEST...
tokens_page() {
	local suite
	# shellcheck source=/dev/null
	suite=$(. "$DEV/root/trixie/etc/os-release" && echo "$PRETTY_NAME")
	cat <<-EOF
		<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
		<!-- Written by ./dev tokens -->
		# Tokens

		Each row is one token software of $suite with that Debian's tlshd, and what its test below \`tests/e2e/\` has put it
		through; \`./dev check matrix_softhsm\` runs one of them.

		- add, verify, mount: with each of the keys, \`nfstlskey add\` and \`verify\`, and a mount that is written to and read,
		  while the server tells whose certificate it saw.
		- renew: a new certificate of the same key under a mount; the server is restarted, and sees the new one.
		- wrong PIN: the PIN file goes wrong under a mount, and the server is restarted three times: one login, and then none
		  until \`nfstlskey unlock\`; the mount recovers.
		- absent: the token is taken away under a mount, and the server is restarted. The mount waits, the log and \`nfstlskey add\`
		  say that the token is absent, and when it is back the mount goes on by itself.

		| token software | version | keys | add | verify | mount | renew | wrong PIN | absent | notes | test |
		| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
	EOF
	for test in "$@"; do
		cat "$DEV/results/$test/row"
	done
}
