# SPDX-License-Identifier: GPL-2.0-or-later
"""The real systems that the suite boots; where each comes from: docs/testing.md.

A guest is its options for lodge run (made when it is needed, so that nothing is
fetched for a test that does not run) and a script that talks to the machine.
"""
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tools'))
import fetch_guest  # noqa: E402  (the path comes first)
from fetch_guest import CACHE, FetchError, fetch  # noqa: E402
from machine import GuestError  # noqa: E402

GUESTS = []
MAKING = threading.RLock()  # guests run in threads and may want the same file


def guest(limit_s, options, long=False, **more):
    """Registers a script under its name; options: a function giving a dict."""
    def add(script):
        GUESTS.append({'name': script.__name__.replace('_', '-'), 'script': script, 'long': long,
                       'limit_s': limit_s, 'options': options, 'cpus': more.get('cpus', 1),
                       'doc': script.__doc__})
        return script
    return add


def file_of(name, path):
    with MAKING:
        return os.path.join(fetch(name), path)


def make_disk(kind, arch, *more):
    script = os.path.join(os.path.dirname(fetch_guest.__file__), 'make_disk.py')
    with MAKING:
        p = subprocess.run([sys.executable, script, f'--kind={kind}', f'--arch={arch}', *more],
                           capture_output=True, text=True, check=False)
    if p.returncode:
        raise FetchError(p.stderr.strip())
    return p.stdout.strip()


def installer(arch, **more):
    """The Debian installer's kernel and initrd, with a shell instead of the installer."""
    return lambda: {'kernel': file_of(f'installer-{arch}', 'linux'),
                    'initrd': file_of(f'installer-{arch}', 'initrd.gz'),
                    'append': 'console=ttyS0,115200 rdinit=/bin/sh', 'memory': '512M',
                    'no-reboot': True, **more}


# --- steps that several scripts share ---

def check_clock(m):
    """The guest's date is the host's, and runs as fast as it."""
    # The answer is told from the echo of the command by its digits.
    def stamp():
        g = int(m.command('echo date=$(date +%s)', r'date=(\d+)\r').group(1))
        return g - time.time()
    first = stamp()
    if not -6 < first < 6:
        raise GuestError(f'the guest is {first:.1f} s from the host\'s date')
    m.command('n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done; echo n=$n', 'n=20000')
    drift = stamp() - first
    if not -2.5 < drift < 2.5:
        raise GuestError(f'the guest\'s clock went off by {drift:.1f} s under load')


def shell_works(m, machine, cpus=1):
    m.expect(r'~ # ')
    m.command('mount -t proc proc /proc; uname -m', machine)
    m.command("echo cpus=$(grep -c ^processor /proc/cpuinfo)", f'cpus={cpus}\\b')
    m.command('echo sum=$((6 * 7))', 'sum=42')
    m.command('dmesg | grep -iE "segfault|oops|BUG:|traps:|general prot" ; echo checked=$?',
              'checked=1')


def power_off(m, command='poweroff -f'):
    m.send(command + '\n')
    status = m.wait_exit()
    if status:
        raise GuestError(f'exit status {status} after {command}, not 0')


# --- make test ---

@guest(420, installer('i386'))
def installer_i386(m):
    """Debian installer, 32-bit kernel, to a shell."""
    shell_works(m, 'i686')
    check_clock(m)
    power_off(m)


@guest(420, installer('amd64', memory='768M'))
def installer_amd64(m):
    """Debian installer, 64-bit kernel, to a shell."""
    shell_works(m, 'x86_64')
    check_clock(m)
    power_off(m)


@guest(600, installer('amd64', memory='768M', cpus=2), cpus=2)
def installer_amd64_smp(m):
    """The same with two processors, both of which work."""
    shell_works(m, 'x86_64', 2)
    m.command('for c in 0 1; do (n=0; while [ $n -lt 3000 ]; do n=$((n+1)); done; '
              'echo end=$n) & done; wait; echo all=$((1+1))', r'end=3000.*end=3000.*all=2')
    power_off(m)


@guest(420, lambda: {'disk': make_disk('busybox', 'amd64'), 'memory': '256M', 'snapshot': True,
                     'no-reboot': True})
def disk_grub(m):
    """SeaBIOS, GRUB in the MBR, ext4 on an IDE disk, Debian's kernel, busybox."""
    m.expect('GNU GRUB')
    m.expect('Welcome to Debian on Lodge')
    m.expect(r'lodge:')
    m.command('echo root=$(grep -c "/dev/sda1 / ext4" /proc/mounts)', 'root=1')
    m.command('dd if=/dev/urandom of=/root/x bs=64k count=32 2>/dev/null; sync; md5sum /root/x '
              '> /root/s; echo 3 > /proc/sys/vm/drop_caches; md5sum -c /root/s', 'x: OK')
    check_clock(m)
    power_off(m, 'poweroff')


# --- make test-all ---

@guest(420, lambda: {'disk': make_disk('busybox', 'i386'), 'memory': '128M', 'snapshot': True,
                     'cpu-model': 'pentium3', 'no-reboot': True}, long=True)
