/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/monitor.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/msg.h"
#include "cli/media.h"
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_WORDS   8
#define MAX_PENDING 32
#define MAX_CLIENTS 8
#define MAX_LINE    2048

struct pending {
	uint32_t id; /* 0: free */
	struct monitor_client cl;
	bool last;                  /* done() is due with it */
	char part[512], final[512]; /* a file to rename when it went well, to remove if not */
};

struct client { /* on the socket */
	struct monitor *m;
	int fd;
	struct loop_fd *src;
	char line[MAX_LINE];
	size_t len;
};

struct monitor {
	struct loop *loop;
	int ctl, listen_fd;
	bool snapshot;
	uint32_t next_id;
	struct loop_fd *listen_src;
	struct pending pending[MAX_PENDING];
	struct client *clients[MAX_CLIENTS];
};

struct call { /* one command being carried out */
	struct monitor *m;
	const struct monitor_client *cl;
	char **word;
	unsigned n;
	const char *rest; /* everything after the command's name, unsplit */
	struct proto_request req;
	char part[512], final[512];
	struct err err;
};

struct command {
	const char *name, *args, *help;
	unsigned min, max; /* words after the name */
	enum proto_op op;
	/* Fills in req and sends; NULL: a plain request. 0 sent, 1 done here, < 0 err. */
	int (*run)(struct call *c);
};

__attribute__((format(printf, 2, 3))) static void
say(const struct monitor_client *cl, const char *fmt, ...)
{
	char b[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b, sizeof(b), fmt, ap);
	va_end(ap);
	if (n > 0)
		cl->say(cl->ctx, b, (size_t)n < sizeof(b) ? (size_t)n : sizeof(b) - 1);
}

/* ---- sending ---- */

static struct pending *
free_pending(struct monitor *m)
{
	for (unsigned i = 0; i < MAX_PENDING; i++)
		if (!m->pending[i].id)
			return &m->pending[i];
	return NULL;
}

/* The request's descriptor is closed. */
static int
send_request(struct call *c, bool last)
{
	struct monitor *m = c->m;
	struct pending *p = free_pending(m);
	int fds[MSG_MAX_FDS], r;
	unsigned nfds = 0;
	struct buf b;

	buf_init(&b, MSG_MAX);
	if (!p) {
		r = err_set(&c->err, EBUSY, "too many commands are waiting");
		goto out;
	}
	if (!++m->next_id)
		m->next_id = 1;
	c->req.id = m->next_id;
	r = proto_request_encode(&c->req, &b, fds, &nfds);
	if (r == 0)
		r = msg_send(m->ctl, PROTO_REQUEST, b.data, b.len, fds, nfds);
	if (r < 0) {
		err_set(&c->err, -r, "the machine does not listen: %s", strerror(-r));
		goto out;
	}
	memset(p, 0, sizeof(*p));
	p->id = c->req.id;
	p->cl = *c->cl;
	p->last = last;
	memcpy(p->part, c->part, sizeof(p->part));
	memcpy(p->final, c->final, sizeof(p->final));
out:
	buf_fini(&b);
	if (c->req.fd >= 0)
		close(c->req.fd);
	c->req.fd = -1;
	return r;
}

void
monitor_reply(struct monitor *m, const struct proto_reply *r)
{
	struct pending *p = NULL, copy;

	for (unsigned i = 0; i < MAX_PENDING; i++)
		if (r->id && m->pending[i].id == r->id)
			p = &m->pending[i];
	if (!p)
		return;
	if (p->cl.say && r->len)
		p->cl.say(p->cl.ctx, r->text, r->len);
	if (r->more)
		return;
	copy = *p;
	p->id = 0;
	if (copy.part[0] && r->status < 0)
		unlink(copy.part);
	else if (copy.part[0] && rename(copy.part, copy.final) < 0 && copy.cl.say)
		say(&copy.cl, "cannot name '%s': %s\n", copy.final, strerror(errno));
	if (copy.last && copy.cl.done)
		copy.cl.done(copy.cl.ctx, r->status);
}

void
monitor_forget(struct monitor *m, void *client_ctx)
{
	for (unsigned i = 0; i < MAX_PENDING; i++)
		if (m->pending[i].id && m->pending[i].cl.ctx == client_ctx) {
			m->pending[i].cl.say = NULL;
			m->pending[i].cl.done = NULL;
		}
}

