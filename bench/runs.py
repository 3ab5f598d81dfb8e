# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of the benchmark program, in a machine or natively, and what it printed."""
import os
import re
import select
import shlex
import subprocess
import sys
import time

import program
from program import TOP

sys.path.insert(0, os.path.join(TOP, 'tests/guest'))
from machine import GuestError, Machine  # noqa: E402

BOOTS = 4  # of one run: a row that hangs ends a machine, the next goes on behind it
APPEND = 'console=ttyS0,115200 earlyprintk=serial,ttyS0,115200 panic=-1'


class Results:
    """What the lines of the program say; the start of bench/guest/main.c lists them."""

    def __init__(self):
        self.rows = {}  # name: (nanoseconds, checksum)
        self.smp = {}  # name: (seconds of one process, seconds of two at a time)
        self.failed = {}  # name: why
        self.info = []
        self.boot_s = None
        self.current = None
        self.started = self.ended = False
        self.clocks = []  # (guest's nanoseconds, host's seconds)

    def line(self, text, when):
        """Takes one in; false when it is not one of the program's."""
        words = text.split()
        if not words:
            return False
        kind = words[0]
        if kind == 'row' and len(words) == 6:
            self.rows[words[1]] = (float(words[3]), words[4])
            self.current = None
        elif kind == 'smp' and len(words) == 4:
            self.smp[words[1]] = (int(words[2]) / 1e9, int(words[3]) / 1e9)
        elif kind == 'fail' and len(words) > 2:
            self.failed.setdefault(words[1], ' '.join(words[2:]))
        elif kind == 'begin' and len(words) == 2:
            self.current = words[1]
        elif kind == 'info' and text[5:] not in self.info:
            self.info.append(text[5:])
        elif kind == 'clock' and len(words) == 2:
            self.clocks.append((int(words[1]), when))
        elif text == 'bench: start':
            self.started = True
        elif text == 'bench: end':
            self.ended = True
        else:
            return False
        return True

    def lost(self, why):
        """The machine or program ended or hung; the row that it was in."""
        name = self.current or 'boot'
        self.failed[name] = why
        return name

    def clock_error(self):
        """How much faster than the host's the guest's clock went (0.01: one per cent)."""
        if len(self.clocks) < 2:
            return 0
        (g0, h0), (g1, h1) = self.clocks[0], self.clocks[-1]
        return (g1 - g0) / 1e9 / max(h1 - h0, 1e-9) - 1 if h1 - h0 > 2 else 0


def options(text):
    """The options of lodge run in a string, as Machine takes them."""
    opts, words = {}, shlex.split(text)
    while words:
        word = words.pop(0)
        if not word.startswith('--'):
            raise ValueError(f"'{word}' is not an option of lodge run")
        key, equals, value = word[2:].partition('=')
        if not equals and words and not words[0].startswith('--'):
            value, equals = words.pop(0), '='
        opts[key] = value if equals else True
    return opts


class Setup:
    """What is the same for all runs of one call of cpu.py."""

    def __init__(self, args):
        self.scale = args.scale
        self.memory = args.memory
        self.append = f'{APPEND} {args.append}'.strip()
        self.row_limit = args.row_limit
        self.boot_limit = args.boot_limit
        self.smp = args.smp
        self.lodge_opts = options(args.lodge_args)
        self.qemu_cpu = args.qemu_cpu

    def machine_options(self, who, bits, names):
        append = f'{self.append} bench.scale={self.scale}'
        append += ' bench.smp' if self.smp else f' bench.rows={",".join(names)}'
        opts = {'kernel': program.kernel(bits)[0], 'initrd': program.initramfs(bits),
                'append': append, 'memory': self.memory, 'cpus': 2 if self.smp else 1,
                'no-reboot': True}
        if who == 'lodge':
            opts.update(self.lodge_opts)
        else:
            opts['qemu-cpu'] = self.qemu_cpu
        return opts


def listen(m, r, setup):
    """Reads the machine's lines until the program has ended."""
    kernel_start = None
    deadline = time.monotonic() + setup.boot_limit
    while not r.ended:
        # Only the program's own lines count as a sign of life.
        left = max(0.01, deadline - time.monotonic())
        text = m.expect(r'([^\r\n]*)\r*\n', left).group(1).decode(errors='replace')
        now = time.monotonic()
        if kernel_start is None and 'Linux version' in text:
            kernel_start = now
        started = r.started
        if r.line(text, now):
            deadline = now + setup.row_limit
        if r.started and not started and kernel_start is not None and r.boot_s is None:
            r.boot_s = now - kernel_start


def boot(who, bits, names, setup, r):
    """One boot; the name of the row that was lost with it, or None."""
    m = Machine(f'cpu-{who}-{bits}', setup.machine_options(who, bits, names), 24 * 3600,
                os.path.join(TOP, 'build/bench-logs'), who == 'qemu')
    r.started = r.ended = False
    r.current, r.clocks = None, []
    try:
        listen(m, r, setup)
        m.wait_exit(30)
        return None
    except GuestError as e:
        if r.ended:  # all was measured; it only does not switch off
            r.failed['power-off'] = str(e).split('\n', 1)[0]
            return None
        return r.lost(explain(str(e), setup.row_limit if r.started else setup.boot_limit))
    finally:
        m.close()


def explain(text, limit):
    first = text.split('\n', 1)[0]
    panic = re.search(r'(Kernel panic[^\n]*|BUG: [^\n]*)', text)
    more = f': {panic.group(1)}' if panic else ''
    if first.startswith('ended with'):
        return first.split(' before')[0] + more
    return f'hung: nothing said for {limit} s{more}'


def run_machine(who, bits, names, setup):
    r, left = Results(), list(names)
    for _ in range(BOOTS):
        lost = boot(who, bits, left, setup, r)
        if lost not in left:  # None, or it did not come as far as a row
            break
        left = left[left.index(lost) + 1:]
        if not left:
            break
    return r


def run_native(bits, names, setup):
    """On one of the host's processors, as the machines have one."""
    r = Results()
    cmd = [program.build(bits), f'--scale={setup.scale}']
    cmd.append('--smp' if setup.smp else f'--rows={",".join(names)}')
    env = {**os.environ, 'BENCH_SH': program.shell(bits)}
    cpus = os.sched_getaffinity(0)
    pin = None if setup.smp else (lambda: os.sched_setaffinity(0, {max(cpus)}))
    with subprocess.Popen(cmd, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env,
                          start_new_session=True, preexec_fn=pin) as p:
        try:
            read_native(p, r, setup.row_limit)
        finally:
            if p.poll() is None:
                os.killpg(p.pid, 9)  # the session that was started here
    if not r.ended and not r.failed:
        r.lost(f'ended with status {p.returncode}')
    return r


def read_native(p, r, limit):
    data = b''
    while select.select([p.stdout], [], [], limit)[0]:
        new = os.read(p.stdout.fileno(), 65536)
        if not new:
            p.wait(10)
            return
        *lines, data = (data + new).split(b'\n')
        for line in lines:
            r.line(line.decode(errors='replace'), time.monotonic())
    r.lost(f'hung: nothing said for {limit} s')


def run(who, bits, names, setup):
    if who == 'native':
        return run_native(bits, names, setup)
    return run_machine(who, bits, names, setup)
