/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/media.h"

#include "base/bits.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SECTOR         512u
#define CD_SECTOR      2048u
#define FLOPPY_MIN     (160 * KIB)
#define FLOPPY_MAX     (2880 * KIB + 512 * KIB)
#define ISO_DESCRIPTOR (16 * CD_SECTOR)

/* ---- what a file is not ---- */

struct magic {
	const char *bytes;
	uint8_t len;
	int64_t off; /* negative: from the end */
	const char *what;
	bool compressed;
};

static const struct magic magics[] = {
	{ "QFI\xfb", 4, 0, "qcow2", false },
	{ "conectix", 8, 0, "VHD", false },
	{ "conectix", 8, -512, "VHD", false },
	{ "vhdxfile", 8, 0, "VHDX", false },
	{ "KDMV", 4, 0, "VMDK", false },
	{ "COWD", 4, 0, "VMDK", false },
	{ "# Disk DescriptorFile", 21, 0, "VMDK", false },
	{ "\x7f\x10\xda\xbe", 4, 0x40, "VDI", false },
	{ "QED\0", 4, 0, "QED", false },
	{ "Bochs Virtual HD Image", 22, 0, "Bochs growing image", false },
	{ "\x1f\x8b\x08", 3, 0, "gzip", true },
	{ "BZh", 3, 0, "bzip2", true },
	{ "\xfd"
	  "7zXZ\0",
	    6, 0, "xz", true },
	{ "\x28\xb5\x2f\xfd", 4, 0, "zstd", true },
	{ "PK\x03\x04", 4, 0, "zip", true },
	{ "7z\xbc\xaf\x27\x1c", 6, 0, "7z", true },
};

static const struct magic *
sniff(int fd, uint64_t size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *m = &magics[i];
		uint64_t off = m->off < 0 ? size + (uint64_t)m->off : (uint64_t)m->off;
		char b[32];

		if (size < SECTOR || off + m->len > size)
			continue;
		if (pread(fd, b, m->len, (off_t)off) == m->len && !memcmp(b, m->bytes, m->len))
			return m;
	}
	return NULL;
}

static int
check_format(int fd, const char *path, uint64_t size, struct err *e)
{
	const struct magic *m = sniff(fd, size);

	if (!m)
		return 0;
	if (m->compressed)
		return err_set(
		    e, EINVAL, "'%s' is compressed (%s): unpack it first", path, m->what);
	return err_set(e, EINVAL,
	    "'%s': format %s is not supported yet; make a raw image: qemu-img convert -O raw '%s' "
	    "disk.img",
	    path, m->what, path);
}

static bool
has_text_at(int fd, uint64_t off, const char *text)
{
	char b[8];
	size_t n = strlen(text);

	return pread(fd, b, n, (off_t)off) == (ssize_t)n && !memcmp(b, text, n);
}

static int
check_cd(int fd, const char *path, uint64_t size, struct err *e)
{
	static const char *const ids[] = { "CD001", "BEA01", "NSR02", "NSR03" };

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		for (unsigned s = 0; s < 4; s++)
			if (has_text_at(fd, ISO_DESCRIPTOR + s * CD_SECTOR + 1, ids[i]))
				return 0;
	if (has_text_at(fd, 1024, "BD") || has_text_at(fd, 1024, "H+"))
		return 0; /* a Macintosh CD */
	return err_set(e, EINVAL,
	    "'%s' is not a CD image: no ISO 9660 or UDF file system in it; for a disk use --disk",
	    path);
}

static int
check_floppy(const char *path, uint64_t size, struct err *e)
{
	if (size >= FLOPPY_MIN && size <= FLOPPY_MAX)
		return 0;
	return err_set(e, EINVAL,
	    "'%s' has %llu bytes, no size of a floppy (160K to 2.88M); a smaller boot image can be "
	    "made "
	    "longer: truncate -s 1440K",
	    path, (unsigned long long)size);
}

static int
check_image(int fd, const char *path, enum opt_media kind, uint64_t size, struct err *e)
{
	int r;

	if (size == 0)
		return err_set(e, EINVAL, "'%s' is empty", path);
	r = check_format(fd, path, size, e);
	if (r < 0)
		return r;
	if (kind == OPT_CDROM)
		return check_cd(fd, path, size, e);
	if (size % SECTOR)
		return err_set(e, EINVAL,
		    "'%s' has %llu bytes, not a whole number of %u-byte sectors: not a disk image",
		    path, (unsigned long long)size, SECTOR);
	if (kind == OPT_FLOPPY)
		return check_floppy(path, size, e);
	return 0;
}

/* ---- opening ---- */

static int
file_size(int fd, const char *path, bool device_ok, uint64_t *ret_size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "cannot look at '%s': %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "'%s' is a directory: name a file", path);
	if (S_ISREG(st.st_mode)) {
		*ret_size = (uint64_t)st.st_size;
		return 0;
	}
	if (!device_ok || !S_ISBLK(st.st_mode))
		return err_set(e, EINVAL, "'%s' is neither a file nor a block device", path);
	if (ioctl(fd, BLKGETSIZE64, ret_size) < 0)
		return err_set(e, errno, "cannot tell the size of '%s': %s", path, strerror(errno));
	return 0;
}

