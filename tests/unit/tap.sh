#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run a test program. cmocka 1.1.5 calls a skipped test "not ok N # SKIP", which by the TAP specification, and for
# automake, is a failed one. Its last line, a comment on the whole program, is of no use when all is well.

exec 3>&1
status=$({ { "$@" 4>&-; echo $? >&4; } |
	sed -e 's/^not ok \([0-9]*\) # SKIP/ok \1 # SKIP/' -e '/^# ok - /d' >&3; } 4>&1)
exit "$status"
