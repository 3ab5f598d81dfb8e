/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"
#include "vm/clock.h"

struct seen {
	struct clock *c;
	struct clock_timer t[4];
	char log[64];
	unsigned n;
	int64_t again_ns;
};

#define FIRED(i)                                                                                   \
	static void fired##i(void *ctx)                                                            \
	{                                                                                          \
		struct seen *s = ctx;                                                              \
		s->log[s->n++ % 60] = (char)('0' + i);                                             \
	}
FIRED(0)
FIRED(1)
FIRED(2)

static void
fired_again(void *ctx)
{
	struct seen *s = ctx;

	s->n++;
	clock_arm(s->c, &s->t[3], s->again_ns);
}

static void
count(void *ctx)
{
	++*(unsigned *)ctx;
}

TEST(instructions_make_time)
{
	struct clock c;
	uint64_t icount = 100;

	clock_init(&c, true);
	clock_turn(&c, &icount);
	CHECK_EQ(clock_now(&c), 0);
	icount += 7;
	CHECK_EQ(clock_now(&c), 7 * CLOCK_INSN_NS);
	clock_turn(&c, NULL);
	CHECK_EQ(clock_now(&c), 7 * CLOCK_INSN_NS);
	clock_fini(&c);
}

TEST(turns_of_several_processors_add_up)
{
	struct clock c;
	uint64_t a = 0, b = 5000;

	clock_init(&c, true);
	clock_turn(&c, &a);
	a += 10;
	clock_turn(&c, &b);
	CHECK_EQ(clock_now(&c), 10 * CLOCK_INSN_NS);
	b += 20;
	clock_turn(&c, &a);
	CHECK_EQ(clock_now(&c), 30 * CLOCK_INSN_NS);
	a += 1;
	CHECK_EQ(clock_now(&c), 31 * CLOCK_INSN_NS);
	clock_fini(&c);
}

TEST(timers_fire_in_the_order_of_their_deadlines)
{
	struct clock c;
	struct seen s = { .c = &c };
	uint64_t icount = 0;

	clock_init(&c, true);
	clock_add_timer(&c, &s.t[0], fired0, &s);
	clock_add_timer(&c, &s.t[1], fired1, &s);
	clock_add_timer(&c, &s.t[2], fired2, &s);
	clock_turn(&c, &icount);
	clock_arm(&c, &s.t[0], 300);
	clock_arm(&c, &s.t[1], 100);
	clock_arm(&c, &s.t[2], 100);
	CHECK_EQ(clock_insns_left(&c), 100 / CLOCK_INSN_NS);
	CHECK(!clock_run_due(&c));
	CHECK_STR(s.log, "");
	icount = 100 / CLOCK_INSN_NS;
	CHECK(!clock_run_due(&c));
	CHECK_STR(s.log, "12");
	icount = 1000;
	clock_run_due(&c);
	CHECK_STR(s.log, "120");
	CHECK_EQ(clock_insns_left(&c), UINT64_MAX);
	clock_fini(&c);
}

TEST(disarmed_and_moved_timers_do_not_fire_early)
{
	struct clock c;
	struct seen s = { .c = &c };
	uint64_t icount = 0;

	clock_init(&c, true);
	clock_add_timer(&c, &s.t[0], fired0, &s);
	clock_add_timer(&c, &s.t[1], fired1, &s);
	clock_turn(&c, &icount);
	clock_arm(&c, &s.t[0], 100);
	clock_arm(&c, &s.t[1], 200);
	clock_arm(&c, &s.t[0], CLOCK_OFF);
	CHECK_EQ(c.next_ns, 200);
	icount = 15;
	clock_run_due(&c);
	CHECK_STR(s.log, "");
	clock_arm(&c, &s.t[1], 400);
	icount = 30;
	clock_run_due(&c);
	CHECK_STR(s.log, "");
	icount = 40;
	clock_run_due(&c);
	CHECK_STR(s.log, "1");
	clock_fini(&c);
}

TEST(a_timer_that_rearms_in_the_past_gives_way)
{
	struct clock c;
	struct seen s = { .c = &c, .again_ns = 1 };
	uint64_t icount = 1000;

	clock_init(&c, true);
	clock_add_timer(&c, &s.t[3], fired_again, &s);
	clock_turn(&c, &icount);
	icount += 1000;
	clock_arm(&c, &s.t[3], 1);
	CHECK(clock_run_due(&c)); /* still due, but it came back */
	CHECK(s.n > 1 && s.n < 1000);
	clock_fini(&c);
}

TEST(skipping_idle_time_reaches_the_deadline)
{
	struct clock c;
	struct seen s = { .c = &c };

	clock_init(&c, true);
	clock_add_timer(&c, &s.t[0], fired0, &s);
	clock_arm(&c, &s.t[0], 1234567);
	clock_skip_to(&c, c.next_ns);
	CHECK_EQ(clock_now(&c), 1234567);
	clock_run_due(&c);
	CHECK_STR(s.log, "0");
	clock_skip_to(&c, 5); /* never backwards */
	CHECK_EQ(clock_now(&c), 1234567);
	clock_fini(&c);
}

TEST(a_stopped_host_clock_stands_still)
{
	struct clock c;
	unsigned rearms = 0;
	int64_t t;

	clock_init(&c, false);
	c.rearm = count;
	c.rearm_ctx = &rearms;
	clock_set(&c, 5000000000);
	CHECK_EQ(clock_now(&c), 5000000000);
	CHECK_EQ(clock_host_deadline(&c), CLOCK_OFF);
	clock_start(&c);
	CHECK(rearms == 1);
	CHECK(clock_now(&c) >= 5000000000);
	clock_stop(&c);
	t = clock_now(&c);
	CHECK_EQ(clock_now(&c), t);
	/* as if the host had gone on for an hour: the next start does not see it */
	c.start_host_ns -= 3600000000000;
	clock_start(&c);
	CHECK(clock_now(&c) - t < 1000000000);
	clock_fini(&c);
}

TEST(host_deadlines_follow_the_offset)
{
	struct clock c;
	struct seen s = { .c = &c };

	clock_init(&c, false);
	clock_add_timer(&c, &s.t[0], fired0, &s);
	clock_set(&c, 1000);
	clock_start(&c);
	clock_arm(&c, &s.t[0], 3000);
	CHECK_EQ(clock_host_deadline(&c), c.start_host_ns + 2000);
	clock_arm(&c, &s.t[0], 10);
	CHECK_EQ(clock_host_deadline(&c), c.start_host_ns);
	clock_arm(&c, &s.t[0], INT64_MAX - 1);
	CHECK_EQ(clock_host_deadline(&c), CLOCK_OFF);
	clock_fini(&c);
}

TEST_MAIN()
