#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that may use the general registers only.

usage: test_general_regs.py --list general_regs.txt --source DIR [--skip WHY] LIBRARY...

Translated code keeps guest state in vector registers while it calls these objects.
In each object of the list, none of its instructions may name a vector, MMX or x87
register or belong to those units, and every function outside of the listed objects
that it reaches by relocation must be named in the list, with a reason.  Calls by
pointer (devices, the machine's callbacks) cannot be seen here.
"""
import argparse
import glob
import os
import re
import subprocess
import sys

SKIPPED = 77
PREFIXES = {'rep', 'repz', 'repe', 'repnz', 'repne', 'lock', 'data16', 'addr32', 'bnd', 'notrack',
            'cs', 'ds', 'es', 'fs', 'gs', 'ss', 'xacquire', 'xrelease'}
REGISTER = re.compile(r'%(?:[xyz]?mm\d|st\b|k[0-7]\b)')
# Without such a register among their operands.
UNITS = re.compile(r'(?:f\w+|emms|v?ldmxcsr|v?stmxcsr|vzero\w+|xsave\w*|xrstors?(?:64)?)$')
MEMBER = re.compile(r'(?:.*/)?([^/]+\.o):\s+file format')
INSTRUCTION = re.compile(r'\s+[0-9a-f]+:\t(.*)')
RELOCATION = re.compile(r'\s+[0-9a-f]+: R_\w+\s+([^\s+-]+)')
FUNCTION = re.compile(r'[0-9a-f]+ <(.+)>:')


def run(*cmd):
    return subprocess.run(cmd, capture_output=True, text=True, check=True).stdout.splitlines()


def read_list(path, source):
    """(source files of the objects, names that may be called besides, complaints)"""
    objects, symbols, bad, section = [], set(), [], None
    with open(path, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            text, _, reason = line.partition('#')
            text = text.strip()
            if text in ('[objects]', '[symbols]'):
                section = text
            elif text and section == '[objects]':
                found = sorted(glob.glob(os.path.join(source, text)))
                found = [os.path.relpath(p, source) for p in found]
                if text.startswith('generated/'):
                    found = [text]
                if not found:
                    bad.append(f'{path}:{number}: no file {text}')
                objects += found
            elif text and section == '[symbols]':
                if not reason.strip():
                    bad.append(f'{path}:{number}: {text} needs a reason')
                symbols.add(text)
    return objects, symbols, bad


def member_names(entry, library):
    """How Meson calls the object of a source file within a library."""
    if entry.startswith('generated/'):
        yield 'meson-generated_.._' + entry.split('/')[-1] + '.o'
        return
    folder = '/' + os.path.dirname(os.path.abspath(library)) + '/'
    parts = entry.split('/')
    for n in range(1, len(parts)):
        if folder.endswith('/' + '/'.join(parts[:n]) + '/'):
            yield '_'.join(parts[n:]) + '.o'


def read_symbols(library):
    """member → (functions it defines, data it defines)"""
    members, current = {}, None
    for line in run('nm', library):
        m = re.match(r'(?:.*/)?([^/]+\.o):$', line)
        if m:
            current = members.setdefault(m[1], (set(), set()))
        m = re.match(r'[0-9a-f]+ (\w) (\S+)$', line)
        if m:
            current[0 if m[1] in 'tTwWi' else 1].add(m[2])
    return members


def instruction_fault(text):
    """Why this line of objdump may not be there, or None."""
    words = text.split('<')[0].split()
    while words and (words[0] in PREFIXES or words[0].startswith('rex')):
        words.pop(0)
    if words and (UNITS.match(words[0]) or REGISTER.search(' '.join(words[1:]))):
        return ' '.join(words)
    return None


def examine(library, wanted, may_call):
    """(complaints, instructions looked at) over the members of one library"""
    bad, seen, member, function = [], 0, None, '?'
    for line in run('objdump', '-dr', '--no-show-raw-insn', library):
        m = MEMBER.match(line)
        if m:
            member = m[1]
            continue
        if member not in wanted:
            continue
        m = RELOCATION.match(line)
        if m:
            if not m[1].startswith('.') and m[1] not in may_call:
                bad.append(f'{wanted[member]}: {function}() reaches {m[1]}, which is not allowed')
            continue
        m = FUNCTION.match(line)
        if m:
            function = m[1]
            continue
        m = INSTRUCTION.match(line)
        if m:
            seen += 1
            fault = instruction_fault(m[1])
            if fault:
                bad.append(f'{wanted[member]}: {function}(): {fault}')
    return bad, seen


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument('--list', required=True)
    ap.add_argument('--source', required=True)
    ap.add_argument('--skip', default='')
    ap.add_argument('libraries', nargs='+')
    args = ap.parse_args()
    if args.skip:
        print(f'skipped: {args.skip}')
        return SKIPPED
    objects, may_call, bad = read_list(args.list, args.source)
    per_library, placed = [], set()
    for lib in args.libraries:
        members = read_symbols(lib)
        wanted = {name: entry for entry in objects for name in member_names(entry, lib)
                  if name in members}
        placed.update(wanted.values())
        per_library.append((lib, wanted))
        for name, (functions, data) in members.items():
            may_call |= data | (functions if name in wanted else set())
    bad += [f'{entry} is in none of the libraries' for entry in objects if entry not in placed]
    total = 0
    for lib, wanted in per_library:
        complaints, seen = examine(lib, wanted, may_call)
        bad += complaints
        total += seen
    for line in sorted(set(bad)):
        print(line)
    print(f'{len(placed)} objects, {total} instructions, {len(set(bad))} faults')
    return 1 if bad or not total else 0


if __name__ == '__main__':
    sys.exit(main())
