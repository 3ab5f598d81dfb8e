# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the benchmark program and the initial RAM disk that it is the init of."""
import glob
import os
import shutil
import stat
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, 'tools'))
from fetch_guest import FetchError, fetch  # noqa: E402
from make_disk import Cpio  # noqa: E402

FOLDER = os.path.join(TOP, 'build', 'bench-guest')
ARCH = {64: 'amd64', 32: 'i386'}
# Like what Debian ships; without PIE, for the 32-bit program would pay for it.
FLAGS = ['-O2', '-g', '-std=gnu17', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Wno-unused-parameter',
         '-Wno-missing-field-initializers', '-Werror', '-fno-pie', '-no-pie', '-static', f'-I{TOP}']


class BuildError(Exception):
    """Says what is missing."""


def run(cmd):
    p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       stdin=subprocess.DEVNULL, check=False)
    return p.returncode, p.stdout


def build(bits):
    """Path of the static program for 32 or 64 bits."""
    cc = os.environ.get('CC', 'gcc')
    if not shutil.which(cc):
        raise BuildError(f"no compiler '{cc}'")
    out = os.path.join(FOLDER, f'bench{bits}')
    sources = sorted(glob.glob(os.path.join(TOP, 'bench/guest/*.c')))
    newest = max(os.path.getmtime(f) for f in [
        __file__, *sources, *glob.glob(os.path.join(TOP, 'bench/guest/*.h'))])
    if os.path.exists(out) and os.path.getmtime(out) >= newest:
        return out
    os.makedirs(FOLDER, exist_ok=True)
    new = f'{out}.new-{os.getpid()}'
    status, text = run([cc, f'-m{bits}', *FLAGS, '-o', new, *sources])
    if status:
        hint = ' (the package gcc-multilib: tools/setup.sh bench32)' if bits == 32 else ''
        raise BuildError(f'cannot build the {bits}-bit program{hint}:\n'
                         + '\n'.join(text.strip().split('\n')[:8]))
    os.rename(new, out)
    return out


def shell(bits):
    """Debian's static busybox."""
    return os.path.join(fetch(f'busybox-{ARCH[bits]}'), 'busybox')


def kernel(bits):
    """(path of Debian's kernel, its package)"""
    folder = fetch(f'kernel-{ARCH[bits]}')
    with open(os.path.join(folder, 'origin'), encoding='utf-8') as f:
        return os.path.join(folder, 'vmlinuz'), f.read().strip()


def initramfs(bits):
    """Path of a cpio with the program as /init and busybox; not compressed, for what is
    measured from the start of the kernel should not be gunzip."""
    cpio = Cpio()
    for d in ('bin', 'dev', 'proc', 'sys', 'tmp'):
        cpio.add(d, stat.S_IFDIR | 0o755)
    cpio.add('dev/console', stat.S_IFCHR | 0o600, rdev=(5, 1))
    stripped = os.path.join(FOLDER, f'bench{bits}.stripped')
    status, text = run(['strip', '-o', stripped, build(bits)])
    if status:
        raise BuildError(f'strip: {text}')
    for name, path in (('init', stripped), ('bin/busybox', shell(bits))):
        with open(path, 'rb') as f:
            cpio.add(name, stat.S_IFREG | 0o755, f.read())
    out = os.path.join(FOLDER, f'initramfs{bits}.cpio')
    new = f'{out}.new-{os.getpid()}'
    with open(new, 'wb') as f:
        f.write(cpio.finish())
    os.rename(new, out)
    return out


def rows():
    """[(name, group)] in the program's order."""
    status, text = run([build(64), '--list'])
    found = [tuple(line.split()[1:3]) for line in text.split('\n') if line.startswith('list ')]
    if status or not found:
        raise BuildError(f'the program does not list its rows: {text}')
    return found


__all__ = ['BuildError', 'FetchError', 'TOP', 'build', 'initramfs', 'kernel', 'rows', 'shell']