/* ---- commands ---- */

static int
set_str(struct call *c, unsigned i, const char *s)
{
	if (strlen(s) >= sizeof(c->req.str[i]))
		return err_set(&c->err, EINVAL, "too long");
	memcpy(c->req.str[i], s, strlen(s) + 1);
	return 0;
}

static int
set_num(struct call *c, unsigned i, const char *s, const char *what)
{
	char *end;

	errno = 0;
	c->req.num[i] = strtoull(s, &end, 0);
	if (errno || *end || end == s)
		return err_set(&c->err, EINVAL, "'%s' is not a number for %s", s, what);
	return 0;
}

static int
run_words(struct call *c) /* up to two words as texts */
{
	for (unsigned i = 0; i + 1 < c->n && i < 2; i++)
		if (set_str(c, i, c->word[i + 1]) < 0)
			return -EINVAL;
	return send_request(c, true);
}

static int
run_info(struct call *c)
{
	if (c->n == 1)
		set_str(c, 0, "help");
	return run_words(c);
}

static int
run_stats(struct call *c)
{
	set_str(c, 0, "stats");
	return send_request(c, true);
}

static int
run_type(struct call *c)
{
	char *w = c->req.str[0];
	const char *p = c->rest;

	for (; *p && w < c->req.str[0] + sizeof(c->req.str[0]) - 1; p++) {
		if (*p == '\\' && p[1] == 'n') {
			*w++ = '\n';
			p++;
		} else if (*p == '\\' && p[1] == 't') {
			*w++ = '\t';
			p++;
		} else if (*p == '\\' && p[1] == '\\') {
			*w++ = *p++;
		} else {
			*w++ = *p;
		}
	}
	if (*p)
		return err_set(&c->err, EINVAL, "too long");
	return send_request(c, true);
}

static int
click(struct call *c, const char *button)
{
	static const char *const names[] = { "left", "middle", "right", NULL };
	unsigned bit = 0;
	int r;

	while (names[bit] && strcmp(names[bit], button))
		bit++;
	if (!names[bit])
		return err_set(&c->err, EINVAL, "a mouse has left, middle and right");
	c->req.op = PROTO_OP_MOUSE_BUTTONS;
	c->req.num[0] = 1u << bit;
	r = send_request(c, false);
	if (r < 0)
		return r;
	c->req.num[0] = 0;
	return send_request(c, true);
}

static int
run_mouse(struct call *c)
{
	const char *what = c->word[1];
	bool move = !strcmp(what, "move"), set = !strcmp(what, "set");

	if (!strcmp(what, "click") && c->n <= 3)
		return click(c, c->n == 3 ? c->word[2] : "left");
	if (!strcmp(what, "buttons") && c->n == 3) {
		c->req.op = PROTO_OP_MOUSE_BUTTONS;
		return set_num(c, 0, c->word[2], "buttons") < 0 ? -EINVAL : send_request(c, true);
	}
	if ((!move && !set) || c->n != 4)
		return err_set(&c->err, EINVAL,
		    "mouse move DX DY, mouse set X Y (0 to 32767), "
		    "mouse click [left|middle|right], mouse buttons MASK");
	c->req.op = move ? PROTO_OP_MOUSE_MOVE : PROTO_OP_MOUSE_SET;
	if (set_num(c, 0, c->word[2], "x") < 0 || set_num(c, 1, c->word[3], "y") < 0)
		return -EINVAL;
	return send_request(c, true);
}

/* The file appears under its name only when it is complete. */
static int
run_to_file(struct call *c)
{
	int n = snprintf(c->part, sizeof(c->part), "%s.part", c->word[1]);

	if (n >= (int)sizeof(c->part))
		return err_set(&c->err, ENAMETOOLONG, "the file's name is too long");
	memcpy(c->final, c->word[1], strlen(c->word[1]) + 1);
	if (media_create_file(&c->req.fd, c->part, "file", &c->err) < 0) {
		c->part[0] = 0;
		return -EINVAL;
	}
	if (send_request(c, true) < 0) {
		unlink(c->part);
		return -EINVAL;
	}
	return 0;
}

