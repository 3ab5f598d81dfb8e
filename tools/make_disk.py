#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a bootable Debian hard disk image without root, loop devices or mounts.

usage: tools/make_disk.py [--kind=busybox|debian] [--arch=amd64|i386] [-o FILE]

MBR and GRUB in the gap before the only partition, which holds an ext4 file system
with Debian's kernel.  kind busybox has Debian's static busybox as its init; kind
debian is a minimal Debian with systemd (by debootstrap, which needs root).  Without
-o the disk goes to the cache and is made again only when its ingredients changed.
The path is printed on stdout, progress on stderr.
"""
import argparse
import hashlib
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile

import fetch_guest
from fetch_guest import CACHE, FetchError

SECTOR = 512
MIB = 1 << 20
PART_START = MIB  # bytes; the gap before it holds GRUB's core image
GRUB_LIB = '/usr/lib/grub/i386-pc'
GRUB_MODULES = ('biosdisk part_msdos ext2 normal linux multiboot serial terminal echo configfile '
                'test boot ls cat reboot halt minicmd search').split()
SIZE = {'busybox': 64 * MIB, 'debian': 1024 * MIB}

GRUB_CFG = '''\
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=1
set default=0
menuentry "Debian {kind}, kernel {version}" {{
	echo "Loading the kernel ..."
	linux /boot/vmlinuz root=/dev/sda1 rw console=tty0 console=ttyS0,115200 {append}
	initrd /boot/initrd.img
}}
'''

# In the initial RAM disk: loads the disk drivers, then hands over to the disk.
EARLY_INIT = '''\
#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
while read -r m; do
	busybox insmod "/modules/$m"
done </modules/order
root=/dev/sda1
for word in $(busybox cat /proc/cmdline); do
	case $word in root=*) root=${word#root=} ;; esac
done
n=0
until [ -b "$root" ]; do
	n=$((n + 1))
	if [ $n -gt 300 ]; then
		echo "no disk $root: a shell instead"
		exec busybox sh
	fi
	busybox usleep 100000
done
busybox mount -t ext4 "$root" /root || exec busybox sh
busybox mount -o move /dev /root/dev
busybox umount /proc
exec busybox switch_root /root /sbin/init
'''

INITTAB = '''\
::sysinit:/etc/rc
ttyS0::respawn:-/bin/sh
tty1::respawn:-/bin/sh
::ctrlaltdel:/bin/reboot
::shutdown:/bin/sync
::shutdown:/bin/umount -a -r
'''

RC = '''\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
hostname lodge
'''

PROFILE = r'''
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root PS1='\h:\w\$ '
cd /root
cat /etc/motd
'''

MOTD = '''
Welcome to Debian on Lodge: a real kernel, SeaBIOS and GRUB, all of it emulated.
Try: uname -a; cat /proc/cpuinfo; lspci; dmesg | less; poweroff

'''


def say(text):
    print(f'disk: {text}', file=sys.stderr, flush=True)


# --- initial RAM disk: "newc" cpio, Documentation/driver-api/early-userspace ---

class Cpio:
    def __init__(self):
        self.data = bytearray()
        self.ino = 0

    def add(self, name, mode, body=b'', rdev=(0, 0)):
        self.ino += 1
        raw = name.encode() + b'\0'
        fields = (self.ino, mode, 0, 0, 1, 0, len(body), 0, 0, *rdev, len(raw), 0)
        self.data += b'070701' + b''.join(b'%08X' % f for f in fields) + raw
        self.pad()
        self.data += body
        self.pad()

    def pad(self):
        self.data += b'\0' * (-len(self.data) % 4)

    def finish(self):
        self.add('TRAILER!!!', 0)
        return bytes(self.data)


def modinfo_depends(path):
    """Names that a module's .modinfo section says it needs."""
    with open(path, 'rb') as f:
        data = f.read()
    at = data.find(b'\0depends=')
    if at < 0:
        return []
    text = data[at + 9:data.index(b'\0', at + 9)].decode()
    return [t.replace('-', '_') for t in text.split(',') if t]


def load_order(folder, wanted):
    """File names, each after those it needs."""
    files = {f[:-3].replace('-', '_'): f for f in os.listdir(folder)}
    order = []

    def visit(name):
        if name not in files or files[name] in order:
            return
        for d in modinfo_depends(os.path.join(folder, files[name])):
            visit(d)
        order.append(files[name])

    for name in wanted:
        visit(name)
    return order


