# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by the scripts of ci/platform that have a processor emulated by qemu-user, on the kernel
# of this machine.  They set $top, the top of the tree, and
#
#	cpu         its name by qemu
#	triplet     its name by gcc
#	packages    what compiles for it
#	alike       the baselines it shares with others of its kinds; optional
#	magic       what its programs begin with, as binfmt.d(5) has it; default: as Debian has it
#
# and end with: platform "$@".
# shellcheck disable=SC2154 # packages and triplet

# shellcheck source=ci/platform.sh
. "$top/ci/platform.sh"

# shellcheck disable=SC2034 # platform.sh reads it
baselines="qemu-user ${alike-} ${0##*/}"

build_program()
{
	need_packages $packages
	build_static --host="$triplet"
}

# A program that executes itself needs the kernel to know the emulator: in namespaces of our own we
# may tell it, and in those within them be an ordinary user.
start()
{
	need_packages qemu-user-static
	[ -n "${magic-}" ] || magic=$(cat "/usr/lib/binfmt.d/qemu-$cpu.conf")
	unshare --map-root-user --mount sh -c '
		mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
		printf "%s" "$1" >/proc/sys/fs/binfmt_misc/register
		shift
		exec unshare --map-user=1000 --map-group=1000 "$@"' sh "$magic" "$@"
}
