# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced, with $top the top of the tree: builds it, outside of the source.

# shellcheck source=ci/packages.sh
. "$top/ci/packages.sh"

# quietly LOG COMMAND...: what it prints is seen only if it fails, which ends the script.
quietly()
{
	quiet_log=$1
	shift
	"$@" >"$quiet_log" 2>&1 || {
		tail -n 100 "$quiet_log" >&2
		echo "${0##*/}: failed: $* (the whole of it: $quiet_log)" >&2
		exit 2
	}
}

# The tree without what was built in it.
copy_source()
{
	mkdir "$1"
	(cd "$top" && tar -c --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.a' .) |
		(cd "$1" && tar -x --no-same-owner)
	chmod -R u+w "$1"
	[ ! -e "$1/Makefile" ] || quietly "$1.log" make -C "$1" distclean
}

# find_source: sets $source, which has a configure script, and $builds, the folder of builds.
# A tree that can't be written to, or that was configured in place, is copied.
find_source()
{
	source=$top builds=$top/build
	if [ ! -w "$top" ] || [ -e "$top/config.status" ] || ! mkdir -p "$builds" 2>/dev/null; then
		builds=$(mktemp -d "${TMPDIR:-/tmp}/ipcts-build.XXXXXX")
		source=$builds/source
		copy_source "$source"
	fi
	[ -x "$source/configure" ] || quietly "$builds/autoreconf.log" autoreconf -i "$source"
}

# build NAME [ARGUMENT OF configure]...: sets $build, which holds what was built.
# $build_target is what, by default all.
build()
{
	[ -n "${source-}" ] || find_source
	build=$builds/$1
	shift
	mkdir -p "$build"
	if [ ! -e "$build/config.status" ] || [ "$*" != "$(cat "$build/configured-with")" ]; then
		printf '%s' "$*" >"$build/configured-with"
		(cd "$build" && quietly "$build/configure.log" "$source/configure" "$@")
	fi
	echo "building in $build"
	# shellcheck disable=SC2086 # perhaps none
	quietly "$build/make.log" make -C "$build" -j"$(nproc)" ${build_target-}
}

# The build that several checks share: by gcc, with all that is optional, and without a warning.
build_whole()
{
	need_packages $library_packages valgrind
	build gcc CC=gcc --enable-werror --with-check --with-cmocka --with-fiu --with-valgrind
}

# make_check TARGET [ARGUMENT OF make]...: plays the tests of $build.  Failures are told once more
# after automake's own words, and the last line says how many passed.
make_check()
{
	rm -f "$build/test-suite.log"
	check_status=0
	make -C "$build" "$@" || check_status=$?
	[ -e "$build/test-suite.log" ] || return $check_status

	find "$build" -name '*.trs' -exec grep -l '^:recheck: yes' {} + | while read -r trs; do
		echo "== ${trs%.trs}.log"
		grep -v '^ok ' "${trs%.trs}.log"
	done
	awk '
		/^# PASS: / { passed = $3 }
		/^# (FAIL|XPASS|ERROR): / { failed += $3 }
		/^# SKIP: / { skipped = $3 }
		/^# ERROR: / { print passed " passed, " failed " failed, " skipped " skipped"; exit }
	' "$build/test-suite.log"
	return $check_status
}
