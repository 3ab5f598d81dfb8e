/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/block/fileio.h"

#include "base/bits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IOV_CHUNK  64u
#define ZERO_CHUNK (64u * 1024)

/* The vectors from byte `done` on, at most IOV_CHUNK of them. */
static unsigned
rest_of_iov(const struct block_req *r, uint64_t done, struct iovec *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->niov && n < IOV_CHUNK; i++) {
		size_t len = r->iov[i].iov_len;

		if (done >= len) {
			done -= len;
			continue;
		}
		out[n].iov_base = (uint8_t *)r->iov[i].iov_base + done;
		out[n++].iov_len = len - (size_t)done;
		done = 0;
	}
	return n;
}

static void
zero_iov(const struct block_req *r, uint64_t done)
{
	struct iovec v[IOV_CHUNK];
	unsigned n;

	while (done < r->len && (n = rest_of_iov(r, done, v)) != 0) {
		for (unsigned i = 0; i < n; i++) {
			memset(v[i].iov_base, 0, v[i].iov_len);
			done += v[i].iov_len;
		}
	}
}

static int
transfer(int fd, const struct block_req *r)
{
	bool write = r->op == BLOCK_WRITE;
	uint64_t done = 0;

	while (done < r->len) {
		struct iovec v[IOV_CHUNK];
		unsigned n = rest_of_iov(r, done, v);
		ssize_t got = write ? pwritev(fd, v, (int)n, (off_t)(r->off + done))
		                    : preadv(fd, v, (int)n, (off_t)(r->off + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0 && write)
			return -EIO;
		if (got == 0) { /* a last sector that the file has only in part */
			zero_iov(r, done);
			return 0;
		}
		done += (uint64_t)got;
	}
	return 0;
}

static int
write_zeros(int fd, const struct block_req *r)
{
	static const uint8_t zeros[ZERO_CHUNK];
	uint64_t done = 0;

	while (done < r->len) {
		size_t n = r->len - done < ZERO_CHUNK ? (size_t)(r->len - done) : ZERO_CHUNK;
		ssize_t put = pwrite(fd, zeros, n, (off_t)(r->off + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put ? -errno : -EIO;
		done += (uint64_t)put;
	}
	return 0;
}

/* Discarding is advice: what cannot discard has done enough. */
static int
discard(int fd, bool is_device, const struct block_req *r)
{
	uint64_t range[2] = { r->off, r->len };
	int ret;

	if (is_device)
		ret = ioctl(fd, BLKDISCARD, range);
	else
		ret = fallocate(
		    fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)r->off, (off_t)r->len);
	if (ret == 0 || errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL)
		return 0;
	return -errno;
}

int
block_file_do(int fd, bool is_device, const struct block_req *r)
{
	if (!r->len && r->op != BLOCK_FLUSH)
		return 0;
	switch (r->op) {
	case BLOCK_READ:
	case BLOCK_WRITE: return transfer(fd, r);
	case BLOCK_FLUSH: return fdatasync(fd) ? -errno : 0;
	case BLOCK_DISCARD: return discard(fd, is_device, r);
	case BLOCK_WRITE_ZEROES:
		if (!is_device && !fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
				      (off_t)r->off, (off_t)r->len))
			return 0;
		return write_zeros(fd, r);
	}
	return -EINVAL;
}
