/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/loop.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct watch {
	struct loop *loop;
	struct loop_fd *fd, *other;
	struct loop_timer *timer, *other_timer;
	unsigned calls, events;
};

static void
note(void *ctx, unsigned events)
{
	struct watch *w = ctx;

	w->calls++;
	w->events = events;
}

static void
count(void *ctx)
{
	++*(unsigned *)ctx;
}

static int
pair(int fd[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd);
}

TEST(loop_reports_readable_writable_and_hangup)
{
	struct watch w = { 0 };
	int fd[2];

	w.loop = loop_create();
	CHECK(w.loop);
	CHECK_EQ(pair(fd), 0);
	w.fd = loop_add_fd(w.loop, fd[0], LOOP_READ, note, &w);
	CHECK(w.fd);
	loop_turn(w.loop, 0);
	CHECK_EQ(w.calls, 0);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	loop_turn(w.loop, 1000);
	CHECK_EQ(w.calls, 1);
	CHECK_EQ(w.events, LOOP_READ);
	loop_set_events(w.fd, LOOP_WRITE);
	loop_turn(w.loop, 1000);
	CHECK_EQ(w.events, LOOP_WRITE);
	loop_set_events(w.fd, 0);
	loop_turn(w.loop, 0);
	CHECK_EQ(w.calls, 2);
	close(fd[1]);
	loop_turn(w.loop, 1000);
	CHECK_EQ(w.calls, 3);
	CHECK(w.events & LOOP_HUP);
	loop_del_fd(w.fd);
	loop_turn(w.loop, 0);
	CHECK_EQ(w.calls, 3);
	close(fd[0]);
	loop_destroy(w.loop);
}

