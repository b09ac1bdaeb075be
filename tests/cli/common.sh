# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the tests of virq run share: cases, runs and their end.  For whoever
# includes it, $virq is the program.
tmp=$(mktemp -d)
# Short, so that a hang shows as a failure and not as a stuck suite.
limit="timeout -k 5 60"
cases=0

cleanup() {
	[ -n "$run" ] && kill -KILL "$run" 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT

# report NAME, with $? of the check before it
report() {
	local status=$?

	cases=$((cases + 1))
	if [ $status = 0 ]; then
		echo "ok $cases - $1"
	else
		echo "not ok $cases - $1"
		sed 's/^/# stdout: /' "$tmp/out" 2>/dev/null | head -20
		sed 's/^/# stderr: /' "$tmp/err" 2>/dev/null | head -20
		echo "# exit status: $code"
	fi
}

skip() {
	cases=$((cases + 1))
	echo "ok $cases - $1 # SKIP $2"
}

virq() {
	$limit "$virq" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	code=$?
}

# usage_error EXPECTED OPTION...: exit 2, nothing but this line
usage_error() {
	local expected=$1
	shift
	virq "$@"
	[ $code = 2 ] && [ ! -s "$tmp/out" ] &&
		[ "$(cat "$tmp/err")" = "$expected" ]
	report "usage: $expected"
}

# The processes that a run started; waits for COUNT of them.
run=
devices() {
	local i

	for i in $(seq 3000); do
		pids=($(pgrep -P "$run" -f device-process))
		[ ${#pids[@]} = "$1" ] && return 0
		kill -0 "$run" 2>/dev/null || return 1
		sleep 0.01
	done
	return 1
}

# Start in the background; SIGINT works as on a terminal.
start() {
	"$virq" run --guest native "$@" >"$tmp/out" 2>"$tmp/err" </dev/null &
	run=$!
}

# The exit status of what start() started, which must come in time.
finish() {
	local i

	for i in $(seq 6000); do
		kill -0 "$run" 2>/dev/null || break
		sleep 0.01
	done
	if kill -0 "$run" 2>/dev/null; then
		kill -KILL "$run"
		echo "# still running after 60 s"
	fi
	wait "$run" 2>/dev/null
	code=$?
	run=
}

gone() {
	local i pid

	for i in $(seq 3000); do
		for pid in "$@"; do
			[ -e "/proc/$pid" ] && { sleep 0.01; continue 2; }
		done
		return 0
	done
	return 1
}

# awk over the table's rows: as many delivered as raised, nothing else
exact='$4 == n && $5 == n && $6 == 0 && $7 == 0'

end_of_cases() {
	echo "1..$cases"
}