static int
run_change(struct call *c)
{
	const char *drive = c->word[1];
	bool cd = !strncmp(drive, "cd", 2), floppy = !strncmp(drive, "floppy", 6);
	struct media m;

	if (!cd && !floppy)
		return err_set(
		    &c->err, EINVAL, "'%s' has no medium to change: cd0, floppy0, floppy1", drive);
	if (media_open(&m, c->word[2], cd ? OPT_CDROM : OPT_FLOPPY, false, &c->err) < 0)
		return -EINVAL;
	/* Under --snapshot a changed floppy is read-only: it has no overlay. */
	c->req.num[0] = m.read_only || c->m->snapshot;
	c->req.fd = m.fd;
	if (set_str(c, 0, drive) < 0 || set_str(c, 1, c->word[2]) < 0) {
		media_close(&m);
		c->req.fd = -1;
		return -EINVAL;
	}
	return send_request(c, true);
}

static int
run_trace(struct call *c)
{
	const char *on = c->n > 2 ? c->word[2] : "on";

	if (strcmp(on, "on") && strcmp(on, "off"))
		return err_set(&c->err, EINVAL, "trace CLASSES on or off");
	c->req.num[0] = on[1] == 'n';
	return set_str(c, 0, c->word[1]) < 0 ? -EINVAL : send_request(c, true);
}

static int
run_log(struct call *c)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };

	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(c->word[1], levels[i]))
			continue;
		c->req.num[0] = i;
		return send_request(c, true);
	}
	return err_set(&c->err, EINVAL, "log error, warn, info or debug");
}

/* x/16b ADDR: the count and size hang on the name. */
static int
parse_format(struct call *c, unsigned count_at, unsigned size_at, bool sizes)
{
	const char *p = strchr(c->word[0], '/');
	char *end;

	if (!p)
		return 0;
	errno = 0;
	if (p[1] >= '0' && p[1] <= '9') {
		c->req.num[count_at] = strtoull(p + 1, &end, 0);
		if (errno || !c->req.num[count_at] || c->req.num[count_at] > 4096)
			return err_set(&c->err, EINVAL, "a count of 1 to 4096");
		p = end;
	} else {
		p++;
	}
	if (*p && sizes) {
		static const char letters[] = "bwdq";
		const char *l = strchr(letters, *p);

		if (!l || p[1])
			return err_set(&c->err, EINVAL, "units are b, w, d, q, as in x/16b");
		c->req.num[size_at] = 1u << (l - letters);
	}
	return 0;
}

static int
run_x(struct call *c)
{
	c->req.num[1] = 64;
	c->req.num[2] = 1;
	c->req.num[3] = c->word[0][1] == 'p';
	if (parse_format(c, 1, 2, true) < 0 || set_num(c, 0, c->word[1], "an address") < 0)
		return -EINVAL;
	return send_request(c, true);
}

static int
run_disasm(struct call *c)
{
	c->req.num[1] = 10;
	c->req.num[2] = c->n == 1;
	if (parse_format(c, 1, 1, false) < 0 ||
	    (c->n > 1 && set_num(c, 0, c->word[1], "an address") < 0))
		return -EINVAL;
	return send_request(c, true);
}

static int
run_jit(struct call *c)
{
	c->req.num[1] = PROTO_CPU_CHOSEN;
	if (set_num(c, 0, c->word[1], "an address") < 0 ||
	    (c->n > 2 && set_num(c, 1, c->word[2], "a processor") < 0))
		return -EINVAL;
	return send_request(c, true);
}

static int
run_cpu(struct call *c)
{
	return set_num(c, 0, c->word[1], "a processor") < 0 ? -EINVAL : send_request(c, true);
}

static int run_help(struct call *c);

