/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devices see of the machine: the services of struct dev_env. */
#include "base/bits.h"
#include "base/log.h"
#include "dev/i8237.h"
#include "dev/i8259.h"
#include "dev/ioapic.h"
#include "vm/board.h"
#include "vm/machine.h"

/* ---- lines ---- */

/* IRQ 0 of the timer arrives at input 2 of the IOAPIC, as the MADT says. */
static unsigned
gsi_of_irq(unsigned irq)
{
	return irq == 0 ? 2 : irq;
}

static bool
set_source(struct board *b, unsigned line, unsigned source, bool level, bool *ret_changed)
{
	uint32_t old = b->irq_sources[line];
	uint32_t new = level ? old | 1u << source : old & ~(1u << source);

	b->irq_sources[line] = new;
	*ret_changed = !old != !new;
	return new != 0;
}

static bool
to_ioapic(struct board *b, unsigned gsi, bool level)
{
	return b->ioapic && ioapic_input(b->ioapic, gsi, level);
}

bool
board_gsi(struct board *b, unsigned gsi, unsigned source, bool level)
{
	bool changed, now = set_source(b, gsi, source, level, &changed);

	return !changed || to_ioapic(b, gsi, now) || !now;
}

/* False when a rising edge was lost at a controller where it is not masked: the clock chips bring
 * it again. Where both mask it, nobody misses it. */
bool
board_irq(struct board *b, unsigned irq, unsigned source, bool level)
{
	bool changed, now = set_source(b, irq, source, level, &changed), lost;

	if (!changed)
		return true;
	trace(TRACE_IRQ, "irq %u %s", irq, now ? "high" : "low");
	lost = now && b->pic && i8259_pending(b->pic, irq);
	if (b->pic)
		b->pic->type->input(b->pic, irq, now);
	if (b->ioapic && !ioapic_input(b->ioapic, gsi_of_irq(irq), now))
		lost = true;
	return !lost;
}

static void
set_a20(struct board *b, unsigned source, bool level)
{
	uint8_t old = b->a20_sources, bit = (uint8_t)(1u << source);

	b->a20_sources = level ? old | bit : old & (uint8_t)~bit;
	if (!old == !b->a20_sources)
		return;
	trace(TRACE_CPU, "A20 %s", b->a20_sources ? "on" : "off");
	cpu_set_a20(&b->m->cpus, b->a20_sources != 0);
}

/* In legacy replacement mode the HPET has the lines of timer and clock chip (IA-PC HPET
 * 1.0a, 2.4.5). */
static bool
is_replaced(const struct board *b, const struct board_wire *w)
{
	if (!b->hpet_legacy || w->kind != WIRE_IRQ || !strcmp(w->id, "hpet"))
		return false;
	return w->arg == 0 || w->arg == 8;
}

static bool
drive(struct board *b, struct board_out *o, bool level)
{
	const struct board_wire *w = o->wire;

	switch (w->kind) {
	case WIRE_IRQ: return board_irq(b, w->arg, o->source, level && !is_replaced(b, w));
	case WIRE_GSI: return board_gsi(b, w->arg, o->source, level);
	case WIRE_INTR: cpu_set_intr(b->m->cpus.cpu[0], level); return true;
	case WIRE_A20: set_a20(b, o->source, level); return true;
	case WIRE_HPET_LEGACY: b->hpet_legacy = level; return true;
	case WIRE_INPUT:
		if (o->to)
			o->to->dev.type->input(&o->to->dev, w->arg, level);
		return true;
	case WIRE_END: break;
	}
	return true;
}

static bool
env_output(struct dev *d, unsigned line, bool level)
{
	struct board_dev *bd = d->board;
	struct board_out *o = &bd->outs[line];

	if (line >= d->type->noutputs)
		return true;
	o->level = level;
	if (d->type->pci && d->type->pci->irq_output == line && d->type->pci->int_pin) {
		pci_dev_intx(d, level);
		return true;
	}
	return o->wire ? drive(bd->m->board, o, level) : true;
}

/* ---- time ---- */

static int64_t
env_now(struct dev *d)
{
	struct board_dev *bd = d->board;

	return clock_now(&bd->m->clock);
}

static void
env_timer(struct dev *d, unsigned id, int64_t deadline_ns)
{
	struct board_dev *bd = d->board;

	if (id < d->type->ntimers)
		clock_arm(&bd->m->clock, &bd->timers[id].t, deadline_ns);
}

/* ---- memory ---- */

static bool
env_dma_read(struct dev *d, uint64_t gpa, void *dst, size_t len)
{
	struct board_dev *bd = d->board;

	if (d->type->pci && !pci_bus_master_enabled(d)) {
		memset(dst, 0xff, len);
		return false;
	}
	return mem_space_copy_from(&bd->m->mem, gpa, dst, len);
}

