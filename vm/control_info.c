/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the monitor's info shows. Machine state is read with all processors waiting. */
#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "cpu/x86/flags.h"
#include "cpu/x86/insn.h"
#include "vm/board.h"
#include "vm/control.h"
#include "vm/drives.h"
#include "vm/machine.h"

#include <errno.h>
#include <stdio.h>

typedef unsigned long long ull;

struct view {
	struct machine *m;
	struct cpu *c;
	const char *arg;
	struct buf *out;
	struct err *e;
};

static int
info_status(struct view *v)
{
	struct machine *m = v->m;
	int64_t ms = clock_now(&m->clock) / 1000000;

	buf_printf(v->out,
	    "%s: %s, %llu MiB, %u processor%s (%s), clock %s at %lld.%03lld s, %llu resets\n",
	    m->cfg->name,
	    m->stopped_by_gdb    ? "stopped by gdb"
	    : m->stopped_by_user ? "stopped"
				 : "running",
	    (ull)(m->cfg->memory_bytes / MIB), m->cpus.n, m->cpus.n == 1 ? "" : "s",
	    m->cpus.cpu[0]->model->name, m->clock.insns ? "insns" : "host", (long long)(ms / 1000),
	    (long long)(ms % 1000), (ull)m->resets);
	return 0;
}

static void
put_seg(struct buf *b, const char *name, const struct seg *s)
{
	buf_printf(b, "%-4s %04x base %016llx limit %08x attr %04x\n", name, s->sel, (ull)s->base,
	    s->limit, s->attr);
}

static void
put_flags(struct buf *b, uint32_t f)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = { { FL_CF, "CF" }, { FL_PF, "PF" }, { FL_AF, "AF" }, { FL_ZF, "ZF" },
		{ FL_SF, "SF" }, { FL_TF, "TF" }, { FL_IF, "IF" }, { FL_DF, "DF" }, { FL_OF, "OF" },
		{ FL_NT, "NT" }, { FL_RF, "RF" }, { FL_VM, "VM" }, { FL_AC, "AC" } };

	buf_printf(b, "eflags %08x", f);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (f & names[i].bit)
			buf_printf(b, " %s", names[i].name);
	buf_printf(b, "\n");
}

static int
info_registers(struct view *v)
{
	static const char *const names[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };
	static const char *const segs[] = { "es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr" };
	const struct cpu *c = v->c;
	struct buf *b = v->out;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		buf_printf(b, "%-4s%016llx%s", names[i], (ull)c->gpr[i], i % 4 == 3 ? "\n" : "  ");
	buf_printf(b, "rip %016llx  cpl %u  %u-bit%s%s\n", (ull)c->gpr[REG_RIP], c->cpl,
	    c->bits == BITS64   ? 64
	    : c->bits == BITS32 ? 32
				: 16,
	    c->halted ? "  halted" : "", c->wait_sipi ? "  waits for SIPI" : "");
	put_flags(b, flags_get(c));
	for (unsigned i = 0; i < ARRAY_SIZE(segs) && i < NSEG; i++)
		put_seg(b, segs[i], &c->seg[i]);
	buf_printf(b, "gdtr %016llx/%04x  idtr %016llx/%04x\n", (ull)c->gdtr.base, c->gdtr.limit,
	    (ull)c->idtr.base, c->idtr.limit);
	buf_printf(b, "cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx\n", (ull)c->cr0, (ull)c->cr2,
	    (ull)c->cr3, (ull)c->cr4, (ull)c->msr.efer);
	buf_printf(b, "dr0 %llx dr1 %llx dr2 %llx dr3 %llx dr6 %llx dr7 %llx\n", (ull)c->dr[0],
	    (ull)c->dr[1], (ull)c->dr[2], (ull)c->dr[3], (ull)c->dr[6], (ull)c->dr[7]);
	return 0;
}

static void
put_engine(struct view *v)
{
	bool jit = cpu_set_engine_kind(&v->m->cpus) == CPU_ENGINE_JIT;
	const char *why = v->m->engine_why;

	buf_printf(v->out, "engine: %s%s%s\n", jit ? "translator" : "interpreter",
	    why ? "; the translator cannot run: " : "", why ? why : "");
}

