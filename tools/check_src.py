#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of CONTRIBUTING.md that a compiler does not check.

usage: tools/check_src.py [FILE...]     (default: every file that git knows)

Banned calls, the licence line, // comments, TODO without an issue, state at file
scope, and paths that exist on one machine only.
"""
import re
import subprocess
import sys

LGPL = ('base/', 'api/', 'lib/')
BANNED = ('strcpy strcat sprintf vsprintf gets strtok atoi atol atoll alloca rand srand '
          'system popen signal tmpnam mktemp').split()
# Only base/ wraps these; tests may use them to build their world.
BASE_ONLY = 'malloc calloc realloc reallocarray strdup strndup asprintf vasprintf'.split()
# State at file scope: the log, the programs' main files, and unit tests.
STATE_OK = ('base/log.c', 'vm/main.c', 'cli/main.c', 'tests/', 'bench/')
STATE_ALLOW = 'tools/state_allow.txt'
MACHINE_PATHS = re.compile(r'(?<![\w.])/(?:home|work|Users)/[\w.]')
TEXT = ('.c', '.h', '.py', '.sh', '.md', '.build', '.tab', '.asl', '.S', '.1', '.txt', '.yml')

COMMENT_OR_STRING = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def blank(match):
    """Keeps line breaks, so that line numbers hold."""
    text = match.group(0)
    if text[0] in '"\'':
        return text[0] + ' ' * (len(text) - 2) + text[0]
    return re.sub(r'[^\n]', ' ', text)


def lines_of(pattern, text):
    for m in re.finditer(pattern, text):
        yield text.count('\n', 0, m.start()) + 1, m


def check_licence(path, text):
    first = '\n'.join(text.split('\n', 2)[:2])
    want = 'LGPL-2.1-or-later' if path.startswith(LGPL) else 'GPL-2.0-or-later'
    if f'SPDX-License-Identifier: {want}' not in first:
        yield 1, f'first line must be the licence: SPDX-License-Identifier: {want}'


def top_level(code):
    """The text outside of all braces; what is inside becomes blanks."""
    out, depth = [], 0
    for ch in code:
        if ch == '}':
            depth -= 1
        out.append(ch if depth == 0 or ch == '\n' else ' ')
        if ch == '{':
            depth += 1
    return ''.join(out)


# "static type name = ..." or "type name;" outside of functions, without const.
VARIABLE = re.compile(
    r'^(?:static[ \t]+)?(?:(?:_Atomic|_Thread_local|volatile|unsigned|struct|enum|union)[ \t]+)*'
    r'\w+[ \t]*\**[ \t]*\**(\w+)[ \t]*(?:\[[^\]]*\][ \t]*)*(?:=|;|,)', re.M)


def check_state(path, code, allowed):
    if path.startswith(STATE_OK) or not path.endswith('.c'):
        return
    # Macros go first: they make functions, and their bodies are checked where used.
    code = re.sub(r'(?m)^[ \t]*#(?:.*\\\n)*.*$', lambda m: re.sub(r'[^\n]', ' ', m.group(0)), code)
    for line, m in lines_of(VARIABLE, top_level(code)):
        head = m.group(0)
        if re.match(r'(?:typedef|extern|return|goto|struct \w+;|enum \w+;)', head):
            continue
        if re.search(r'\bconst\b', head) or f'{path}:{m.group(1)}' in allowed:
            continue
        yield line, f"'{m.group(1)}' is mutable state at file scope"
    for line, m in lines_of(r'(?m)^\t+static\b([^=;({]*)', code):
        if not re.search(r'\bconst\b', m.group(1)):
            yield line, 'a static variable in a function is mutable state too'


def check_calls(path, code):
    names = list(BANNED)
    if not path.startswith(('base/', 'tests/')):
        names += BASE_ONLY
    for line, m in lines_of(r'(?<![\w.>])(%s)\s*\((?!SIG\w+, SIG_(?:IGN|DFL)\))'
                            % '|'.join(names), code):
        yield line, f'{m.group(1)}() is not used here (CONTRIBUTING.md)'


def check_c(path, text, allowed):
    code = COMMENT_OR_STRING.sub(blank, text)
    no_blocks = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)
    yield from check_calls(path, code)
    for line, _ in lines_of(r'//', no_blocks):
        yield line, 'comments are written /* so */'
    yield from check_state(path, code, allowed)


def check(path, allowed):
    with open(path, encoding='utf-8') as f:
        text = f.read()
    if path.endswith(('.c', '.h', '.py', '.sh', '.S', '.asl', '.tab')):
        yield from check_licence(path, text)
    if path.endswith(('.c', '.h')):
        yield from check_c(path, text, allowed)
    for line, _ in lines_of(r'\b(?:TODO|FIXME|XXX)\b(?! ?\(?#\d)', text):
        if path != 'tools/check_src.py' and path != 'CONTRIBUTING.md':
            yield line, 'a TODO needs the number of an issue: TODO(#12)'
    for line, m in lines_of(MACHINE_PATHS, text):
        yield line, f'path of one machine: {m.group(0)}...'
    if not path.endswith('.md'):
        for line, _ in lines_of(r'(?m)[ \t]+$', text):
            yield line, 'blanks at the end of a line'


def main():
    files = sys.argv[1:] or subprocess.run(
        ['git', 'ls-files', '-co', '--exclude-standard'], check=True, capture_output=True,
        text=True).stdout.split('\n')
    allowed = set()
    with open(STATE_ALLOW, encoding='utf-8') as f:
        for line in f:
            allowed.update(line.split('#')[0].split()[:1])
    bad = 0
    for path in files:
        if not path.endswith(TEXT) or path.startswith('LICENSE'):
            continue
        for line, what in check(path, allowed):
            print(f'{path}:{line}: {what}')
            bad += 1
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
