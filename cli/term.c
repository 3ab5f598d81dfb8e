/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/term.h"

#include "base/err.h"
#include "base/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char help[] = "\nCtrl-A x  end the machine        Ctrl-A c  monitor and back\n"
			   "Ctrl-A s  picture of the screen  Ctrl-A a  a Ctrl-A for the guest\n"
			   "Ctrl-A h  this help\n";

void
term_guard_restore(struct term_guard *g)
{
	if (!g->active)
		return;
	g->active = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &g->saved);
}

void
term_keys_feed(struct term_keys *k, const uint8_t *p, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		if (k->escaped) {
			k->escaped = false;
			from = i + 1;
			if (p[i] == 'a' || p[i] == TERM_ESCAPE)
				k->data(k->ctx, &(const uint8_t){ TERM_ESCAPE }, 1);
			else
				k->command(k->ctx, (char)p[i]);
		} else if (p[i] == TERM_ESCAPE) {
			if (i > from)
				k->data(k->ctx, p + from, i - from);
			k->escaped = true;
			from = i + 1;
		}
	}
	if (len > from)
		k->data(k->ctx, p + from, len - from);
}

static void
erase(struct term_line *l, size_t n)
{
	while (n-- && l->len) {
		l->len--;
		l->echo(l->ctx, "\b \b", 3);
	}
}

static size_t
last_word(const struct term_line *l)
{
	size_t i = l->len;

	while (i && l->text[i - 1] == ' ')
		i--;
	while (i && l->text[i - 1] != ' ')
		i--;
	return l->len - i;
}

void
term_line_feed(struct term_line *l, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char ch = (char)p[i];

		if (ch == '\r' || ch == '\n') {
			l->echo(l->ctx, "\n", 1);
			l->text[l->len] = 0;
			l->len = 0;
			l->line(l->ctx, l->text);
		} else if (ch == '\b' || ch == 0x7f) {
			erase(l, 1);
		} else if (ch == 0x15 || ch == 0x03) { /* ^U ^C */
			erase(l, l->len);
		} else if (ch == 0x17) { /* ^W */
			erase(l, last_word(l));
		} else if ((unsigned char)ch >= ' ' && l->len + 1 < sizeof(l->text)) {
			l->text[l->len++] = ch;
			l->echo(l->ctx, &ch, 1);
		}
	}
}