static void
put_jit_stats(struct view *v)
{
	struct cpu_jit_stats s;

	if (cpu_set_engine_kind(&v->m->cpus) != CPU_ENGINE_JIT)
		return;
	cpu_set_jit_stats(&v->m->cpus, &s);
	buf_printf(v->out,
	    "translator: %llu blocks, %llu chains, %llu flushes, %llu misses, %llu evictions, "
	    "%llu invalidations, %llu code bytes, %llu interpreted blocks\n",
	    (ull)s.blocks, (ull)s.chains, (ull)s.flushes, (ull)s.misses, (ull)s.evictions,
	    (ull)s.invalidations, (ull)s.code_bytes, (ull)s.interp_blocks);
	if (s.unverified)
		buf_printf(
		    v->out, "translator: %llu blocks refused by the verifier\n", (ull)s.unverified);
}

/* The translator counts nothing unless guest time is counted instructions. */
static const char *
counted_what(const struct view *v)
{
	bool all = v->m->clock.insns || cpu_set_engine_kind(&v->m->cpus) == CPU_ENGINE_INTERP;

	return all ? "instructions" : "interpreted instructions";
}

static int
info_cpus(struct view *v)
{
	put_engine(v);
	for (unsigned i = 0; i < v->m->cpus.n; i++) {
		const struct cpu *c = v->m->cpus.cpu[i];

		buf_printf(v->out, "cpu %u: rip %llx, %s, %llu %s\n", i, (ull)c->gpr[REG_RIP],
		    c->wait_sipi ? "waits for start-up"
		    : c->halted  ? "halted"
				 : "runs",
		    (ull)c->icount, counted_what(v));
	}
	return 0;
}

static int
info_block(struct view *v)
{
	drives_list(v->m, v->out);
	return 0;
}

static int
info_mtree(struct view *v)
{
	mem_space_dump(&v->m->mem, v->out);
	mem_space_dump(&v->m->io, v->out);
	return 0;
}

static int
info_pci(struct view *v)
{
	for (unsigned devfn = 0; devfn < 256; devfn++) {
		struct dev *d = v->m->board->pci.devs[devfn];

		if (!d)
			continue;
		buf_printf(v->out, "%02x.%x %04x:%04x class %06x %s (%s)\n", devfn >> 3, devfn & 7,
		    pci_config_read(d, 0, 2), pci_config_read(d, 2, 2),
		    pci_config_read(d, 8, 4) >> 8, d->id, d->type->name);
	}
	return 0;
}

static int
dump_dev(struct view *v, const char *id)
{
	struct dev *d = board_find(v->m->board, id);

	if (!d)
		return err_set(v->e, ENOENT, "no device '%s'; info devices lists them", id);
	dev_dump(d, v->out);
	return 0;
}

static int
info_pic(struct view *v)
{
	return dump_dev(v, "pic");
}

static int
info_dev(struct view *v)
{
	return dump_dev(v, v->arg);
}

static int
info_irq(struct view *v)
{
	for (unsigned i = 0; i < BOARD_IRQS; i++)
		if (v->m->board->nsources[i])
			buf_printf(v->out, "line %2u: %s\n", i,
			    v->m->board->irq_sources[i] ? "high" : "low");
	return 0;
}

static int
info_devices(struct view *v)
{
	for (unsigned i = 0; i < v->m->board->ndevs; i++) {
		const struct board_dev *d = v->m->board->devs[i];

		buf_printf(v->out, "%-10s %-14s %llu guest errors\n", d->dev.id, d->dev.type->name,
		    (ull)d->guest_errors);
	}
	return 0;
}

static int
info_stats(struct view *v)
{
	static const char *const names[] = { "blocks", "block flushes", "invalidations",
		"interrupts", "exceptions", "TLB flushes", "TLB fills", "halts" };

	put_engine(v);
	put_jit_stats(v);
	for (unsigned i = 0; i < v->m->cpus.n; i++) {
		const struct cpu *c = v->m->cpus.cpu[i];

		buf_printf(v->out, "cpu %u: %llu %s", i, (ull)c->icount, counted_what(v));
		for (unsigned s = 0; s < ARRAY_SIZE(names); s++)
			buf_printf(v->out, ", %llu %s", (ull)c->stat[s], names[s]);
		buf_printf(v->out, "\n");
	}
	return 0;
}

static const struct topic {
	const char *name;
	int (*fn)(struct view *v);
	const char *help;
} topics[] = {
	{ "status", info_status, "whether it runs, how long" },
	{ "registers", info_registers, "of the chosen processor" },
	{ "cpus", info_cpus, "the processors" },
	{ "block", info_block, "drives and their media" },
	{ "mtree", info_mtree, "memory and port maps" },
	{ "pci", info_pci, "PCI functions" },
	{ "pic", info_pic, "interrupt controllers" },
	{ "irq", info_irq, "interrupt lines" },
	{ "devices", info_devices, "all devices" },
	{ "dev", info_dev, "dev NAME: a device's state" },
	{ "stats", info_stats, "counters" },
};

