/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/cpu/tinyvm.h"

#include "base/err.h"
#include "cpu/mmu/mmu.h"
#include "cpu/x86/sys.h"
#include "tests/unit/test.h"

static uint64_t
env_tsc(void *ctx)
{
	struct tinyvm *v = ctx;

	return v->tsc += 100;
}

static int64_t
env_now(void *ctx)
{
	return (int64_t)((struct tinyvm *)ctx)->tsc;
}

static uint8_t
env_ack(void *ctx)
{
	struct tinyvm *v = ctx;

	cpu_set_intr(v->set.cpu[0], false);
	return (uint8_t)v->intr_vector;
}

static void
env_eoi(void *ctx, uint8_t vector)
{
	(void)vector;
	((struct tinyvm *)ctx)->eois++;
}

static void
env_timer(void *ctx, unsigned index, int64_t deadline)
{
	((struct tinyvm *)ctx)->timer[index] = deadline;
}

static void
env_triple(void *ctx, unsigned index)
{
	struct tinyvm *v = ctx;

	v->triple_faults++;
	cpu_kick(v->set.cpu[index], ATT_STOP);
}

static void
env_ferr(void *ctx, bool level)
{
	(void)ctx;
	(void)level;
}

static void
env_lock(void *ctx)
{
	pthread_mutex_lock(&((struct tinyvm *)ctx)->lock);
}

static void
env_unlock(void *ctx)
{
	pthread_mutex_unlock(&((struct tinyvm *)ctx)->lock);
}

static void
env_tick(void *ctx, struct cpu *c)
{
	(void)ctx;
	c->icount_limit = UINT64_MAX;
	cpu_limits_changed(c);
}

static void
env_debug(void *ctx, struct cpu *c, int why)
{
	(void)c;
	((struct tinyvm *)ctx)->debug_why = why;
}

static uint64_t
port_read(void *ctx, uint64_t off, unsigned size)
{
	return get_le(&((struct tinyvm *)ctx)->port[off], size);
}

static void
port_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	put_le(&((struct tinyvm *)ctx)->port[off], size, val);
}

static const struct mem_io port_io = {
	.read = port_read, .write = port_write, .access_min = 1, .access_max = 4
};

static void
map_changed(void *ctx)
{
	struct tinyvm *v = ctx;

	if (v->set.n)
		cpu_flush_all(&v->set);
}

static void
init_env(struct tinyvm *v)
{
	pthread_mutexattr_t attr;

	memset(v, 0, sizeof(*v));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&v->lock, &attr);
	v->debug_why = -1;
	v->env = (struct cpu_env){
		.ctx = v,
		.mem = &v->mem,
		.io = &v->io,
		.tsc = env_tsc,
		.tsc_hz = 1000000000,
		.now_ns = env_now,
		.ack_intr = env_ack,
		.eoi = env_eoi,
		.timer_arm = env_timer,
		.triple_fault = env_triple,
		.ferr = env_ferr,
		.lock = env_lock,
		.unlock = env_unlock,
		.tick = env_tick,
		.debug_stop = env_debug,
	};
}

bool
tinyvm_init_engine(struct tinyvm *v, unsigned ncpus, const char *model,
    const struct tinyvm_engine *engine, struct err *e)
{
	const char *why = "";
	uint64_t aoff = 0;

	init_env(v);
	if (mem_arena_init(&v->arena, -1, TINYVM_RAM, e) ||
	    mem_arena_alloc(&v->arena, TINYVM_RAM, &aoff, e))
		test_fail(__FILE__, __LINE__, "%s", e->msg);
	mem_space_init(&v->mem, "memory", &v->arena, &v->lock);
	mem_space_init(&v->io, "ports", NULL, &v->lock);
	v->mem.changed = map_changed;
	v->mem.changed_ctx = v;
	mem_region_map(mem_space_add_ram(&v->mem, "ram", aoff, TINYVM_RAM, true, 0), 0);
	mem_region_map(mem_space_add_io(&v->io, "ports", &port_io, v, 65536, 0), 0);
	if (cpu_set_create(&v->set, ncpus, cpu_model_find(model, &why), &v->env, e))
		test_fail(__FILE__, __LINE__, "%s", e->msg);
	if (!cpu_set_engine(&v->set, engine->kind, &engine->options, &why, e))
		return true;
	tinyvm_fini(v);
	return false;
}

void
tinyvm_init(struct tinyvm *v, unsigned ncpus, const char *model)
{
	struct tinyvm_engine engine;
	struct err e = { 0 };

	tinyvm_engine_env(&engine);
	if (!tinyvm_init_engine(v, ncpus, model, &engine, &e))
		test_fail(__FILE__, __LINE__, "%s", e.msg);
}

void
tinyvm_fini(struct tinyvm *v)
{
	cpu_set_destroy(&v->set);
	mem_space_fini(&v->io);
	mem_space_fini(&v->mem);
	mem_arena_fini(&v->arena);
	pthread_mutex_destroy(&v->lock);
}

void
tinyvm_load(struct tinyvm *v, uint64_t gpa, const void *bytes, size_t len)
{
	mem_space_load(&v->mem, gpa, bytes, len);
}

uint32_t
tinyvm_r32(struct tinyvm *v, uint64_t gpa)
{
	return (uint32_t)mem_space_read(&v->mem, gpa, 4);
}

void
tinyvm_w32(struct tinyvm *v, uint64_t gpa, uint32_t val)
{
	mem_space_write(&v->mem, gpa, 4, val);
}

