# SPDX-License-Identifier: GPL-2.0-or-later
"""Seconds-long tests of `lodge run` itself with a boot sector of our own: exit status,
reset, saved state, gdb, screen, VNC, repeatable time, and what is said of bad input.
"""
import os
import re
import shutil
import socket
import struct
import subprocess
import time
import zlib

from guests import FetchError, guest, made
from machine import TOP, GuestError, Machine, lodge_program


def need(condition, text):
    if not condition:
        raise GuestError(text)


def tool(name):
    if not shutil.which(name):
        raise FetchError(f'{name} is not here')
    return name


def run(*cmd, **more):
    return subprocess.run(cmd, capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, **more)


def floppy():
    """A 1.44 MB floppy that starts tests/guest/tiny/shell.S."""
    source = os.path.join(TOP, 'tests/guest/tiny/shell.S')

    def make(path):
        obj = path + '.o'
        for cmd in (('as', '--32', '-o', obj, source),
                    ('ld', '-m', 'elf_i386', '-Ttext=0x7c00', '-e', '_start', '--oformat',
                     'binary', '-o', path, obj)):
            p = run(tool(cmd[0]), *cmd[1:])
            if p.returncode:
                raise FetchError(p.stderr)
        os.unlink(obj)
        os.truncate(path, 1440 * 1024)
    with open(source, 'rb') as f:
        return made(f'shell-{zlib.crc32(f.read()):08x}.img', make)


def tiny(**more):
    return lambda: {'floppy': floppy(), 'boot': 'a', 'memory': '16M', 'snapshot': True,
                    **more}


def hello(m):
    m.expect('tiny shell\r\n')


def exit_with(m, letter, status):
    hello(m)
    m.send(letter)
    got = m.wait_exit(30)
    need(got == status, f'exit status {got} after {letter!r}, not {status}')


@guest(60, tiny())
def exit_power_off(m):
    """ACPI power-off ends with 0."""
    exit_with(m, 'p', 0)


@guest(60, tiny(**{'no-reboot': True}))
def exit_reset(m):
    """A reset through the keyboard controller ends with 3 under --no-reboot."""
    exit_with(m, 'r', 3)


@guest(60, tiny(**{'no-reboot': True}))
def exit_triple_fault(m):
    """A triple fault ends with 4 under --no-reboot."""
    exit_with(m, 't', 4)


@guest(60, tiny(**{'debug-exit': True}))
def exit_by_debug_port(m):
    """The debug exit port gives value * 2 + 1."""
    exit_with(m, 'e', 0x10 * 2 + 1)


@guest(60, tiny())
def reset_and_again(m):
    """Without --no-reboot a reset and a triple fault start the machine again."""
    hello(m)
    m.send('n')
    m.expect('1\r\n')
    m.send('r')
    hello(m)
    m.send('n')
    m.expect('1\r\n')
    m.send('t')
    hello(m)
    m.ask('reset')
    hello(m)
    m.ask('quit')
    need(m.wait_exit(20) == 5, 'quit is told by 5')


@guest(90, tiny())
def save_and_restore(m):
    """A saved machine goes on in another process where it was."""
    hello(m)
    for n in '123':
        m.send('n')
        m.expect(f'{n}\r\n')
    state = os.path.join(m.dir, 'state')
    m.ask(f'save {state}', 1)
    end = time.monotonic() + 20
    while not os.path.exists(state):
        need(time.monotonic() < end, 'no saved state')
        m.pump(0.1)
    m.ask('quit')
    m.wait_exit(20)
    opts = tiny()()
    again = Machine(m.name + '-2', {**opts, 'restore': state}, 60, os.path.dirname(m.log.name))
    try:
        again.ask('info')
        again.send('n')
        again.expect('4\r\n', 20)
        again.send('p')
        need(again.wait_exit(20) == 0, 'the restored machine does not switch off')
    finally:
        again.close()


