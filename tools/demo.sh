#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# make run: boots a small Debian disk at this terminal.  DEMO=debian takes a minimal
# Debian with systemd instead of busybox (made by debootstrap, as root).
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${LODGE_BUILD:-build}
disk=$("$top/tools/make_disk.py" --kind="${DEMO:-busybox}")
memory=256M
[ "${DEMO:-busybox}" = busybox ] || memory=512M

cat <<EOF

Starting a virtual PC: SeaBIOS, then GRUB, then Debian's kernel from
  $disk
This terminal is its serial line.  To quit: poweroff in the guest, or Ctrl-A x.

Try next:
  $build/lodge run $disk --display text      the screen instead of the serial line
  $build/lodge run $disk --cpus 2 --display vnc   two processors, a VNC console
  DEMO=debian make run                       Debian with systemd
  $build/lodge run --help                    everything else

EOF
status=0
"$top/$build/lodge" run "$disk" --memory "$memory" --serial stdio --display none || status=$?
[ $status -eq 5 ] || exit $status # 5: ended with Ctrl-A x
