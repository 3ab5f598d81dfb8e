#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots real systems and checks that they work.

usage: tests/guest/run.py [--long] [--tap] [--list] [--qemu] [-j N] [NAME...]

Without names: the short guests, with --long all of them.  --qemu runs the same
scripts on QEMU instead of build/lodge, to tell a wrong test from a wrong machine.
What a guest printed is kept in build/guest-logs/.  LODGE_SLOW=3 makes every time
limit three times as long.
"""
import argparse
import os
import queue
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_rows  # noqa: E402,F401  (adds its guests to the list, as small does)
import small  # noqa: E402,F401
from guests import GUESTS, FetchError  # noqa: E402
from machine import TOP, GuestError, Machine  # noqa: E402


def run_one(g, args):
    """('ok' | 'fail' | 'skip', note)"""
    slow = float(os.environ.get('LODGE_SLOW', '1'))
    try:
        opts = g['options']()
    except FetchError as e:
        return 'skip', str(e)
    m = None
    try:
        m = Machine(g['name'], opts, g['limit_s'] * slow, os.path.join(TOP, args.logs), args.qemu)
        g['script'](m)
        return 'ok', f'{m.seconds():.0f} s'
    except (GuestError, OSError) as e:
        return 'fail', str(e)
    finally:
        if m:
            m.close()


class Slots:
    """As many processors as the host has; a machine takes one for each of its own."""

    def __init__(self, n):
        self.free = self.total = n
        self.changed = threading.Condition()

    def take(self, n):
        n = min(n, self.total)
        with self.changed:
            self.changed.wait_for(lambda: self.free >= n)
            self.free -= n
        return n

    def give(self, n):
        with self.changed:
            self.free += n
            self.changed.notify_all()


def report(args, number, g, result, note):
    name = g['name']
    if not args.tap:
        print(f'{result:5} {name:20} {note}', flush=True)
    elif result == 'ok':
        print(f'ok {number} - {name} # {note}', flush=True)
    elif result == 'skip':
        first = note.split('\n')[0]
        print(f'ok {number} - {name} # SKIP {first}', flush=True)
    else:
        for line in note.split('\n'):
            print(f'# {line}')
        print(f'not ok {number} - {name}', flush=True)


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument('--long', action='store_true')
    ap.add_argument('--tap', action='store_true')
    ap.add_argument('--list', action='store_true')
    ap.add_argument('--qemu', action='store_true')
    ap.add_argument('--logs', default='build/guest-logs')
    ap.add_argument('-j', dest='jobs', type=int, default=os.cpu_count() or 1)
    ap.add_argument('names', nargs='*')
    args = ap.parse_args()
    if args.list:
        for g in GUESTS:
            print(f"{g['name']:20} {'long ' if g['long'] else 'short'} {g['doc']}")
        return 0
    known = {g['name']: g for g in GUESTS}
    for n in args.names:
        if n not in known:
            print(f"no guest '{n}': --list shows them", file=sys.stderr)
            return 2
    chosen = [known[n] for n in args.names] or [g for g in GUESTS if args.long or not g['long']]
    if args.tap:
        print(f'1..{len(chosen)}', flush=True)
    slots, done = Slots(max(1, args.jobs)), queue.Queue()

    def work(g, n):
        try:
            done.put((g, *run_one(g, args)))
        except Exception as e:  # a bug of the test itself must not hang the suite
            done.put((g, 'fail', f'{type(e).__name__}: {e}'))
        finally:
            slots.give(n)

    def start_all():
        for g in chosen:
            n = slots.take(g['cpus'])
            threading.Thread(target=work, args=(g, n), daemon=True).start()

    start = time.monotonic()
    threading.Thread(target=start_all, daemon=True).start()
    failed = 0
    for number in range(1, len(chosen) + 1):
        g, result, note = done.get()
        failed += result == 'fail'
        report(args, number, g, result, note)
    if not args.tap:
        print(f'{len(chosen) - failed} of {len(chosen)} in {time.monotonic() - start:.0f} s')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