/* Open file description locks: they stay with the descriptor that lodge-vm gets. */
static int
lock_image(int fd, const char *path, bool read_only, struct err *e)
{
	struct flock l = { .l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(e, EBUSY, "'%s' is in use by another machine%s", path,
		    read_only ? " that writes to it"
			      : ": stop that one, or add --snapshot to both");
	if (errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP)
		return 0; /* a file system without locks */
	return err_set(e, errno, "cannot lock '%s': %s", path, strerror(errno));
}

static int
open_overlay(int *ret_fd, struct err *e)
{
	const char *dirs[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };

	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++) {
		int fd;

		if (!dirs[i] || !*dirs[i])
			continue;
		fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fd < 0) { /* a file system that does not know it */
			char path[512];

			if (snprintf(path, sizeof(path), "%s/lodge-XXXXXX", dirs[i]) >=
			    (int)sizeof(path))
				continue;
			fd = mkostemp(path, O_CLOEXEC);
			if (fd >= 0)
				unlink(path);
		}
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
	}
	return err_set(e, errno,
	    "--snapshot: cannot make a temporary file in $TMPDIR or /var/tmp: %s", strerror(errno));
}

/* Sets m->fd; a floppy that cannot be written becomes a read-only one, as with its tab moved. */
static int
open_medium(struct media *m, const char *path, bool reads, bool floppy, struct err *e)
{
	const int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int why;

	m->fd = open(path, (reads ? O_RDONLY : O_RDWR) | flags);
	if (m->fd >= 0)
		return 0;
	why = errno;
	if (!reads && (why == EACCES || why == EROFS || why == EPERM)) {
		m->fd = open(path, O_RDONLY | flags);
		m->read_only = floppy;
		if (m->fd >= 0 && !floppy)
			return err_set(e, why,
			    "cannot write to '%s': %s; add --snapshot to use it all the same", path,
			    strerror(why));
		if (m->fd >= 0)
			return 0;
	}
	if (why == EISDIR)
		return err_set(e, why, "'%s' is a directory: name an image file", path);
	return err_set(e, why, "cannot open '%s': %s", path, strerror(why));
}

int
media_open(struct media *ret_m, const char *path, enum opt_media kind, bool snapshot, struct err *e)
{
	struct media m = { .fd = -1, .overlay_fd = -1, .read_only = kind == OPT_CDROM };
	int r = open_medium(&m, path, m.read_only || snapshot, kind == OPT_FLOPPY, e);

	if (r == 0)
		r = file_size(m.fd, path, true, &m.size, e);
	if (r == 0)
		r = check_image(m.fd, path, kind, m.size, e);
	if (r == 0)
		r = lock_image(m.fd, path, m.read_only || snapshot, e);
	if (r == 0 && snapshot && kind != OPT_CDROM)
		r = open_overlay(&m.overlay_fd, e);
	if (r < 0) {
		media_close(&m);
		return r;
	}
	*ret_m = m;
	return 0;
}

void
media_close(struct media *m)
{
	if (m->fd >= 0)
		close(m->fd);
	if (m->overlay_fd >= 0)
		close(m->overlay_fd);
	m->fd = m->overlay_fd = -1;
}

int
media_open_file(
    int *ret_fd, const char *path, const char *what, uint64_t min, uint64_t max, struct err *e)
{
	uint64_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;

	if (fd < 0)
		return err_set(e, errno, "cannot open %s '%s': %s", what, path, strerror(errno));
	r = file_size(fd, path, false, &size, e);
	if (r == 0 && size == 0)
		r = err_set(e, EINVAL, "%s '%s' is empty", what, path);
	else if (r == 0 && (size < min || size > max))
		r = err_set(e, EINVAL, "%s '%s' has a wrong size: %llu bytes, not %llu to %llu",
		    what, path, (unsigned long long)size, (unsigned long long)min,
		    (unsigned long long)max);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int
media_create_file(int *ret_fd, const char *path, const char *what, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);

	if (fd < 0)
		return err_set(e, errno, "cannot write %s '%s': %s", what, path, strerror(errno));
	*ret_fd = fd;
	return 0;
}

/* ---- sockets ---- */

/* Nobody answers on it: left over from a machine that was killed. */
static bool
is_stale(const struct sockaddr_un *a)
{
	struct stat st;
	bool refused;
	int fd;

	if (lstat(a->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

int
media_listen_unix(int *ret_fd, const char *path, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, r;

	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(e, ENAMETOOLONG, "socket name '%s' is longer than %zu characters",
		    path, sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, errno, "cannot make a socket: %s", strerror(errno));
	old = umask(0077); /* a console is as good as the machine itself */
	r = bind(fd, (struct sockaddr *)&a, sizeof(a));
	if (r < 0 && errno == EADDRINUSE && is_stale(&a) && unlink(path) == 0)
		r = bind(fd, (struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (r < 0 || listen(fd, 4) < 0) {
		int why = errno;

		close(fd);
		if (why == EADDRINUSE)
			return err_set(e, why, "socket '%s' is in use or is some other file", path);
		return err_set(e, why, "cannot listen on '%s': %s", path, strerror(why));
	}
	*ret_fd = fd;
	return 0;
}

int
media_listen_tcp(int *ret_fd, uint16_t *port, uint16_t first, struct err *e)
{
	unsigned from = *port ? *port : first, to = *port ? *port : first + 99u;

	for (unsigned p = from; p <= to; p++) {
		struct sockaddr_in a = {
			.sin_family = AF_INET,
			.sin_port = htons((uint16_t)p),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

		if (fd < 0)
			return err_set(e, errno, "cannot make a socket: %s", strerror(errno));
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 4) == 0) {
			*ret_fd = fd;
			*port = (uint16_t)p;
			return 0;
		}
		close(fd);
		if (errno != EADDRINUSE)
			break;
	}
	return err_set(
	    e, errno, "cannot listen on port %u of 127.0.0.1: %s", from, strerror(errno));
}
