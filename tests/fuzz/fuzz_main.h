/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fuzz target gives: one call an input, never keeping anything. */
#ifndef LODGE_TESTS_FUZZ_MAIN_H
#define LODGE_TESTS_FUZZ_MAIN_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