int
control_info(struct machine *m, unsigned cpu, const char *topic, const char *arg, struct buf *out,
    struct err *e)
{
	struct view v = { m, m->cpus.cpu[cpu], arg, out, e };

	if (!strcmp(topic, "help")) {
		for (unsigned i = 0; i < ARRAY_SIZE(topics); i++)
			buf_printf(out, "info %-10s %s\n", topics[i].name, topics[i].help);
		return 0;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(topics); i++) {
		int r;

		if (strcmp(topics[i].name, topic))
			continue;
		machine_pause(m);
		machine_lock(m);
		r = topics[i].fn(&v);
		machine_unlock(m);
		machine_resume(m);
		return r;
	}
	return err_set(e, ENOENT, "no topic '%s'; info lists them", topic);
}

/* Bytes at an address that are memory; how many from the start. */
static unsigned
peek(struct machine *m, struct cpu *c, uint64_t addr, bool physical, uint8_t *p, unsigned len)
{
	unsigned n = 0;

	while (n < len) {
		uint64_t gpa = addr + n;
		unsigned piece = MEM_PAGE - (unsigned)((addr + n) & (MEM_PAGE - 1));

		if (piece > len - n)
			piece = len - n;
		if (!physical && !cpu_debug_translate(c, addr + n, &gpa))
			break;
		if (!mem_space_copy_from(&m->mem, gpa, p + n, piece))
			break;
		n += piece;
	}
	return n;
}

int
control_memory(struct machine *m, unsigned cpu, uint64_t addr, uint64_t count, unsigned unit,
    bool physical, struct buf *out)
{
	machine_pause(m);
	for (uint64_t i = 0; i < count;) {
		uint8_t row[16];
		unsigned per_row = 16 / unit, n;

		if (per_row > count - i)
			per_row = (unsigned)(count - i);
		n = peek(m, m->cpus.cpu[cpu], addr, physical, row, per_row * unit) / unit;
		buf_printf(out, "%016llx:", (ull)addr);
		for (unsigned k = 0; k < n; k++)
			buf_printf(
			    out, " %0*llx", (int)unit * 2, (ull)get_le(row + k * unit, unit));
		buf_printf(out, n < per_row ? " not memory\n" : "\n");
		if (n < per_row)
			break;
		addr += (uint64_t)per_row * unit;
		i += per_row;
	}
	machine_resume(m);
	return 0;
}

int
control_disasm(
    struct machine *m, unsigned cpu, uint64_t addr, uint64_t count, bool here, struct buf *out)
{
	struct cpu *c = m->cpus.cpu[cpu];

	machine_pause(m);
	if (here)
		addr = c->seg[SEG_CS].lbase + c->gpr[REG_RIP];
	for (uint64_t i = 0; i < count; i++) {
		uint8_t bytes[16];
		unsigned n = peek(m, c, addr, false, bytes, 15);
		const struct decode_mode mode = { c->bits };
		struct insn in;
		char text[128] = "(bad)";

		if (!n) {
			buf_printf(out, "%016llx: not memory\n", (ull)addr);
			break;
		}
		in.len = 1;
		if (insn_decode(&in, &mode, bytes, n) == DECODE_OK)
			insn_disasm(&in, addr, text, sizeof(text));
		buf_printf(out, "%016llx: %s\n", (ull)addr, text);
		addr += in.len ? in.len : 1;
	}
	machine_resume(m);
	return 0;
}

int
control_jit(struct machine *m, unsigned cpu, uint64_t addr, struct buf *out, struct err *e)
{
	bool found;

	if (cpu_set_engine_kind(&m->cpus) != CPU_ENGINE_JIT)
		return err_set(e, ENOENT,
		    "the interpreter runs this machine, nothing is translated%s%s",
		    m->engine_why ? ": " : "", m->engine_why ? m->engine_why : "");
	machine_pause(m);
	found = cpu_jit_list(m->cpus.cpu[cpu], addr, out);
	machine_resume(m);
	return found
	           ? 0
	           : err_set(e, ENOENT, "processor %u has no translated block that begins at %llx",
			 cpu, (ull)addr);
}
