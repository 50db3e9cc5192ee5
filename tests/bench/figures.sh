# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# From what was measured to rows of a Markdown table. What is measured is a file of lines "WAY NUMBER...".

# quantile PART WAY FILE [FIELD]: 0.5 is the median
quantile() {
	awk -v way="$2" -v field="${4-2}" '$1 == way { print $field }' "$3" | sort -g |
		awk -v part="$1" '{ value[NR] = $1 } END { if (NR) printf "%.2f", value[1 + int((NR - 1) * part + 0.5)]; else print "-" }'
}

median() { quantile 0.5 "$@"; }
least() { quantile 0 "$@"; }

# spread WAY FILE: what the middle half of the runs took
spread() { echo "$(quantile 0.25 "$@") to $(quantile 0.75 "$@")"; }

# calculate EXPRESSION: of numbers, with two digits behind the point
calculate() { awk "BEGIN { printf \"%.2f\", $1 }"; }

# verdict TEXT VALUE LIMIT: the value must not be above the limit
verdict() {
	local word
	word=$(awk "BEGIN { print $2 <= $3 ? \"kept\" : \"**missed**\" }")
	printf -- '- %s: %s, the limit is %s: %s.\n' "$1" "$2" "$3" "$word"
}

# row CELL...
row() {
	printf '|'
	printf ' %s |' "$@"
	echo
}

# heading CELL...: the first column is text, the others are numbers
heading() {
	row "$@"
	printf '| --- |'
	shift
	printf ' ---: |%.0s' "$@"
	echo
}
