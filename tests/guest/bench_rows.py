# SPDX-License-Identifier: GPL-2.0-or-later
"""The program of the CPU benchmark (docs/bench.md) as a test: each row once, and each
checksum must be the one that the program knows.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../bench'))
import program  # noqa: E402  (the path comes first)
from guests import MAKING, FetchError, guest  # noqa: E402
from machine import GuestError  # noqa: E402


def rows(bits):
    def options():
        with MAKING:
            try:
                return {'kernel': program.kernel(bits)[0], 'initrd': program.initramfs(bits),
                        'append': 'console=ttyS0,115200 panic=-1 bench.scale=0',
                        'memory': '512M', 'no-reboot': True}
            except program.BuildError as e:
                raise FetchError(str(e)) from e
    return options


def all_right(m):
    m.expect('bench: start')
    text = m.expect(r'(.*)bench: end', 240).group(1).decode(errors='replace')
    bad = re.findall(r'(?m)^fail [^\r\n]*', text)
    begun, done = (re.findall(rf'(?m)^{w} (\S+)', text) for w in ('begin', 'row'))
    if bad or begun != done or len(done) < 30:
        raise GuestError(f'{len(done)} of {len(begun)} rows are right; {"; ".join(bad)}')
    if m.wait_exit():
        raise GuestError(f'exit status {m.child.returncode}, not 0')


@guest(300, rows(64))
def bench_rows_amd64(m):
    """Each row of the CPU benchmark on a 64-bit kernel gives its checksum."""
    all_right(m)


@guest(420, rows(32), long=True)
def bench_rows_i386(m):
    """The same on a 32-bit kernel; a skip without gcc-multilib."""
    all_right(m)
