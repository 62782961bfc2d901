# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced: installs the packages of Debian that a script needs.

# What every build needs.
build_packages='gcc libc6-dev make autoconf automake pkg-config'
# And what one with all that is optional needs.
library_packages='check libcmocka-dev libfiu-dev'

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "${0##*/}: neither root nor sudo: cannot install packages" >&2
		return 1
	fi
}

apt_install()
{
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "$@"
}

# need_packages PACKAGE...: installs those that are missing; fails if it can't.
# Where there is no dpkg, the build finds out by itself what is missing.
need_packages()
{
	command -v dpkg-query >/dev/null || return 0
	for package; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) shift ;;
		*)
			shift
			set -- "$@" "$package"
			;;
		esac
	done
	[ $# -gt 0 ] || return 0

	echo "installing $*"
	packages_log=$(mktemp)
	# The lists of packages may be missing, or too old for what the archive has now.
	if apt_install "$@" >"$packages_log" 2>&1 ||
		{ as_root apt-get -q update && apt_install "$@"; } >>"$packages_log" 2>&1; then
		rm -f "$packages_log"
	else
		cat "$packages_log" >&2
		rm -f "$packages_log"
		echo "${0##*/}: cannot install $*" >&2
		return 1
	fi
}
