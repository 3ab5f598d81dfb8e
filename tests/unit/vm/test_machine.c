/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole machines with a few bytes of firmware: the board's tables, interrupts and
 * timers from chip to processor, resets, the end of a machine, saved state.
 */
#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "tests/unit/test.h"
#include "tests/unit/vm/rig.h"
#include "vm/board.h"
#include "vm/control.h"
#include "vm/machine.h"
#include "vm/state.h"
#include "vm/vcpu.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int
run_code(const struct code *code, unsigned n, unsigned cpus)
{
	struct rig r;
	int status = rig_init(&r, code, n, cpus) == 0 ? machine_main(r.m) : -1;

	rig_fini(&r);
	return status;
}

/* ---- tables ---- */

static bool
has_region(const struct dev_type *t, const char *name)
{
	for (unsigned i = 0; i < t->nregions; i++)
		if (!strcmp(t->regions[i].name, name))
			return true;
	return false;
}

TEST(every_part_is_of_a_type_and_every_place_is_a_region)
{
	for (unsigned i = 0; i < board_nparts; i++) {
		const struct board_part *p = &board_parts[i];
		const struct dev_type *t = dev_type_find(p->type);

		CHECK(t != NULL);
		CHECK_EQ(t->pci != NULL, p->devfn != BOARD_NO_DEVFN);
		for (unsigned k = 0; k < ARRAY_SIZE(p->maps) && p->maps[k].region; k++)
			CHECK(has_region(t, p->maps[k].region));
	}
}

static const struct dev_type *
type_of_part(const char *id)
{
	for (unsigned i = 0; i < board_nparts; i++)
		if (!strcmp(board_parts[i].id, id))
			return dev_type_find(board_parts[i].type);
	return NULL;
}

TEST(every_wire_starts_at_an_output)
{
	for (unsigned i = 0; i < board_nwires; i++) {
		const struct board_wire *w = &board_wires[i];
		const struct dev_type *t = type_of_part(w->id);
		bool found = false;

		CHECK(t != NULL);
		for (unsigned o = 0; o < t->noutputs; o++)
			found |= !strcmp(t->output_names[o], w->output);
		if (!found)
			test_fail(__FILE__, __LINE__, "%s has no output %s", w->id, w->output);
		CHECK(w->kind != WIRE_IRQ || w->arg < 16);
		CHECK(w->kind != WIRE_GSI || w->arg < BOARD_IRQS);
		CHECK(w->kind != WIRE_INPUT || type_of_part(w->to));
	}
}

TEST(the_processor_models_are_those_of_the_command_line)
{
	static const char *const names[] = { PROTO_CPU_MODELS };

	CHECK_EQ(ARRAY_SIZE(names), cpu_nmodels + 1);
	for (unsigned i = 0; i < cpu_nmodels; i++)
		CHECK_STR(names[i + 1], cpu_models[i].name);
}

/* ---- running ---- */

TEST(a_machine_ends_with_the_guests_status)
{
	static const struct code code[] = { { 0, 4,
	    { 0xb0, 0x15, 0xe6, 0xf4 } } }; /* out 0xf4, al */

	CHECK_EQ(run_code(code, 1, 1), RIG_STATUS(0x15));
}

TEST(the_engine_asked_for_is_shown)
{
	static const struct code code[] = { { 0, 1, { 0xf4 } } };
	struct buf b;
	struct rig r;
	bool shown, no_translation;
	int made, topic;

	rig_config(&r, code, 1, 2);
	r.cfg->engine = PROTO_ENGINE_INTERP;
	made = rig_create(&r);
	buf_init(&b, 65536);
	topic = made ? -1 : control_info(r.m, 0, "stats", "", &b, &r.err);
	buf_put_u8(&b, 0);
	shown = topic == 0 && strstr((char *)b.data, "engine: interpreter\n") &&
	        strstr((char *)b.data, "cpu 1:");
	no_translation = made == 0 && control_jit(r.m, 1, 0xffff0, &b, &r.err) == -ENOENT &&
	                 strstr(r.err.msg, "interpreter");
	buf_fini(&b);
	rig_fini(&r);
	CHECK_EQ(made, 0);
	CHECK(shown);
	CHECK(no_translation);
}