void
tinyvm_w64(struct tinyvm *v, uint64_t gpa, uint64_t val)
{
	mem_space_write(&v->mem, gpa, 8, val);
}

/* ---- entry states ---- */

enum { GDT = 0x800, PML4 = 0x2000, PDPT = 0x3000, PD = 0x4000 };

static void
write_gdt(struct tinyvm *v)
{
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff,
		0x00af9b000000ffff, 0x00009b000000ffff, 0x000093000000ffff };

	tinyvm_load(v, GDT, gdt, sizeof(gdt));
}

static void
set_seg(struct cpu *c, unsigned s, uint16_t sel, uint32_t limit, uint16_t attr)
{
	c->seg[s].sel = sel;
	c->seg[s].base = 0;
	c->seg[s].limit = limit;
	c->seg[s].attr = attr;
}

static struct cpu *
prepare(struct tinyvm *v, unsigned i, uint64_t rip)
{
	struct cpu *c = v->set.cpu[i];

	write_gdt(v);
	c->wait_sipi = c->halted = c->shutdown = c->shadow = false;
	c->gdtr = (struct dtable){ GDT, 6 * 8 - 1 };
	c->eflags = FL_R1;
	c->cpl = 0;
	c->gpr[REG_SP] = 0x90000 - i * 4096;
	c->gpr[REG_RIP] = rip;
	return c;
}

void
tinyvm_real(struct tinyvm *v, unsigned i, uint16_t cs, uint16_t ip)
{
	struct cpu *c = prepare(v, i, ip);

	c->cr0 = CR0_ET;
	for (unsigned s = SEG_ES; s <= SEG_GS; s++)
		set_seg(c, s, 0, 0xffff, DESC_P | DESC_S | DESC_W | DESC_A);
	c->seg[SEG_CS].sel = cs;
	c->seg[SEG_CS].base = (uint64_t)cs << 4;
	c->gpr[REG_SP] = 0x7c00 - i * 0x400;
	cpu_mode_derive(c);
}

void
tinyvm_flat32(struct tinyvm *v, unsigned i, uint32_t eip)
{
	struct cpu *c = prepare(v, i, eip);

	c->cr0 = CR0_ET | CR0_PE | CR0_NE;
	for (unsigned s = SEG_ES; s <= SEG_GS; s++)
		set_seg(c, s, 0x10, 0xffffffff, DESC_P | DESC_S | 3 | DESC_DB | DESC_G);
	set_seg(c, SEG_CS, 8, 0xffffffff, DESC_P | DESC_S | 11 | DESC_DB | DESC_G);
	cpu_mode_derive(c);
}

void
tinyvm_flat64(struct tinyvm *v, unsigned i, uint64_t rip)
{
	struct cpu *c;

	tinyvm_flat32(v, i, (uint32_t)rip);
	c = v->set.cpu[i];
	tinyvm_w64(v, PML4, PDPT | 7);
	tinyvm_w64(v, PDPT, PD | 7);
	for (unsigned k = 0; k < TINYVM_RAM >> 21; k++)
		tinyvm_w64(v, PD + k * 8, (uint64_t)k << 21 | 0x87);
	c->cr0 |= CR0_PG | CR0_WP;
	c->cr3 = PML4;
	c->cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	c->msr.efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
	c->long_mode = true;
	set_seg(c, SEG_CS, 0x18, 0xffffffff, DESC_P | DESC_S | 11 | DESC_L | DESC_G);
	tlb_flush_all(c);
	cpu_mode_derive(c);
}

/* ---- running ---- */

static bool
run_to_halt(struct tinyvm *v, unsigned i, uint64_t budget)
{
	struct cpu *c = v->set.cpu[i];
	enum cpu_exit why;

	for (;;) {
		why = cpu_run(c, budget);
		if (why != CPU_EXIT_HALT || c->shutdown)
			return false;
		if (!(c->eflags & FL_IF) && !c->wait_sipi)
			return true;
		cpu_wait(c);
	}
}

bool
tinyvm_run(struct tinyvm *v, unsigned i)
{
	return run_to_halt(v, i, 200000000);
}

struct thread_arg {
	struct tinyvm *v;
	unsigned i;
	bool ok;
};

/* How many instructions one spends waiting for another depends on the host: no budget.  The
 * translator has other code with one than without, so every other processor has one that
 * does not end. */
static void *
thread_main(void *arg)
{
	struct thread_arg *t = arg;

	t->ok = run_to_halt(t->v, t->i, t->i % 2 ? UINT64_MAX : UINT64_MAX / 2);
	return NULL;
}

bool
tinyvm_run_all(struct tinyvm *v)
{
	struct thread_arg arg[64];
	struct timespec deadline;
	pthread_t th[64];
	bool ok = true;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 60;
	for (unsigned i = 0; i < v->set.n; i++) {
		arg[i] = (struct thread_arg){ v, i, false };
		if (pthread_create(&th[i], NULL, thread_main, &arg[i]))
			return false;
	}
	for (unsigned i = 0; i < v->set.n; i++) {
		if (pthread_timedjoin_np(th[i], NULL, &deadline)) {
			for (unsigned k = 0; k < v->set.n; k++)
				cpu_kick(v->set.cpu[k], ATT_STOP);
			pthread_join(th[i], NULL);
		}
		ok &= arg[i].ok;
	}
	return ok;
}
