/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"
#include "tests/unit/test.h"

#include <errno.h>

TEST(err_set_gives_code_and_message)
{
	struct err e = { 0 };

	CHECK_EQ(err_set(&e, ENOENT, "cannot open '%s'", "a.img"), -ENOENT);
	CHECK_EQ(e.code, ENOENT);
	CHECK_STR(e.msg, "cannot open 'a.img'");
}

TEST(err_takes_null)
{
	CHECK_EQ(err_set(NULL, EINVAL, "x"), -EINVAL);
	CHECK(err_prefix(NULL, "x") < 0);
}

TEST(err_prefix_stands_before)
{
	struct err e = { 0 };

	err_set(&e, EIO, "short read");
	CHECK_EQ(err_prefix(&e, "disk%d", 0), -EIO);
	CHECK_STR(e.msg, "disk0: short read");
}

TEST(err_long_messages_are_cut)
{
	char longer[2000];
	struct err e = { 0 };

	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, EIO, "%s", longer);
	CHECK_EQ(strlen(e.msg), sizeof(e.msg) - 1);
	err_prefix(&e, "p");
	CHECK_EQ(strlen(e.msg), sizeof(e.msg) - 1);
	CHECK(!strncmp(e.msg, "p: aaa", 6));
	err_prefix(&e, "%s", longer);
	CHECK_EQ(strlen(e.msg), sizeof(e.msg) - 1);
}

TEST_MAIN()