/* clang-format off */
static const struct command commands[] = {
	{ "help", "[COMMAND]", "what there is", 0, 1, PROTO_OP_NONE, run_help },
	{ "info", "[TOPIC [ARG]]", "look at something; info alone lists the topics", 0, 2, PROTO_OP_INFO, run_info },
	{ "stats", "", "counters", 0, 0, PROTO_OP_INFO, run_stats },
	{ "stop", "", "stop the machine", 0, 0, PROTO_OP_STOP, NULL },
	{ "cont", "", "let it go on", 0, 0, PROTO_OP_CONT, NULL },
	{ "reset", "", "press reset", 0, 0, PROTO_OP_RESET, NULL },
	{ "powerdown", "", "press the power button (the guest may shut down)", 0, 0, PROTO_OP_POWERDOWN, NULL },
	{ "quit", "", "end the machine now", 0, 0, PROTO_OP_QUIT, NULL },
	{ "sendkey", "KEYS", "press keys together: sendkey ctrl-alt-delete", 1, 1, PROTO_OP_KEYS, run_words },
	{ "type", "TEXT", "type a text on a US keyboard; \\n is Enter", 1, MAX_WORDS * 64, PROTO_OP_TYPE, run_type },
	{ "mouse", "move DX DY | set X Y | click [B]", "move and press", 1, 3, PROTO_OP_MOUSE_MOVE, run_mouse },
	{ "screendump", "FILE.png", "a picture of the screen", 1, 1, PROTO_OP_SCREENDUMP, run_to_file },
	{ "text", "", "the text screen as text", 0, 0, PROTO_OP_TEXT, NULL },
	{ "change", "DRIVE FILE", "put another medium into cd0, floppy0 …", 2, 2, PROTO_OP_CHANGE, run_change },
	{ "eject", "DRIVE", "take the medium out", 1, 1, PROTO_OP_EJECT, run_words },
	{ "save", "FILE", "write the whole machine's state; lodge run --restore FILE goes on", 1, 1, PROTO_OP_SAVE, run_to_file },
	{ "trace", "CLASSES [on|off]", "say what happens", 1, 2, PROTO_OP_TRACE, run_trace },
	{ "log", "LEVEL", "error, warn, info, debug", 1, 1, PROTO_OP_LOG, run_log },
	{ "x", "[/COUNT[bwdq]] ADDRESS", "memory at a linear address", 1, 1, PROTO_OP_MEMORY, run_x },
	{ "xp", "[/COUNT[bwdq]] ADDRESS", "memory at a physical address", 1, 1, PROTO_OP_MEMORY, run_x },
	{ "disasm", "[/COUNT] [ADDRESS]", "instructions, from where the processor stands", 0, 1, PROTO_OP_DISASM, run_disasm },
	{ "jit", "ADDRESS [N]", "translated code of a block, beside the guest's", 1, 2, PROTO_OP_JIT, run_jit },
	{ "cpu", "N", "which processor the commands mean", 1, 1, PROTO_OP_CPU, run_cpu },
};
/* clang-format on */

static const struct command *
find_command(const char *name)
{
	const char *slash = strchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : strlen(name);

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (strlen(commands[i].name) == len && !memcmp(commands[i].name, name, len))
			return &commands[i];
	return NULL;
}

static int
run_help(struct call *c)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *k = &commands[i];

		if (c->n == 1 || !strcmp(c->word[1], k->name))
			say(c->cl, "%-10s %-34s %s\n", k->name, k->args, k->help);
	}
	return 1;
}

int
monitor_split(char *line, char **ret_word, unsigned max)
{
	unsigned n = 0;
	char *w = line;

	while (*line) {
		bool quoted = false;

		while (*line == ' ' || *line == '\t')
			line++;
		if (!*line)
			break;
		if (n == max)
			return -EINVAL;
		ret_word[n++] = w;
		for (; *line && (quoted || (*line != ' ' && *line != '\t')); line++) {
			if (*line == '"')
				quoted = !quoted;
			else
				*w++ = *line;
		}
		if (quoted)
			return -EINVAL;
		if (*line)
			line++;
		*w++ = 0;
	}
	return (int)n;
}

static int
run_command(struct call *c)
{
	const struct command *k = find_command(c->word[0]);

	if (!k) {
		const char *names[ARRAY_SIZE(commands) + 1] = { 0 }, *near;

		for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
			names[i] = commands[i].name;
		near = options_nearest(c->word[0], names);
		if (near)
			return err_set(&c->err, EINVAL, "unknown command '%s'; did you mean %s?",
			    c->word[0], near);
		return err_set(
		    &c->err, EINVAL, "unknown command '%s'; help lists them", c->word[0]);
	}
	if (c->n - 1 < k->min || c->n - 1 > k->max)
		return err_set(&c->err, EINVAL, "usage: %s %s", k->name, k->args);
	c->req.op = (uint16_t)k->op;
	return k->run ? k->run(c) : send_request(c, true);
}

