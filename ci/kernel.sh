# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by those scripts of ci/platform that boot a kernel of their own: in place of platform.sh,
# which it brings along.  To build_program it gives
#
#	need_kernel ARCHITECTURE PACKAGE    Debian's: $build/kernel, and of it
#	keep_modules FOLDER                 what the corpus has a use for: $build/modules
#	build_init                          after build_static: its first process
#
# and to start
#
#	make_initramfs WORD...              what is to be run there
#	boot_qemu PROCESSOR CONSOLE ...     runs it: under qemu-system,
#	boot COMMAND...                     or another emulator
#
# The console brings back what init.c marks, and is kept as $build/console.log.

# shellcheck source=ci/platform.sh
. "$top/ci/platform.sh"

# the longest that a kernel is let run, however its emulator may crawl
boot_seconds=${boot_seconds:-3600}

# private_apt ARCHITECTURE TOOL WORD...: asks the archive for another architecture's packages, or
# ours, and leaves the packages and lists of this machine alone.
private_apt()
{
	apt=$builds/apt-$1
	[ -d "$apt/lists/partial" ] || {
		mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
		: >"$apt/status"
	}
	apt_architecture=$1 apt_tool=$2
	shift 2
	LC_ALL=C "$apt_tool" -q -o Dir::State="$apt" -o Dir::State::status="$apt/status" \
		-o Dir::Cache="$apt/cache" -o APT::Architecture="$apt_architecture" \
		-o APT::Architectures="$apt_architecture" -o APT::Sandbox::User=root \
		-o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# kernel_package ARCHITECTURE PACKAGE: the one that PACKAGE, which names no version, stands for.
kernel_package()
{
	private_apt "$1" apt-cache depends --important "$2" |
		sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1
}

# IPv6, with what it needs, and cables between machines.  What isn't there is built into the kernel,
# or else the tests that need it are skipped.
keep_modules()
{
	rm -rf "$build/modules"
	mkdir "$build/modules"
	find "$1" '(' -name crc-ccitt.ko -o -name ipv6.ko -o -name veth.ko ')' \
		-exec cp {} "$build/modules" ';'
}

need_kernel()
{
	[ ! -s "$build/kernel" ] || return 0
	# a list that can't be had may not be that of the kernel
	private_apt "$1" apt-get update >"$build/apt.log" 2>&1 || true
	package=$(kernel_package "$1" "$2")
	[ -n "$package" ] || {
		cat "$build/apt.log" >&2
		echo "$name: the archive has no $2 for $1" >&2
		exit 2
	}
	echo "kernel: $package"
	rm -rf "$build/package"
	mkdir "$build/package"
	(cd "$build/package" && quietly "$build/apt.log" private_apt "$1" apt-get download "$package")
	dpkg-deb --fsys-tarfile "$build/package/"*.deb |
		tar -x -C "$build/package" --wildcards './boot/vmlinu*' \
			'*/kernel/net/*' '*/kernel/drivers/net/*'
	keep_modules "$build/package"
	mv "$build/package/boot/vmlinu"* "$build/kernel"
	rm -rf "$build/package"
}

build_init()
{
	need_packages cpio
	quietly "$build/init.log" make -C "$build" ci/init
}

# make_initramfs WORD...: the first process, the command and, beneath /here, those of its words that
# are names of files: at their own places they might be where init.c mounts something.
make_initramfs()
{
	root=$build/root
	rm -rf "$root"
	mkdir -p "$root/dev"
	cp "$build/ci/init" "$root/init"
	cp -R "$build/modules" "$root"
	for word; do
		if [ -f "$word" ]; then
			mkdir -p "$root/here/$(dirname "$word")"
			cp "$word" "$root/here/$word"
			word=/here/$word
		fi
		printf '%s\0' "$word"
	done >"$root/command"
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$build/initramfs"
	rm -rf "$root"
}

# Of what the console says, the program's words go where it said them, and what comes in between or
# from init.c to standard error.  The exit status is the program's, or 2 if its last words or some
# before are missing.
read_console()
{
	LC_ALL=C awk -v name="$name" -v console="$build/console.log" '
		function say(text) {
			begun = 1
			bytes += length(text)
			text = text (substr($0, 2, 1) == " " ? "\n" : "")
			if (substr($0, 1, 1) == "1") {
				printf "%s", text
				fflush()
			} else {
				printf "%s", text | "cat >&2"
			}
		}
		{ sub(/\r+$/, "") }
		/^[12][ +]/ { say(substr($0, 3)); next }
		/^= [0-9]+ [0-9]+$/ { status = $2; said = $3; ended = 1; next }
		begun || /^init: / { print | "cat >&2" }
		END {
			if (!ended)
				print name ": it came to no end: " console | "cat >&2"
			else if (said != bytes)
				print name ": " said " bytes were said, " bytes " arrived: " console | "cat >&2"
			close("cat >&2")
			exit ended && said == bytes ? status : 2
		}'
}

# boot COMMAND OF THE EMULATOR: its standard output is the console.
boot()
{
	timeout -k 10 "$boot_seconds" "$@" </dev/null 2>"$build/emulator.log" |
		tee "$build/console.log" | read_console
}

# boot_qemu PROCESSOR CONSOLE [ARGUMENT OF QEMU]...
boot_qemu()
{
	processor=$1 console=$2
	shift 2
	boot "qemu-system-$processor" -accel tcg,thread=multi -smp 2 -m 1024 \
		-nodefaults -nographic -no-reboot -serial stdio \
		-kernel "$build/kernel" -initrd "$build/initramfs" \
		-append "console=$console quiet loglevel=1 panic=-1" "$@"
}