/* Counter 0 at 1 kHz, ten ticks through the 8259 with HLT between them. */
static const struct code ticks[] = {
	{ 0, 61,
	    { 0x31, 0xc0,                           /* xor ax, ax */
		0x8e, 0xd8, 0x8e, 0xd0,             /* mov ds, ax; mov ss, ax */
		0xbc, 0x00, 0x20,                   /* mov sp, 2000h */
		0xc7, 0x06, 0x20, 0x00, 0x00, 0x01, /* vector 8: F000:0100 */
		0xc7, 0x06, 0x22, 0x00, 0x00, 0xf0, 0xb0, 0x11, 0xe6, 0x20, /* ICW1..4 */
		0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xfe,
		0xe6, 0x21,                                                 /* only IRQ 0 */
		0xb0, 0x34, 0xe6, 0x43,                                     /* counter 0, mode 2 */
		0xb0, 0xa9, 0xe6, 0x40, 0xb0, 0x04, 0xe6, 0x40, 0x31, 0xdb, /* xor bx, bx */
		0xfb } },                                                   /* sti */
	{ 61, 12,
	    { 0xf4,               /* hlt */
		0x83, 0xfb, 0x0a, /* cmp bx, 10 */
		0x72, 0xfa,       /* jb hlt */
		0x88, 0xd8,       /* mov al, bl */
		/* out 0xf4, al, again and again: the machine may be saved behind the first */
		0xe6, 0xf4, 0xeb, 0xfc } },
	{ 0x100, 6, { 0x43, 0xb0, 0x20, 0xe6, 0x20, 0xcf } }, /* inc bx; EOI; iret */
};

TEST(timer_interrupts_wake_the_processor)
{
	CHECK_EQ(run_code(ticks, ARRAY_SIZE(ticks), 1), RIG_STATUS(10));
}

TEST(ticks_take_guest_time)
{
	struct rig r;
	int64_t ns;

	CHECK_EQ(rig_init(&r, ticks, ARRAY_SIZE(ticks), 1), 0);
	machine_main(r.m);
	ns = clock_now(&r.m->clock);
	rig_fini(&r);
	CHECK(ns > 9900000 && ns < 10200000);
}

/* The same with interrupts off for the first 30 ms, and 40 ticks. */
static const struct code late[] = {
	{ 0, 60,
	    { 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x20, 0xc7, 0x06, 0x20, 0x00, 0x00,
		0x01, 0xc7, 0x06, 0x22, 0x00, 0x00, 0xf0, 0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6,
		0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xfe, 0xe6, 0x21, 0xb0,
		0x34, 0xe6, 0x43, 0xb0, 0xa9, 0xe6, 0x40, 0xb0, 0x04, 0xe6, 0x40, 0x31, 0xdb,
		/* mov ecx, 1500000 … */
		0x66, 0xb9, 0x60, 0xe3, 0x16 } },
	{ 60, 17,
	    { 0x00, 0x66, 0x49, 0x75, 0xfc, /* … dec ecx; jnz: 3 million instructions */
		0xfb, 0xf4,                 /* sti; hlt */
		0x83, 0xfb, 0x28, 0x72, 0xfa, 0x88, 0xd8, 0xe6, 0xf4, 0xf4 } },
	{ 0x100, 6, { 0x43, 0xb0, 0x20, 0xe6, 0x20, 0xcf } }
};

