#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots the Debian installer's kernels in Lodge and in QEMU's TCG, one after the other
in the same run, and prints times and ratios.

usage: bench/boot.py [--repeat N] [--json FILE] [NAME...]     (installer-i386, …)

debian-systemd is a whole Debian disk to its login. Root must have made it (tools/make_disk.py
--kind=debian); else it is left out.
"""
import argparse
import json
import os
import statistics
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, 'tests/guest'))
from guests import GUESTS, FetchError  # noqa: E402
from machine import GuestError, Machine  # noqa: E402

PROMPTS = {'installer-i386': '~ # ', 'installer-amd64': '~ # ', 'disk-grub': r'lodge:\S*[#$]',
           'debian-systemd': 'login: '}


def boot(g, qemu):
    """(seconds from the start of the program to its prompt, seconds of a loop in its shell)"""
    m = Machine(g['name'], g['options'](), 900, os.path.join(TOP, 'build/bench-logs'), qemu)
    try:
        m.expect(PROMPTS[g['name']])
        to_prompt = m.seconds()
        if PROMPTS[g['name']] == 'login: ':
            m.command('root', r'root@\S+[#$] ')
        start = time.monotonic()
        m.command('n=0; while [ $n -lt 100000 ]; do n=$((n+1)); done; echo n=$n', 'n=100000')
        return to_prompt, time.monotonic() - start
    finally:
        m.close()


def report(name, times):
    """Prints the medians; the ratio is above 1 where Lodge is faster, as in cpu.py."""
    result = {}
    for i, what in enumerate(('to the prompt', 'shell loop')):
        ours, theirs = (statistics.median(t[i] for t in times[who]) for who in times)
        result[what] = {'lodge_s': ours, 'qemu_s': theirs, 'ratio': theirs / ours}
        print(f'{name:18} {what:13} lodge {ours:7.1f} s   qemu tcg {theirs:7.1f} s   '
              f'tcg/lodge {theirs / ours:5.2f}', flush=True)
    return result


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument('--repeat', type=int, default=3)
    ap.add_argument('--json')
    ap.add_argument('names', nargs='*')
    args = ap.parse_args()
    names = args.names or ['installer-i386', 'installer-amd64', 'debian-systemd']
    if any(n not in PROMPTS for n in names):
        print(f'names: {", ".join(PROMPTS)}', file=sys.stderr)
        return 2
    results = {}
    for name in names:
        g = next(g for g in GUESTS if g['name'] == name)
        times = {'lodge': [], 'qemu': []}
        try:
            for _ in range(args.repeat):  # turn about, so that both see the same host
                times['lodge'].append(boot(g, False))
                times['qemu'].append(boot(g, True))
        except FetchError as e:
            print(f'{name}: left out: {e}', file=sys.stderr)
            if args.names:
                return 1
            continue
        except (GuestError, OSError) as e:
            print(f'{name}: {e}', file=sys.stderr)
            return 1
        results[name] = report(name, times)
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as f:
            json.dump(results, f, indent=1)
    return 0


if __name__ == '__main__':
    sys.exit(main())
