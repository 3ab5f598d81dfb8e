#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The test suite behind `make test`; docs/testing.md describes its parts.

usage: tools/test.py [--all] [--only=PART[,PART]] [--tidy=all|SECONDS] [-v]

Parts, in this order: gates, build, unit, asan, guests.  A part that fails does not
stop the others.  The last line is "N passed, N failed, N skipped" and the exit
status is 1 when anything failed.  What a failure printed goes to the terminal, all
of the output to build/test-logs/.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.environ.get('LODGE_CACHE') or os.path.join(TOP, '.cache')
PARTS = ('gates', 'build', 'unit', 'asan', 'guests')
LLVM = '14'  # the version whose formatting and checks the tree follows
JOBS = os.cpu_count() or 2


class Results:
    """Counts, and says each result as it comes."""

    def __init__(self, verbose):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.verbose = verbose

    def ok(self, name, note=''):
        self.passed += 1
        print(f'  ok    {name}{" (" + note + ")" if note else ""}', flush=True)

    def fail(self, name, text=''):
        self.failed += 1
        self.failures.append(name)
        for line in text.rstrip().split('\n')[-60:]:
            print(f'  |     {line}')
        print(f'  FAIL  {name}', flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f'  skip  {name}: {why}', flush=True)


def run(cmd, timeout=1800, env=None):
    """(exit status, output); a command that hangs counts as failed."""
    try:
        p = subprocess.run(cmd, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, timeout=timeout, check=False,
                           env={**os.environ, **(env or {})})
        return p.returncode, p.stdout.decode(errors='replace')
    except subprocess.TimeoutExpired as e:
        return 124, (e.stdout or b'').decode(errors='replace') + f'\ntook over {timeout} s'
    except FileNotFoundError as e:
        return 127, str(e)


def git_files(*patterns):
    status, out = run(['git', 'ls-files', *patterns])
    if status == 0:
        return [f for f in out.split('\n') if f and os.path.exists(os.path.join(TOP, f))]
    suffixes = tuple(p.lstrip('*') for p in patterns)  # a tarball, not a clone
    found = []
    for folder, dirs, names in os.walk(TOP):
        dirs[:] = [d for d in dirs if not d.startswith(('.', 'build'))]
        found += [os.path.relpath(os.path.join(folder, n), TOP) for n in names]
    return sorted(f for f in found if f.endswith(suffixes))


def llvm_tool(name):
    """Path of the tool in the version wanted, or None and why not."""
    for tool in (f'{name}-{LLVM}', name):
        path = shutil.which(tool)
        if path and re.search(rf'version {LLVM}\.', run([path, '--version'])[1]):
            return path, ''
    return None, f'{name} of LLVM {LLVM} is not here'


# --- gates ---

def gate_script(res, name, cmd):
    status, out = run(cmd)
    if status == 0:
        res.ok(name)
    else:
        res.fail(name, out)


def gate_format(res):
    tool, why = llvm_tool('clang-format')
    if not tool:
        res.skip('format', why)
        return
    status, out = run([tool, '--dry-run', '-Werror', *git_files('*.c', '*.h')])
    if status == 0:
        res.ok('format')
    else:
        bad = sorted(set(re.findall(r'^(\S+?):\d+:\d+: error', out, re.M)))
        res.fail('format', 'make fmt would change:\n' + '\n'.join(bad))


def tidy_key(tool, path):
    """What a clean result depends on; headers by the dates of all of them."""
    h = hashlib.sha256()
    for name in [path, '.clang-tidy', *git_files('*.h')]:
        with open(os.path.join(TOP, name), 'rb') as f:
            h.update(f.read())
    h.update(tool.encode())
    return h.hexdigest()


def changed_files():
    """What this branch changes: against what it tracks, or else its last commit."""
    for base in (['merge-base', 'HEAD', '@{upstream}'], ['rev-parse', 'HEAD~1'],
                 ['rev-parse', 'HEAD']):
        status, out = run(['git', *base])
        if status == 0 and (base[0] != 'merge-base' or out != run(['git', 'rev-parse', 'HEAD'])[1]):
            break
    else:
        return None
    return set(run(['git', 'diff', '--name-only', out.strip()])[1].split('\n'))


