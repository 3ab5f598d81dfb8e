/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/control.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/msg.h"
#include "vm/board.h"
#include "vm/drives.h"
#include "vm/input.h"
#include "vm/machine.h"
#include "vm/state.h"
#include "vm/video.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define REPLY_MAX (1024 * 1024)

struct control {
	struct machine *m;
	struct loop_fd *src;
	struct msg msg;
	struct proto_request req;
	struct proto_reply reply;
	unsigned cpu; /* that requests mean */
	struct err err;
	struct buf out;
};

/* One operation: 0 or -errno with err filled in; text goes to out. */
typedef int op_fn(struct control *c, const struct proto_request *q);

static int
do_info(struct control *c, const struct proto_request *q)
{
	return control_info(c->m, c->cpu, q->str[0], q->str[1], &c->out, &c->err);
}

static int
do_stop(struct control *c, const struct proto_request *q)
{
	machine_set_stopped(c->m, false, true);
	return 0;
}

static int
do_cont(struct control *c, const struct proto_request *q)
{
	machine_set_stopped(c->m, false, false);
	return 0;
}

static int
do_reset(struct control *c, const struct proto_request *q)
{
	machine_reset(c->m);
	return 0;
}

static int
do_powerdown(struct control *c, const struct proto_request *q)
{
	machine_lock(c->m);
	board_power_button(c->m->board);
	machine_unlock(c->m);
	return 0;
}

static int
do_quit(struct control *c, const struct proto_request *q)
{
	machine_ask(c->m, ASK_QUIT);
	return 0;
}

static int
do_keys(struct control *c, const struct proto_request *q)
{
	int r;

	machine_lock(c->m);
	r = input_combination(video_input(c->m), q->str[0], &c->err);
	machine_unlock(c->m);
	return r;
}

static int
do_type(struct control *c, const struct proto_request *q)
{
	int r;

	machine_lock(c->m);
	r = input_text(video_input(c->m), q->str[0], &c->err);
	machine_unlock(c->m);
	return r;
}

static int
clamp(uint64_t v, int max)
{
	int64_t s = (int64_t)v;

	return s > max ? max : s < -max ? -max : (int)s;
}

static int
do_mouse_move(struct control *c, const struct proto_request *q)
{
	struct input *in = video_input(c->m);

	machine_lock(c->m);
	in->sink.pointer_rel(in, clamp(q->num[0], 2000), clamp(q->num[1], 2000), in->buttons, 0);
	machine_unlock(c->m);
	return 0;
}

static int
do_mouse_set(struct control *c, const struct proto_request *q)
{
	struct input *in = video_input(c->m);

	if (q->num[0] > 32767 || q->num[1] > 32767)
		return err_set(&c->err, EINVAL, "a place on the screen is 0 to 32767 each way");
	machine_lock(c->m);
	in->sink.pointer_abs(in, (unsigned)q->num[0], (unsigned)q->num[1], in->buttons, 0);
	machine_unlock(c->m);
	return 0;
}

static int
do_mouse_buttons(struct control *c, const struct proto_request *q)
{
	struct input *in = video_input(c->m);

	machine_lock(c->m);
	if (in->sink.wants_abs(in))
		in->sink.pointer_abs(in, in->abs_x, in->abs_y, (unsigned)q->num[0] & 7, 0);
	else
		in->sink.pointer_rel(in, 0, 0, (unsigned)q->num[0] & 7, 0);
	machine_unlock(c->m);
	return 0;
}

static int
do_screendump(struct control *c, const struct proto_request *q)
{
	if (c->m->cfg->vga == PROTO_VGA_NONE)
		return err_set(&c->err, ENODEV, "the machine has no video card");
	return video_screenshot(c->m, q->fd, &c->err);
}

static int
do_text(struct control *c, const struct proto_request *q)
{
	video_text(c->m, &c->out);
	return 0;
}

static int
do_change(struct control *c, const struct proto_request *q)
{
	int fd = dup(q->fd); /* the request's own is closed afterwards */

	if (fd < 0)
		return err_set(&c->err, errno, "out of descriptors");
	return drives_change(c->m, q->str[0], fd, q->num[0] != 0, q->str[1], &c->err);
}

static int
do_eject(struct control *c, const struct proto_request *q)
{
	return drives_change(c->m, q->str[0], -1, true, "", &c->err);
}

static int
do_save(struct control *c, const struct proto_request *q)
{
	int r;

	machine_pause(c->m);
	r = state_save(c->m, q->fd, &c->err);
	machine_resume(c->m);
	return r;
}

static int
do_trace(struct control *c, const struct proto_request *q)
{
	uint32_t old = log_trace_mask, bits;

	log_trace_mask = 0;
	if (!log_trace_parse(q->str[0])) {
		log_trace_mask = old;
		return err_set(&c->err, EINVAL, "no such trace class: '%s'", q->str[0]);
	}
	bits = log_trace_mask;
	log_trace_mask = q->num[0] ? old | bits : old & ~bits;
	return 0;
}

static int
do_log(struct control *c, const struct proto_request *q)
{
	if (q->num[0] > LOG_DEBUG)
		return err_set(&c->err, EINVAL, "no such level");
	log_set_level((enum log_level)q->num[0]);
	return 0;
}

static int
do_memory(struct control *c, const struct proto_request *q)
{
	if (q->num[1] > 4096 || !is_pow2(q->num[2]) || q->num[2] > 8)
		return err_set(&c->err, EINVAL, "at most 4096 units of 1, 2, 4 or 8 bytes");
	return control_memory(
	    c->m, c->cpu, q->num[0], q->num[1], (unsigned)q->num[2], q->num[3] != 0, &c->out);
}

