#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that folders include only what their layer may (ARCHITECTURE.md, "Layers").

usage: tools/check_layers.py [FILE...]     (default: every .c and .h that git knows)

base <- mem <- {cpu, dev, scsi, host} <- vm.  Among siblings only dev -> scsi ->
host/block and dev -> host/{net,char,display}; cpu and dev never see each other.
cli reaches machines through the protocol header alone.
"""
import os
import re
import subprocess
import sys

# The longest matching prefix of a file's path names what it may include.
MAY = {
    'base/': ['base/'],
    'mem/': ['base/', 'mem/'],
    'cpu/': ['base/', 'mem/', 'cpu/'],
    'host/': ['base/', 'mem/', 'host/'],
    'scsi/': ['base/', 'mem/', 'scsi/', 'host/block/'],
    'dev/': ['base/', 'mem/', 'dev/', 'scsi/', 'host/block/', 'host/net/', 'host/char/',
             'host/display/'],
    'vm/': ['base/', 'mem/', 'cpu/', 'dev/', 'scsi/', 'host/', 'vm/'],
    'cli/': ['base/', 'cli/', 'vm/proto.h'],
    'tests/': [''],
    'bench/': [''],
    'tools/': [''],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def files_of_git():
    out = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '*.c', '*.h'],
                         check=True, capture_output=True, text=True).stdout
    return out.split()


def generated(name):
    # Made into the build folder beside its folder's meson.build: no path, so no layer.
    return '/' not in name


def check(path):
    rule = max((p for p in MAY if path.startswith(p)), key=len, default=None)
    if rule is None:
        yield f'{path}: not in a known layer'
        return
    with open(path, encoding='utf-8') as f:
        text = f.read()
    for kind, name in INCLUDE.findall(text):
        if kind == '<' or generated(name):
            continue
        if name.startswith('..') or not os.path.exists(name):
            yield f'{path}: includes "{name}", which is not a path from the top of the tree'
        elif not any(name.startswith(p) for p in MAY[rule]):
            yield f'{path}: {rule} must not include "{name}"'


def main():
    bad = 0
    for path in sys.argv[1:] or files_of_git():
        for line in check(path):
            print(line)
            bad += 1
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
