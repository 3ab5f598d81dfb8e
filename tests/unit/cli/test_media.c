/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bad input: each case says one clear thing and leaves the file as it was. */
#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/media.h"
#include "cli/setup.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/lodge-media-XXXXXX";

static const char *
path_of(const char *name, char *dst, size_t size)
{
	(void)snprintf(dst, size, "%s/%s", dir, name);
	return dst;
}

/* size bytes, with `bytes` at off */
static void
make_file(const char *name, uint64_t size, const char *bytes, size_t n, uint64_t off)
{
	char p[256];
	int fd;

	if (!strcmp(dir + strlen(dir) - 6, "XXXXXX") && !mkdtemp(dir))
		return;
	fd = open(path_of(name, p, sizeof(p)), O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    pwrite(fd, bytes, n, (off_t)off) != (ssize_t)n)
		test_fail(__FILE__, __LINE__, "cannot make %s", p);
	close(fd);
}

static int
try_open(const char *name, enum opt_media kind, bool snapshot, struct err *e)
{
	struct media m;
	char p[256];
	int r;

	memset(e, 0, sizeof(*e));
	r = media_open(&m, path_of(name, p, sizeof(p)), kind, snapshot, e);
	if (r == 0)
		media_close(&m);
	unlink(p);
	return r;
}

#define REFUSED(kind, size, text, n, off, word)                                                    \
	do {                                                                                       \
		struct err e_;                                                                     \
		make_file("x", size, text, n, off);                                                \
		CHECK(try_open("x", kind, false, &e_) < 0);                                        \
		if (!strstr(e_.msg, word))                                                         \
			test_fail(__FILE__, __LINE__, "%s", e_.msg);                               \
		CHECK(!strchr(e_.msg, '\n'));                                                      \
	} while (0)

TEST(formats_are_told_apart)
{
	REFUSED(OPT_DISK, 65536, "QFI\xfb", 4, 0, "qcow2");
	REFUSED(OPT_DISK, 65536, "conectix", 8, 0, "VHD");
	REFUSED(OPT_DISK, 65536, "conectix", 8, 65536 - 512, "VHD");
	REFUSED(OPT_DISK, 65536, "vhdxfile", 8, 0, "VHDX");
	REFUSED(OPT_DISK, 65536, "KDMV", 4, 0, "VMDK");
	REFUSED(OPT_DISK, 65536, "\x7f\x10\xda\xbe", 4, 0x40, "VDI");
	REFUSED(OPT_DISK, 65536, "\x1f\x8b\x08", 3, 0, "unpack");
	REFUSED(OPT_CDROM, 65536,
	    "\xfd"
	    "7zXZ\0",
	    6, 0, "unpack");
}

TEST(wrong_sizes_are_refused)
{
	REFUSED(OPT_DISK, 0, "", 0, 0, "empty");
	REFUSED(OPT_DISK, 1000, "", 0, 0, "512");
	REFUSED(OPT_FLOPPY, 512, "", 0, 0, "floppy");
	REFUSED(OPT_FLOPPY, 10 * MIB, "", 0, 0, "floppy");
	REFUSED(OPT_CDROM, 65536, "", 0, 0, "--disk");
}

TEST(good_images_open)
{
	struct err e;

	make_file("d", 1 * MIB, "", 0, 0);
	CHECK_EQ(try_open("d", OPT_DISK, false, &e), 0);
	make_file("f", 1440 * KIB, "", 0, 0);
	CHECK_EQ(try_open("f", OPT_FLOPPY, false, &e), 0);
	make_file("c", 65536, "\1CD001\1", 7, 32768);
	CHECK_EQ(try_open("c", OPT_CDROM, false, &e), 0);
	make_file("s", 1 * MIB, "", 0, 0);
	CHECK_EQ(try_open("s", OPT_DISK, true, &e), 0);
}

TEST(missing_files_and_folders_are_told)
{
	struct media m;
	struct err e = { 0 };
	int fd;

	CHECK(media_open(&m, "/nonexistent/x.img", OPT_DISK, false, &e) < 0);
	CHECK(strstr(e.msg, "No such file") != NULL);
	CHECK(media_open(&m, "/tmp", OPT_DISK, false, &e) < 0);
	CHECK(strstr(e.msg, "directory") != NULL);
	CHECK(media_open(&m, "/dev/null", OPT_DISK, true, &e) < 0);
	CHECK(strstr(e.msg, "neither") != NULL);
	CHECK(media_open_file(&fd, "/tmp", "kernel", 1, 100, &e) < 0);
}

TEST(a_disk_has_one_writer)
{
	struct media a, b;
	struct err e = { 0 };
	char p[256];
	int second, reader, after;

	make_file("w", 1 * MIB, "", 0, 0);
	path_of("w", p, sizeof(p));
	CHECK_EQ(media_open(&a, p, OPT_DISK, false, &e), 0);
	second = media_open(&b, p, OPT_DISK, false, &e);
	CHECK(strstr(e.msg, "in use") != NULL);
	reader = media_open(&b, p, OPT_DISK, true, &e);
	media_close(&a);
	CHECK(second < 0);
	CHECK(reader < 0);
	/* Readers share. */
	CHECK_EQ(media_open(&a, p, OPT_DISK, true, &e), 0);
	after = media_open(&b, p, OPT_DISK, true, &e);
	if (after == 0)
		media_close(&b);
	media_close(&a);
	unlink(p);
	CHECK_EQ(after, 0);
}

TEST(stale_sockets_are_replaced_and_others_are_not)
{
	struct err e = { 0 };
	char p[256];
	int fd, again;

	make_file("plain", 4, "data", 4, 0);
	CHECK(media_listen_unix(&fd, path_of("plain", p, sizeof(p)), &e) < 0);
	unlink(p);
	path_of("sock", p, sizeof(p));
	CHECK_EQ(media_listen_unix(&fd, p, &e), 0);
	CHECK(media_listen_unix(&again, p, &e) < 0); /* somebody answers there */
	close(fd);
	CHECK_EQ(media_listen_unix(&fd, p, &e), 0);
	close(fd);
	unlink(p);
	rmdir(dir);
}

TEST(the_map_for_perf_is_a_new_file_of_ours_alone)
{
	struct setup *s = xalloc(sizeof(*s));
	struct err e = { 0 };
	struct stat st;
	char p[64];
	int first, second, linked, fd;

	(void)snprintf(p, sizeof(p), "/tmp/perf-%ld.map", (long)getpid());
	first = setup_open_perf(s, getpid(), &e);
	fd = s->cfg.perf_fd;
	CHECK_EQ(first, 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	close(fd);
	second = setup_open_perf(s, getpid(), &e);
	unlink(p);
	CHECK_EQ(symlink("/dev/null", p), 0);
	linked = setup_open_perf(s, getpid(), &e);
	unlink(p);
	mem_free(s);
	CHECK(second < 0);
	CHECK(linked < 0);
	CHECK(strstr(e.msg, "--jit perf") != NULL);
}

TEST_MAIN()
