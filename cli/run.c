/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/run.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/msg.h"
#include "cli/monitor.h"
#include "cli/setup.h"
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef LODGE_LIBEXECDIR
#define LODGE_LIBEXECDIR "../libexec/lodge"
#endif
#define VM_PROGRAM "lodge-vm"

struct run {
	struct loop *loop;
	struct setup setup;
	struct term term;
	struct monitor *monitor;
	int ctl, sig_fd, err_fd;
	struct loop_fd *ctl_src, *sig_src, *err_src;
	pid_t pid;
	int status; /* -1: lodge-vm has not said */
	bool quit_asked;
	char why[512]; /* its last word */
	struct msg *msg;
	struct proto_reply *reply;
};

/* ---- starting lodge-vm ---- */

/* Beside our own executable, where an installation has it, or in the build tree. */
static int
find_program(char *ret_path, size_t size, struct err *e)
{
	static const char *const places[] = { "", LODGE_LIBEXECDIR "/", "../vm/" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return err_set(e, errno, "cannot find lodge's own place: %s", strerror(errno));
	self[n] = 0;
	slash = strrchr(self, '/');
	if (slash)
		slash[1] = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		const char *dir = places[i][0] == '/' ? "" : self;

		if (snprintf(ret_path, size, "%s%s" VM_PROGRAM, dir, places[i]) < (int)size &&
		    access(ret_path, X_OK) == 0)
			return 0;
	}
	return err_set(e, ENOENT, "the program " VM_PROGRAM " is not beside '%slodge'", self);
}

static void
ignore_sigpipe(void)
{
	const struct sigaction sa = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &sa, NULL);
}

/* In the child. Everything else is close-on-exec. */
__attribute__((noreturn)) static void
become_vm(const char *path, int sock, int err_fd)
{
	char name[] = VM_PROGRAM;
	char *argv[] = { name, NULL };
	char *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	/* The terminal's keys are lodge's business; the machine ends with its socket. */
	setpgid(0, 0);
	ignore_sigpipe(); /* a console that is closed is no reason to die */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* dup2 onto itself would leave close-on-exec set */
	if (sock == PROTO_FD)
		fcntl(sock, F_SETFD, 0);
	else
		dup2(sock, PROTO_FD);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(err_fd, STDERR_FILENO);
	execve(path, argv, envp);
	dprintf(STDERR_FILENO, "lodge: cannot start '%s': %s\n", path, strerror(errno));
	_exit(127);
}

static int
start_vm(struct run *r, struct err *e)
{
	char path[PATH_MAX + 32];
	int sv[2], ep[2], rc = find_program(path, sizeof(path), e);

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0 ||
	    pipe2(ep, O_CLOEXEC) < 0)
		return err_set(e, errno, "cannot make a socket pair: %s", strerror(errno));
	r->pid = fork();
	if (r->pid == 0)
		become_vm(path, sv[1], ep[1]);
	close(sv[1]);
	close(ep[1]);
	r->ctl = sv[0];
	r->err_fd = ep[0];
	if (r->pid < 0)
		return err_set(e, errno, "cannot start " VM_PROGRAM ": %s", strerror(errno));
	return 0;
}

static int
send_config(struct run *r, struct err *e)
{
	int fds[MSG_MAX_FDS], rc;
	unsigned nfds = 0;
	struct buf b;

	buf_init(&b, MSG_MAX);
	rc = proto_config_encode(&r->setup.cfg, &b, fds, &nfds, e);
	if (rc == 0) {
		rc = msg_send(r->ctl, PROTO_CONFIG, b.data, b.len, fds, nfds);
		if (rc < 0)
			err_set(e, -rc, "cannot talk to " VM_PROGRAM ": %s", strerror(-rc));
	}
	buf_fini(&b);
	setup_close_fds(&r->setup);
	return rc;
}

static int
request(struct run *r, enum proto_op op, int fd)
{
	struct proto_request *q = xalloc(sizeof(*q));
	int fds[MSG_MAX_FDS], rc;
	unsigned nfds = 0;
	struct buf b;

	q->op = (uint16_t)op; /* id 0: nobody waits for the reply */
	q->fd = fd;
	buf_init(&b, MSG_MAX);
	rc = proto_request_encode(q, &b, fds, &nfds);
	if (rc == 0)
		rc = msg_send(r->ctl, PROTO_REQUEST, b.data, b.len, fds, nfds);
	buf_fini(&b);
	mem_free(q);
	return rc;
}

/* ---- what happens ---- */

static void
quit(struct run *r)
{
	if (r->quit_asked) { /* the second time it is meant */
		kill(r->pid, SIGKILL);
		return;
	}
	r->quit_asked = true;
	if (request(r, PROTO_OP_QUIT, -1) < 0)
		kill(r->pid, SIGKILL);
}