static int
do_disasm(struct control *c, const struct proto_request *q)
{
	if (q->num[1] > 4096)
		return err_set(&c->err, EINVAL, "at most 4096 instructions");
	return control_disasm(c->m, c->cpu, q->num[0], q->num[1], q->num[2] != 0, &c->out);
}

static int
check_cpu(struct control *c, uint64_t cpu)
{
	if (cpu >= c->m->cpus.n)
		return err_set(
		    &c->err, ENOENT, "the machine has processors 0 to %u", c->m->cpus.n - 1);
	return 0;
}

static int
do_jit(struct control *c, const struct proto_request *q)
{
	uint64_t cpu = q->num[1] == PROTO_CPU_CHOSEN ? c->cpu : q->num[1];
	int r = check_cpu(c, cpu);

	return r < 0 ? r : control_jit(c->m, (unsigned)cpu, q->num[0], &c->out, &c->err);
}

static int
do_cpu(struct control *c, const struct proto_request *q)
{
	int r = check_cpu(c, q->num[0]);

	if (r == 0)
		c->cpu = (unsigned)q->num[0];
	return r;
}

static op_fn *const ops[PROTO_NOPS] = {
	[PROTO_OP_INFO] = do_info,
	[PROTO_OP_STOP] = do_stop,
	[PROTO_OP_CONT] = do_cont,
	[PROTO_OP_RESET] = do_reset,
	[PROTO_OP_POWERDOWN] = do_powerdown,
	[PROTO_OP_QUIT] = do_quit,
	[PROTO_OP_KEYS] = do_keys,
	[PROTO_OP_TYPE] = do_type,
	[PROTO_OP_MOUSE_MOVE] = do_mouse_move,
	[PROTO_OP_MOUSE_SET] = do_mouse_set,
	[PROTO_OP_MOUSE_BUTTONS] = do_mouse_buttons,
	[PROTO_OP_SCREENDUMP] = do_screendump,
	[PROTO_OP_TEXT] = do_text,
	[PROTO_OP_CHANGE] = do_change,
	[PROTO_OP_EJECT] = do_eject,
	[PROTO_OP_SAVE] = do_save,
	[PROTO_OP_TRACE] = do_trace,
	[PROTO_OP_LOG] = do_log,
	[PROTO_OP_MEMORY] = do_memory,
	[PROTO_OP_DISASM] = do_disasm,
	[PROTO_OP_JIT] = do_jit,
	[PROTO_OP_CPU] = do_cpu,
};

/* ---- the channel ---- */

static void
send_reply(struct control *c, int status)
{
	size_t done = 0;
	struct buf b;

	if (status < 0) {
		buf_clear(&c->out);
		buf_printf(&c->out, "%s\n", c->err.msg[0] ? c->err.msg : "failed");
	}
	buf_init(&b, MSG_MAX);
	do {
		size_t n = c->out.len - done;

		n = n < PROTO_TEXT_MAX ? n : PROTO_TEXT_MAX;
		c->reply.id = c->req.id;
		c->reply.status = status;
		c->reply.len = (uint32_t)n;
		if (n)
			memcpy(c->reply.text, c->out.data + done, n);
		done += n;
		c->reply.more = done < c->out.len;
		buf_clear(&b);
		if (proto_reply_encode(&c->reply, &b) == 0)
			msg_send(c->m->ctl_fd, PROTO_REPLY, b.data, b.len, NULL, 0);
	} while (done < c->out.len);
	buf_fini(&b);
}

void
control_event(struct machine *m, enum proto_event_kind kind, uint64_t value, const char *text)
{
	struct proto_event v = { .kind = (uint16_t)kind, .value = value };
	struct buf b;

	if (m->ctl_fd < 0)
		return;
	(void)snprintf(v.text, sizeof(v.text), "%s", text);
	buf_init(&b, 1024);
	if (proto_event_encode(&v, &b) == 0)
		msg_send(m->ctl_fd, PROTO_EVENT, b.data, b.len, NULL, 0);
	buf_fini(&b);
}

static void
serve(struct control *c)
{
	int status;

	memset(&c->err, 0, sizeof(c->err));
	buf_clear(&c->out);
	status = proto_request_decode(&c->req, &c->msg, &c->err);
	if (status == 0) {
		trace(TRACE_VM, "request %u", c->req.op);
		status = ops[c->req.op](c, &c->req);
	}
	if (c->out.failed)
		buf_printf(&c->out, "…\n");
	send_reply(c, status);
	if (c->req.fd >= 0)
		close(c->req.fd);
}

static void
ready(void *ctx, unsigned events)
{
	struct control *c = ctx;
	int r = msg_recv(c->m->ctl_fd, &c->msg);

	if (r == -EAGAIN || r == -EINTR)
		return;
	if (r <= 0) { /* lodge is gone, and so is the machine's owner */
		machine_ask(c->m, ASK_QUIT);
		loop_set_events(c->src, 0);
		loop_del_fd(c->src);
		c->src = NULL;
		return;
	}
	serve(c);
	msg_close_fds(&c->msg);
}

int
control_create(struct machine *m, struct err *e)
{
	struct control *c;

	if (m->ctl_fd < 0)
		return 0;
	c = xalloc(sizeof(*c));
	c->m = m;
	c->req.fd = -1;
	buf_init(&c->out, REPLY_MAX);
	m->control = c;
	c->src = loop_add_fd(m->loop, m->ctl_fd, LOOP_READ, ready, c);
	if (!c->src)
		return err_set(e, errno, "cannot watch the control channel: %s", strerror(errno));
	return 0;
}

void
control_destroy(struct machine *m)
{
	struct control *c = m->control;

	if (!c)
		return;
	loop_del_fd(c->src);
	buf_fini(&c->out);
	mem_free(c);
	m->control = NULL;
}
