# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced: installs the packages of Debian that a script needs.

# What every build needs.
build_packages='gcc libc6-dev make autoconf automake pkg-config'
# And what one with all that is optional needs.
library_packages='check libcmocka-dev libfiu-dev fiu-utils'

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

apt_install()
{
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "$@"
}

# The lists of packages may be missing, or too old for what the archive has now.
update_and_install()
{
	as_root apt-get -q update && apt_install "$@"
}

# need_packages PACKAGE...: installs those that are missing; fails if it can't.
# Where there is no dpkg, the build finds out by itself what is missing.
need_packages()
{
	command -v dpkg-query >/dev/null || return 0
	for package; do
		shift
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) set -- "$@" "$package" ;;
		esac
	done
	[ $# -gt 0 ] || return 0

	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		echo "${0##*/}: neither root nor sudo to install $*" >&2
		return 1
	fi
	echo "installing $*"
	packages_log=$(mktemp)
	if apt_install "$@" >"$packages_log" 2>&1 || update_and_install "$@" >>"$packages_log" 2>&1; then
		rm -f "$packages_log"
	else
		cat "$packages_log" >&2
		rm -f "$packages_log"
		echo "${0##*/}: cannot install $*" >&2
		return 1
	fi
}