def disk_grub_pentium3(m):
    """The same disk with a 32-bit kernel on an older processor."""
    m.expect('Welcome to Debian on Lodge')
    m.command('uname -m', 'i686')
    power_off(m, 'poweroff')


@guest(900, lambda: {'disk': make_disk('debian', 'amd64'), 'memory': '512M', 'snapshot': True,
                     'no-reboot': True}, long=True)
def debian_systemd(m):
    """A minimal Debian by debootstrap: systemd to a login on the serial line."""
    m.expect('login: ')
    m.send('root\n')
    m.expect(r'# ')
    m.command('systemctl is-system-running --wait; echo st=$((1+1))', 'st=2', 300)
    power_off(m, 'systemctl poweroff')


@guest(180, lambda: {'floppy': file_of('grub-rescue', 'floppy.img'), 'memory': '64M',
                     'boot': 'a', 'snapshot': True}, long=True)
def grub_floppy(m):
    """GRUB from a floppy: prompt on the screen, and it finds its floppy."""
    m.expect_screen(r'GNU GRUB\s+version 2\.06')
    m.type('c')
    m.expect_screen('grub>')
    m.type('ls\n')
    m.expect_screen(r'\(fd0\)')


@guest(180, lambda: {'cdrom': file_of('grub-rescue', 'cdrom.iso'), 'memory': '64M', 'boot': 'd'},
       long=True)
def grub_cd(m):
    """GRUB from a CD (El Torito): it reads its own ISO 9660 file system."""
    m.expect_screen(r'GNU GRUB\s+version 2\.06')
    m.type('c')
    m.expect_screen('grub>')
    m.type('ls /\n')
    m.expect_screen(r'boot/')


def memtest(bits, **more):
    return lambda: {'kernel': file_of('memtest', f'memtest86+{bits}.bin'),
                    'append': 'console=ttyS0,115200', 'memory': '16M', **more}


@guest(1500, memtest('ia32', **{'cpu-model': 'pentium3'}), long=True)
def memtest_ia32(m):
    """memtest86+ for 32 bits: a whole pass without errors."""
    m.expect(r'Pass: +1 +Errors: 0')


@guest(1500, memtest('x64'), long=True)
def memtest_x64(m):
    """memtest86+ for 64 bits: a whole pass without errors."""
    m.expect(r'Pass: +1 +Errors: 0')


@guest(120, lambda: {'bios': file_of('grub-firmware', 'grub.bin'), 'memory': '64M'}, long=True)
def grub_firmware(m):
    """GRUB as the machine's firmware: a ROM that is not SeaBIOS."""
    m.expect_screen(r'GRUB|grub')


@guest(180, lambda: {'kernel': xen_elf(), 'append': 'console=com1 com1=115200,8n1',
                     'memory': '256M', 'no-reboot': True}, long=True)
def xen(m):
    """Xen by multiboot: it starts and misses its first domain."""
    m.expect(r'Xen version 4\.17')
    m.expect('dom0 kernel not specified')


@guest(180, lambda: {'floppy': syslinux_floppy(), 'memory': '64M', 'boot': 'a',
                     'snapshot': True}, long=True)
def syslinux(m):
    """A FAT floppy with SYSLINUX, which loads a module and reads keys over serial."""
    m.expect('SYSLINUX')
    m.expect('boot: ')
    m.send('ls\r')
    m.expect('ldlinux.sys|LDLINUX.SYS|syslinux.cfg')


def made(name, make):
    """A file made once into the cache by make(path)."""
    path = os.path.join(CACHE, 'disks', name)
    with MAKING:
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            new = f'{path}.new-{os.getpid()}'
            make(new)
            os.rename(new, path)
    return path


def xen_elf():
    def make(path):
        import gzip
        with gzip.open(file_of('xen', 'xen.gz')) as f, open(path, 'wb') as out:
            out.write(f.read())
    return made('xen', make)


def run_tool(*cmd):
    try:
        p = subprocess.run(cmd, capture_output=True, text=True, check=False)
    except FileNotFoundError as e:
        raise FetchError(str(e)) from e
    if p.returncode:
        raise FetchError(f'{cmd[0]}: {p.stderr.strip()}')


def syslinux_floppy():
    def make(path):
        run_tool('mformat', '-C', '-f', '1440', '-v', 'LODGE', '-i', path, '::')
        cfg = path + '.cfg'
        with open(cfg, 'w', encoding='utf-8') as f:
            f.write('SERIAL 0 115200\nPROMPT 1\nTIMEOUT 0\nLABEL x\nKERNEL x\n')
        run_tool('mcopy', '-i', path, cfg, '::syslinux.cfg')
        for c32 in ('ls.c32', 'libcom32.c32', 'libutil.c32'):
            run_tool('mcopy', '-i', path, file_of('syslinux-modules', c32), f'::{c32}')
        os.unlink(cfg)
        run_tool(file_of('syslinux', 'syslinux'), '--install', path)
    return made('syslinux.img', make)