def png_pixels(path):
    """(width, height, rows of RGB) of a PNG of 8 bits without interlacing."""
    with open(path, 'rb') as f:
        data = f.read()
    need(data[:8] == b'\x89PNG\r\n\x1a\n', 'not a PNG')
    at, idat = 8, b''
    while at < len(data):
        n, kind = struct.unpack_from('>I4s', data, at)
        body = data[at + 8:at + 8 + n]
        need(struct.unpack_from('>I', data, at + 8 + n)[0] == zlib.crc32(kind + body), 'PNG CRC')
        if kind == b'IHDR':
            width, height, depth, color, _, _, lace = struct.unpack('>IIBBBBB', body)
            need((depth, color, lace) == (8, 2, 0), 'not 8-bit RGB')
        elif kind == b'IDAT':
            idat += body
        at += n + 12
    raw, rows, last = zlib.decompress(idat), [], bytes(width * 3)
    for y in range(height):
        line = bytearray(raw[y * (width * 3 + 1):(y + 1) * (width * 3 + 1)])
        kind, line = line[0], line[1:]
        for i in range(len(line)):  # filters of the PNG specification, 9.2
            a = line[i - 3] if i >= 3 else 0
            b, c = last[i], last[i - 3] if i >= 3 else 0
            if kind == 1:
                add = a
            elif kind == 2:
                add = b
            elif kind == 3:
                add = (a + b) // 2
            elif kind == 4:
                add = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            else:
                add = 0
            line[i] = (line[i] + add) & 255
        last = bytes(line)
        rows.append(last)
    return width, height, rows


class Rfb:
    """As much of RFB 3.8 (RFC 6143) as shows one picture in the Raw encoding."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect(path)
        need(self.get(12) == b'RFB 003.008\n', 'not RFB 3.8')
        self.s.sendall(b'RFB 003.008\n')
        types = self.get(self.get(1)[0])
        need(1 in types, 'no security type None')
        self.s.sendall(b'\x01')
        need(self.get(4) == bytes(4), 'security handshake')
        self.s.sendall(b'\x01')
        self.width, self.height = struct.unpack('>HH', self.get(4))
        self.get(16)
        self.get(struct.unpack('>I', self.get(4))[0])
        # 32 bits, little-endian, red at 16: the bytes are B G R x
        self.s.sendall(struct.pack('>B3xBBBBHHHBBB3x', 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.s.sendall(struct.pack('>BxHi', 2, 1, 0))

    def get(self, n):
        out = b''
        while len(out) < n:
            d = self.s.recv(n - len(out))
            need(d, 'the VNC server hung up')
            out += d
        return out

    def picture(self):
        """Rows of RGB of the whole screen."""
        self.s.sendall(struct.pack('>BBHHHH', 3, 0, 0, 0, self.width, self.height))
        rows = [bytearray(self.width * 3) for _ in range(self.height)]
        seen = 0
        while seen < self.width * self.height:
            need(self.get(1) == b'\0', 'not a FramebufferUpdate')
            for _ in range(struct.unpack('>xH', self.get(3))[0]):
                x, y, w, h, enc = struct.unpack('>HHHHi', self.get(12))
                need(enc == 0, f'encoding {enc} that was not asked for')
                for line in range(h):
                    px = self.get(w * 4)
                    row = rows[y + line]
                    row[x * 3:(x + w) * 3:3] = px[2::4]
                    row[x * 3 + 1:(x + w) * 3:3] = px[1::4]
                    row[x * 3 + 2:(x + w) * 3:3] = px[0::4]
                seen += w * h
        return [bytes(r) for r in rows]


@guest(90, tiny())
def screen_text_and_picture(m):
    """What the BIOS writes is on the text screen, and the picture shows letters."""
    hello(m)
    m.send('s')
    m.expect('done')
    m.expect_screen('The quick brown fox', 20)
    path = os.path.join(m.dir, 'picture.png')
    m.ask(f'screendump {path}', 1)
    width, height, rows = png_pixels(path)
    need((width, height) == (720, 400), f'{width} x {height} is not VGA text')
    colours = {row[i:i + 3] for row in rows for i in range(0, len(row), 3)}
    need(bytes(3) in colours and b'\xaa\xaa\xaa' in colours, f'colours {colours}')


@guest(90, tiny(display='vnc=unix:@dir@/vnc'))
def vnc_equals_screenshot(m):
    """The picture that a VNC viewer gets equals the screenshot, to the pixel."""
    hello(m)
    m.send('s')
    m.expect('done')
    m.expect_screen('The quick brown fox', 20)
    path = os.path.join(m.dir, 'picture.png')
    # The cursor may have blinked in between; intervals of different length do not
    # keep step with it.
    for k in range(25):
        viewer = Rfb(os.path.join(m.dir, 'vnc')).picture()
        m.ask(f'screendump {path}', 0.4 + 0.037 * k)
        shot = png_pixels(path)[2]
        if viewer == shot:
            return
    differ = sum(a != b for a, b in zip(viewer, shot))
    raise GuestError(f'{differ} lines of the pictures differ')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


@guest(90, lambda: {**tiny()(), 'display': f'vnc=127.0.0.1:{free_port()}',
                    'name': tool('vncsnapshot')})
def vnc_stock_viewer(m):
    """vncsnapshot, a viewer that is not ours, takes a picture over TCP."""
    hello(m)
    port = int(m.opts['display'].rsplit(':', 1)[1])
    path = os.path.join(m.dir, 'viewer.jpg')
    p = run('vncsnapshot', '-quiet', f'127.0.0.1::{port}', path)
    if p.returncode:  # older ones take a display number only
        p = run('vncsnapshot', '-quiet', f'127.0.0.1:{port - 5900}', path)
    need(p.returncode == 0, f'vncsnapshot: {p.stderr}')
    with open(path, 'rb') as f:
        data = f.read()
    size = re.search(rb'\xff\xc0..\x08(..)(..)', data, re.S)
    need(size, 'no JPEG')
    height, width = (int.from_bytes(g, 'big') for g in size.groups())
    need((width, height) == (720, 400), f'{width} x {height} is not VGA text')


@guest(90, lambda: {**tiny()(), 'gdb': f'unix:@dir@/{tool("gdb")}', 'gdb-wait': True})
def gdb_from_debian(m):
    """gdb: break point in the boot sector, registers, memory, watch point, single step."""
    sock = os.path.join(m.dir, 'gdb')
    end = time.monotonic() + 20
    while not os.path.exists(sock):
        need(time.monotonic() < end, 'no socket for gdb')
        m.pump(0.1)
    steps = ['set pagination off', 'set confirm off', 'set architecture i386:x86-64',
             f'target remote {sock}', 'hbreak *0x7c00', 'continue',
             'printf "pc=%lx\\n", $pc', 'x/2bx 0x7dfe', 'delete', 'stepi', 'printf "step=%lx\\n", '
             '$pc', 'set var $rbx = 0x1234', 'printf "rbx=%lx\\n", $rbx', 'detach']
    cmd = ['gdb', '-nx', '-batch']
    for s in steps:
        cmd += ['-ex', s]
    p = run(*cmd)
    for want in (r'pc=7c00\b', r'0x7dfe:\s+0x55\s+0xaa', r'step=7c05\b', r'rbx=1234\b'):
        need(re.search(want, p.stdout), f'no {want} from gdb:\n{p.stdout[-1500:]}{p.stderr[-500:]}')
    hello(m)  # and it runs on


@guest(90, tiny(clock='insns', **{'no-reboot': True}))
def insns_clock_boots(m):
    """--clock insns boots and powers off; that runs repeat exactly is test_machine's part."""
    exit_with(m, 'p', 0)