def gate_tidy(res, budget, only=None):
    """Files not found clean before, of those in `only`; as many as fit the time."""
    tool, why = llvm_tool('clang-tidy')
    if not tool:
        res.skip('tidy', why)
        return
    database = os.path.join(TOP, 'build')
    if not os.path.exists(os.path.join(database, 'compile_commands.json')):
        res.skip('tidy', 'not configured: run make first')
        return
    memory_path = os.path.join(CACHE, 'tidy.json')
    try:
        with open(memory_path, encoding='utf-8') as f:
            memory = json.load(f)
    except (OSError, ValueError):
        memory = {}
    with open(os.path.join(database, 'compile_commands.json'), encoding='utf-8') as f:
        known = {os.path.relpath(os.path.join(c['directory'], c['file']), TOP)
                 for c in json.load(f)}
    todo = [(f, tidy_key(tool, f)) for f in git_files('*.c') if f in known]
    todo = [(f, k) for f, k in todo if memory.get(f) != k and (only is None or f in only)]
    end = time.monotonic() + budget
    left = []

    def one(item):
        path, key = item
        if time.monotonic() > end:
            left.append(path)
            return None
        status, out = run([tool, '-p', database, '--quiet', path], timeout=900)
        if status == 0:
            memory[path] = key
        return path, status, out

    problems = []
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for r in pool.map(one, todo):
            if r and r[1] != 0:
                problems.append(re.sub(r'(?m)^\d+ warnings.*\n|^Suppressed.*\n|^Use -header.*\n', '',
                                       r[2]).replace(TOP + '/', ''))
    os.makedirs(CACHE, exist_ok=True)
    with open(memory_path + '.new', 'w', encoding='utf-8') as f:
        json.dump(memory, f)
    os.replace(memory_path + '.new', memory_path)
    if problems:
        res.fail('tidy', '\n'.join(problems))
    else:
        res.ok('tidy', f'{len(left)} files left out for lack of time: make lint' if left else '')


def part_gates(res, args):
    gate_script(res, 'layers', ['python3', 'tools/check_layers.py'])
    gate_script(res, 'size', ['python3', 'tools/check_size.py'])
    gate_script(res, 'source rules', ['python3', 'tools/check_src.py'])
    gate_script(res, 'pages', ['python3', 'tools/check_docs.py'])
    gate_format(res)
    for f in git_files('*.sh', '.ci/run'):
        status, out = run(['sh' if 'bash' not in open(os.path.join(TOP, f), encoding='utf-8')
                           .readline() else 'bash', '-n', f])
        if status:
            res.fail(f'syntax of {f}', out)
    status, out = run(['python3', '-c', 'import ast,sys\nfor f in sys.argv[1:]:'
                       ' ast.parse(open(f, encoding="utf-8").read(), f)', *git_files('*.py')])
    if status:
        res.fail('syntax of Python files', out)
    if args.tidy == 'all':
        gate_tidy(res, 1e9)
    else:
        gate_tidy(res, float(args.tidy), changed_files())


# --- builds and unit tests ---

def build(res, name, folder, options, env=None):
    path = os.path.join(TOP, folder)
    fresh = not os.path.exists(os.path.join(path, 'build.ninja'))
    if fresh:
        status, out = run(['meson', 'setup', folder, *options], env=env)
    else:
        status, out = run(['meson', 'configure', folder, '-Dwerror=true'])
    if status == 0:
        status, out = run(['ninja', '-C', folder, '-k', '0'])
    if status == 0:
        res.ok(name)
    else:
        lines = re.findall(r'(?m)^.*(?:error|undefined reference|ERROR).*$', out)
        res.fail(name, '\n'.join(x for x in lines if '-Werror -' not in x) or out)
    return status == 0


def tap_counts(text):
    """(passed, failures, skipped) of one program's TAP."""
    bad = re.findall(r'(?m)^not ok \d+ (?:- )?(.*)$', text)
    skipped = len(re.findall(r'(?mi)^ok \d+.*# SKIP', text))
    passed = len(re.findall(r'(?m)^ok \d+', text)) - skipped
    return passed, bad, skipped


