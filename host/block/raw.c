/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file or block device whose bytes are the disk's. */
#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "host/block/fileio.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct raw {
	struct block block;
	int fd;
	bool is_device;
};

static void
raw_work(void *arg)
{
	struct block_req *r = arg;
	const struct raw *raw = r->owner->priv;

	r->result = block_file_do(raw->fd, raw->is_device, r);
}

static void
raw_done(void *arg)
{
	struct block_req *r = arg;

	block_complete(r, r->result);
}

static void
raw_submit(struct block *b, struct block_req *r)
{
	b->env->run(b->env->ctx, raw_work, raw_done, r);
}

static void
raw_close(struct block *b)
{
	struct raw *raw = b->priv;

	(void)close(raw->fd);
	mem_free(raw);
}

static const struct block_type raw_type = {
	.name = "raw",
	.submit = raw_submit,
	.close = raw_close,
};

static int
file_size(int fd, bool *ret_is_device, uint64_t *ret_size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(e, errno, "cannot look at the image: %m");
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, EINVAL, "the image is neither a file nor a block device");
	*ret_is_device = S_ISBLK(st.st_mode);
	*ret_size = (uint64_t)st.st_size;
	if (*ret_is_device && ioctl(fd, BLKGETSIZE64, ret_size))
		return err_set(e, errno, "cannot read the size of the block device: %m");
	if (!*ret_size)
		return err_set(e, EINVAL, "the image is empty");
	if (*ret_size > INT64_MAX - 512)
		return err_set(e, EFBIG, "the image is too large");
	return 0;
}

struct block *
block_raw_open(const struct block_env *env, int fd, bool read_only, struct err *e)
{
	struct raw *raw;
	uint64_t size = 0;
	bool is_device = false;

	if (file_size(fd, &is_device, &size, e)) {
		(void)close(fd);
		return NULL;
	}
	raw = try_alloc(1, sizeof(*raw));
	if (!raw) {
		err_set(e, ENOMEM, "no memory for a disk");
		(void)close(fd);
		return NULL;
	}
	raw->fd = fd;
	raw->is_device = is_device;
	raw->block = (struct block){
		.type = &raw_type,
		.info = { .size = ALIGN_UP(size, 512),
		    .read_only = read_only,
		    .can_discard = !read_only,
		    .sector_size = 512 },
		.env = env,
		.priv = raw,
	};
	return &raw->block;
}
