#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: tools/setup.sh GROUP...   (build, test, run, bench, bench32)
#
# Installs the Debian packages that a group needs and that are missing, as root
# or through sudo.  When all are there it does nothing, quietly, and touches no
# network.  LODGE_NO_SETUP=1 only checks.
set -eu

# One a line: group, package, what it is for.
packages() {
	cat <<-'EOF'
	build gcc            the compiler
	build libc6-dev      headers of the C library
	build binutils       assembles the option ROM
	build meson          the build system
	build ninja-build    the build system
	build pkg-config     finds libraries
	build python3        runs the code generators
	build zlib1g-dev     screenshots and the ZRLE console encoding
	build acpica-tools   iasl compiles the ACPI tables
	build seabios        the firmware and the VGA BIOS of the machines
	run e2fsprogs        mke2fs fills the demo disk
	run grub-pc-bin      GRUB goes onto the demo disk
	run grub-common      grub-mkimage
	test git             lists the files for the gates
	test clang           the second compiler, and the sanitizer build
	test libclang-rt-14-dev the run-time libraries of the sanitizers
	test clang-format    the format gate
	test clang-tidy      the static analysis gate
	test pmccabe         the size gate
	test gdb             talks to the gdb stub
	test e2fsprogs       mke2fs fills test disks
	test grub-pc-bin     GRUB goes onto test disks
	test grub-common     grub-mkimage, grub-mkrescue
	test mtools          fills test floppies
	test xorriso         makes test CDs
	test cpio            unpacks installer images
	test vncsnapshot     a stock VNC viewer for the console tests
	test debootstrap     makes the systemd disk (make test-all)
	bench qemu-system-x86 the other side of the benchmarks
	bench e2fsprogs      mke2fs fills the disk
	bench grub-pc-bin    GRUB goes onto the disk
	bench grub-common    grub-mkimage
	bench binutils       strips the program of the guests
	bench debootstrap    makes the systemd disk
	bench32 gcc-multilib  builds the 32-bit benchmark program
	EOF
}

is_there() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
why=
for group in "$@"; do
	list=$(packages | grep "^$group ") || {
		echo "setup: unknown group '$group'" >&2
		exit 2
	}
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "setup: this is not Debian; please see that these are there:" >&2
		echo "$list" | cut -d' ' -f2- >&2
		continue
	fi
	while read -r _ package reason; do
		case " $missing " in *" $package "*) continue ;; esac
		is_there "$package" && continue
		missing="$missing $package"
		why="$why  $package - $reason
"
	done <<-EOF
	$list
	EOF
done
[ -n "$missing" ] || exit 0

echo "setup: these Debian packages are needed and missing:"
printf '%s' "$why"
if [ -n "${LODGE_NO_SETUP:-}" ]; then
	echo "setup: not installed, because LODGE_NO_SETUP is set" >&2
	exit 1
elif [ "$(id -u)" = 0 ]; then
	as_root="env DEBIAN_FRONTEND=noninteractive"
elif command -v sudo >/dev/null; then
	echo "setup: installing them through sudo"
	as_root="sudo env DEBIAN_FRONTEND=noninteractive"
else
	echo "setup: cannot install them: neither root nor sudo. As root, run:" >&2
	echo "  apt-get update && apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run_apt() {
	$as_root apt-get -q -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null
}
# The package lists may be missing or too old to find the files: then fetch them.
# shellcheck disable=SC2086
if ! run_apt install -y --no-install-recommends $missing; then
	echo "setup: fetching the package lists (apt-get update)"
	run_apt update || true # one broken source need not matter
	if ! run_apt install -y --no-install-recommends $missing; then
		tail -n 20 "$log" >&2
		echo "setup: apt-get install failed (its last lines are above)" >&2
		exit 1
	fi
fi
echo "setup: installed"