/* 30 ticks are late by then; each period brings its own and one of them. */
TEST(ticks_that_could_not_be_taken_are_made_up_for)
{
	struct rig r;
	int64_t ns;
	int status;

	CHECK_EQ(rig_init(&r, late, ARRAY_SIZE(late), 1), 0);
	status = machine_main(r.m);
	ns = clock_now(&r.m->clock);
	rig_fini(&r);
	CHECK_EQ(status, RIG_STATUS(0x28));
	CHECK(ns > 47000000 && ns < 54000000);
}

TEST(a_run_repeats_exactly)
{
	uint64_t icount[2];
	int64_t ns[2];

	for (unsigned i = 0; i < 2; i++) {
		struct rig r;

		CHECK_EQ(rig_init(&r, ticks, ARRAY_SIZE(ticks), 2), 0);
		machine_main(r.m);
		icount[i] = r.m->cpus.cpu[0]->icount;
		ns[i] = clock_now(&r.m->clock);
		rig_fini(&r);
	}
	CHECK_EQ(icount[0], icount[1]);
	CHECK_EQ(ns[0], ns[1]);
}

/* With A20 off 100000h is 0; on it is not. */
/* What `ticks` leaves in its state log; *ret_icount: the instructions of its run. */
static size_t
logged_run(const char *model, char *dst, size_t size, uint64_t *ret_icount)
{
	int fd = rig_fd("", 0, 0);
	ssize_t n = 0;
	struct rig r;

	rig_config(&r, ticks, ARRAY_SIZE(ticks), 1);
	(void)snprintf(r.cfg->cpu_model, sizeof(r.cfg->cpu_model), "%s", model);
	r.cfg->state_log_fd = fd;
	r.cfg->state_log_every = 10;
	r.cfg->state_log_ram = 2;
	r.cfg->state_log_regs = 1;
	if (rig_create(&r) == 0) {
		machine_main(r.m);
		*ret_icount = r.m->cpus.cpu[0]->icount;
	}
	rig_fini(&r);
	n = pread(fd, dst, size - 1, 0);
	close(fd);
	dst[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

TEST(a_state_log_has_a_line_every_so_many_instructions)
{
	static char a[65536], b[65536];
	uint64_t total = 0, last = 0, lines = 0, again = 0;
	char *save = NULL;
	size_t n = logged_run("pentium3", a, sizeof(a), &total);

	CHECK_EQ(logged_run("pentium3", b, sizeof(b), &again), n);
	CHECK(n > 0 && !memcmp(a, b, n));
	CHECK_EQ(again, total);
	CHECK(strstr(a, " ram=") && strstr(a, " rbx="));
	logged_run("486", b, sizeof(b), &again);
	CHECK(strcmp(a, b) != 0); /* EDX of a reset tells the models apart */
	for (char *line = strtok_r(a, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long long icount = strtoull(line + 2, NULL, 10);

		CHECK(!strncmp(line, "0 ", 2));
		CHECK(icount / 10 > last / 10);
		last = icount;
		lines++;
	}
	CHECK(lines > 5 && lines <= total / 10);
}

TEST(a_state_log_does_not_change_the_run)
{
	static char a[65536];
	uint64_t logged = 0, plain;
	struct rig r;

	logged_run("pentium3", a, sizeof(a), &logged);
	CHECK_EQ(rig_init(&r, ticks, ARRAY_SIZE(ticks), 1), 0);
	machine_main(r.m);
	plain = r.m->cpus.cpu[0]->icount;
	rig_fini(&r);
	CHECK_EQ(logged, plain);
}

TEST(port_92_gates_a20)
{
	static const struct code code[] = { { 0, 49,
	    { 0x31, 0xc0, 0x8e, 0xd8,                           /* ds = 0 */
		0xb8, 0xff, 0xff, 0x8e, 0xc0,                   /* es = FFFFh */
		0xb0, 0x00, 0xe6, 0x92,                         /* port 92h: off */
		0xb0, 0xd1, 0xe6, 0x64, 0xb0, 0xdd, 0xe6, 0x60, /* 8042 output port: off */
		0xc6, 0x06, 0x00, 0x05, 0x11,                   /* [0:500h] = 11h */
		0x26, 0xc6, 0x06, 0x10, 0x05, 0x22, /* [FFFF:510h] = 22h: the same byte */
		0x8a, 0x1e, 0x00, 0x05,             /* bl = [0:500h] */
		0xb0, 0x02, 0xe6, 0x92,             /* on */
		0x26, 0x02, 0x1e, 0x10, 0x05,       /* add bl, [FFFF:510h]: another byte, 0 */
		0x88, 0xd8, 0xe6, 0xf4 } } };       /* exit with bl */

	CHECK_EQ(run_code(code, 1, 1), RIG_STATUS(0x22));
}

/* CF9h: the second time round a byte in RAM says so. */
TEST(a_reset_keeps_memory_and_starts_again)
{
	static const struct code code[] = { { 0, 31,
	    { 0x31, 0xc0, 0x8e, 0xd8, 0x80, 0x3e, 0x00, 0x06, 0x5a, /* cmp [600h], 5Ah */
		0x74, 0x0f,                                         /* je */
		0xc6, 0x06, 0x00, 0x06, 0x5a, 0xba, 0xf9, 0x0c, 0xb0, 0x02, 0xee, 0xb0, 0x06, 0xee,
		0xf4, 0xb0, 0x33, 0xe6, 0xf4 } } };

	CHECK_EQ(run_code(code, 1, 1), RIG_STATUS(0x33));
}

TEST(no_reboot_ends_the_machine_instead)
{
	static const struct code reset[] = { { 0, 10,
	    { 0xba, 0xf9, 0x0c, 0xb0, 0x02, 0xee, 0xb0, 0x06, 0xee, 0xf4 } } };
	/* An empty IDT, then an exception: three faults. */
	static const struct code triple[] = {
		{ 0, 8, { 0x2e, 0x0f, 0x01, 0x1e, 0x20, 0x00, 0xcd, 0x03 } }, { 0x20, 6, { 0 } }
	};
	struct rig r;
	int status;

	CHECK_EQ(rig_init(&r, reset, 1, 1), 0);
	r.cfg->no_reboot = 1;
	status = machine_main(r.m);
	rig_fini(&r);
	CHECK_EQ(status, PROTO_EXIT_RESET);
	CHECK_EQ(rig_init(&r, triple, 2, 1), 0);
	r.cfg->no_reboot = 1;
	status = machine_main(r.m);
	rig_fini(&r);
	CHECK_EQ(status, PROTO_EXIT_TRIPLE_FAULT);
}

/* ---- saved state ---- */

/* Counts to three million in memory and says whether it came out right. */
static const struct code counting[] = { { 0, 47,
    { 0x31, 0xc0, 0x8e, 0xd8,                                             /* ds = 0 */
	0x66, 0xc7, 0x06, 0x00, 0x10, 0, 0, 0, 0,                         /* [1000h] = 0 */
	0x66, 0xb9, 0xc0, 0xc6, 0x2d, 0x00,                               /* ecx = 3000000 */
	0x66, 0xff, 0x06, 0x00, 0x10,                                     /* inc dword [1000h] */
	0x66, 0x49, 0x75, 0xf7,                                           /* dec ecx; jnz */
	0x66, 0x81, 0x3e, 0x00, 0x10, 0xc0, 0xc6, 0x2d, 0x00,             /* cmp [1000h], 3000000 */
	0xb0, 0x21, 0x74, 0x02, 0xb0, 0x22, 0xe6, 0xf4, 0xeb, 0xfc } } }; /* out until it ends */

struct save_job {
	struct rig *r;
	int fd, result;
	int64_t ns;
	struct err err;
};

static void
save_and_quit(void *ctx)
{
	struct save_job *j = ctx;
	struct machine *m = j->r->m;

	machine_pause(m);
	j->result = state_save(m, j->fd, &j->err);
	j->ns = clock_now(&m->clock);
	machine_resume(m);
	machine_ask(m, ASK_QUIT);
}

static void
save_in_mid_work(struct save_job *j, struct rig *r)
{
	memset(j, 0, sizeof(*j));
	j->r = r;
	j->fd = rig_fd("", 0, 0);
	j->result = -1;
	loop_post(r->m->loop, save_and_quit, j);
	machine_main(r->m);
}

TEST(a_saved_machine_goes_on_where_it_was)
{
	struct save_job j;
	struct rig a, b;
	int64_t ns;
	int status;

	CHECK_EQ(rig_init(&a, counting, 1, 1), 0);
	save_in_mid_work(&j, &a);
	rig_fini(&a);
	CHECK_EQ(j.result, 0);

	CHECK_EQ(rig_init(&b, counting, 1, 1), 0);
	CHECK_EQ(state_restore(b.m, j.fd, &b.err), 0);
	ns = clock_now(&b.m->clock);
	status = machine_main(b.m);
	rig_fini(&b);
	close(j.fd);
	CHECK_EQ(ns, j.ns);
	CHECK_EQ(status, RIG_STATUS(0x21));
}

TEST(ticks_go_on_after_a_restore)
{
	struct save_job j;
	struct rig a, b;
	int64_t ns;
	int status;

	CHECK_EQ(rig_init(&a, ticks, ARRAY_SIZE(ticks), 1), 0);
	save_in_mid_work(&j, &a);
	rig_fini(&a);
	CHECK_EQ(j.result, 0);
	CHECK_EQ(rig_init(&b, ticks, ARRAY_SIZE(ticks), 1), 0);
	CHECK_EQ(state_restore(b.m, j.fd, &b.err), 0);
	status = machine_main(b.m);
	ns = clock_now(&b.m->clock);
	rig_fini(&b);
	close(j.fd);
	CHECK_EQ(status, RIG_STATUS(10));
	CHECK(ns > 9900000 && ns < 10200000);
}

TEST(a_state_of_another_machine_is_refused)
{
	struct save_job j;
	struct rig a, b;
	int r;

	CHECK_EQ(rig_init(&a, counting, 1, 1), 0);
	save_in_mid_work(&j, &a);
	rig_fini(&a);
	CHECK_EQ(rig_init(&b, counting, 1, 2), 0);
	r = state_restore(b.m, j.fd, &b.err);
	rig_fini(&b);
	close(j.fd);
	CHECK(r < 0);
	CHECK(strstr(b.err.msg, "cpus=1") != NULL);
}

/* Any damaged byte, anywhere. */
TEST(a_damaged_state_is_refused)
{
	struct save_job j;
	struct rig a, b;
	unsigned accepted = 0;
	off_t size;

	CHECK_EQ(rig_init(&a, counting, 1, 1), 0);
	save_in_mid_work(&j, &a);
	rig_fini(&a);
	size = lseek(j.fd, 0, SEEK_END);
	CHECK_EQ(rig_init(&b, counting, 1, 1), 0);
	for (unsigned i = 0; i < 20; i++) {
		off_t at = size / 20 * i + i;
		uint8_t old, bad;

		CHECK_EQ(pread(j.fd, &old, 1, at), 1);
		bad = old ^ 0x40;
		CHECK_EQ(pwrite(j.fd, &bad, 1, at), 1);
		accepted += state_restore(b.m, j.fd, &b.err) == 0;
		CHECK_EQ(pwrite(j.fd, &old, 1, at), 1);
	}
	CHECK_EQ(ftruncate(j.fd, size - 1), 0);
	accepted += state_restore(b.m, j.fd, &b.err) == 0;
	rig_fini(&b);
	close(j.fd);
	CHECK_EQ(accepted, 0);
}

TEST_MAIN()
