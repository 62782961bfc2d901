# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # here
# What the tests of the explorer have in common; $here is where they are.

[ -z "${WRAP-}" ] || {
	echo "1..0 # SKIP the programs are built here, for this machine"
	exit 0
}
[ "${RACES-1}" != 0 ] || {
	echo '1..0 # SKIP RACES=0'
	exit 0
}
[ -f libipcts-race.a ] || {
	echo "1..0 # SKIP no runtime for explored programs on this platform"
	exit 0
}
build=$(pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ipcts-explore-XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT
unset IPCTS_RACE_OPTIONS IPCTS_RACE_WORLD IPCTS_ARENA IPCTS_CC
cd "$scratch" || exit 99

count=0
failed=0
# Seconds of one search, whatever the machine does besides; those that are to be complete have no other.
bound=$(awk -v scale="${IPCTS_TIMEOUT_SCALE:-1}" 'BEGIN { print 120 * (scale > 1 ? scale : 1) }')

# result STATUS NAME: one line of TAP; ./out tells more.
result()
{
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
		return
	fi
	echo "not ok $count - $2"
	failed=1
	head -n 60 out | sed 's/^/# /'
}

# explore EXPECTED ARGUMENT...: ipcts explore ends with that status.
explore()
{
	expected=$1
	shift
	timeout "$bound" "$build/ipcts" explore "$@" >out 2>&1
	status=$?
	echo "exit status $status, expected $expected: ipcts explore $*" >>out
	[ $status -eq "$expected" ]
}

# says PATTERN: so does what was told last.
says()
{
	grep -qE -- "$1" out && return
	echo "it doesn't say: $1" >>out
	return 1
}

# builds SOURCE PROGRAM [FLAG...]: by ipcts-cc.
builds()
{
	source=$1
	program=$2
	shift 2
	"$build/ipcts-cc" -std=gnu11 -D_GNU_SOURCE -g -O1 -w "$@" "$here/$source" -o "$program" >out 2>&1
}

# found COMMAND ENDING [OPTION...]: its bug is found, and each replay of it is the same.
found()
{
	command=$1
	ending=$2
	shift 2
	# shellcheck disable=SC2086 # words
	explore 1 --save found.replay --seed 1 --runs 2000 "$@" -- $command &&
		says "^$ending in run " &&
		says '; 20 of 20 replays were the same$' &&
		says "^ +[0-9]+ +process [01] .* [a-z]+\\.c:[0-9]+" &&
		explore 1 --replay found.replay &&
		says "^$ending: "
}

# refused NAME PATTERN ARGUMENT...: one line, exit status 2.
refused()
{
	name=$1
	pattern=$2
	shift 2
	explore 2 "$@" && says "$pattern" && [ "$(wc -l <out)" -eq 2 ]
	result $? "refused: $name"
}

# nothing_left: no process of any run.
nothing_left()
{
	readlink /proc/[0-9]*/exe 2>/dev/null | grep -F "$scratch/" >out
	[ ! -s out ]
	result $? 'no process is left'
}

# done_testing: the plan, and the exit status.
done_testing()
{
	echo "1..$count"
	exit $failed
}
