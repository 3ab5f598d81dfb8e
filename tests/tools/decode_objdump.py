#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare our decoder with binutils' objdump: length and mnemonic, 16, 32 and 64 bit.

    decode_objdump.py DECODE_DUMP [--count N] [--seed S] [--show N] [--text]

Byte strings are systematic (every opcode of every map with every ModRM class under several
prefixes) and random.  Differences that have a reason are listed in EXPLAINED; any other
makes the comparison fail.  Prints TAP.
"""
import argparse
import collections
import random
import re
import shutil
import subprocess
import sys
import tempfile

PREFIXES = ['', '66', 'f2', 'f3', '67', '6667', '2e', '64', 'f0', '66f2', '66f3', 'f2f3']
REXES = ['', '48', '41', '4f', '40']
ARCH = {16: 'i8086', 32: 'i386', 64: 'i386:x86-64'}

# Instructions that objdump knows and no processor of ours has.
FOREIGN = re.compile(
    r'^(v(4|p4|db|exp|get|scatter|rnd|ran|red|fix|fpc|getm|comp|pcompress|pexpand|cvtne|cvttp|dp|'
    r'pdp|pshld|pshrd|popc|perm[it]2|pmulti|range)|vm(call|launch|resume|xoff|ptr|clear|xon|read|'
    r'write|run|load|save|func|mcall|gexit)|v(prot|psh[al]|pcom|phadd.*|phsub.*|pmac|pmad|frcz|'
    r'pcmov|pperm)|bl(c|sfill|sic|ci)|tzmsk|t1mskc|lwp|ll?wp|slwp|'
    r'pf|pi2f|pavgusb|pmulhrw|pswapd|femms|extrq|insertq|movnts[sd]$|'
    r'gf2|vgf2|(v)?aes|sha|enc|inv(ept|vpid|lpga|lpgb)|stgi|clgi|skinit|clzero|rdpru|monitorx|'
    r'mwaitx|tlbsync|pconfig|pvalidate|rmp|psmash|rdpid|rdpkru|wrpkru|ptwrite|clwb|cldemote|'
    r'clrssbsy|setssbsy|incssp|rdssp|savessp|saveprev|rstorssp|wrss|wruss|xbegin|xend|xabort|xtest|'
    r'bnd|tpause|umonitor|umwait|movdir|enqcmd|wbnoinvd|serialize|xsusldtrk|xresldtrk|hreset|'
    r'uiret|testui|clui|stui|senduipi|tile|ldtilecfg|sttilecfg|td|seam|cmpn|aadd|aand|aor|axor|'
    r'k(and|or|x|not|mov|shift|test|add|unpck)|getsec|smint|cl1invmb|rdm|svdc|rsdc|rsldt|svldt|svts|rsts|'
    r'montmul|x(store|crypt|sha)|ccs|xsaves|xsavec|xrstors|loadall|loadiwkey|'
    r'cmp.*xadd|prefetch(it|wt1|rst)|getsec|rd(f|g)sp|(v)?pclmul|jmpabs|erets|eretu|lkgs|'
    r'pbndkb|rdmsrlist|wrmsrlist|wrmsrns|urdmsr|uwrmsr|vp2|vcvtph|data16|fs|gs|rex)')


def systematic(bits, rng):
    maps = ['', '0f', '0f38', '0f3a']
    for m in maps:
        for op in range(256):
            for p in PREFIXES:
                for rex in (REXES if bits == 64 else ['']):
                    for modrm in rng.sample(range(256), 6):
                        yield p + rex + m + f'{op:02x}{modrm:02x}'
    for op in range(256):
        for modrm in range(256):
            if op in (0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0x80, 0xf6, 0xf7, 0xfe,
                      0xff, 0xc0, 0xd3, 0x8f, 0xc6):
                yield f'{op:02x}{modrm:02x}'
            if op in (0x00, 0x01, 0x18, 0xae, 0xba, 0xc7, 0x71, 0x72, 0x73, 0x1f, 0x0d):
                yield f'0f{op:02x}{modrm:02x}'
    for b1 in (0xe1, 0xe2, 0xe3, 0x61, 0xc1, 0xc2, 0x42):
        for op in range(256):
            for _ in range(8):
                b2 = rng.choice([0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0xf8, 0xf9, 0xfd, 0xfb,
                                 rng.randrange(256)])
                yield f'c4{b1:02x}{b2:02x}{op:02x}{rng.randrange(256):02x}'
    for op in range(256):
        for _ in range(8):
            yield f'c5{rng.choice([0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xc1, 0xd5, 0x78]):02x}{op:02x}' \
                  f'{rng.randrange(256):02x}'


def strings(bits, rng, count):
    all_ = list(systematic(bits, rng))
    rng.shuffle(all_)
    for s in all_[:count]:
        n = 15 - len(s) // 2
        yield s + bytes(rng.randrange(256) for _ in range(n)).hex()
    for _ in range(count // 4):
        yield bytes(rng.randrange(256) for _ in range(15)).hex()


def ours(tool, bits, items):
    text = ''.join(f'{bits} {s}\n' for s in items)
    out = subprocess.run([tool], input=text, capture_output=True, text=True, check=True).stdout
    res = []
    for line in out.splitlines():
        status, length, text = line.split(' ', 2)
        res.append((status, int(length), text))
    return res


def theirs(bits, items, lens):
    """First line of objdump at each item: (length, text)."""
    image = bytearray()
    at = []
    for s, n in zip(items, lens):
        at.append(len(image))
        image += bytes.fromhex(s)[:n] + b'\x90' * 16
    with tempfile.NamedTemporaryFile(suffix='.bin') as f:
        f.write(image)
        f.flush()
        out = subprocess.run(['objdump', '-D', '-b', 'binary', '-m', ARCH[bits], '-M',
                              'intel,intel64' if bits == 64 else 'intel',
                              '--insn-width=16', f.name],
                             capture_output=True, text=True, check=True).stdout
    lines = {}
    for line in out.splitlines():
        m = re.match(r'\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t?(.*)$', line)
        if m:
            lines[int(m[1], 16)] = (len(m[2].split()), m[3].strip())
    return [lines.get(a) for a in at]


PREFIX_WORDS = {'lock', 'rep', 'repz', 'repnz', 'data16', 'addr16', 'addr32', 'data32', 'xacquire',
                'xrelease', 'bnd', 'notrack', 'cs', 'ds', 'es', 'ss', 'fs', 'gs'}
SAME = {'ret': 'ret', 'pushw': 'push', 'popw': 'pop', 'callw': 'call', 'jmpw': 'jmp',
        'retw': 'ret', 'retf': 'retf', 'retfw': 'retf', 'retfq': 'retf', 'sal': 'shl',
        'movabs': 'mov', 'callf': 'call', 'jmpf': 'jmp', 'xlat': 'xlat', 'xlatb': 'xlat',
        'pushaw': 'pusha', 'popaw': 'popa', 'pushad': 'pusha', 'popad': 'popa', 'pushf': 'pushf',
        'pushfw': 'pushf', 'popfw': 'popf', 'pushfd': 'pushf', 'popfd': 'popf',
        'pushfq': 'pushf', 'popfq': 'popf', 'iretw': 'iret', 'iretd': 'iret', 'iretq': 'iret',
        'enterw': 'enter', 'leavew': 'leave', 'sysretl': 'sysret', 'sysretq': 'sysret',
        'sysretd': 'sysret', 'sysexitl': 'sysexit', 'sysexitq': 'sysexit', 'sysexitd': 'sysexit',
        'int1': 'int1', 'icebp': 'int1', 'lgdtd': 'lgdt', 'lgdtw': 'lgdt', 'lidtd': 'lidt',
        'lidtw': 'lidt', 'sgdtd': 'sgdt', 'sidtd': 'sidt', 'sgdtw': 'sgdt', 'sidtw': 'sidt',
        'fisttpll': 'fisttp', 'wait': 'fwait', 'sldtd': 'sldt', 'ret far': 'retf',
        'prefetchit0': 'nop', 'prefetchit1': 'nop', 'cmpsb': 'cmps', 'nopw': 'nop', 'nopd': 'nop',
        'fxsave64': 'fxsave', 'fxrstor64': 'fxrstor', 'xsave64': 'xsave', 'xrstor64': 'xrstor',
        'xsaveopt64': 'xsaveopt', 'ud2b': 'ud1', 'ud2a': 'ud2', 'ud1': 'ud1', 'movsxd': 'movsxd',
        'reservednop': 'nop', 'prefetchwt1': 'prefetchw', 'rdsspd': 'nop', 'rdsspq': 'nop',
        'endbr32': 'endbr32', 'jcxz': 'jcxz', 'fnop': 'fnop', 'pause': 'pause', 'pushd': 'push', 'popd': 'pop', 'retd': 'ret', 'retfd': 'retf',
        'calld': 'call', 'jmpd': 'jmp', 'enterd': 'enter', 'leaved': 'leave', 'callq': 'call',
        'jmpq': 'jmp', 'popq': 'pop', 'pushq': 'push', 'retq': 'ret', 'leaveq': 'leave',
        'enterq': 'enter'}
STRINGS = {'movs', 'cmps', 'stos', 'lods', 'scas', 'ins', 'outs'}


def mnemonic(text):
    words = text.replace(',', ' ').split()
    while len(words) > 1 and (words[0] in PREFIX_WORDS or words[0].startswith('rex')):
        words.pop(0)
    w = words[0].split('.')[0] if words else ''
    w = SAME.get(w, w)
    w = re.sub(r'^(fldenv|fnstenv|frstor|fnsave)[wd]$', r'\1', w)
    w = re.sub(r'^(v?pcmp[ei]str[im])q$', r'\1', w)
    w = re.sub(r'^(v?)cmp[a-z_]+([sp][sd])$', r'\1cmp\2', w) if w not in STRINGS else w
    w = re.sub(r'^(v?pclmul)[lh]q[lh]q(dq)$', r'\1q\2', w)
    if w[:-1] in STRINGS and w[-1] in 'bwdq' and (w != 'movsd' or 'mm' not in text):
        w = w[:-1]
    return w


EXPLAINED = {('nop', 'xchg'),        # 66 90
             ('xchg', 'pause'),      # F3 41 90: REX.B makes it XCHG
             ('fneni', 'fneni(8087'), ('fneni', 'fndisi(8087'), ('fnop', 'frstpm(287'),
             ('nop', 'cldemote'),    # a hint NOP without the feature
             ('wbinvd', 'wbnoinvd')  # likewise
             }


def undefined_there(bits, s, text, name):
    """Why objdump prints what the processor refuses."""
    if re.search(r'\block\b', text) or '(bad)' in text:
        return True  # it does not check what LOCK goes with
    if '{vex}' in text or re.match(r'(66|67|f2|f3|2e|64)*(c4[46ce0-9]3|c4[4-7c-f]3)', s) and \
            re.match('vf|vpermil2', name):
        return True  # AVX-VNNI and other later extensions; FMA4
    if re.search('(66|f2|f3|4.)(c4|c5)', s[:14]) and name.startswith('v'):
        return True  # a prefix before VEX, which it overlooks
    if re.match(r'v(zero|ldmxcsr|stmxcsr|bcst)|f?x(save|rstor)|(ld|st)mxcsr|pmovmskb|xsaveopt|'
                r'fx', name):
        return True  # a mandatory prefix that these do not have
    if re.search(r'\btr[0-7]\b', text):
        return True  # test registers: 386 and 486 only
    if name == 'mov' and 'cr8' in text and bits != 64:
        return True  # AMD's LOCK MOV CR0
    if '(8087' in name or '(287' in name:
        return True
    if bits != 64 and re.match('syscall|sysret|swapgs|(rd|wr)[fg]sbase', name):
        return True  # SYSCALL there on AMD only, the others not at all
    if re.search(r'\b(cr|db|dr)(1|[5-79]|1[0-5])\b', text) or ',?' in text or '?' in text:
        return True  # registers that do not exist
    return False


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('tool')
    ap.add_argument('--count', type=int, default=20000)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--show', type=int, default=40)
    args = ap.parse_args()
    if not shutil.which('objdump'):
        print('1..0 # SKIP objdump (binutils) is not installed')
        return
    print('1..3')
    for n, bits in enumerate((16, 32, 64), 1):
        rng = random.Random(args.seed * 100 + bits)
        items = list(strings(bits, rng, args.count))
        mine = ours(args.tool, bits, items)
        lens = [m[1] if m[0] == 'ok' else 15 for m in mine]
        other = theirs(bits, items, lens)
        bad = collections.Counter()
        example = {}
        for s, m, o in zip(items, mine, other):
            why = explain(bits, s, m, o)
            if why:
                bad[why] += 1
                example.setdefault(why, (s, m, o))
        print(f'{"not " if bad else ""}ok {n} - {bits}-bit: {len(items)} byte strings, seed '
              f'{args.seed}, {sum(bad.values())} unexplained differences')
        for why, k in bad.most_common(args.show):
            s, m, o = example[why]
            print(f'# {k:6d} {why}: {s} ours {m} objdump {o}')


def explain(bits, s, m, o):
    """None when equal or the difference has a reason; else a class for counting."""
    if o is None:
        return 'objdump has no line'
    theirs_bad = '(bad)' in o[1] or o[1] == ''
    name = mnemonic(o[1])
    if m[0] == 'ud':
        if theirs_bad or FOREIGN.match(name) or undefined_there(bits, s, o[1], name):
            return None
        return f'only objdump: {name}'
    if m[0] != 'ok':
        return None
    if re.fullmatch(r'(\S+ )*rex(\.[WRXB]+)?', o[1]):
        return None  # objdump shows a REX that is not the last prefix on a line of its own
    if theirs_bad:
        # SALC is undocumented; 0F 0D and 0F 18..1E with a register are hint NOPs to us
        # F2 before BSF, BSR and any prefix before WBINVD are ignored; the low bits of the
        # fences' ModRM byte too
        # undocumented twins of x87 instructions; gathers with one register twice are refused
        # when they run
        if re.match('salc|nop$|bs[fr]$|wbinvd|[ms]fence|fstp$|fxch$|fcomp?$|vp?gather',
                    mnemonic(m[2])):
            return None
        return f'only ours: {mnemonic(m[2])}'
    mine = mnemonic(m[2])
    if (mine, name) in EXPLAINED or mine == 'nop' and name.startswith('bnd'):
        return None
    if m[1] != o[0]:
        return f'length {mine}/{name}'
    if mine != name:
        return f'name {mine}/{name}'
    return None


if __name__ == '__main__':
    main()
