#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fetches real systems to boot from Debian's packages into the cache folder.

usage: tools/fetch_guest.py [NAME...]     (no name: lists them)

The cache is .cache/ or $LODGE_CACHE.  What is there is used without any network.
Packages come from the sources that this host's apt is configured with, through a
private state folder when the host's own package lists do not help: nothing is
installed, no root is needed, and i386 packages need no foreign architecture.
"""
import fnmatch
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.environ.get('LODGE_CACHE') or os.path.join(TOP, '.cache')

DI = './usr/lib/debian-installer/images/12/{0}/text/debian-installer/{0}/'
DRIVERS = ('ata_piix', 'libata', 'scsi_mod', 'scsi_common', 'sd_mod', 'sr_mod', 'cdrom', 'ext4',
           'jbd2', 'mbcache', 'crc16', 'crc32c_generic', 'libcrc32c', 'crc-t10dif',
           'crct10dif_common', 'crct10dif_generic', 'crc64-rocksoft', 'crc64', 't10-pi', 'isofs',
           'ata_generic', 'crc64-rocksoft-generic')

# name: (package, architecture, {pattern of the path in the package: file in the cache;
# ending in /: the folder that keeps the file's own name})
GUESTS = {
    'installer-i386': ('debian-installer-12-netboot-i386', 'amd64', {
        DI.format('i386') + 'linux': 'linux', DI.format('i386') + 'initrd.gz': 'initrd.gz'}),
    'installer-amd64': ('debian-installer-12-netboot-amd64', 'amd64', {
        DI.format('amd64') + 'linux': 'linux', DI.format('amd64') + 'initrd.gz': 'initrd.gz'}),
    'kernel-amd64': ('linux-image-amd64', 'amd64', {
        './boot/vmlinuz-*': 'vmlinuz',
        **{f'./lib/modules/*/{m}.ko': 'modules/' for m in DRIVERS}}),
    'kernel-i386': ('linux-image-686', 'i386', {
        './boot/vmlinuz-*': 'vmlinuz',
        **{f'./lib/modules/*/{m}.ko': 'modules/' for m in DRIVERS}}),
    'busybox-amd64': ('busybox-static', 'amd64', {'./bin/busybox': 'busybox'}),
    'busybox-i386': ('busybox-static', 'i386', {'./bin/busybox': 'busybox'}),
    'grub-rescue': ('grub-rescue-pc', 'amd64', {
        './usr/lib/grub-rescue/grub-rescue-floppy.img': 'floppy.img',
        './usr/lib/grub-rescue/grub-rescue-cdrom.iso': 'cdrom.iso'}),
    'grub-firmware': ('grub-firmware-qemu', 'amd64', {'./usr/share/qemu/grub.bin': 'grub.bin'}),
    'memtest': ('memtest86+', 'amd64', {
        './boot/memtest86+*.bin': './', './usr/lib/memtest86+/*.iso': './'}),
    'xen': ('xen-hypervisor-4.17-amd64', 'amd64', {'./boot/xen-4.17-amd64.gz': 'xen.gz'}),
    'syslinux': ('syslinux', 'amd64', {'./usr/bin/syslinux': 'syslinux'}),
    'syslinux-modules': ('syslinux-common', 'amd64', {
        './usr/lib/syslinux/modules/bios/*.c32': './'}),
}


class FetchError(Exception):
    """Says what to do; nothing is left behind in the cache."""


def say(text):
    print(f'fetch: {text}', file=sys.stderr, flush=True)


class Apt:
    """apt-get for one architecture: first with the host's lists, then with our own."""

    def __init__(self, arch):
        self.arch = arch
        self.private = False
        self.folder = os.path.join(CACHE, 'apt', arch)

    def options(self):
        opts = ['-q', '-o', 'APT::Sandbox::User=root', '-o', 'Dpkg::Use-Pty=0',
                '-o', 'Acquire::Retries=3']
        if self.private:
            state, cache = (os.path.join(self.folder, d) for d in ('state', 'cache'))
            for d in (f'{state}/lists/partial', f'{cache}/archives/partial'):
                os.makedirs(d, exist_ok=True)
            status = os.path.join(self.folder, 'status')
            with open(status, 'a', encoding='utf-8'):
                pass
            opts += ['-o', f'APT::Architecture={self.arch}', '-o',
                     f'APT::Architectures={self.arch}', '-o', f'Dir::State={state}',
                     '-o', f'Dir::State::status={status}', '-o', f'Dir::Cache={cache}']
        return opts

    def run(self, cwd, *args):
        return subprocess.run(['apt-get', *self.options(), *args], cwd=cwd, check=False,
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def native(self):
        p = subprocess.run(['dpkg', '--print-architecture'], capture_output=True, text=True,
                           check=False)
        return p.stdout.strip() == self.arch

    def download(self, package, folder):
        """Path of the package's file in `folder`."""
        if not shutil.which('apt-get') or not shutil.which('dpkg-deb'):
            raise FetchError('apt-get and dpkg-deb are needed: guests come from Debian packages')
        before = set(os.listdir(folder))
        attempts = ([] if self.private or not self.native() else [False]) + [True]
        out = ''
        for self.private in attempts:
            if self.private:
                say(f'reading the package lists for {self.arch}')
                out = self.run(folder, 'update').stdout
            p = self.run(folder, 'download', package)
            new = [f for f in os.listdir(folder) if f.endswith('.deb') and f not in before]
            if p.returncode == 0 and new:
                return os.path.join(folder, new[0])
            out += p.stdout
        raise FetchError(f"cannot download the package '{package}' ({self.arch}):\n"
                         + '\n'.join(out.strip().split('\n')[-6:]))


def depends(deb):
    p = subprocess.run(['dpkg-deb', '-f', deb, 'Depends'], check=True, capture_output=True,
                       text=True)
    return [d.split()[0] for d in p.stdout.split(',') if d.strip()]


def unpack(deb, wanted, folder):
    """Copies the wanted files; returns the patterns that matched nothing."""
    unseen = set(wanted)
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', deb], stdout=subprocess.PIPE) as p:
        with tarfile.open(fileobj=p.stdout, mode='r|') as tar:
            for member in tar:
                for pattern in wanted if member.isfile() else ():
                    if not fnmatch.fnmatchcase(member.name, pattern):
                        continue
                    unseen.discard(pattern)
                    to = wanted[pattern]
                    if to.endswith('/'):
                        to += os.path.basename(member.name)
                    path = os.path.join(folder, to)
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, 'wb') as f:
                        shutil.copyfileobj(tar.extractfile(member), f)
                    os.chmod(path, 0o755 if member.mode & 0o111 else 0o644)
                    break
    return unseen


