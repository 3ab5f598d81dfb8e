#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The CPU benchmark: one static program (bench/guest/) on Debian's kernels in Lodge and
in QEMU's TCG in turns, and natively.  docs/bench.md explains rows, groups and ratios.

usage: bench/cpu.py [--bits 64|32|both] [--rows A,B] [--turns N] [--scale MS] [--smp]
                    [--only lodge|qemu|native]... [--lodge-args "..."] [--qemu-cpu MODEL]
                    [--append "kernel words"] [--memory SIZE] [--row-limit S] [--boot-limit S]
                    [--json FILE] [--svg [FILE]] [--list]
"""
import argparse
import json
import math
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import plot  # noqa: E402
import program  # noqa: E402
import runs  # noqa: E402
from program import BuildError, FetchError, TOP  # noqa: E402

# group: the ratio (TCG's time / Lodge's) that it is meant to reach
GOALS = {'integer': 2.0, 'branch': 2.0, 'call': 2.0, 'memory': 2.5, 'float': 10, 'code': 3,
         'syscall': 2.5, 'fault': 3, 'process': 4, 'pipe': 5, 'shell': 4, 'special': None,
         'boot': 1.7}
ALL_GOAL = 4.0
WHO = ('native', 'qemu', 'lodge')
NAMES = {'native': 'native', 'qemu': 'QEMU TCG', 'lodge': 'Lodge'}
BOOT = 'kernel-to-init'


def say(text):
    print(text, flush=True)


def geomean(values):
    return math.exp(statistics.fmean(math.log(v) for v in values)) if values else None


def ratio(a, b):
    return a / b if a and b else None


# --- collecting ---

class Table:
    """Times of all turns: (bits, row) -> who -> [nanoseconds], and what went wrong."""

    def __init__(self, groups):
        self.groups = {**groups, BOOT: 'boot'}
        self.times = {}
        self.sums = {}
        self.smp = {}
        self.info = {}
        self.problems = []

    def problem(self, text):
        if text not in self.problems:
            self.problems.append(text)
            say(f'  {text}')

    def add(self, who, bits, r):
        self.info[(who, bits)] = r.info
        for name, (ns, checksum) in r.rows.items():
            self.times.setdefault((bits, name), {}).setdefault(who, []).append(ns)
            self.check(who, bits, name, checksum)
        for name, pair in r.smp.items():
            self.smp.setdefault((bits, name), {}).setdefault(who, []).append(pair)
        if r.boot_s:
            self.times.setdefault((bits, BOOT), {}).setdefault(who, []).append(r.boot_s * 1e9)
        for name, why in r.failed.items():
            self.problem(f'{NAMES[who]}, {bits} bits: row {name}: {why}')
        if abs(r.clock_error()) > 0.02:
            self.problem(f'{NAMES[who]}, {bits} bits: the clock of the guest goes '
                         f'{r.clock_error():+.1%} against the host\'s: times are wrong by as much')

    def check(self, who, bits, name, checksum):
        first = self.sums.setdefault((bits, name), (checksum, who))
        if first[0] != checksum:
            self.problem(f'{bits} bits: row {name}: checksum {checksum} in {NAMES[who]}, '
                         f'{first[0]} in {NAMES[first[1]]}')

    def rows(self):
        """Dictionaries, one a row, in the order of the program; boots at the end."""
        order = list(self.groups)
        out = []
        for bits, name in sorted(self.times, key=lambda k: (-k[0], order.index(k[1]))):
            # What others on the host do only ever adds: the best turn is the truest.
            t = {w: min(v) for w, v in self.times[(bits, name)].items()}
            spread = max(statistics.median(v) / min(v) for v in self.times[(bits, name)].values())
            out.append({'bits': bits, 'name': name, 'group': self.groups[name],
                        **{w: t.get(w) for w in WHO}, 'spread': spread - 1,
                        'slowdown': ratio(t.get('lodge'), t.get('native')),
                        'ratio': ratio(t.get('qemu'), t.get('lodge'))})
        return out


def measure(args, table, names):
    setup = runs.Setup(args)
    if os.getloadavg()[0] > 0.5:
        say(f'the host is busy (load {os.getloadavg()[0]:.1f}): more turns make it less wrong')
    for turn in range(args.turns):
        for bits in args.bits:
            for who in args.who:
                say(f'turn {turn + 1} of {args.turns}: {NAMES[who]}, {bits} bits')
                table.add(who, bits, runs.run(who, bits, names, setup))


# --- printing ---

def duration(ns):
    if ns is None:
        return '-'
    for limit, unit, size in ((1e3, 'ns', 1), (1e6, 'us', 1e3), (1e9, 'ms', 1e6)):
        if ns < limit:
            return f'{ns / size:.3g} {unit}' if ns < 100 * size else f'{ns / size:.0f} {unit}'
    return f'{ns / 1e9:.3g} s'


def number(x):
    return '-' if x is None else f'{x:.2f}' if x < 100 else f'{x:.0f}'


def against(x, goal):
    """A goal and whether it is reached."""
    if goal is None:
        return ''
    return f'{goal:g}' if x is None else f'{goal:g} {"yes" if x >= goal else "NO"}'


def print_rows(rows):
    say(f'\n{"row":15} {"bits":4} {"group":8} {"native":>9} {"QEMU TCG":>9} {"Lodge":>9} '
        f'{"Lodge/native":>12} {"TCG/Lodge":>9} {"spread":>6}')
    for r in rows:
        say(f'{r["name"]:15} {r["bits"]:4} {r["group"]:8} {duration(r["native"]):>9} '
            f'{duration(r["qemu"]):>9} {duration(r["lodge"]):>9} {number(r["slowdown"]):>12} '
            f'{number(r["ratio"]):>9} {r["spread"]:>6.0%}')


def group_means(rows):
    """[(group, rows, TCG/native, Lodge/native, TCG/Lodge, goal)], all of them at the end."""
    out = []
    for group in [*GOALS, None]:
        # The boot is a goal of its own: it is not one of the rows of the program.
        of = [r for r in rows if r['group'] == group or (group is None and r['group'] != 'boot')]
        if not of:
            continue
        tcg = geomean([r['qemu'] / r['native'] for r in of if r['qemu'] and r['native']])
        own = geomean([r['slowdown'] for r in of if r['slowdown']])
        both = geomean([r['ratio'] for r in of if r['ratio']])
        out.append((group or 'all rows', len(of), tcg, own, both,
                    GOALS[group] if group else ALL_GOAL))
    return out


def print_means(means):
    say(f'\n{"geometric means":15} {"rows":>4} {"TCG/native":>10} {"Lodge/native":>12} '
        f'{"TCG/Lodge":>9}  goal')
    for group, count, tcg, own, both, goal in means:
        say(f'{group:15} {count:4} {number(tcg):>10} {number(own):>12} {number(both):>9}  '
            f'{against(both, goal)}')


def print_smp(table):
    if not table.smp:
        return
    say('\ntwo processes on two processors: work done at once / by one (2.00 is ideal)')
    say(f'{"row":15} {"bits":4} ' + ' '.join(f'{NAMES[w]:>9}' for w in WHO))
    for (bits, name), by in sorted(table.smp.items(), key=lambda k: -k[0][0]):
        cells = []
        for w in WHO:
            s = [2 * one / two for one, two in by.get(w, []) if one and two]
            cells.append(f'{number(statistics.median(s) if s else None):>9}')
        say(f'{name:15} {bits:4} ' + ' '.join(cells))


def print_info(info):
    for (who, bits), lines in info.items():
        plain = {k: v for k, v in (x.split(' ', 1) for x in lines if not x.startswith('vuln '))}
        say(f'\n{NAMES[who]}, {bits} bits: {plain.get("cpu", "?").strip()}')
        say(f'  kernel {plain.get("kernel")}, {plain.get("cpus")} processors, clock source '
            f'{plain.get("clocksource")}')
        vulns = [x[5:] for x in lines if x.startswith('vuln ')]
        for v in sorted(v for v in vulns if not v.endswith(': Not affected')):
            say(f'  {v}')
        free = sorted(v.split(':')[0] for v in vulns if v.endswith(': Not affected'))
        say(f'  not affected: {", ".join(free)}')


# --- options ---

def parse():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument('--bits', default='both', choices=('32', '64', 'both'))
    ap.add_argument('--rows', default='')
    ap.add_argument('--turns', type=int, default=3)
    ap.add_argument('--scale', type=int, default=100)
    ap.add_argument('--smp', action='store_true')
    ap.add_argument('--only', action='append', choices=WHO)
    ap.add_argument('--lodge-args', default='')
    ap.add_argument('--qemu-cpu', default='max')
    ap.add_argument('--memory', default='512M')
    ap.add_argument('--append', default='')
    ap.add_argument('--row-limit', type=int, default=0)
    ap.add_argument('--boot-limit', type=int, default=600)
    ap.add_argument('--json')
    ap.add_argument('--svg', nargs='?', const=os.path.join(TOP, 'docs/bench.svg'))
    ap.add_argument('--list', action='store_true')
    args = ap.parse_args()
    args.who = [w for w in WHO if not args.only or w in args.only]
    args.bits = {'32': [32], '64': [64], 'both': [64, 32]}[args.bits]
    args.row_limit = args.row_limit or 60 + args.scale * 20 // 1000
    return args


def choose(args, known):
    """The names of --rows, each of which is a row or a group."""
    wanted = [w for w in args.rows.split(',') if w]
    for w in wanted:
        if w not in known and w not in known.values():
            raise BuildError(f"no row or group '{w}': --list shows them")
    return [n for n, g in known.items() if not wanted or n in wanted or g in wanted]


def prepare(args):
    """Builds and fetches all that the runs need; leaves out 32 bits when they cannot be."""
    program.build(64)
    if 32 in args.bits:
        try:
            program.build(32)
        except BuildError as e:
            if args.bits == [32]:
                raise
            say(f'without the 32-bit program: {e}')
            args.bits.remove(32)
    for bits in args.bits:
        program.shell(bits)
        if args.who != ['native']:
            say(f'{bits} bits: {program.kernel(bits)[1]}')
            program.initramfs(bits)


def main():
    args = parse()
    try:
        known = dict(program.rows())
        if args.list:
            for name, group in known.items():
                say(f'{name:12} {group:8} goal {GOALS[group] or "-"}')
            return 0
        names = choose(args, known)
        prepare(args)
        table = Table(known)
        measure(args, table, names)
    except (BuildError, FetchError, OSError, ValueError) as e:
        print(f'cpu: {e}', file=sys.stderr)
        return 1
    rows = table.rows()
    print_info(table.info)
    print_rows(rows)
    print_means(group_means(rows))
    print_smp(table)
    if table.problems:
        say('\nproblems:')
        for p in table.problems:
            say(f'  {p}')
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as f:
            json.dump({'rows': rows, 'problems': table.problems,
                       'info': {f'{w}-{b}': i for (w, b), i in table.info.items()}}, f, indent=1)
    if args.svg:
        plot.write(rows, GOALS, args.svg)
    return 1 if table.problems else 0


if __name__ == '__main__':
    sys.exit(main())