def make_initrd(kernel, busybox):
    cpio = Cpio()
    for d in ('bin', 'dev', 'proc', 'root', 'modules'):
        cpio.add(d, stat.S_IFDIR | 0o755)
    cpio.add('dev/console', stat.S_IFCHR | 0o600, rdev=(5, 1))
    with open(busybox, 'rb') as f:
        cpio.add('bin/busybox', stat.S_IFREG | 0o755, f.read())
    modules = os.path.join(kernel, 'modules')
    order = load_order(modules, ['crc32c_generic', 'crct10dif_generic', 'ata_piix', 'sd_mod',
                                 'ext4'])
    for m in order:
        with open(os.path.join(modules, m), 'rb') as f:
            cpio.add(f'modules/{m}', stat.S_IFREG | 0o644, f.read())
    cpio.add('modules/order', stat.S_IFREG | 0o644, ''.join(m + '\n' for m in order).encode())
    cpio.add('init', stat.S_IFREG | 0o755, EARLY_INIT.encode())
    return cpio.finish()


# --- the root file system ---

def write(root, path, text, mode=0o644):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'w', encoding='utf-8') as f:
        f.write(text)
    os.chmod(full, mode)


def fill_busybox(root, busybox):
    for d in ('bin', 'sbin', 'usr/bin', 'usr/sbin', 'dev', 'proc', 'sys', 'tmp', 'root', 'etc',
              'mnt', 'var'):
        os.makedirs(os.path.join(root, d), exist_ok=True)
    shutil.copy(busybox, os.path.join(root, 'bin/busybox'))
    applets = subprocess.run([busybox, '--list-full'], check=True, capture_output=True,
                             text=True).stdout.split()
    for a in applets:
        link = os.path.join(root, a)
        if not os.path.lexists(link):
            os.symlink('/bin/busybox', link)
    write(root, 'etc/inittab', INITTAB)
    write(root, 'etc/rc', RC, 0o755)
    write(root, 'etc/profile', PROFILE)
    write(root, 'etc/motd', MOTD)
    write(root, 'etc/passwd', 'root::0:0:root:/root:/bin/sh\n')
    write(root, 'etc/group', 'root:x:0:\n')


def debian_mirror():
    """(address, suite) of the Debian archive in this host's apt configuration."""
    p = subprocess.run(['apt-get', 'indextargets', '--format', '$(REPO_URI) $(RELEASE)',
                        'Created-By: Packages'], capture_output=True, text=True, check=False)
    for line in p.stdout.split('\n'):
        words = line.split()
        if len(words) == 2 and words[1] in ('bookworm', 'trixie'):
            return words
    raise FetchError("no Debian archive in this host's apt sources")


def fill_debian(root, arch, kernel, version):
    if os.geteuid():
        raise FetchError('the debian disk is made by debootstrap, which must be run as root')
    uri, suite = debian_mirror()
    say(f'debootstrap {suite} from {uri} (a minute or two)')
    log = root + '.log'
    with open(log, 'wb') as f:
        p = subprocess.run(['debootstrap', '--variant=minbase', f'--arch={arch}',
                            '--include=systemd-sysv,udev,kmod,procps,login', suite, root, uri],
                           stdout=f, stderr=f, stdin=subprocess.DEVNULL, check=False)
    if p.returncode:
        with open(log, encoding='utf-8', errors='replace') as f:
            raise FetchError('debootstrap failed:\n' + ''.join(f.readlines()[-8:]))
    os.unlink(log)
    shutil.rmtree(os.path.join(root, 'var/cache/apt/archives'), ignore_errors=True)
    shutil.rmtree(os.path.join(root, 'var/lib/apt/lists'), ignore_errors=True)
    modules = os.path.join(root, 'lib/modules', version, 'kernel')
    shutil.copytree(os.path.join(kernel, 'modules'), modules)
    subprocess.run(['chroot', root, 'depmod', version], check=False)
    write(root, 'etc/hostname', 'lodge\n')
    write(root, 'etc/fstab', '/dev/sda1 / ext4 defaults 0 1\n')
    # A root without password is for a test machine without a network.
    passwd = os.path.join(root, 'etc/passwd')
    with open(passwd, encoding='utf-8') as f:
        text = f.read()
    write(root, 'etc/passwd', text.replace('root:x:', 'root::', 1))


