#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the decoder's tables, enum op and the handler list from the instruction tables.

    gen_insn.py --out DIR [--coverage FILE [--library libcpu.a]] insn.tab insn_fpu.tab ...

The format is described at the head of cpu/x86/insn.tab.  Writes insn_ops.h,
insn_tables.c and insn_sem.c to DIR.
"""
import argparse
import os
import re
import subprocess
import sys

MAPS = {'': 0, '0F': 1, '0F38': 2, '0F3A': 3}
VEX_MAPS = {'0F': 4, '0F38': 5, '0F3A': 6}
PP = {'NP': 0, '66': 1, 'F3': 2, 'F2': 3, 'NFx': None}
CTX_W, CTX_L, CTX_64, CTX_B = 4, 8, 16, 32
FLAG_BITS = {'c': 'FLG_C', 'p': 'FLG_P', 'a': 'FLG_A', 'z': 'FLG_Z', 's': 'FLG_S',
             'o': 'FLG_O', 'd': 'FLG_D', 'i': 'FLG_I'}
INSN_FLAGS = {'lock': 'INSN_LOCK_OK', 'end': 'INSN_ENDS_BLOCK',
              'branch': 'INSN_BRANCH', 'fpu': 'INSN_FPU', 'mmx': 'INSN_MMX',
              'sse': 'INSN_SSE', 'avx': 'INSN_AVX', 'slow': 'INSN_SLOW'}
TYPES = {'': 'NONE', 'b': 'B', 'w': 'W', 'd': 'D', 'q': 'Q', 'v': 'V', 'z': 'Z', 'y': 'Y',
         't': 'T', 'dq': 'DQ', 'qq': 'QQ', 'x': 'X', 'ps': 'X', 'pd': 'X', 'ss': 'D',
         'sd': 'Q', 'p': 'P', 'a': 'A', 's': 'S'}
FETCH_BY_LETTER = {c: c for c in 'EGRMZBSCDAOPQNVWUHLK'}
FIXED_REGS = {'AL': (0, 'b'), 'CL': (1, 'b'), 'rAX': (0, 'v'), 'rCX': (1, 'v'), 'rDX': (2, 'v'),
              'DX': (2, 'w'), 'AX': (0, 'w')}
FIXED_SREGS = {'ES': 0, 'CS': 1, 'SS': 2, 'DS': 3, 'FS': 4, 'GS': 5}
IMM = {'Ib': ('IMM_U', 'b'), 'Iw': ('IMM_U', 'w'), 'Ibs': ('IMM_S', 'b'), 'Iz': ('IMM_S', 'z'),
       'Iv': ('IMM_S', 'v')}
SIZED_FETCHES = set('EGRMZBO') | {'IMPLIED'}


class TableError(Exception):
    pass


class Row:
    """One encoding."""

    def __init__(self, where, text):
        self.where = where
        cols = [c.strip() for c in text.split('|')]
        if len(cols) != 4:
            raise TableError(f'{where}: want 4 columns, have {len(cols)}')
        self.encoding = ' '.join(cols[0].split())
        self.pp = self.w = self.l = self.vex = None
        self.b0 = self.nfx = False
        self.modrm = None  # None or set of slot numbers 0..71
        self.modrm_rank = 0
        self.ops = []
        self.sti = False
        self.op, _, mnemonic = cols[1].partition(':')
        self.mnemonic = mnemonic or self.op
        if not re.fullmatch(r'[a-z][a-z0-9_]*', self.op):
            raise TableError(f'{where}: bad op name "{self.op}"')
        self.parse_encoding(cols[0].split())
        self.parse_attributes(cols[3].split())
        self.operands = [self.parse_operand(o) for o in cols[2].split(',') if o.strip()]
        if len(self.operands) > 4:
            raise TableError(f'{where}: more than four operands')
        self.mem_default()
        self.osz = self.osize_rule()

    def error(self, what):
        raise TableError(f'{self.where}: {what}: {self.encoding} {self.op}')

    # ---- encoding ----

    def parse_encoding(self, toks):
        if toks and toks[0].startswith('VEX.'):
            self.parse_vex(toks.pop(0))
        else:
            while toks and (toks[0] in ('NP', 'NFx', 'F2', 'F3') and len(toks) > 1 or
                            toks[0] == '66' and len(toks) > 1 or toks[0] in ('W0', 'W1', 'B0')):
                t = toks.pop(0)
                if t in PP:
                    self.pp = PP[t]
                    self.nfx = t == 'NFx'
                elif t == 'B0':
                    self.b0 = True
                else:
                    self.w = int(t[1])
            m = ''
            if len(toks) > 1 and toks[0] == '0F':
                m = toks.pop(0)
                if len(toks) > 1 and toks[0] in ('38', '3A') and not toks[1].startswith('/'):
                    m += toks.pop(0)
            self.map = MAPS[m]
        if not toks:
            self.error('no opcode')
        t = toks.pop(0)
        m = re.fullmatch(r'([0-9A-F]{2})(\+r)?', t)
        if not m:
            self.error(f'bad opcode "{t}"')
        first = int(m[1], 16)
        self.opcodes = range(first, first + (8 if m[2] else 1))
        self.exact_opcode = not m[2]
        if toks:
            self.parse_modrm(toks.pop(0))
        if toks:
            self.error(f'do not understand "{toks[0]}"')

    def parse_vex(self, t):
        parts = t.split('.')
        if len(parts) == 4:
            parts.append('WIG')
        if len(parts) != 5:
            self.error(f'bad VEX "{t}"')
        _, l, pp, m, w = parts
        try:
            self.vex = True
            self.l = {'128': 0, '256': 1, 'LIG': None}[l]
            self.pp = PP[pp]
            self.map = VEX_MAPS[m]
            self.w = {'W0': 0, 'W1': 1, 'WIG': None}[w]
        except KeyError:
            self.error(f'bad VEX "{t}"')

    def parse_modrm(self, t):
        m = re.fullmatch(r'/([0-7r])([mr]?)', t)
        if m:
            mem, reg = m[2] != 'r', m[2] != 'm'
            s = set()
            for r in range(8):
                if m[1] not in ('r', str(r)):
                    continue
                if mem:
                    s.add(r)
                if reg:
                    s.update(8 + r * 8 + i for i in range(8))
            self.modrm = s
            self.modrm_rank = 1 if m[1] == 'r' else 2
            return
        m = re.fullmatch(r'([0-9A-F]{2})(\+i)?', t)
        if not m or int(m[1], 16) < 0xc0:
            self.error(f'bad ModRM "{t}"')
        first = int(m[1], 16) - 0xc0 + 8
        self.modrm = set(range(first, first + (8 if m[2] else 1)))
        self.modrm_rank = 2 if m[2] else 3

    def contexts(self):
        """The contexts this row could serve, best rank first: (rank, mask)."""
        wild = strict = 0
        for ctx in range(64):
            if self.w is not None and bool(ctx & CTX_W) != bool(self.w):
                continue
            if self.l is not None and bool(ctx & CTX_L) != bool(self.l):
                continue
            if self.b0 and ctx & CTX_B or self.nfx and ctx & 2:
                continue
            if ('i64' in self.attr and ctx & CTX_64) or ('o64' in self.attr and not ctx & CTX_64):
                continue
            wild |= 1 << ctx
            if self.pp is None or ctx & 3 == self.pp:
                strict |= 1 << ctx
        return strict if self.pp is not None else wild

    def rank(self):
        return (self.exact_opcode, self.modrm_rank, self.pp is not None,
                (self.w is not None) + self.b0 + (self.l is not None))

    # ---- attributes ----

    def parse_attributes(self, toks):
        self.attr = set()
        self.val = {}
        for t in toks:
            k, eq, v = t.partition('=')
            if eq:
                if k not in ('needs', 'reads', 'writes', 'undef', 'os'):
                    self.error(f'unknown attribute "{t}"')
                self.val[k] = v
            else:
                if k not in INSN_FLAGS and k not in ('i64', 'o64', 'prot', 'd64', 'f64', 'native'):
                    self.error(f'unknown attribute "{t}"')
                self.attr.add(k)
        if 'branch' in self.attr:
            self.attr.add('end')
        for k in ('reads', 'writes', 'undef'):
            for f in self.val.get(k, ''):
                if f not in FLAG_BITS:
                    self.error(f'unknown flag "{f}"')

    # ---- operands ----

    def parse_operand(self, o):
        o = o.strip()
        if o in IMM:
            return IMM[o][0], IMM[o][1], 0
        if o in FIXED_REGS:
            return 'REG', FIXED_REGS[o][1], FIXED_REGS[o][0]
        if o in FIXED_SREGS:
            return 'SREG', 'w', FIXED_SREGS[o]
        if o in ('ST0', 'STi'):
            return o.upper(), '', 0
        if o == '1':
            return 'ONE', '', 0
        c, t = o[0], o[1:]
        if c == 'K':
            wide, t = t[:1], t[1:]
            if wide not in ('x', 'y') or t not in TYPES:
                self.error(f'bad VSIB operand "{o}"')
            return 'K', t, 1 if wide == 'y' else 0
        if t not in TYPES:
            self.error(f'bad operand type "{o}"')
        if c in 'XY':
            return 'IMPLIED', t, 0 if c == 'X' else 1
        if c == 'J':
            return 'J', t, 0
        if c in FETCH_BY_LETTER:
            return FETCH_BY_LETTER[c], t, 0
        self.error(f'bad operand "{o}"')
        return None

    def mem_default(self):
        """M needs memory, N and U a register, even if the encoding says plain /r."""
        fetches = {o[0] for o in self.operands}
        if fetches & set('EGRMSCDPQNVWUK') and self.modrm is None:
            self.error('operands need a ModRM byte')
        if self.modrm is None:
            return
        if fetches & {'M', 'K'}:
            self.modrm = {s for s in self.modrm if s < 8}
        if fetches & {'N', 'U'}:
            self.modrm = {s for s in self.modrm if s >= 8}
        if not self.modrm:
            self.error('no ModRM byte is left')

    def osize_rule(self):
        if 'native' in self.attr:
            return 'NATIVE'
        explicit = {'8': '8', '16': '16', '32': '32', '64': '64', 'v': 'V', 'z': 'Z', 'y': 'Y'}
        if 'os' in self.val:
            if self.val['os'] not in explicit:
                self.error('bad os=')
            return explicit[self.val['os']]
        types = [t for f, t, r in self.operands
                 if f in SIZED_FETCHES or f == 'REG' and t in 'bv']
        base = None
        for want in ('v', 'z', 'y'):
            if want in types:
                base = {'v': 'V', 'z': 'Z', 'y': 'Y'}[want]
                break
        else:
            for t in types:
                if t in ('b', 'w', 'd', 'q', 'ss', 'sd'):
                    return {'b': '8', 'w': '16', 'd': '32', 'q': '64', 'ss': '32', 'sd': '64'}[t]
        if base is None:
            base = 'Y' if self.pp is not None or self.vex else 'V'
        if 'f64' in self.attr:
            return 'F64'
        if 'd64' in self.attr:
            return 'D64'
        return base

    def row_bits(self):
        f = {o[0] for o in self.operands}
        bits = []
        if f & {'B', 'H'}:
            bits.append('ROW_VVVV')
        if f & {'R', 'C', 'D'} and 'E' not in f:
            bits.append('ROW_REG_ONLY')
        if 'K' in f:
            bits.append('ROW_VSIB')
        if not self.vex and self.pp == 1:
            bits.append('ROW_CLAIM_66')
        if not self.vex and self.pp in (2, 3):
            bits.append('ROW_CLAIM_REP')
        return ' | '.join(bits) or '0'


class Op:
    """What all rows of one operation share."""

    def __init__(self, row):
        self.name, self.mnemonic = row.op, row.mnemonic
        self.rows = []
        self.prot = 'prot' in row.attr
        self.val = {k: row.val.get(k, '') for k in ('needs', 'reads', 'writes', 'undef')}
        self.add(row)

    def add(self, row):
        if row.mnemonic != self.mnemonic:
            row.error(f'mnemonic differs from "{self.mnemonic}"')
        if ('prot' in row.attr) != self.prot:
            row.error('"prot" differs from other rows of the op')
        for k, v in self.val.items():
            if sorted(row.val.get(k, '')) != sorted(v):
                row.error(f'{k}= differs from other rows of the op ({v})')
        self.rows.append(row)

    def modes(self):
        m = 6 if self.prot else 7
        if all('i64' in r.attr for r in self.rows):
            m &= 3
        if all('o64' in r.attr for r in self.rows):
            m = 4
        return m

    def flags(self):
        f = set()
        for r in self.rows:
            f |= {INSN_FLAGS[a] for a in r.attr if a in INSN_FLAGS}
        return f


def read_rows(paths):
    rows = []
    for path in paths:
        with open(path, encoding='utf-8') as f:
            for n, line in enumerate(f, 1):
                line = line.split('#', 1)[0].strip()
                if line:
                    rows.append(Row(f'{path}:{n}', line))
    return rows


def collect_ops(rows):
    ops = {}
    for r in rows:
        if r.op in ops:
            ops[r.op].add(r)
        else:
            ops[r.op] = Op(r)
    return dict(sorted(ops.items()))


class Tables:
    """Slots, groups and lists.  A row with context masks that differ by place becomes
    several physical rows."""

    def __init__(self, rows):
        self.phys = {}    # (id(row), mask) → number
        self.phys_rows = [None]
        self.lists = [0]
        self.list_at = {(): 0}
        self.groups = []
        self.group_at = {}
        self.slots = [[(0, 'SLOT_PLAIN')] * 256 for _ in range(7)]
        by_slot = {}
        for r in rows:
            for o in r.opcodes:
                by_slot.setdefault((r.map, o), []).append(r)
        for (m, o), rs in by_slot.items():
            self.slots[m][o] = self.slot(rs)

    def slot(self, rs):
        plain = [r for r in rs if r.modrm is None]
        if plain and len(plain) != len(rs):
            rs[0].error('rows with and without ModRM for one opcode')
        if plain:
            return self.make_list(rs), 'SLOT_PLAIN'
        lists = [self.make_list([r for r in rs if i in r.modrm]) for i in range(72)]
        if len(set(lists)) == 1:
            return lists[0], 'SLOT_MODRM'
        key = tuple(lists)
        if key not in self.group_at:
            self.group_at[key] = len(self.groups)
            self.groups.append(key)
        return self.group_at[key], 'SLOT_GROUP'

    def make_list(self, rs):
        taken = 0
        masks = []
        by_rank = {}
        for r in rs:
            by_rank.setdefault(r.rank(), []).append(r)
        for rank in sorted(by_rank, reverse=True):
            used = 0
            for r in by_rank[rank]:
                c = r.contexts()
                if used & c & ~taken:
                    r.error('two rows of equal rank')
                used |= c
                if c & ~taken:
                    masks.append((r, c & ~taken))
            taken |= used
        key = tuple(self.physical(r, m) for r, m in masks)
        if key not in self.list_at:
            self.list_at[key] = len(self.lists)
            self.lists += list(key) + [0]
        return self.list_at[key]

    def physical(self, row, mask):
        key = (id(row), mask)
        if key not in self.phys:
            self.phys[key] = len(self.phys_rows)
            self.phys_rows.append((row, mask))
        return self.phys[key]


HEAD = '/* Made by tools/gen_insn.py from the instruction tables. */\n'


def write(path, text):
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)


def flag_expr(s):
    return ' | '.join(FLAG_BITS[f] for f in s) or '0'


def write_ops(out, ops):
    s = HEAD + '#ifndef LODGE_INSN_OPS_H\n#define LODGE_INSN_OPS_H\n\nenum op {\n'
    s += ''.join(f'\tOP_{n.upper()},\n' for n in ops)
    s += '\tOP_COUNT\n};\n\n#endif\n'
    write(os.path.join(out, 'insn_ops.h'), s)


def write_sem(out, ops):
    s = HEAD + '#include "cpu/x86/sem.h"\n\n'
    s += ''.join(f'extern const struct sem sem_{n};\n' for n in ops)
    s += '\nconst struct sem *const sem_table[OP_COUNT] = {\n'
    s += ''.join(f'\t[OP_{n.upper()}] = &sem_{n},\n' for n in ops)
    s += '};\n'
    write(os.path.join(out, 'insn_sem.c'), s)


def rows_text(t, spec_index):
    s = 'const struct insn_row insn_rows[] = {\n'
    s += '\t{ .ctx = ~0ull, .op = OP_COUNT },\n'
    for row, mask in t.phys_rows[1:]:
        opd = ', '.join(str(spec_index[o]) for o in row.operands)
        fl = ' | '.join(sorted(INSN_FLAGS[a] for a in row.attr if a in INSN_FLAGS)) or '0'
        s += (f'\t/* {row.encoding} */ {{ 0x{mask:x}ull, OP_{row.op.upper()}, {fl}, '
              f'{{ {opd or 0} }}, OSZ_{row.osz}, {row.row_bits()} }},\n')
    return s + '};\nconst unsigned insn_nrows = sizeof(insn_rows) / sizeof(insn_rows[0]);\n\n'


def write_tables(out, ops, t):
    specs = [('NONE', '', 0)]
    for row, _ in t.phys_rows[1:]:
        specs += [o for o in row.operands if o not in specs]
    if len(specs) > 255 or len(t.lists) > 65535:
        raise TableError('tables too large for their types')
    index = {o: i for i, o in enumerate(specs)}
    s = HEAD + '#include "cpu/model.h"\n#include "cpu/x86/insn_tables.h"\n\n'
    s += 'const struct opd_spec insn_opd_spec[] = {\n'
    s += ''.join(f'\t{{ FETCH_{f}, TYPE_{TYPES[ty]}, {r} }},\n' for f, ty, r in specs)
    s += '};\n\n' + rows_text(t, index)
    s += 'const uint16_t insn_lists[] = { ' + ', '.join(map(str, t.lists)) + ' };\n\n'
    s += 'const uint16_t insn_groups[][72] = {\n'
    for g in t.groups or [(0,) * 72]:
        s += '\t{ ' + ', '.join(map(str, g)) + ' },\n'
    s += '};\n\nconst struct insn_slot insn_slots[NMAPS][256] = {\n'
    for m in t.slots:
        s += '\t{\n' + ''.join(f'\t\t{{ {i}, {k} }},\n' for i, k in m) + '\t},\n'
    s += '};\n\nconst struct op_info op_info[OP_COUNT] = {\n'
    for n, o in ops.items():
        need = 'FEAT_' + o.val['needs'].upper() if o.val['needs'] else 'FEAT_NONE'
        fl = ' | '.join(sorted(o.flags())) or '0'
        s += (f'\t[OP_{n.upper()}] = {{ "{o.mnemonic}", {need}, {o.modes()}, {fl}, '
              f'{flag_expr(o.val["reads"])}, {flag_expr(o.val["writes"])}, '
              f'{flag_expr(o.val["undef"])} }},\n')
    write(os.path.join(out, 'insn_tables.c'), s + '};\n')


# Which test executes the handlers of a file; the host tests compare every operand form and
# random values with the host processor itself.
TESTED_BY = (
    (r'sem_(alu|bcd|bit|branch|flags|mov|muldiv|shift|stack)$', 'test_host_int'),
    (r'sem_string$', 'test_host_int, test_string'),
    (r'sem_x87', 'test_host_x87'),
    (r'sem_simd|sem_mmx', 'test_host_sse, test_host_avx'),
    (r'sem_avx', 'test_host_avx'),
    (r'sem_(fxsave|fp)$', 'test_fp'),
    (r'(seg|stk|far)$', 'test_seg, test_far'),
    (r'(iret|exc)$', 'test_exc'),
    (r'task$', 'test_task'),
    (r'(cr|msr|sysinsn|cpuid|syscall|debug|flagsys|io)$', 'test_msr, test_exc, fuzz_cpu'),
)
NOT_COMPARED = {'ud0', 'ud1', 'ud2', 'clflush', 'clflushopt'}


def handler_objects(library):
    """op → object file that defines its handler."""
    out = subprocess.run(['nm', '-A', library], capture_output=True, text=True, check=True).stdout
    where = {}
    for line in out.splitlines():
        m = re.search(r'([^/:]+)\.c(?:\.o)?:\S+ [A-Z] sem_(\w+)$', line)
        if m:
            where[m[2]] = m[1].removeprefix('x86_')
    return where


def tested_by(op, obj):
    if op in NOT_COMPARED:
        return 'test_decode'
    for pattern, test in TESTED_BY:
        if re.search(pattern, obj):
            return test
    return ''


def write_coverage(path, ops, library):
    where = handler_objects(library) if library else {}
    s = '# Instructions\n\n'
    s += 'Made by `tools/gen_insn.py --coverage` from the tables in `cpu/x86/`: run\n'
    s += '`ninja -C build insn-coverage` after changing them.\n\n'
    s += f'{len(ops)} operations, {sum(len(o.rows) for o in ops.values())} encodings. '
    s += 'A row without a handler does not link.\n\n'
    s += '| operation | mnemonic | encodings | needs | modes | handler | test |\n'
    s += '|---|---|---|---|---|---|---|\n'
    names = {7: 'all', 6: 'protected, 64-bit', 4: '64-bit', 3: 'not 64-bit', 2: 'protected'}
    for n, o in ops.items():
        enc = '<br>'.join(f'`{r.encoding}`' for r in o.rows)
        obj = where.get(n, '')
        s += (f'| {n} | {o.mnemonic} | {enc} | {o.val["needs"]} | {names.get(o.modes(), o.modes())} '
              f'| {obj.replace("sem_", "sem/")} | {tested_by(n, obj)} |\n')
    write(path, s)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--out')
    ap.add_argument('--coverage')
    ap.add_argument('--library', help='libcpu.a: where the handlers are')
    ap.add_argument('tables', nargs='+')
    args = ap.parse_args()
    try:
        rows = read_rows(args.tables)
        ops = collect_ops(rows)
        tables = Tables(rows)
        if args.out:
            write_ops(args.out, ops)
            write_sem(args.out, ops)
            write_tables(args.out, ops, tables)
        if args.coverage:
            write_coverage(args.coverage, ops, args.library)
    except TableError as e:
        sys.exit(f'gen_insn.py: {e}')


if __name__ == '__main__':
    main()