static void
take_picture(struct run *r)
{
	time_t now = time(NULL);
	char name[64], text[128];
	struct tm tm;
	int fd, n;

	localtime_r(&now, &tm);
	strftime(name, sizeof(name), "lodge-%Y%m%d-%H%M%S.png", &tm);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		n = snprintf(
		    text, sizeof(text), "\n[cannot write %s: %s]\n", name, strerror(errno));
	} else {
		n = snprintf(text, sizeof(text), "\n[picture: %s]\n", name);
		request(r, PROTO_OP_SCREENDUMP, fd);
		close(fd);
	}
	term_say(&r->term, text, (size_t)n);
}

static void
on_key(void *ctx, char letter)
{
	struct run *r = ctx;

	if (letter == 'x')
		quit(r);
	else if (letter == 's')
		take_picture(r);
}

static void
monitor_say(void *ctx, const char *text, size_t len)
{
	struct run *r = ctx;

	term_say(&r->term, text, len);
}

static void
monitor_done(void *ctx, int status)
{
	struct run *r = ctx;

	term_prompt(&r->term);
}

static void
on_line(void *ctx, char *text)
{
	struct run *r = ctx;
	const struct monitor_client cl = { monitor_say, monitor_done, r };

	monitor_line(r->monitor, &cl, text);
}

static void
say_event(struct run *r, const char *text)
{
	char b[640];
	int n = snprintf(b, sizeof(b), "%s[%s]\n", r->term.at_line_start ? "" : "\n", text);

	if (r->term.is_tty && n > 0)
		term_say(&r->term, b, (size_t)n < sizeof(b) ? (size_t)n : sizeof(b) - 1);
}

static void
on_event(struct run *r, const struct proto_event *v)
{
	switch (v->kind) {
	case PROTO_EVENT_EXIT:
		r->status = (int)(v->value & 0xff);
		memcpy(r->why, v->text, sizeof(r->why)); /* said when the screen is left */
		break;
	case PROTO_EVENT_STOPPED:
	case PROTO_EVENT_RESET:
		if (r->term.monitor && v->text[0])
			say_event(r, v->text);
		break;
	default: break;
	}
}

static void
say_why(struct run *r)
{
	if (!r->why[0])
		return;
	if (r->status != PROTO_EXIT_ERROR) {
		say_event(r, r->why);
		return;
	}
	if (r->term.raw && !r->term.at_line_start)
		term_say(&r->term, "\n", 1);
	term_guard_restore(r->term.guard);
	r->term.raw = false;
	log_error("%s", r->why);
}

static void
ctl_ready(void *ctx, unsigned events)
{
	struct run *r = ctx;
	struct proto_event v;
	int rc = msg_recv(r->ctl, r->msg);

	if (rc == -EAGAIN || rc == -EINTR)
		return;
	if (rc <= 0) {
		loop_quit(r->loop);
		return;
	}
	if (r->msg->type == PROTO_REPLY && proto_reply_decode(r->reply, r->msg) == 0)
		monitor_reply(r->monitor, r->reply);
	else if (r->msg->type == PROTO_EVENT && proto_event_decode(&v, r->msg) == 0)
		on_event(r, &v);
	msg_close_fds(r->msg);
}

