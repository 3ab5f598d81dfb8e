#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeps functions and files small.

usage: tools/check_size.py [--warn] [FILE...]

A function over 60 lines or with a complexity over 15 is a warning, over 100 or
over 25 an error; a file over 800 lines a warning, over 1200 an error (counted by
pmccabe, complexity is McCabe's with each case label counted).  Exceptions stand in
tools/size_allow.txt with their size, which may only shrink: an entry larger than
needed is an error too, so that the list follows the code.
"""
import os
import re
import subprocess
import sys

LINES = (60, 100)
COMPLEXITY = (15, 25)
FILE = (800, 1200)
ALLOW = os.path.join(os.path.dirname(__file__), 'size_allow.txt')


def read_allow():
    """{'file:function' or 'file': (lines, complexity)}"""
    allow = {}
    with open(ALLOW, encoding='utf-8') as f:
        for line in f:
            words = line.split('#')[0].split()
            if words:
                allow[words[0]] = (int(words[1]), int(words[2]) if len(words) > 2 else 0)
    return allow


def measure(files):
    """Yields (key, where, lines, complexity); complexity 0 for a whole file."""
    out = subprocess.run(['pmccabe', *files], capture_output=True, text=True,
                         check=False).stdout
    for line in out.splitlines():
        # modified, traditional, statements, first line, lines, file(line): function
        cols = line.split('\t')
        if len(cols) < 6 or '): ' not in cols[5]:
            continue
        path, rest = cols[5].split('(', 1)
        if re.search(r'\): [A-Z][A-Z0-9_]*$', rest):
            continue  # a row of macro calls, which pmccabe takes for a function
        yield (f'{path}:{rest.split("): ", 1)[1]}', f'{path}:{cols[3]}', int(cols[4]),
               int(cols[1]))
    for path in files:
        with open(path, encoding='utf-8') as f:
            yield path, path, sum(1 for _ in f), 0


def judge(lines, complexity, allowed):
    """(errors, warnings) of one function or file."""
    warn, fail = (FILE if not complexity else LINES)
    errors, warnings = [], []
    for what, n, soft, hard, limit in (
            ('lines', lines, warn, fail, allowed[0]),
            ('complexity', complexity, *COMPLEXITY, allowed[1])):
        if n > max(hard, limit):
            errors.append(f'{n} {what} (limit {max(hard, limit)})')
        elif n > soft:
            warnings.append(f'{n} {what}')
        if limit > hard and n < limit:
            errors.append(f'{n} {what}, but the list of exceptions says {limit}: lower it')
    return errors, warnings


def main():
    args = sys.argv[1:]
    show = '--warn' in args
    files = [a for a in args if not a.startswith('-')]
    if not files:
        files = subprocess.run(['git', 'ls-files', '*.c', '*.h'], check=True,
                               capture_output=True, text=True).stdout.split()
    allow = read_allow()
    seen, bad, soft = set(), 0, 0
    for key, where, lines, complexity in measure(files):
        seen.add(key)
        errors, warnings = judge(lines, complexity, allow.get(key, (0, 0)))
        for e in errors:
            print(f'{where}: {key}: {e}')
        if show:
            for w in warnings:
                print(f'{where}: {key}: warning: {w}')
        bad += len(errors)
        soft += len(warnings)
    for key in allow:
        if key not in seen and (key.split(':')[0] in files or not os.path.exists(
                key.split(':')[0])):
            print(f'{ALLOW}: {key} is gone: remove it')
            bad += 1
    print(f'{soft} over the soft limits (see --warn), {bad} errors')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
