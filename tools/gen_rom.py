#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Assembles an option ROM to a C array: gen_rom.py in.S out.c name ld compiler...

Fills in what the PC and Plug and Play headers need: size, and two checksums.
"""
import os
import subprocess
import sys
import tempfile

src, dst, name, ld = sys.argv[1:5]
compiler = sys.argv[5:]
with tempfile.TemporaryDirectory() as tmp:
    obj, raw = os.path.join(tmp, 'rom.o'), os.path.join(tmp, 'rom.bin')
    subprocess.run(compiler + ['-m32', '-nostdinc', '-c', src, '-o', obj], check=True)
    subprocess.run([ld, '-m', 'elf_i386', '-Ttext', '0', '-e', '0', '--oformat', 'binary', obj,
                    '-o', raw], check=True)
    rom = bytearray(open(raw, 'rb').read())
    rom += bytes(-len(rom) % 512)
    rom[2] = len(rom) // 512
    pnp = int.from_bytes(rom[0x1a:0x1c], 'little')
    if rom[pnp:pnp + 4] != b'$PnP' or rom[2] > 127:
        sys.exit(f'{src}: no Plug and Play header at {pnp:#x}, or too large')
    length = rom[pnp + 5] * 16
    rom[pnp + 9] = -sum(rom[pnp:pnp + length]) & 0xff
    rom[-1] = -sum(rom) & 0xff
    if len(rom) != rom[2] * 512 or sum(rom) & 0xff:
        sys.exit(f'{src}: checksum')
    open(raw, 'wb').write(rom)
    subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), 'bin2c.py'), raw, dst,
                    name], check=True)