/* lodge-vm's log: the terminal may be raw. */
static void
err_ready(void *ctx, unsigned events)
{
	struct run *r = ctx;
	char b[4096], out[8192];
	ssize_t n = read(r->err_fd, b, sizeof(b));
	size_t len = 0;

	if (n <= 0) {
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		loop_del_fd(r->err_src);
		r->err_src = NULL;
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (b[i] == '\n' && r->term.raw && isatty(STDERR_FILENO))
			out[len++] = '\r';
		out[len++] = b[i];
	}
	for (size_t done = 0; done < len;) {
		n = write(STDERR_FILENO, out + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
}

static void
signal_ready(void *ctx, unsigned events)
{
	struct run *r = ctx;
	struct signalfd_siginfo si;

	if (read(r->sig_fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGCONT)
		term_again_raw(&r->term);
	else if (si.ssi_signo != SIGWINCH)
		quit(r);
	else if (r->setup.cfg.display == PROTO_DISPLAY_TEXT)
		term_resized(&r->term);
}

/* ---- the course of it ---- */

static int
watch(struct run *r, struct term_guard *g, const struct options *o, struct err *e)
{
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCONT);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ignore_sigpipe();
	r->sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	fcntl(r->ctl, F_SETFL, fcntl(r->ctl, F_GETFL) | O_NONBLOCK);
	r->ctl_src = loop_add_fd(r->loop, r->ctl, LOOP_READ, ctl_ready, r);
	r->err_src = loop_add_fd(r->loop, r->err_fd, LOOP_READ, err_ready, r);
	r->sig_src = loop_add_fd(r->loop, r->sig_fd, LOOP_READ, signal_ready, r);
	if (!r->ctl_src || !r->err_src || !r->sig_src)
		return err_set(e, errno, "cannot watch descriptors: %s", strerror(errno));
	r->monitor = monitor_create(r->loop, r->ctl, o->snapshot);
	if (r->setup.monitor_fd >= 0) {
		int fd = r->setup.monitor_fd;

		r->setup.monitor_fd = -1;
		rc = monitor_listen(r->monitor, fd, e);
		if (rc < 0)
			return rc;
	}
	rc = term_init(
	    &r->term, r->loop, g, r->setup.term_fd, o->monitor.kind == OPT_STREAM_STDIO, e);
	r->setup.term_fd = -1;
	r->term.on_key = on_key;
	r->term.on_line = on_line;
	r->term.ctx = r;
	return rc;
}

static int
wait_vm(struct run *r)
{
	int st = 0;

	if (r->pid <= 0)
		return PROTO_EXIT_ERROR;
	while (waitpid(r->pid, &st, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(st) && WEXITSTATUS(st) != 127)
		return r->status >= 0 ? r->status : WEXITSTATUS(st);
	if (WIFSIGNALED(st) && !(r->quit_asked && WTERMSIG(st) == SIGKILL))
		log_error(VM_PROGRAM " ended by signal %d (%s): this is a bug in it", WTERMSIG(st),
		    strsignal(WTERMSIG(st)));
	return r->quit_asked ? PROTO_EXIT_QUIT : PROTO_EXIT_ERROR;
}

static int
run(struct run *r, const struct options *o, struct term_guard *g, struct err *e)
{
	int rc = setup_prepare(&r->setup, o, e);

	if (rc < 0)
		return rc;
	r->loop = loop_create();
	if (!r->loop)
		return err_set(e, errno, "cannot make an event loop: %s", strerror(errno));
	rc = start_vm(r, e);
	if (rc == 0 && o->jit.perf && o->engine != PROTO_ENGINE_INTERP)
		rc = setup_open_perf(&r->setup, r->pid, e);
	if (rc == 0)
		rc = send_config(r, e);
	if (rc == 0)
		rc = watch(r, g, o, e);
	if (rc < 0)
		return rc;
	if (r->setup.notice[0])
		term_say(&r->term, r->setup.notice, strlen(r->setup.notice));
	term_prompt(&r->term);
	loop_run(r->loop);
	term_drain(&r->term);
	if (r->err_src) { /* what it said last */
		fcntl(r->err_fd, F_SETFL, O_NONBLOCK);
		err_ready(r, LOOP_READ);
	}
	say_why(r);
	return 0;
}

static void
run_fini(struct run *r)
{
	monitor_destroy(r->monitor);
	term_fini(&r->term);
	loop_del_fd(r->ctl_src);
	loop_del_fd(r->err_src);
	loop_del_fd(r->sig_src);
	if (r->ctl >= 0)
		close(r->ctl);
	if (r->err_fd >= 0)
		close(r->err_fd);
	if (r->sig_fd >= 0)
		close(r->sig_fd);
	loop_destroy(r->loop);
	setup_fini(&r->setup);
	mem_free(r->msg);
	mem_free(r->reply);
}

int
run_main(int argc, char **argv, struct term_guard *g)
{
	struct options o;
	struct err e = { 0 };
	struct run r = { .ctl = -1,
		.sig_fd = -1,
		.err_fd = -1,
		.status = -1,
		.term.peer = -1,
		.setup.term_fd = -1,
		.setup.monitor_fd = -1 };
	int status, rc;

	if (options_parse(&o, argc, argv, &e) < 0) {
		log_error("%s", e.msg);
		return PROTO_EXIT_USAGE;
	}
	if (o.help) {
		options_help(stdout);
		return 0;
	}
	proto_config_init(&r.setup.cfg);
	r.msg = xalloc(sizeof(*r.msg));
	r.reply = xalloc(sizeof(*r.reply));
	rc = run(&r, &o, g, &e);
	if (rc < 0) {
		term_guard_restore(g);
		r.term.raw = false;
		log_error("%s", e.msg);
		if (r.ctl >= 0)
			close(r.ctl);
		r.ctl = -1;
		if (r.pid > 0)
			wait_vm(&r);
		status = PROTO_EXIT_ERROR;
	} else {
		term_fini(&r.term);
		close(r.ctl); /* tells it to end, if it has not */
		loop_del_fd(r.ctl_src);
		r.ctl_src = NULL;
		r.ctl = -1;
		status = wait_vm(&r);
	}
	run_fini(&r);
	return status;
}
