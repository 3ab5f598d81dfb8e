/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one-register devices. */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/buf.h"
#include "dev/types.h"
#include "host/char/chardev.h"

TEST(port92_drives_a20_and_resets_on_a_rising_edge)
{
	struct fake_env f;

	fake_init(&f, &port92_type);
	CHECK_EQ(fake_start(&f), 0);
	CHECK(!f.outputs[0]);
	fake_write(&f, 0, 0, 1, 2);
	CHECK(f.outputs[0]);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 2);
	CHECK_EQ(f.requests[DEV_REQ_RESET], 0);
	fake_write(&f, 0, 0, 1, 1);
	CHECK(!f.outputs[0]);
	CHECK_EQ(f.requests[DEV_REQ_RESET], 1);
	fake_write(&f, 0, 0, 1, 3);
	CHECK_EQ(f.requests[DEV_REQ_RESET], 1);
	fake_write(&f, 0, 0, 1, 0);
	fake_write(&f, 0, 0, 1, 1);
	CHECK_EQ(f.requests[DEV_REQ_RESET], 2);
	fake_fini(&f);
}

TEST(debug_exit_asks_for_an_odd_status)
{
	struct fake_env f;

	fake_init(&f, &isa_debug_exit_type);
	fake_param(&f, "iobase", 0xf4);
	CHECK_EQ(fake_start(&f), 0);
	CHECK_EQ(f.map_addr[0], 0xf4);
	fake_write(&f, 0, 0, 4, 0x10);
	CHECK_EQ(f.requests[DEV_REQ_EXIT], 1);
	CHECK_EQ(f.request_arg[DEV_REQ_EXIT], 0x21);
	fake_write(&f, 0, 0, 1, 0);
	CHECK_EQ(f.request_arg[DEV_REQ_EXIT], 1);
	fake_fini(&f);
}

TEST(debugcon_is_detected_and_writes_on)
{
	struct chardev *c = chardev_mem_open(4);
	struct fake_env f;
	size_t n;

	fake_init(&f, &debugcon_type);
	fake_backend(&f, "chardev", c);
	CHECK_EQ(fake_start(&f), 0);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 0xe9);
	fake_write(&f, 0, 0, 1, 'a');
	CHECK_EQ(debugcon_type.regions[0].write_many(&f.dev, 0, 1, "bcdef", 5), 5);
	CHECK(!memcmp(chardev_mem_data(c, &n), "abcd", 4));
	CHECK_EQ(n, 4);
	fake_fini(&f);
	chardev_close(c);
}

TEST_MAIN()
