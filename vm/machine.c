/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/machine.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "cpu/x86/sys.h"
#include "vm/board.h"
#include "vm/chars.h"
#include "vm/control.h"
#include "vm/drives.h"
#include "vm/firmware.h"
#include "vm/gdb.h"
#include "vm/hostio.h"
#include "vm/state.h"
#include "vm/statelog.h"
#include "vm/vcpu.h"
#include "vm/video.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- host clock: deadlines by a timerfd ---- */

static void
rearm(void *ctx)
{
	struct machine *m = ctx;
	struct itimerspec t = { 0 };
	int64_t at;

	if (m->clock.insns) {
		if (m->vcpus)
			vcpus_deadline(m);
		return;
	}
	at = clock_host_deadline(&m->clock);
	if (at != CLOCK_OFF) {
		at = at > 0 ? at : 1;
		t.it_value.tv_sec = at / 1000000000;
		t.it_value.tv_nsec = at % 1000000000;
	}
	timerfd_settime(m->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void
timer_ready(void *ctx, unsigned events)
{
	struct machine *m = ctx;
	uint64_t n;

	if (read(m->timer_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return;
	machine_lock(m);
	if (m->clock.running) {
		clock_run_due(&m->clock);
		/* The descriptor fired once: what is left needs it armed again. */
		rearm(m);
	}
	machine_unlock(m);
}

/* ---- the processors' environment ---- */

static int64_t
env_now(void *ctx)
{
	struct machine *m = ctx;

	return clock_now(&m->clock);
}

static uint64_t
env_tsc(void *ctx)
{
	_Static_assert(CLOCK_TSC_HZ == 1000000000, "the counter is the time");
	return (uint64_t)env_now(ctx);
}

static uint8_t
env_ack(void *ctx)
{
	struct machine *m = ctx;
	uint8_t vector;

	vcpus_lock(m);
	vector = board_ack(m->board);
	machine_unlock(m);
	return vector;
}

static void
env_eoi(void *ctx, uint8_t vector)
{
	struct machine *m = ctx;

	board_eoi(m->board, vector);
}

static void
env_timer_arm(void *ctx, unsigned index, int64_t deadline_ns)
{
	struct machine *m = ctx;

	vcpus_lock(m);
	clock_arm(&m->clock, &m->lapic_timer[index], deadline_ns);
	machine_unlock(m);
}

static void
lapic_due(void *ctx)
{
	struct cpu *c = ctx;

	lapic_timer(c->lapic);
}

static void
env_triple_fault(void *ctx, unsigned index)
{
	machine_ask(ctx, ASK_TRIPLE_FAULT);
}

static void
env_ferr(void *ctx, bool level)
{
	struct machine *m = ctx;

	vcpus_lock(m);
	board_ferr(m->board, level);
	machine_unlock(m);
}

static void
env_lock(void *ctx)
{
	vcpus_lock(ctx);
}

static void
env_unlock(void *ctx)
{
	machine_unlock(ctx);
}

static void
env_debug_stop(void *ctx, struct cpu *c, int why)
{
	struct machine *m = ctx;

	/* The first one counts; another that stops meanwhile is seen at the next go. */
	vcpus_lock(m);
	if (!m->debug_cpu) {
		m->debug_cpu = c;
		m->debug_why = why;
	}
	machine_unlock(m);
	cpu_kick(c, ATT_STOP);
	machine_ask(m, ASK_DEBUG);
}

static void
map_changed(void *ctx)
{
	struct machine *m = ctx;

	if (m->cpus.n)
		cpu_flush_all(&m->cpus);
}

static int
choose_engine(struct machine *m, struct err *e)
{
	static const enum cpu_engine_kind kinds[] = { [PROTO_ENGINE_AUTO] = CPU_ENGINE_AUTO,
		[PROTO_ENGINE_INTERP] = CPU_ENGINE_INTERP,
		[PROTO_ENGINE_JIT] = CPU_ENGINE_JIT };
	const struct proto_config *c = m->cfg;
	const struct cpu_jit_options o = {
		.cache_mib = c->jit_cache_mib,
		.threshold = c->jit_threshold,
		.block_insns = c->jit_block_insns,
		.no_chain = c->jit_no_chain,
		.exact_flags = c->jit_exact_flags,
		.verify = c->jit_verify,
		.perf_fd = c->perf_fd > 0 ? c->perf_fd : 0,
	};
	const char *why = NULL;
	int r = cpu_set_engine(&m->cpus, kinds[c->engine], &o, &why, e);

	if (r < 0)
		return err_prefix(e, "--engine");
	if (c->engine == PROTO_ENGINE_AUTO && cpu_set_engine_kind(&m->cpus) == CPU_ENGINE_INTERP)
		m->engine_why = why;
	return 0;
}

static int
make_cpus(struct machine *m, struct err *e)
{
	const char *why = NULL;
	const struct cpu_model *model = cpu_model_find(m->cfg->cpu_model, &why);
	int r;

	if (!model)
		return err_set(
		    e, EINVAL, "--cpu-model: '%s': %s", m->cfg->cpu_model, why ? why : "unknown");
	m->cpu_env = (struct cpu_env){
		.ctx = m,
		.mem = &m->mem,
		.io = &m->io,
		.tsc = env_tsc,
		.tsc_hz = CLOCK_TSC_HZ,
		.now_ns = env_now,
		.ack_intr = env_ack,
		.eoi = env_eoi,
		.timer_arm = env_timer_arm,
		.triple_fault = env_triple_fault,
		.ferr = env_ferr,
		.lock = env_lock,
		.unlock = env_unlock,
		.tick = vcpus_tick,
		.debug_stop = env_debug_stop,
	};
	r = cpu_set_create(&m->cpus, m->cfg->cpus, model, &m->cpu_env, e);
	if (r < 0)
		return r;
	m->cpus.shared_thread = m->clock.insns;
	r = choose_engine(m, e);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < m->cpus.n; i++)
		clock_add_timer(&m->clock, &m->lapic_timer[i], lapic_due, m->cpus.cpu[i]);
	return 0;
}

/* ---- requests from anywhere ---- */

void
machine_ask(struct machine *m, enum machine_ask what)
{
	__atomic_or_fetch(&m->asked, what, __ATOMIC_SEQ_CST);
	/* The processor that asked must not run on into what comes after. */
	vcpus_hold(m);
	loop_wake(m->loop);
}

static void
serve_reset(struct machine *m, unsigned asked)
{
	bool triple = asked & ASK_TRIPLE_FAULT;

	if (m->cfg->no_reboot) {
		if (triple)
			machine_end(m, PROTO_EXIT_TRIPLE_FAULT, "triple fault");
		else
			machine_end(m, PROTO_EXIT_RESET, "the guest reset the machine");
		return;
	}
	if (triple)
		log_info("triple fault: reset");
	machine_reset(m);
}

/* The loop's wake hook: everything asked for since the last turn. */
static void
serve(void *ctx)
{
	struct machine *m = ctx;
	unsigned asked;

	hostio_deliver(m);
	while ((asked = __atomic_exchange_n(&m->asked, 0, __ATOMIC_SEQ_CST)) && !m->ending) {
		if (asked & ASK_QUIT)
			machine_end(m, PROTO_EXIT_QUIT, "ended");
		else if (asked & ASK_EXIT)
			machine_end(m, m->exit_status, "the guest ended the machine");
		else if (asked & ASK_POWEROFF)
			machine_end(m, PROTO_EXIT_POWEROFF, "the guest powered the machine off");
		else if (asked & (ASK_RESET | ASK_TRIPLE_FAULT))
			serve_reset(m, asked);
		if ((asked & ASK_DEBUG) && !m->ending)
			gdb_stopped(m);
		if ((asked & ASK_STOP) && !m->ending)
			machine_set_stopped(m, false, true);
		if (!__atomic_load_n(&m->asked, __ATOMIC_SEQ_CST))
			vcpus_release(m);
	}
}

/* ---- stopping and going on ---- */

bool
machine_running(const struct machine *m)
{
	return m->clock.running;
}

static void
start_running(struct machine *m)
{
	machine_lock(m);
	clock_start(&m->clock);
	machine_unlock(m);
	vcpus_resume(m);
}

static void
stop_running(struct machine *m)
{
	vcpus_pause(m);
	state_log_flush(m->state_log);
	machine_lock(m);
	clock_stop(&m->clock);
	machine_unlock(m);
}

/* How many want it stopped: nested pauses, the user, the debugger. */
static bool
should_run(const struct machine *m)
{
	return !m->pauses && !m->stopped_by_user && !m->stopped_by_gdb && !m->ending;
}

static void
follow(struct machine *m)
{
	bool run = should_run(m);

	if (run && !m->clock.running)
		start_running(m);
	else if (!run && m->clock.running)
		stop_running(m);
}

void
machine_pause(struct machine *m)
{
	m->pauses++;
	follow(m);
}

void
machine_resume(struct machine *m)
{
	BUG_ON(!m->pauses);
	m->pauses--;
	follow(m);
}

void
machine_set_stopped(struct machine *m, bool by_gdb, bool stop)
{
	bool *flag = by_gdb ? &m->stopped_by_gdb : &m->stopped_by_user;

	if (*flag == stop)
		return;
	*flag = stop;
	follow(m);
	control_event(m, machine_running(m) ? PROTO_EVENT_RUNNING : PROTO_EVENT_STOPPED, 0,
	    machine_running(m) ? "" : "stopped");
}

/* The reset line of the processors; caches of translations and code follow. */
static void
reset_cpus(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus.n; i++) {
		struct cpu *c = m->cpus.cpu[i];

		cpu_clear(c, ATT_NMI | ATT_SMI | ATT_INIT | ATT_SIPI | ATT_DEBUG | ATT_INTR);
		cpu_reset(c, false);
		lapic_reset(c->lapic, false);
		c->wait_sipi = i != 0;
	}
	cpu_flush_all(&m->cpus);
}

void
machine_reset(struct machine *m)
{
	machine_pause(m);
	hostio_drain(m);
	machine_lock(m);
	reset_cpus(m);
	board_reset(m->board);
	machine_unlock(m);
	m->resets++;
	control_event(m, PROTO_EVENT_RESET, m->resets, "reset");
	machine_resume(m);
}

void
machine_end(struct machine *m, unsigned status, const char *why)
{
	if (m->ending)
		return;
	m->ending = true;
	follow(m);
	m->exit_status = status;
	m->exit_why = why;
	loop_quit(m->loop);
}

/* ---- making it ---- */

static int
make_lock(struct machine *m, struct err *e)
{
	pthread_mutexattr_t attr;
	int r;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	r = pthread_mutex_init(&m->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return r ? err_set(e, r, "cannot make a lock: %s", strerror(r)) : 0;
}

static int
make_loop(struct machine *m, struct err *e)
{
	m->loop = loop_create();
	m->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!m->loop || m->timer_fd < 0)
		return err_set(e, errno, "cannot make an event loop: %s", strerror(errno));
	m->timer_src = loop_add_fd(m->loop, m->timer_fd, LOOP_READ, timer_ready, m);
	if (!m->timer_src)
		return err_set(e, errno, "cannot watch the timer: %s", strerror(errno));
	loop_set_wake_hook(m->loop, serve, m);
	return 0;
}

static int
make_memory(struct machine *m, struct err *e)
{
	int r = mem_arena_init(
	    &m->arena, m->cfg->memory_fd, m->cfg->memory_bytes + PROTO_MEMORY_EXTRA, e);

	if (r < 0)
		return r;
	mem_space_init(&m->mem, "memory", &m->arena, &m->lock);
	mem_space_init(&m->io, "ports", NULL, &m->lock);
	m->mem.lock_fn = m->io.lock_fn = env_lock;
	m->mem.unlock_fn = m->io.unlock_fn = env_unlock;
	m->mem.lock_ctx = m->io.lock_ctx = m;
	m->mem.changed = map_changed;
	m->mem.changed_ctx = m;
	return 0;
}

static int
make_board(struct machine *m, struct err *e)
{
	struct board *b = board_create(m);
	int r = firmware_load(m, e);

	if (r == 0)
		r = drives_open(m, e);
	if (r == 0)
		r = chars_open(m, e);
	if (r == 0)
		r = video_create(m, e);
	if (r == 0)
		r = board_devices(b, e);
	if (r == 0)
		r = firmware_describe(m, e);
	return r;
}

int
machine_create(struct machine *m, const struct proto_config *cfg, int ctl_fd, struct err *e)
{
	int r;

	memset(m, 0, sizeof(*m));
	m->cfg = cfg;
	m->ctl_fd = ctl_fd;
	m->timer_fd = -1;
	clock_init(&m->clock, cfg->clock == PROTO_CLOCK_INSNS);
	m->clock.rearm = rearm;
	m->clock.rearm_ctx = m;
	r = make_lock(m, e);
	if (r == 0)
		r = make_loop(m, e);
	if (r == 0)
		r = make_memory(m, e);
	if (r == 0)
		r = make_cpus(m, e);
	if (r == 0)
		r = hostio_create(m, e);
	m->char_env = (struct chardev_env){ m->loop, m, env_lock, env_unlock };
	if (r == 0)
		r = make_board(m, e);
	state_log_create(m);
	if (r == 0)
		r = vcpus_create(m, e);
	if (r == 0)
		r = gdb_create(m, e);
	if (r == 0)
		r = control_create(m, e);
	if (r == 0 && cfg->restore_fd >= 0)
		r = state_restore(m, cfg->restore_fd, e);
	return r;
}

void
machine_destroy(struct machine *m)
{
	m->ending = true;
	vcpus_destroy(m);
	state_log_destroy(m);
	hostio_destroy(m);
	gdb_destroy(m);
	video_destroy(m);
	board_destroy(m->board);
	drives_close(m);
	chars_close(m);
	control_destroy(m);
	cpu_set_destroy(&m->cpus);
	mem_space_fini(&m->io);
	mem_space_fini(&m->mem);
	mem_arena_fini(&m->arena);
	clock_fini(&m->clock);
	if (m->loop) {
		loop_del_fd(m->timer_src);
		loop_destroy(m->loop);
	}
	if (m->timer_fd >= 0)
		close(m->timer_fd);
	pthread_mutex_destroy(&m->lock);
}

int
machine_main(struct machine *m)
{
	struct err e = { 0 };

	m->stopped_by_user = m->cfg->paused;
	m->stopped_by_gdb = m->cfg->gdb_wait;
	control_event(m, PROTO_EVENT_STARTED, 0, "");
	follow(m);
	if (!m->ending)
		loop_run(m->loop);
	if (m->cfg->screenshot_fd >= 0 && video_screenshot(m, m->cfg->screenshot_fd, &e) < 0)
		log_error("screenshot: %s", e.msg);
	control_event(m, PROTO_EVENT_EXIT, m->exit_status, m->exit_why ? m->exit_why : "");
	return (int)m->exit_status;
}
