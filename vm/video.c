/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/video.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "host/display/png.h"
#include "host/display/rfb.h"
#include "host/display/textdump.h"
#include "host/display/textterm.h"
#include "vm/board.h"
#include "vm/input.h"
#include "vm/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_PERIOD_NS 40000000ll /* 25 pictures a second */
#define TEXT_OUT_MAX   (512 * 1024)

/* The text screen in a terminal; lodge is at the other end of a stream socket. */
struct text {
	struct machine *m;
	int fd;
	struct loop_fd *src;
	struct loop_timer *timer, *esc;
	struct textterm term;
	struct display_text screen;
	struct buf out;
	size_t sent;
};

struct video {
	struct display display;
	struct input input;
	struct rfb *rfb;
	struct text *text;
};

static void
lock(void *ctx)
{
	machine_lock(ctx);
}

static void
unlock(void *ctx)
{
	machine_unlock(ctx);
}

struct input *
video_input(struct machine *m)
{
	return &m->video->input;
}

/* ---- pictures ---- */

int
video_screenshot(struct machine *m, int fd, struct err *e)
{
	struct display *d = &m->video->display;

	machine_lock(m);
	if (d->render)
		d->render(d->ctx, d);
	machine_unlock(m);
	return png_write_fd(d, fd, e);
}

void
video_text(struct machine *m, struct buf *out)
{
	struct display *d = &m->video->display;
	struct display_text *t = try_alloc(1, sizeof(*t));
	bool ok;

	if (!t)
		return;
	machine_lock(m);
	ok = d->text && d->text(d->ctx, t);
	machine_unlock(m);
	if (ok)
		textdump_put(out, t);
	else
		buf_printf(out, "the screen shows graphics; screendump FILE.png takes a picture\n");
	mem_free(t);
}

/* ---- text in a terminal ---- */

static void
text_flush(struct text *t)
{
	while (t->sent < t->out.len) {
		ssize_t n = send(t->fd, t->out.data + t->sent, t->out.len - t->sent,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0) {
			if (n < 0 && errno == EAGAIN)
				break;
			t->sent = t->out.len; /* nobody there */
			break;
		}
		t->sent += (size_t)n;
	}
	if (t->sent == t->out.len) {
		buf_clear(&t->out);
		t->sent = 0;
	}
	loop_set_events(t->src, LOOP_READ | (t->out.len ? LOOP_WRITE : 0));
}

static void
text_draw(void *ctx)
{
	struct text *t = ctx;
	struct display *d = &t->m->video->display;
	bool text;

	loop_arm(t->timer, loop_now_ns() + TEXT_PERIOD_NS);
	if (t->out.len)
		text_flush(t);
	if (t->out.len) /* the terminal is slower than that */
		return;
	machine_lock(t->m);
	text = d->text && d->text(d->ctx, &t->screen);
	if (!text && d->render)
		d->render(d->ctx, d);
	machine_unlock(t->m);
	textterm_draw(&t->term, text ? &t->screen : NULL, d->width, d->height, &t->out);
	if (t->out.failed) {
		buf_clear(&t->out);
		t->term.drawn = false;
	}
	text_flush(t);
}

static struct textterm_sink
text_sink(struct text *t)
{
	struct input *in = &t->m->video->input;

	return (struct textterm_sink){ in->sink.ctx, in->sink.key, NULL };
}

static void
text_arm_esc(struct text *t)
{
	loop_arm(t->esc, t->term.esc_deadline_ns);
}

static void
text_esc(void *ctx)
{
	struct text *t = ctx;
	const struct textterm_sink sink = text_sink(t);

	machine_lock(t->m);
	textterm_tick(&t->term, loop_now_ns(), &sink);
	machine_unlock(t->m);
	text_arm_esc(t);
}

static void
text_ready(void *ctx, unsigned events)
{
	struct text *t = ctx;
	const struct textterm_sink sink = text_sink(t);
	uint8_t b[512];
	ssize_t n;

	if (events & LOOP_WRITE)
		text_flush(t);
	if (!(events & (LOOP_READ | LOOP_HUP)))
		return;
	n = recv(t->fd, b, sizeof(b), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		loop_set_events(t->src, 0);
		loop_arm(t->timer, INT64_MAX);
		return;
	}
	machine_lock(t->m);
	textterm_input(&t->term, b, (size_t)n, loop_now_ns(), &sink);
	machine_unlock(t->m);
	text_arm_esc(t);
}

static int
text_create(struct machine *m, int fd, struct err *e)
{
	struct text *t = xalloc(sizeof(*t));

	m->video->text = t;
	t->m = m;
	t->fd = fd;
	buf_init(&t->out, TEXT_OUT_MAX);
	/* Ctrl-A is looked for by lodge, who has the terminal. */
	textterm_init(&t->term, 80, 25, 0);
	t->src = loop_add_fd(m->loop, fd, LOOP_READ, text_ready, t);
	t->timer = loop_add_timer(m->loop, text_draw, t);
	t->esc = loop_add_timer(m->loop, text_esc, t);
	if (!t->src || !t->timer || !t->esc)
		return err_set(e, errno, "cannot watch the terminal: %s", strerror(errno));
	textterm_enter(&t->term, &t->out);
	loop_arm(t->timer, loop_now_ns());
	return 0;
}

static void
text_destroy(struct text *t)
{
	if (!t)
		return;
	if (t->src) {
		struct pollfd p = { t->fd, POLLOUT, 0 };

		textterm_leave(&t->term, &t->out);
		if (poll(&p, 1, 100) == 1)
			text_flush(t);
	}
	loop_del_timer(t->timer);
	loop_del_timer(t->esc);
	loop_del_fd(t->src);
	buf_fini(&t->out);
	close(t->fd);
	mem_free(t);
}

/* ---- life ---- */

int
video_create(struct machine *m, struct err *e)
{
	struct video *v = xalloc(sizeof(*v));
	int r;

	m->video = v;
	input_init(&v->input, m);
	r = display_init(&v->display);
	if (r < 0)
		return err_set(e, -r, "cannot make a display: %s", strerror(-r));
	board_backend(m->board, "vga", "display", &v->display);
	if (m->cfg->display == PROTO_DISPLAY_VNC && m->cfg->vnc_fd >= 0) {
		const struct rfb_env env = { m->loop, m, lock, unlock, &v->display, &v->input.sink,
			m->cfg->name };

		v->rfb = rfb_create(&env, m->cfg->vnc_fd);
		if (!v->rfb)
			return err_set(e, errno, "cannot serve the screen: %s", strerror(errno));
	}
	if (m->cfg->display == PROTO_DISPLAY_TEXT && m->cfg->text.in_fd >= 0) {
		if (m->cfg->text.out_fd >= 0)
			close(m->cfg->text.out_fd); /* the same socket */
		return text_create(m, m->cfg->text.in_fd, e);
	}
	return 0;
}

void
video_destroy(struct machine *m)
{
	struct video *v = m->video;

	if (!v)
		return;
	rfb_destroy(v->rfb);
	text_destroy(v->text);
	input_fini(&v->input);
	display_fini(&v->display);
	mem_free(v);
	m->video = NULL;
}