/* The terminal may be non-blocking by somebody else's will. */
static void
write_out(const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd pf = { STDOUT_FILENO, POLLOUT, 0 };

			poll(&pf, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

void
term_say(struct term *t, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		const char *nl = memchr(text + i, '\n', len - i);
		size_t n = nl ? (size_t)(nl - (text + i)) : len - i;

		write_out(text + i, n);
		i += n;
		if (nl) {
			write_out(t->raw ? "\r\n" : "\n", t->raw ? 2 : 1);
			i++;
		}
	}
	if (len)
		t->at_line_start = text[len - 1] == '\n';
}

void
term_prompt(struct term *t)
{
	if (!t->monitor)
		return;
	if (!t->at_line_start)
		term_say(t, "\n", 1);
	if (t->is_tty)
		write_out("(lodge) ", 8);
}

void
term_monitor(struct term *t, bool on)
{
	if (t->monitor_only || t->monitor == on)
		return;
	t->monitor = on;
	t->line.len = 0;
	if (on) {
		term_say(
		    t, "\nmonitor; Ctrl-A c goes back to the guest, help lists commands\n", 63);
		term_prompt(t);
	} else {
		term_say(t, "\n", 1);
	}
}

static void
set_raw(struct term *t)
{
	struct termios raw = t->guard->saved;

	cfmakeraw(&raw);
	t->guard->active = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
		t->raw = true;
}

void
term_again_raw(struct term *t)
{
	if (t->raw)
		set_raw(t);
}

/* ---- input ---- */

static void keyboard(void *ctx, unsigned events);

static void
flush_pending(struct term *t)
{
	while (t->npending) {
		ssize_t n = send(t->peer, t->pending, t->npending, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0) {
			if (n < 0 && errno == EAGAIN)
				return;
			t->npending = 0; /* the machine is gone */
			return;
		}
		memmove(t->pending, t->pending + n, t->npending - (size_t)n);
		t->npending -= (size_t)n;
	}
}

/* Reading from the keyboard goes on only while there is room. */
static void
update_events(struct term *t)
{
	if (t->in)
		loop_set_events(t->in, t->npending < sizeof(t->pending) / 2 ? LOOP_READ : 0);
	if (t->out)
		loop_set_events(t->out, LOOP_READ | (t->npending ? LOOP_WRITE : 0));
}

static void
to_guest(struct term *t, const uint8_t *p, size_t len)
{
	if (t->peer < 0)
		return;
	if (len > sizeof(t->pending) - t->npending)
		len = sizeof(t->pending) - t->npending;
	memcpy(t->pending + t->npending, p, len);
	t->npending += len;
	flush_pending(t);
	update_events(t);
}

void
term_resized(struct term *t)
{
	struct winsize ws;
	char report[32];
	int n;

	if (!t->is_tty || ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_row < 2 ||
	    ws.ws_col < 2)
		return;
	n = snprintf(report, sizeof(report), "\033[%u;%uR", ws.ws_row, ws.ws_col);
	to_guest(t, (const uint8_t *)report, (size_t)n);
}

static void
keys_data(void *ctx, const uint8_t *p, size_t len)
{
	struct term *t = ctx;

	if (t->monitor)
		term_line_feed(&t->line, p, len);
	else
		to_guest(t, p, len);
}

static void
keys_command(void *ctx, char letter)
{
	struct term *t = ctx;

	switch (letter) {
	case 'c': term_monitor(t, !t->monitor); break;
	case 'h':
	case '?':
		term_say(t, help, sizeof(help) - 1);
		term_prompt(t);
		break;
	default: t->on_key(t->ctx, letter); break;
	}
}

static void
line_echo(void *ctx, const char *p, size_t len)
{
	struct term *t = ctx;

	if (t->is_tty)
		term_say(t, p, len);
	t->at_line_start = p[len - 1] == '\n';
}

static void
line_done(void *ctx, char *text)
{
	struct term *t = ctx;

	t->on_line(t->ctx, text);
}

static void
keyboard(void *ctx, unsigned events)
{
	struct term *t = ctx;
	uint8_t b[1024];
	ssize_t n = read(STDIN_FILENO, b, sizeof(b));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) { /* end of input: the machine goes on without a keyboard */
		loop_del_fd(t->in);
		t->in = NULL;
		return;
	}
	if (t->is_tty)
		term_keys_feed(&t->keys, b, (size_t)n);
	else
		keys_data(t, b, (size_t)n);
}

/* False: nothing there, or the machine has closed. */
static bool
relay(struct term *t)
{
	char b[4096];
	ssize_t n = recv(t->peer, b, sizeof(b), MSG_DONTWAIT);

	if (n > 0) {
		write_out(b, (size_t)n);
		t->at_line_start = b[n - 1] == '\n';
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		loop_del_fd(t->out);
		t->out = NULL;
	}
	return false;
}

static void
machine_side(void *ctx, unsigned events)
{
	struct term *t = ctx;

	if (events & (LOOP_READ | LOOP_HUP))
		relay(t);
	if (!t->out)
		return;
	flush_pending(t);
	update_events(t);
}

void
term_drain(struct term *t)
{
	while (t->out && relay(t))
		;
}

int
term_init(struct term *t, struct loop *l, struct term_guard *g, int peer, bool monitor_only,
    struct err *e)
{
	memset(t, 0, sizeof(*t));
	t->loop = l;
	t->guard = g;
	t->peer = peer;
	t->monitor = t->monitor_only = monitor_only;
	t->at_line_start = true;
	t->keys = (struct term_keys){ .data = keys_data, .command = keys_command, .ctx = t };
	t->line = (struct term_line){ .echo = line_echo, .line = line_done, .ctx = t };
	if (peer < 0 && !monitor_only)
		return 0; /* the terminal stays as it is */
	t->is_tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &g->saved) == 0;
	if (t->is_tty)
		set_raw(t);
	/* A plain file cannot be polled and is always ready; nothing typed can follow. */
	t->in = loop_add_fd(l, STDIN_FILENO, LOOP_READ, keyboard, t);
	if (!t->in && errno == EPERM)
		t->in = NULL;
	if (peer >= 0) {
		t->out = loop_add_fd(l, peer, LOOP_READ, machine_side, t);
		if (!t->out)
			return err_set(e, errno, "cannot watch the console: %s", strerror(errno));
	}
	return 0;
}

void
term_fini(struct term *t)
{
	loop_del_fd(t->in);
	loop_del_fd(t->out);
	t->in = t->out = NULL;
	if (t->peer >= 0)
		close(t->peer);
	t->peer = -1;
	if (t->raw)
		term_guard_restore(t->guard);
	t->raw = false;
}
