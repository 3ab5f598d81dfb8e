/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/chars.h"

#include "base/err.h"
#include "vm/board.h"
#include "vm/machine.h"

#include <errno.h>
#include <string.h>

static int
open_one(struct machine *m, const struct proto_char *p, const char *id, struct err *e)
{
	struct chardev *c = NULL;

	switch (p->kind) {
	case PROTO_CHAR_STREAM: c = chardev_fd_open(&m->char_env, p->in_fd, p->out_fd); break;
	case PROTO_CHAR_LISTEN: c = chardev_listen_open(&m->char_env, p->in_fd); break;
	default: return 0;
	}
	if (!c)
		return err_set(
		    e, errno, "cannot use the descriptor for '%s': %s", id, strerror(errno));
	m->chars[m->nchars++] = c;
	board_backend(m->board, id, "chardev", c);
	return 0;
}

int
chars_open(struct machine *m, struct err *e)
{
	int r = open_one(m, &m->cfg->serial[0], "com1", e);

	if (r == 0)
		r = open_one(m, &m->cfg->serial[1], "com2", e);
	if (r == 0)
		r = open_one(m, &m->cfg->parallel, "lpt1", e);
	if (r == 0)
		r = open_one(m, &m->cfg->debugcon, "debugcon", e);
	return r;
}

void
chars_close(struct machine *m)
{
	while (m->nchars)
		chardev_close(m->chars[--m->nchars]);
}