def fetch(name):
    """Folder with the files of a guest, from the cache or the network."""
    folder = os.path.join(CACHE, 'guests', name)
    if os.path.isdir(folder):
        return folder
    package, arch, wanted = GUESTS[name]
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder), prefix='.new-') as tmp:
        say(f'downloading {package} ({arch})')
        apt = Apt(arch)
        deb = apt.download(package, tmp)
        if package.startswith('linux-image-'):  # a name that follows the newest kernel
            deb = apt.download(next(d for d in depends(deb) if d.startswith(package[:12])), tmp)
        out = os.path.join(tmp, 'out')
        os.mkdir(out)
        with open(os.path.join(out, 'origin'), 'w', encoding='utf-8') as f:
            f.write(os.path.basename(deb) + '\n')
        missing = unpack(deb, wanted, out)
        if any('/modules/' not in m for m in missing):  # a driver may be built in
            raise FetchError(f'{os.path.basename(deb)} lacks {sorted(missing)}')
        try:
            os.rename(out, folder)
        except OSError:
            if not os.path.isdir(folder):  # else another process was faster
                raise
    return folder


def main():
    names = sys.argv[1:]
    if not names:
        for name, (package, arch, _) in GUESTS.items():
            print(f'{name:18} {package} ({arch})')
        return 0
    for name in names:
        if name not in GUESTS:
            say(f"no guest '{name}'; without arguments this script lists them")
            return 2
        try:
            print(fetch(name))
        except FetchError as e:
            say(str(e))
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
