#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compiles an ASL file to a C array: asl2c.py in.asl out.c name iasl compiler...

The C preprocessor goes over the file first: iasl 20200925 (Debian 12) knows no macros
with arguments.
"""
import os
import subprocess
import sys
import tempfile

src, dst, name, iasl = sys.argv[1:5]
compiler = sys.argv[5:]
with tempfile.TemporaryDirectory() as tmp:
    asl = os.path.join(tmp, 'table.asl')
    subprocess.run(compiler + ['-E', '-P', '-x', 'c', '-nostdinc', '-undef', src, '-o', asl],
                   check=True)
    run = subprocess.run([iasl, '-we', '-p', os.path.join(tmp, 'table'), asl],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        sys.exit(run.stdout)
    subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), 'bin2c.py'),
                    os.path.join(tmp, 'table.aml'), dst, name], check=True)