TEST(loop_regular_files_are_always_ready)
{
	struct watch w = { 0 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	w.loop = loop_create();
	w.fd = loop_add_fd(w.loop, fd, LOOP_READ, note, &w);
	CHECK(w.fd);
	loop_turn(w.loop, -1);
	loop_turn(w.loop, -1);
	CHECK_EQ(w.calls, 2);
	CHECK_EQ(w.events, LOOP_READ);
	loop_set_events(w.fd, 0);
	loop_turn(w.loop, 0);
	CHECK_EQ(w.calls, 2);
	loop_del_fd(w.fd);
	close(fd);
	loop_destroy(w.loop);
}

TEST(loop_refuses_a_bad_descriptor)
{
	struct loop *l = loop_create();

	CHECK(!loop_add_fd(l, -1, LOOP_READ, note, NULL));
	loop_destroy(l);
}

/* Both descriptors are ready in one turn; the first callback deletes both. */
static void
delete_both(void *ctx, unsigned events)
{
	struct watch *w = ctx;

	w->calls++;
	loop_del_fd(w->fd);
	loop_del_fd(w->other);
	w->fd = w->other = NULL;
	loop_turn(w->loop, 0); /* nested turns must not free them early */
}

TEST(loop_fds_can_be_deleted_inside_callbacks)
{
	struct watch w = { 0 };
	int a[2], b[2];

	w.loop = loop_create();
	CHECK_EQ(pair(a), 0);
	CHECK_EQ(pair(b), 0);
	w.fd = loop_add_fd(w.loop, a[0], LOOP_WRITE, delete_both, &w);
	w.other = loop_add_fd(w.loop, b[0], LOOP_WRITE, delete_both, &w);
	loop_turn(w.loop, 0);
	CHECK_EQ(w.calls, 1);
	loop_del_fd(NULL);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
	loop_destroy(w.loop);
}

static int order[8], norder;

static void
order_3(void *ctx)
{
	order[norder++] = 3;
	loop_quit(ctx);
}

static void
order_1(void *ctx)
{
	order[norder++] = 1;
}

static void
order_2(void *ctx)
{
	order[norder++] = 2;
}

TEST(loop_timers_fire_in_order_of_deadline)
{
	struct loop *l = loop_create();
	struct loop_timer *t1 = loop_add_timer(l, order_1, l), *t2 = loop_add_timer(l, order_2, l),
			  *t3 = loop_add_timer(l, order_3, l), *t4 = loop_add_timer(l, order_1, l);
	int64_t now = loop_now_ns();

	norder = 0;
	loop_arm(t3, now + 3000000);
	loop_arm(t1, now - 5);
	loop_arm(t2, now + 2000000);
	loop_arm(t4, now + 1000000);
	loop_arm(t4, INT64_MAX);
	loop_run(l);
	CHECK(loop_now_ns() >= now + 3000000);
	CHECK_EQ(norder, 3);
	CHECK_EQ(order[0], 1);
	CHECK_EQ(order[1], 2);
	CHECK_EQ(order[2], 3);
	loop_del_timer(t1);
	loop_del_timer(t2);
	loop_destroy(l);
	loop_del_timer(t3); /* outliving the loop is allowed */
	loop_del_timer(t4);
}

static void
rearm(void *ctx)
{
	struct watch *w = ctx;

	w->calls++;
	loop_arm(w->timer, 0);
}

TEST(loop_timer_armed_for_the_past_does_not_hold_the_turn)
{
	struct watch w = { 0 };

	w.loop = loop_create();
	w.timer = loop_add_timer(w.loop, rearm, &w);
	loop_arm(w.timer, 0);
	loop_turn(w.loop, -1);
	loop_turn(w.loop, -1);
	CHECK_EQ(w.calls, 2);
	loop_del_timer(w.timer);
	loop_destroy(w.loop);
}

static void
delete_timers(void *ctx)
{
	struct watch *w = ctx;

	w->calls++;
	loop_del_timer(w->timer);
	loop_del_timer(w->other_timer);
	w->timer = w->other_timer = NULL;
}

TEST(loop_timers_can_be_deleted_inside_callbacks)
{
	struct watch w = { 0 };

	w.loop = loop_create();
	w.timer = loop_add_timer(w.loop, delete_timers, &w);
	w.other_timer = loop_add_timer(w.loop, delete_timers, &w);
	loop_arm(w.timer, 1);
	loop_arm(w.other_timer, 1);
	loop_turn(w.loop, 0);
	loop_turn(w.loop, 0);
	CHECK_EQ(w.calls, 1);
	loop_del_timer(NULL);
	loop_destroy(w.loop);
}

enum { POSTS = 1000, POSTERS = 3 };

static unsigned posted;
static struct loop *post_loop;

static void
post_seen(void *ctx)
{
	if (++posted == POSTS * POSTERS)
		loop_quit(post_loop);
}

static void *
poster(void *ctx)
{
	for (int i = 0; i < POSTS; i++)
		loop_post(post_loop, post_seen, NULL);
	return NULL;
}

TEST(loop_posts_of_several_threads_all_arrive)
{
	pthread_t th[POSTERS];

	posted = 0;
	post_loop = loop_create();
	for (int i = 0; i < POSTERS; i++)
		CHECK_EQ(pthread_create(&th[i], NULL, poster, NULL), 0);
	loop_run(post_loop);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(th[i], NULL);
	CHECK_EQ(posted, POSTS * POSTERS);
	loop_post(post_loop, post_seen, NULL); /* never run: freed with the loop */
	loop_destroy(post_loop);
}

static void
post_again(void *ctx)
{
	posted++;
	loop_post(ctx, post_again, ctx);
}

TEST(loop_post_from_a_post_waits_for_the_next_turn)
{
	struct loop *l = loop_create();

	posted = 0;
	loop_post(l, post_again, l);
	loop_turn(l, -1);
	CHECK_EQ(posted, 1);
	loop_turn(l, -1);
	CHECK_EQ(posted, 2);
	loop_destroy(l);
}

TEST(loop_wake_calls_the_hook)
{
	struct loop *l = loop_create();
	unsigned n = 0;

	loop_set_wake_hook(l, count, &n);
	loop_turn(l, 0);
	CHECK_EQ(n, 0);
	loop_wake(l);
	loop_wake(l);
	loop_turn(l, -1);
	CHECK_EQ(n, 1);
	loop_turn(l, 0);
	CHECK_EQ(n, 1);
	loop_destroy(l);
}

TEST(loop_quit_before_run_ends_it_at_once)
{
	struct loop *l = loop_create();

	loop_quit(l);
	loop_run(l);
	loop_destroy(l);
}

TEST_MAIN()