void
monitor_line(struct monitor *m, const struct monitor_client *cl, char *line)
{
	char *word[MAX_WORDS], rest[MAX_LINE] = "", type[] = "type";
	struct call c = { .m = m, .cl = cl, .word = word, .rest = rest, .req.fd = -1 };
	char *p = line + strspn(line, " \t");
	int n, r;

	/* Free text is not split. */
	p += strcspn(p, " \t");
	if (strlen(p) && strlen(p) < sizeof(rest))
		memcpy(rest, p + 1, strlen(p));
	if (!strncmp(line + strspn(line, " \t"), "type ", 5)) {
		word[0] = type;
		word[1] = rest;
		n = 2;
	} else {
		n = monitor_split(line, word, MAX_WORDS);
	}
	if (n == 0) {
		cl->done(cl->ctx, 0);
		return;
	}
	c.n = n < 0 ? 0 : (unsigned)n;
	r = n < 0 ? err_set(&c.err, EINVAL, "a quote is open, or too many words") : run_command(&c);
	if (r == 0)
		return; /* the reply comes */
	if (r < 0)
		say(cl, "%s\n", c.err.msg);
	cl->done(cl->ctx, r < 0 ? r : 0);
}

/* ---- life, and clients on a socket ---- */

struct monitor *
monitor_create(struct loop *l, int ctl, bool snapshot)
{
	struct monitor *m = xalloc(sizeof(*m));

	m->loop = l;
	m->ctl = ctl;
	m->listen_fd = -1;
	m->snapshot = snapshot;
	return m;
}

static void
client_close(struct client *cl)
{
	struct monitor *m = cl->m;

	monitor_forget(m, cl);
	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		if (m->clients[i] == cl)
			m->clients[i] = NULL;
	loop_del_fd(cl->src);
	close(cl->fd);
	mem_free(cl);
}

/* A client that does not read loses text rather than stopping the machine's console. */
static void
client_say(void *ctx, const char *text, size_t len)
{
	struct client *cl = ctx;
	struct timeval tv = { .tv_sec = 1 };

	setsockopt(cl->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	while (len) {
		ssize_t n = send(cl->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void
client_done(void *ctx, int status)
{
	client_say(ctx, "(lodge) ", 8);
}

static void
client_ready(void *ctx, unsigned events)
{
	struct client *cl = ctx;
	const struct monitor_client mc = { client_say, client_done, cl };
	char *nl;
	ssize_t n = recv(cl->fd, cl->line + cl->len, sizeof(cl->line) - 1 - cl->len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(cl);
		return;
	}
	cl->len += (size_t)n;
	while ((nl = memchr(cl->line, '\n', cl->len))) {
		char line[MAX_LINE];
		size_t used = (size_t)(nl - cl->line) + 1;

		memcpy(line, cl->line, used - 1);
		line[used - 1] = 0;
		if (used > 1 && line[used - 2] == '\r')
			line[used - 2] = 0;
		memmove(cl->line, cl->line + used, cl->len - used);
		cl->len -= used;
		monitor_line(cl->m, &mc, line);
	}
	if (cl->len == sizeof(cl->line) - 1)
		client_close(cl);
}

static void
client_new(void *ctx, unsigned events)
{
	struct monitor *m = ctx;
	int fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct client *cl;

	if (fd < 0)
		return;
	for (unsigned i = 0; i < MAX_CLIENTS; i++) {
		if (m->clients[i])
			continue;
		cl = xalloc(sizeof(*cl));
		cl->m = m;
		cl->fd = fd;
		cl->src = loop_add_fd(m->loop, fd, LOOP_READ, client_ready, cl);
		m->clients[i] = cl;
		client_done(cl, 0);
		return;
	}
	close(fd);
}

int
monitor_listen(struct monitor *m, int fd, struct err *e)
{
	m->listen_fd = fd;
	m->listen_src = loop_add_fd(m->loop, fd, LOOP_READ, client_new, m);
	if (!m->listen_src)
		return err_set(e, errno, "cannot watch the monitor's socket: %s", strerror(errno));
	return 0;
}

void
monitor_destroy(struct monitor *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < MAX_PENDING; i++)
		if (m->pending[i].id && m->pending[i].part[0])
			unlink(m->pending[i].part);
	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		if (m->clients[i])
			client_close(m->clients[i]);
	loop_del_fd(m->listen_src);
	if (m->listen_fd >= 0)
		close(m->listen_fd);
	mem_free(m);
}
