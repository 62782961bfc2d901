# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by the scripts of ci/platform, with $top the top of the tree.  Each of them defines
#
#	build_program            installs what that needs, and leaves a static program in $build
#	start PROGRAM WORD...    installs what that needs, and runs it there
#
# and ends with: platform "$@".  Nothing but standard output and standard error need come back from
# there, and both are pipes.  What is known to fail is in ci/known, by the platform's name, or by
# those in $baselines.

# shellcheck source=ci/build.sh
. "$top/ci/build.sh"

# build_static [ARGUMENT OF configure]...: a program that needs only the kernel it runs on.
build_static()
{
	# shellcheck disable=SC2154 # build.sh sets it
	need_packages $build_packages
	build "platform-$name" "$@" LDFLAGS=-static \
		--without-check --without-cmocka --without-fiu --without-valgrind
	echo "program: $build/ipcts"
}

# The report comes by way of standard error, in between what is to be seen there.
run_program()
{
	find_source
	build=$builds/platform-$name
	[ -x "$build/ipcts" ] || {
		echo "$name: no program: ci/platform/$name build makes it" >&2
		exit 2
	}
	# what its libc and its kernel are known for comes on top
	[ ! -e "$build/known" ] || set -- --known "$build/known" "$@"
	for baseline in ${baselines:-$name}; do
		set -- --known "$top/ci/known/$baseline" "$@"
	done
	{
		{
			status=0
			start "$build/ipcts" run --format human --format json --output /dev/stderr \
				"$@" || status=$?
			echo $status >"$build/status"
		} 2>&1 >&3 | cat >"$build/stderr"
	} 3>&1 | cat
	grep '^{' "$build/stderr" >"$build/report.jsonl" || true
	grep -v '^{' "$build/stderr" >&2 || true
	echo "report: $build/report.jsonl"
	exit "$(cat "$build/status")"
}

platform()
{
	name=${0##*/}
	case ${1-} in
	build)
		build_program
		;;
	run)
		shift
		run_program "$@"
		;;
	'' | -*)
		build_program
		run_program "$@"
		;;
	*)
		echo "$name: $1: not build or run; usage: ci/platform/$name [build | run] [OPTION OF ipcts run]..." >&2
		exit 2
		;;
	esac
}