def refused(*args):
    """What lodge run says when it refuses; its status must be 1 or 2 and quick."""
    p = run(lodge_program(), 'run', *args)
    need(p.returncode in (1, 2), f'{args}: exit status {p.returncode}')
    lines = p.stderr.strip().split('\n')
    need(len(lines) == 1 and lines[0].startswith('lodge'), f'{args}: not one line: {p.stderr!r}')
    return lines[0]


@guest(90, tiny())
def bad_input_is_explained(m):
    """Wrong files, sizes and names get one clear line each."""
    junk = os.path.join(m.dir, 'junk.img')
    with open(junk, 'wb') as f:
        f.write(b'x' * 1000)
    cases = [((os.path.join(m.dir, 'none.img'),), 'none.img'),
             (('--floppy', junk), 'junk.img'),
             (('--cdrom', junk), 'junk.img'),
             (('--memory', '900T'), '900T|memory'),
             (('--memory', 'lots'), 'lots'),
             (('--cpus', '0'), 'cpus'),
             (('--cpu-model', 'pentium33'), 'pentium3'),
             (('--disply', 'none'), 'display'),
             (('--kernel', os.path.join(m.dir, 'nokernel')), 'nokernel'),
             (('--bios', os.path.join(m.dir, 'nobios')), 'nobios')]
    for args, want in cases:
        line = refused(*args)
        need(re.search(want, line), f'{args}: {line!r} does not say {want}')
    with open(junk, 'rb') as f:
        need(f.read() == b'x' * 1000, 'a refused image was changed')
