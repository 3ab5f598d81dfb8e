#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots one guest on two engines and compares the processors' state as they go.

usage: tests/guest/lockstep.py [OPTION]... GUEST

GUEST is a name of tests/guest/run.py --list, or none with the options in --a and --b
alone ("-").  Both run with --clock insns and --state-log, which is read while they run.
At the first difference they are run again, with lines closer together around it, until
the block is found; the machines then stand there and their code is shown.

  --every=N    instructions a line (1000000)
  --until=I    ends when a processor has retired so many (0: when the guests end)
  --limit=S    ends after so many seconds without a difference (600)
  --ram=K      a hash of all memory every K lines
  --a=OPTIONS  of one side, KEY=VALUE words: "engine=interp"
  --b=OPTIONS  of the other: "engine=jit jit=exact-flags"
  --no-narrow  the first difference is enough

Exit status: 0 no difference, 1 a difference, 2 something else went wrong.
"""
import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import small  # noqa: E402,F401  (adds its guests to the list)
from guests import GUESTS, FetchError  # noqa: E402
from machine import lodge_command  # noqa: E402

NEAR = 20000  # instructions that may be looked at block by block
WORDS = ('cpu', 'icount', 'rip', 'hash')


class LockstepError(Exception):
    """No comparison was possible."""


def parse_line(line):
    """The fields of one line of a state log."""
    words = line.split()
    return {**dict(zip(WORDS, words)), **dict(w.split('=', 1) for w in words[4:])}


class Side:
    """One machine and its log, read as it grows."""

    def __init__(self, name, opts, spec, folder):
        self.name = name
        self.dir = os.path.join(folder, name)
        os.makedirs(self.dir)
        self.log_path = os.path.join(self.dir, 'state')
        self.monitor_path = os.path.join(self.dir, 'monitor')
        opts = {k: v.replace('@dir@', self.dir) if isinstance(v, str) else v
                for k, v in opts.items()}
        opts.update({'clock': 'insns', 'state-log': f'{self.log_path}:{spec}'})
        cmd = lodge_command(opts, self.monitor_path)
        cmd[cmd.index('stdio')] = 'file:' + os.path.join(self.dir, 'serial')
        self.said = os.path.join(self.dir, 'stderr')
        with open(self.said, 'wb') as err:
            self.child = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                          start_new_session=True)
        self.file = None
        self.rest = b''
        self.lines = []
        self.written = False  # any line yet

    def pump(self):
        """Takes in what was written since; False when no more will come."""
        ended = self.child.poll() is not None  # before the file is read for the last time
        if not self.file and os.path.exists(self.log_path):
            self.file = open(self.log_path, 'rb')
        data = self.file.read(1 << 22) if self.file else b''
        parts = (self.rest + data).split(b'\n')
        self.rest = parts.pop()
        self.lines += [p.decode() for p in parts]
        self.written |= bool(parts)
        return bool(data) or not ended

    def ask(self, line):
        """The monitor's answer, without its prompt."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                s.connect(self.monitor_path)
                s.recv(65536)
                s.sendall(line.encode() + b'\n')
                out = b''
                while not out.endswith(b'(lodge) '):
                    data = s.recv(65536)
                    if not data:
                        break
                    out += data
        except OSError as e:
            return f'no monitor: {e}'
        return out.decode(errors='replace').replace('(lodge) ', '').rstrip()

    def close(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self.file:
            self.file.close()

    def last_words(self):
        with open(self.said, encoding='utf-8', errors='replace') as f:
            return f.read().strip()


class Result:
    """What a run of both sides found."""

    def __init__(self):
        self.count = 0      # lines that were the same
        self.same = {}      # processor → its last line that was the same
        self.differ = None  # the two lines
        self.note = ''


def compare(sides, res, until):
    """Goes through the lines that both have; True when it is time to end."""
    n = min(len(s.lines) for s in sides)
    for x, y in zip(sides[0].lines[:n], sides[1].lines[:n]):
        if x != y:
            res.differ = (x, y)
            return True
        line = parse_line(x)
        res.same[line['cpu']] = line
        res.count += 1
        if until and int(line['icount']) >= until:
            res.note = f'both reached {until} instructions'
            return True
    for s in sides:
        del s.lines[:n]
    return False


def watch(sides, until, limit_s):
    res, end, shown = Result(), time.monotonic() + limit_s, time.monotonic()
    while time.monotonic() < end:
        live = [s.pump() for s in sides]
        if compare(sides, res, until):
            return res
        if not any(live) or any(not alive and other.lines for alive, other in
                                zip(live, reversed(sides))):
            states = [s.child.poll() for s in sides]
            if sides[0].lines or sides[1].lines or states[0] != states[1]:
                res.differ = tuple(s.lines[0] if s.lines else f'ended, status {s.child.poll()}'
                                   for s in sides)
            else:
                res.note = f'both ended with status {states[0]}'
            return res
        if time.monotonic() - shown > 20:
            shown = time.monotonic()
            print(f'# {res.count} lines are the same', flush=True)
        time.sleep(0.05)
    res.note = f'no difference in {limit_s:.0f} s'
    return res


def show_place(sides, line):
    """The machines stand where they differ: the block that led there."""
    for s in sides:
        for _ in range(50):
            if 'stopped' in s.ask('info status'):
                break
            time.sleep(0.1)
    base = int(line.get('cs', '0:0').split(':')[1], 16)
    lin = base + int(line['rip'], 16)
    print(f"\nthe last block that began with the same state, {lin:#x} on processor {line['cpu']}:")
    sides[0].ask(f"cpu {line['cpu']}")
    print(sides[0].ask(f'disasm/16 {lin:#x}'))
    for s in sides:
        text = s.ask(f"jit {lin:#x} {line['cpu']}")
        print(f'\n{s.name}, translated:\n{text}')


def show(res, names):
    x, y = res.differ
    if x.startswith('ended') or y.startswith('ended'):
        print(f'{names[0]}: {x}\n{names[1]}: {y}')
        return
    a, b = parse_line(x), parse_line(y)
    before = res.same.get(a['cpu'], {})
    print(f"processor {a['cpu']}: the same up to instruction {before.get('icount', 0)} at "
          f"{before.get('rip', 'the start')}, not at {a['icount']} / {b['icount']}")
    for key in {**a, **b}:
        if a.get(key) != b.get(key):
            print(f'  {key:8} {names[0]} {a.get(key)}, {names[1]} {b.get(key)}, '
                  f'before {before.get(key)}')


def one_run(args, opts, spec, until, final=False):
    folder = tempfile.mkdtemp(prefix='lodge-lockstep-')
    sides = []
    try:
        for name in ('a', 'b'):
            sides.append(Side(name, opts[name], spec, folder))
        res = watch(sides, until, args.limit)
        silent = any(not s.written and s.child.poll() is not None for s in sides)
        if silent or (not res.count and not res.differ):
            said = '\n'.join(f'{s.name}: {s.last_words()}' for s in sides)
            raise LockstepError(f'no line of a or b: {res.note}\n{said}')
        if res.differ:
            show(res, [s.name for s in sides])
            for s in sides:
                if s.last_words():
                    print(f'{s.name} said: {s.last_words()}')
            if final and not res.differ[0].startswith('ended'):
                line = res.same.get(parse_line(res.differ[0])['cpu'])
                if line:
                    show_place(sides, line)
        return res
    finally:
        for s in sides:
            s.close()
        shutil.rmtree(folder, ignore_errors=True)


def narrow(args, opts, res):
    """Runs again, closer and closer to the first difference."""
    every = args.every
    while every > 1:
        if any(line.startswith('ended') for line in res.differ):
            return
        a, b = (parse_line(line) for line in res.differ)
        first = max(1, int(res.same.get(a['cpu'], {'icount': 0})['icount']))
        last = max(int(a['icount']), int(b['icount']))
        every = 1 if last - first <= NEAR else max(1, (last - first) // 1000)
        print(f'\n# again: every {every} from {first} to {last}', flush=True)
        spec = f'{every},from={first},to={last}' + (',regs' if every == 1 else '')
        again = one_run(args, opts, spec, last, every == 1)
        if not again.differ:
            print('# it did not differ this time: the guest is not repeatable, or memory alone '
                  'differs')
            return
        res = again


def side_options(guest, text):
    opts = dict(guest)
    for word in text.split():
        key, sep, value = word.partition('=')
        opts[key] = value if sep else True
    return opts


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument('--every', type=int, default=1000000)
    ap.add_argument('--until', type=int, default=0)
    ap.add_argument('--limit', type=float, default=600)
    ap.add_argument('--ram', type=int, default=0)
    ap.add_argument('--a', default='engine=interp')
    ap.add_argument('--b', default='engine=jit jit=exact-flags')
    ap.add_argument('--no-narrow', action='store_true')
    ap.add_argument('guest')
    args = ap.parse_args()
    known = {g['name']: g for g in GUESTS}
    if args.guest not in known and args.guest != '-':
        print(f"no guest '{args.guest}': tests/guest/run.py --list shows them", file=sys.stderr)
        return 2
    try:
        guest = known[args.guest]['options']() if args.guest != '-' else {}
        opts = {'a': side_options(guest, args.a), 'b': side_options(guest, args.b)}
        spec = str(args.every) + (f',to={args.until}' if args.until else '')
        spec += f',ram={args.ram}' if args.ram else ''
        res = one_run(args, opts, spec, args.until)
        if res.differ and not args.no_narrow:
            narrow(args, opts, res)
    except (LockstepError, FetchError) as e:
        print(f'lockstep: {e}', file=sys.stderr)
        return 2
    if not res.differ:
        print(f'{res.count} lines are the same: {res.note}')
    return 1 if res.differ else 0


if __name__ == '__main__':
    sys.exit(main())
