/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <unistd.h>

/* The log goes into a pipe, large enough for what these tests write. */
static int pipe_fd[2];

static void
capture(void)
{
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	log_set_fd(pipe_fd[1]);
	log_set_name("test");
}

static const char *
captured(void)
{
	static char text[65536];
	ssize_t n = read(pipe_fd[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	log_set_fd(STDERR_FILENO);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return text;
}

TEST(log_lines_carry_name_and_level)
{
	capture();
	log_set_level(LOG_WARN);
	log_error("bad %d", 1);
	log_info("not shown");
	log_warn("hm");
	CHECK_STR(captured(), "test: error: bad 1\ntest: warning: hm\n");
}

TEST(log_replaces_control_characters)
{
	capture();
	log_error("a\033[2Jb\nc\177");
	CHECK_STR(captured(), "test: error: a?[2Jb?c?\n");
}

TEST(log_cuts_long_lines)
{
	char longer[5000];
	const char *got;

	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	capture();
	log_error("%s", longer);
	got = captured();
	CHECK(strlen(got) < 1100);
	CHECK_EQ(got[strlen(got) - 1], '\n');
}

TEST(log_guest_is_limited)
{
	unsigned lines = 0;
	const char *p;

	capture();
	log_set_level(LOG_WARN);
	for (int i = 0; i < 1000; i++)
		log_guest("message %d", i);
	for (p = captured(); *p; p++)
		lines += *p == '\n';
	CHECK(lines >= 5);
	CHECK(lines <= 30);
}

TEST(log_trace_list_is_parsed)
{
	log_trace_mask = 0;
	CHECK(log_trace_parse("irq,ide"));
	CHECK_EQ(log_trace_mask, 1u << TRACE_IRQ | 1u << TRACE_IDE);
	CHECK(trace_on(TRACE_IDE));
	CHECK(!trace_on(TRACE_VM));
	CHECK(!log_trace_parse("irq,nonsense"));
	CHECK(!log_trace_parse(""));
	CHECK(!log_trace_parse("vm,"));
	CHECK_EQ(log_trace_mask, 1u << TRACE_IRQ | 1u << TRACE_IDE);
	CHECK(log_trace_parse("all"));
	CHECK_EQ(log_trace_mask, (1u << TRACE_NCLASSES) - 1);
	log_trace_mask = 0;
}

TEST(log_trace_classes_all_have_names)
{
	for (unsigned i = 0; i < TRACE_NCLASSES; i++)
		CHECK(log_trace_names[i]);
	capture();
	trace(TRACE_IRQ, "unseen");
	log_trace_mask = 1u << TRACE_IRQ;
	trace(TRACE_IRQ, "line %d", 4);
	log_trace_mask = 0;
	CHECK_STR(captured(), "test: irq: line 4\n");
}

TEST_MAIN()