def make_ext4(image, root, size):
    subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', '-L', 'lodge', '-d', root,
                    '-E', 'root_owner=0:0,lazy_itable_init=0', '-O', '^metadata_csum_seed',
                    image, f'{size // 1024}k'], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if os.geteuid() == 0:
        return
    # mke2fs copies the owners it sees, and those of an ordinary user are not root.
    commands = []
    for folder, dirs, files in os.walk(root):
        for n in dirs + files:
            path = '/' + os.path.relpath(os.path.join(folder, n), root)
            commands += [f'sif {path} uid 0', f'sif {path} gid 0']
    subprocess.run(['debugfs', '-w', '-f', '-', image], input='\n'.join(commands) + '\n',
                   text=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# --- the disk ---

def grub_core(tmp):
    core = os.path.join(tmp, 'core.img')
    subprocess.run(['grub-mkimage', '-O', 'i386-pc', '-p', '(hd0,msdos1)/boot/grub', '-o', core,
                    *GRUB_MODULES], check=True)
    with open(core, 'rb') as f:
        data = bytearray(f.read())
    data += b'\0' * (-len(data) % SECTOR)
    # The first sector loads the rest; the last entry of it is where the rest lies:
    # 64-bit first sector, 16-bit count, 16-bit segment (struct
    # grub_pc_bios_boot_blocklist in GRUB's documentation of its boot images).
    struct.pack_into('<QH', data, SECTOR - 12, 2, len(data) // SECTOR - 1)
    if SECTOR + len(data) > PART_START:
        raise FetchError("GRUB's core image does not fit before the partition")
    return bytes(data)


def write_disk(path, part, size, tmp):
    core = grub_core(tmp)
    with open(os.path.join(GRUB_LIB, 'boot.img'), 'rb') as f:
        boot = bytearray(f.read()[:440])
    struct.pack_into('<Q', boot, 0x5c, 1)  # the sector where the core image starts
    first, count = PART_START // SECTOR, size // SECTOR
    # CHS fields of a partition beyond their reach hold their maximum.
    entry = struct.pack('<B3sB3sII', 0x80, b'\xfe\xff\xff', 0x83, b'\xfe\xff\xff', first, count)
    mbr = bytes(boot) + struct.pack('<IH', 0x4c6f6467, 0) + entry + bytes(48) + b'\x55\xaa'
    with open(path, 'wb') as out, open(part, 'rb') as f:
        out.write(mbr + core)
        out.truncate(PART_START + size)
        pos = PART_START
        while block := f.read(MIB):
            if block.strip(b'\0'):  # leave holes
                out.seek(pos)
                out.write(block)
            pos += len(block)


def ingredients(args):
    """Folders of kernel and busybox, and a key that changes when the disk would."""
    kernel = fetch_guest.fetch(f'kernel-{args.arch}')
    busybox = fetch_guest.fetch(f'busybox-{args.arch}')
    h = hashlib.sha256(f'{args.kind} {args.arch}'.encode())
    for path in (__file__, os.path.join(kernel, 'origin'), os.path.join(busybox, 'origin')):
        with open(path, 'rb') as f:
            h.update(f.read())
    return kernel, os.path.join(busybox, 'busybox'), h.hexdigest()


def make(args, kernel, busybox, path):
    with open(os.path.join(kernel, 'origin'), encoding='utf-8') as f:
        version = f.read().split('_')[0].replace('linux-image-', '')
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path)),
                                     prefix='.new-') as tmp:
        root = os.path.join(tmp, 'root')
        os.mkdir(root)
        os.chmod(root, 0o755)
        if args.kind == 'debian':
            fill_debian(root, args.arch, kernel, version)
        else:
            fill_busybox(root, busybox)
        os.makedirs(os.path.join(root, 'boot/grub'))
        shutil.copy(os.path.join(kernel, 'vmlinuz'), os.path.join(root, 'boot/vmlinuz'))
        with open(os.path.join(root, 'boot/initrd.img'), 'wb') as f:
            f.write(make_initrd(kernel, busybox))
        write(root, 'boot/grub/grub.cfg', GRUB_CFG.format(kind=args.kind, version=version,
                                                          append=args.append))
        size = args.size * MIB if args.size else SIZE[args.kind]
        say(f'writing a {size // MIB} MiB file system')
        part = os.path.join(tmp, 'part.img')
        make_ext4(part, root, size)
        disk = os.path.join(tmp, 'disk.img')
        write_disk(disk, part, size, tmp)
        os.rename(disk, path)


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument('--kind', choices=sorted(SIZE), default='busybox')
    ap.add_argument('--arch', choices=('amd64', 'i386'), default='amd64')
    ap.add_argument('--append', default='')
    ap.add_argument('--size', type=int, default=0, help='MiB')
    ap.add_argument('-o', dest='out')
    args = ap.parse_args()
    try:
        kernel, busybox, key = ingredients(args)
        path = args.out or os.path.join(CACHE, 'disks', f'{args.kind}-{args.arch}.img')
        stamp = path + '.key'
        if not args.out and os.path.exists(path) and os.path.exists(stamp):
            with open(stamp, encoding='utf-8') as f:
                if f.read() == key:
                    print(path)
                    return 0
        say(f'making {path}')
        make(args, kernel, busybox, path)
        if not args.out:
            with open(stamp, 'w', encoding='utf-8') as f:
                f.write(key)
    except FetchError as e:
        say(str(e))
        return 1
    except (OSError, subprocess.CalledProcessError) as e:
        say(f'failed: {e}')
        return 1
    print(path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
