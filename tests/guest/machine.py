# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one virtual machine and talks to it: serial line, monitor, screen.

Works with Lodge and, to try a test out, with QEMU.  Only the process started here
is ever ended.
"""
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import tty

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEEP = 1 << 20  # bytes of output that a pattern is looked for in


class GuestError(Exception):
    """The guest did not do what was expected of it."""


def lodge_program():
    return os.path.join(TOP, os.environ.get('LODGE_BUILD', 'build'), 'lodge')


def lodge_command(opts, monitor):
    opts = {'display': 'none', **opts}
    cmd = [lodge_program(), 'run']
    for key, value in opts.items():
        for v in value if isinstance(value, list) else [value]:
            if v is True:
                cmd += [f'--{key}']
            elif v not in (None, False):
                cmd += [f'--{key}', str(v)]
    return cmd + ['--serial', 'stdio', '--monitor', f'unix:{monitor}']


QEMU_MODELS = {None: 'max', '486': '486', 'pentium3': 'pentium3', 'x86-64-v2': 'Nehalem',
               'x86-64-v3': 'max'}


def qemu_command(opts, monitor):
    cmd = ['qemu-system-x86_64', '-accel', 'tcg', '-display', 'none', '-serial', 'stdio',
           '-monitor', f'unix:{monitor},server,nowait', '-net', 'none',
           '-cpu', opts.get('qemu-cpu') or QEMU_MODELS[opts.get('cpu-model')],
           '-m', str(opts.get('memory', '256M')), '-smp', str(opts.get('cpus', 1))]
    for key in ('kernel', 'initrd', 'append', 'bios'):
        if opts.get(key):
            cmd += [f'-{key}', opts[key]]
    drives = {'disk': 'if=ide,snapshot=on', 'cdrom': 'if=ide,media=cdrom',
              'floppy': 'if=floppy,snapshot=on'}
    for key, how in drives.items():
        if opts.get(key):
            cmd += ['-drive', f'format=raw,file={opts[key]},{how}']
    if opts.get('boot'):
        cmd += ['-boot', f"order={opts['boot'].replace(',', '')}"]
    if opts.get('no-reboot'):
        cmd += ['-no-reboot']
    return cmd


class Machine:
    """opts: the long options of lodge run without their dashes."""

    def __init__(self, name, opts, limit_s, log_dir, qemu=False):
        self.qemu = qemu
        self.name = name
        self.deadline = time.monotonic() + limit_s
        self.dir = tempfile.mkdtemp(prefix='lodge-test-')
        # "@dir@" in an option's value is a folder of the machine's own.
        self.opts = opts = {k: v.replace('@dir@', self.dir) if isinstance(v, str) else v
                            for k, v in opts.items()}
        self.monitor_path = os.path.join(self.dir, 'monitor')
        self.monitor = None
        self.output = b''
        self.pos = 0  # where the next expect() begins
        os.makedirs(log_dir, exist_ok=True)
        self.log = open(os.path.join(log_dir, f'{name}.log'), 'wb', buffering=0)
        self.started = time.monotonic()
        cmd = (qemu_command if qemu else lodge_command)(opts, self.monitor_path)
        self.log.write((' '.join(cmd) + '\n').encode())
        # A terminal of its own, raw: what is sent must not come back as an echo.
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.child = subprocess.Popen(cmd, stdin=slave, stdout=slave, stderr=self.log,
                                      start_new_session=True)
        os.close(slave)

    def close(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self.monitor:
            self.monitor.close()
        os.close(self.master)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def seconds(self):
        return time.monotonic() - self.started

    def fail(self, text):
        tail = self.output[-1500:].decode(errors='replace')
        tail = re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]', '', tail).replace('\r', '')
        raise GuestError(f'{text} after {self.seconds():.0f} s; the end of its output:\n{tail}')

    # --- serial line ---

    def pump(self, timeout):
        """Takes in output for at most `timeout` seconds; False at its end."""
        ready, _, _ = select.select([self.master], [], [], max(0, timeout))
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: no more writers
            data = b''
        if not data:
            return False
        self.log.write(data)
        self.output += data
        if len(self.output) > 2 * KEEP:
            cut = len(self.output) - KEEP
            self.output = self.output[cut:]
            self.pos = max(0, self.pos - cut)
        return True

    def expect(self, pattern, within=None):
        """Waits for a regular expression in what has come since the last one."""
        regex = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.S)
        end = self.deadline
        if within:
            end = min(end, time.monotonic() + within)
        while True:
            m = regex.search(self.output, self.pos)
            if m:
                self.pos = m.end()
                return m
            left = end - time.monotonic()
            if left <= 0:
                self.fail(f'no {pattern!r}')
            if not self.pump(min(left, 1)):
                status = self.child.wait()
                m = regex.search(self.output, self.pos)
                if m:
                    return m
                self.fail(f'ended with status {status} before {pattern!r}')

    def send(self, text):
        data = text.encode()
        while data:
            # Slowly enough for a 16-byte UART FIFO behind a busy guest.
            n = os.write(self.master, data[:16])
            data = data[n:]
            self.pump(0.02)

    def command(self, text, pattern, within=None):
        """Types a shell command and waits for a pattern in its output."""
        self.send(text + '\n')
        return self.expect(pattern, within)

    def wait_exit(self, within=60):
        """Exit status, taking in the last output."""
        end = min(self.deadline, time.monotonic() + within)
        while self.child.poll() is None and time.monotonic() < end:
            if not self.pump(0.2):
                time.sleep(0.05)
        if self.child.poll() is None:
            self.fail('did not end')
        return self.child.returncode

    # --- monitor and screen ---

    def ask(self, line, quiet=0.3):
        """The monitor's answer to one line."""
        while not self.monitor:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.monitor_path)
                self.monitor = s
            except OSError:
                s.close()
                if time.monotonic() > self.deadline or self.child.poll() is not None:
                    self.fail('no monitor')
                self.pump(0.1)
        self.read_monitor(quiet)
        self.monitor.sendall(line.encode() + b'\n')
        return self.read_monitor(quiet)

    def read_monitor(self, quiet):
        out = b''
        while select.select([self.monitor], [], [], quiet)[0]:
            data = self.monitor.recv(65536)
            if not data:
                break
            out += data
        return out.decode(errors='replace')

    def screen(self):
        """The text on the screen."""
        if not self.qemu:
            return self.ask('text')
        cells = re.findall(r'0x([0-9a-f]{4})\b', self.ask('xp /2000hx 0xb8000', 1))
        chars = ''.join(chr(int(c, 16) & 0xff) for c in cells)
        return '\n'.join(chars[i:i + 80].rstrip() for i in range(0, len(chars), 80))

    def expect_screen(self, pattern, within=None):
        end = self.deadline
        if within:
            end = min(end, time.monotonic() + within)
        text = ''
        while time.monotonic() < end and self.child.poll() is None:
            text = self.screen()
            m = re.search(pattern, text)
            if m:
                self.log.write(f'\n[screen]\n{text}\n'.encode())
                return m
            self.pump(0.5)
        self.fail(f'no {pattern!r} on the screen, which shows:\n{text}\n')

    def keys(self, *names):
        for name in names:
            self.ask(f'sendkey {name}', 0.1)

    def type(self, text):
        """Letters, digits and a few signs on the keyboard."""
        if not self.qemu:
            self.ask('type ' + text.replace('\n', '\\n'))
            return
        signs = {' ': 'spc', '\n': 'ret', '-': 'minus', '/': 'slash', '.': 'dot', '=': 'equal'}
        self.keys(*[signs.get(c, c) for c in text])
