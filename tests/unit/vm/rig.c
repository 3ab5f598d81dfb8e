/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/vm/rig.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROM_BYTES 65536
#define MEMORY    (4 * MIB)

/* FFFF0h: to the start of the ROM */
static const struct code reset_vector = { 0xfff0, 5, { 0xea, 0x00, 0x00, 0x00, 0xf0 } };

int
rig_fd(const void *data, size_t len, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 || pwrite(fd, data, len, 0) != (ssize_t)len)
		return -1;
	return fd;
}

void
rig_config(struct rig *r, const struct code *code, unsigned n, unsigned cpus)
{
	uint8_t *rom = xalloc(ROM_BYTES);

	memset(r, 0, sizeof(*r));
	memset(rom, 0xf4, ROM_BYTES); /* HLT */
	memcpy(rom + reset_vector.off, reset_vector.bytes, reset_vector.len);
	for (unsigned i = 0; i < n; i++)
		memcpy(rom + code[i].off, code[i].bytes, code[i].len);
	r->cfg = xalloc(sizeof(*r->cfg));
	proto_config_init(r->cfg);
	r->cfg->memory_bytes = MEMORY;
	r->cfg->memory_fd = rig_fd("", 0, MEMORY + PROTO_MEMORY_EXTRA);
	r->cfg->bios_fd = rig_fd(rom, ROM_BYTES, ROM_BYTES);
	r->cfg->cpus = cpus;
	(void)snprintf(r->cfg->cpu_model, sizeof(r->cfg->cpu_model), "pentium3");
	r->cfg->clock = PROTO_CLOCK_INSNS;
	r->cfg->has_debug_exit = 1;
	r->cfg->debug_exit_port = 0xf4;
	mem_free(rom);
	r->m = xalloc(sizeof(*r->m));
}

int
rig_create(struct rig *r)
{
	return machine_create(r->m, r->cfg, -1, &r->err);
}

int
rig_init(struct rig *r, const struct code *code, unsigned n, unsigned cpus)
{
	rig_config(r, code, n, cpus);
	return rig_create(r);
}

void
rig_fini(struct rig *r)
{
	int fds[] = { r->cfg->memory_fd, r->cfg->bios_fd };

	machine_destroy(r->m);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	mem_free(r->m);
	mem_free(r->cfg);
}