def unit_tests(res, name, folder, env=None):
    log = os.path.join(TOP, folder, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.unlink(log)
    # the machine may be slow or shared: limits are for hangs only
    status, out = run(['meson', 'test', '-C', folder, '--no-rebuild', '--suite', 'unit',
                       '--timeout-multiplier', '6',
                       '--print-errorlogs'], env=env)
    if not os.path.exists(log):
        res.fail(name, out)
        return
    total = [0, 0, 0]
    with open(log, encoding='utf-8', errors='replace') as f:
        for line in f:
            t = json.loads(line)
            text = t.get('stdout') or ''
            passed, bad, skipped = tap_counts(text)
            total[0] += passed
            total[2] += skipped
            if bad:
                for b in bad:
                    res.fail(f'{name}: {t["name"]}: {b}', text[-4000:])
            elif t['result'] not in ('OK', 'SKIP'):
                res.fail(f'{name}: {t["name"]}: {t["result"]}',
                         text[-2000:] + (t.get('stderr') or '')[-6000:])
            total[1] += len(bad) or t['result'] not in ('OK', 'SKIP')
    res.passed += total[0]
    res.skipped += total[2]
    if not sum(total):
        res.fail(name, 'no test ran\n' + out)
        return
    print(f'  {"ok  " if not total[1] else "FAIL"}  {name}: {total[0]} passed, {total[1]} failed, '
          f'{total[2]} skipped', flush=True)


SANITIZE = {'ASAN_OPTIONS': 'abort_on_error=0:detect_leaks=1:strict_string_checks=1',
            'UBSAN_OPTIONS': 'print_stacktrace=1:halt_on_error=1',
            'CC': 'clang'}


def part_build(res, args):
    args.built = build(res, 'build with gcc -Werror', 'build',
                       ['--buildtype=debugoptimized', '-Dwerror=true'], {'CC': 'gcc'})


def part_unit(res, args):
    if not os.path.exists(os.path.join(TOP, 'build', 'build.ninja')):
        part_build(res, args)
    unit_tests(res, 'unit', 'build')


def part_asan(res, args):
    if build(res, 'build with clang -Werror, ASan and UBSan', 'build-asan',
             ['--buildtype=debug', '-Doptimization=1', '-Dwerror=true', '-Db_sanitize=address,undefined',
              '-Db_lundef=false'], SANITIZE):
        unit_tests(res, 'unit under ASan and UBSan', 'build-asan', SANITIZE)


def part_guests(res, args):
    if os.environ.get('LODGE_NO_GUESTS'):
        res.skip('guests', 'LODGE_NO_GUESTS is set')
        return
    if not os.path.exists(os.path.join(TOP, 'build', 'lodge')):
        res.fail('guests', 'build/lodge was not built')
        return
    cmd = ['python3', 'tests/guest/run.py', '--tap']
    p = subprocess.Popen(cmd + (['--long'] if args.all else []), cwd=TOP, text=True,
                         errors='replace', stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    notes, seen = [], 0
    for line in p.stdout:
        m = re.match(r'(not )?ok \d+ - (.*?)(?: # (.*))?$', line.rstrip('\n'))
        if not m:
            notes.append(line.rstrip('\n'))
            continue
        seen += 1
        name, note = f'guest: {m.group(2)}', m.group(3) or ''
        if m.group(1):
            res.fail(name, '\n'.join(notes))
        elif note.startswith('SKIP'):
            res.skip(name, note[4:].strip())
        else:
            res.ok(name, note)
        notes = []
    if p.wait() not in (0, 1) or not seen:
        res.fail('guests', '\n'.join(notes))


def main():
    os.chdir(TOP)
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument('--all', action='store_true')
    ap.add_argument('--only', default='')
    ap.add_argument('--tidy', default='240')
    ap.add_argument('-v', '--verbose', action='store_true')
    args = ap.parse_args()
    args.built = False
    only = args.only.split(',') if args.only else PARTS
    res = Results(args.verbose)
    start = time.monotonic()
    # The build comes before the gates: clang-tidy needs its list of commands.
    parts = [('build', part_build), ('unit', part_unit), ('asan', part_asan),
             ('gates', part_gates), ('guests', part_guests)]
    for name, fn in parts:
        if name not in only:
            continue
        print(f'{name}:', flush=True)
        t = time.monotonic()
        fn(res, args)
        print(f'  {time.monotonic() - t:.0f} s', flush=True)
    if res.failures:
        print('\nfailed:')
        for name in res.failures:
            print(f'  {name}')
    print(f'\n{time.monotonic() - start:.0f} s in all')
    print(f'{res.passed} passed, {res.failed} failed, {res.skipped} skipped', flush=True)
    return 1 if res.failed else 0


if __name__ == '__main__':
    sys.exit(main())
