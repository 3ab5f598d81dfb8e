/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/assert.h"

#include "base/log.h"

#include <stdlib.h>

void
bug_at(const char *file, int line, const char *what)
{
	log_error("internal error: %s:%d: %s", file, line, what);
	abort();
}