static bool
env_dma_write(struct dev *d, uint64_t gpa, const void *src, size_t len)
{
	struct board_dev *bd = d->board;

	if (d->type->pci && !pci_bus_master_enabled(d))
		return false;
	return mem_space_copy_to(&bd->m->mem, gpa, src, len);
}

static bool
env_msi(struct dev *d, uint64_t addr, uint32_t data)
{
	struct board_dev *bd = d->board;

	return lapic_deliver(&bd->m->cpus, addr, data);
}

static unsigned
env_isa_dma(struct dev *d, unsigned chan, void *buf, unsigned len, bool to_memory, bool *ret_tc)
{
	struct board_dev *bd = d->board;
	struct board *b = bd->m->board;

	*ret_tc = false;
	return b->dma ? i8237_transfer(b->dma, chan, buf, len, to_memory, ret_tc) : 0;
}

static void
env_map(struct dev *d, unsigned region, uint64_t addr)
{
	struct board_dev *bd = d->board;
	struct board_region *r = &bd->regions[region];

	if (region >= d->type->nregions || !r->map || r->addr == addr)
		return;
	if (addr != DEV_UNMAPPED && r->type->kind == DEV_REGION_PIO && addr + r->size > 0x10000)
		addr = DEV_UNMAPPED;
	r->addr = addr;
	trace(TRACE_PCI, "%s.%s at %llx", d->id, r->type->name, (unsigned long long)addr);
	if (addr == DEV_UNMAPPED)
		mem_region_unmap(r->map);
	else
		mem_region_map(r->map, addr);
}

static uint8_t *
env_region_ptr(struct dev *d, unsigned region)
{
	struct board_dev *bd = d->board;
	struct board_region *r = &bd->regions[region];

	if (r->type->kind != DEV_REGION_RAM && r->type->kind != DEV_REGION_ROM)
		return NULL;
	return r->map ? bd->m->arena.base + r->aoff : NULL;
}

/* ---- the rest ---- */

static void
env_guest_error(struct dev *d, const char *what, uint64_t arg)
{
	struct board_dev *bd = d->board;

	bd->guest_errors++;
	trace(TRACE_GUEST, "%s: %s %llx", d->id, what, (unsigned long long)arg);
}

/* 8042 and port 92h pull INIT of the processors; everything else stays as it is. */
static void
pull_init(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus.n; i++)
		cpu_kick(m->cpus.cpu[i], ATT_INIT);
}

static void
env_request(struct dev *d, unsigned what, uint64_t arg)
{
	struct board_dev *bd = d->board;
	struct machine *m = bd->m;

	trace(TRACE_VM, "%s: request %u (%llx)", d->id, what, (unsigned long long)arg);
	switch (what) {
	case DEV_REQ_RESET:
		if (arg == 1)
			pull_init(m);
		else
			machine_ask(m, ASK_RESET);
		break;
	case DEV_REQ_POWEROFF: machine_ask(m, ASK_POWEROFF); break;
	case DEV_REQ_EXIT:
		m->exit_status = (unsigned)arg & 0xff;
		machine_ask(m, ASK_EXIT);
		break;
	case DEV_REQ_PAM:
		board_pam(m->board, (unsigned)(arg >> 8) & 0xff, (unsigned)arg & 3);
		break;
	/* S1 is left at once; there is no SMM, so nothing hides behind SMRAM. */
	case DEV_REQ_SUSPEND:
	case DEV_REQ_SMI:
	case DEV_REQ_SMRAM:
	default: break;
	}
}

static const struct board_param *
find_param(const struct board *b, const struct dev *d, const char *name)
{
	for (unsigned i = 0; i < b->nparams; i++)
		if (!strcmp(b->params[i].id, d->id) && !strcmp(b->params[i].name, name))
			return &b->params[i];
	return NULL;
}

static uint64_t
env_param_u64(struct dev *d, const char *name, uint64_t def)
{
	const struct board_param *p = find_param(d->env->ctx, d, name);

	return p && !p->str ? p->num : def;
}

static const char *
env_param_str(struct dev *d, const char *name, const char *def)
{
	const struct board_param *p = find_param(d->env->ctx, d, name);

	return p && p->str ? p->str : def;
}

static void *
env_backend(struct dev *d, const char *name)
{
	const struct board *b = d->env->ctx;

	for (unsigned i = 0; i < b->nbackends; i++)
		if (!strcmp(b->backends[i].id, d->id) && !strcmp(b->backends[i].name, name))
			return b->backends[i].p;
	return NULL;
}

const struct dev_env board_env_template = {
	.output = env_output,
	.now_ns = env_now,
	.timer_arm = env_timer,
	.dma_read = env_dma_read,
	.dma_write = env_dma_write,
	.msi = env_msi,
	.isa_dma = env_isa_dma,
	.map = env_map,
	.region_ptr = env_region_ptr,
	.guest_error = env_guest_error,
	.request = env_request,
	.param_u64 = env_param_u64,
	.param_str = env_param_str,
	.backend = env_backend,
};
