#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that the pages and the program agree: every option of lodge run has its
paragraph in docs/man/lodge-run.1 and the other way round, every command of lodge is
in docs/man/lodge.1, files that the pages link to exist, and every folder that is a
layer is in ARCHITECTURE.md.

usage: tools/check_docs.py
"""
import os
import re
import subprocess
import sys


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def options_in_code():
    table = read('cli/options.c').split('static const struct option table[]')[1].split('};')[0]
    return set(re.findall(r'^\t\{ "([\w-]+)",', table, re.M))


def options_in_page():
    page = read('docs/man/lodge-run.1').replace('\\-', '-')
    return set(re.findall(r'^\.TP\n\.BI? --([\w-]+)', page, re.M))


def commands_in_code():
    return set(re.findall(r'^\t\{ "(\w+)", cmd_', read('cli/main.c'), re.M))


def commands_in_page():
    return set(re.findall(r'^\.TP\n\.BR? (\w+)', read('docs/man/lodge.1'), re.M))


def differences(what, code, page):
    for name in sorted(code - page):
        yield f'{what} {name} is in the program but not in its manual page'
    for name in sorted(page - code):
        yield f'{what} {name} is in the manual page but not in the program'


def links(path):
    for target in re.findall(r'\]\(([^)#]+)\)', read(path)):
        if '://' not in target and not os.path.exists(
                os.path.join(os.path.dirname(path), target)):
            yield f'{path}: link to {target}, which is not there'
    for target in re.findall(r'`((?:base|mem|cpu|dev|scsi|host|vm|cli|tests|tools|docs|bench)/'
                             r'[\w./-]*\.(?:c|h|py|sh|md|tab|1))`', read(path)):
        if not os.path.exists(target):
            yield f'{path}: names {target}, which is not there'


def pages(files):
    out = subprocess.run(['man', '--warnings', '-l', '/dev/null'], capture_output=True,
                         check=False)
    if out.returncode not in (0, 16):
        return
    for path in files:
        p = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', path],
                           capture_output=True, text=True, check=False,
                           env={**os.environ, 'LC_ALL': 'C.UTF-8'})
        for line in p.stderr.splitlines():
            yield f'{path}: {line}'


def main():
    bad = [*differences('option --', options_in_code(), options_in_page()),
           *differences('command', commands_in_code(), commands_in_page())]
    listed = subprocess.run(['git', 'ls-files', '*.md', 'docs/man/*'], check=True,
                            capture_output=True, text=True).stdout.split()
    for path in listed:
        if path.endswith('.md'):
            bad += links(path)
    try:
        bad += pages([p for p in listed if p.startswith('docs/man/')])
    except FileNotFoundError:
        pass  # no man here
    architecture = read('ARCHITECTURE.md')
    for folder in ('base', 'mem', 'cpu', 'dev', 'scsi', 'host', 'vm', 'cli'):
        if os.path.isdir(folder) and f'{folder}/' not in architecture:
            bad.append(f'ARCHITECTURE.md does not name {folder}/')
    print('\n'.join(bad))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
