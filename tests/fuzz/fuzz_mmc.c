/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as packets for a CD drive: 12 of command, then parameters if it wants them. */
#include "base/assert.h"
#include "scsi/mmc.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t reply[MMC_REPLY_MAX], params[MMC_PARAM_MAX];
	struct mmc m = { 0 };
	struct mmc_io io;

	mmc_reset(&m);
	for (; len >= 14; data += 14, len -= 14) {
		if (data[12] < 16)
			mmc_set_medium(&m, (uint64_t)data[13] << (data[12] + 8));
		switch (mmc_command(&m, data, reply, &io)) {
		case MMC_REPLY: BUG_ON(!io.len || io.len > sizeof(reply)); break;
		case MMC_READ:
			BUG_ON(!io.count || io.count > m.sectors || io.lba > m.sectors - io.count);
			BUG_ON(!io.bytes || io.bytes > MMC_SECTOR_RAW);
			break;
		case MMC_PARAMS:
			BUG_ON(io.len > sizeof(params));
			memset(params, data[13], sizeof(params));
			memcpy(params, data, 14);
			(void)mmc_params(&m, data, params, io.len);
			break;
		case MMC_CHECK: BUG_ON(!m.key); break;
		case MMC_GOOD: break;
		}
	}
	return 0;
}
