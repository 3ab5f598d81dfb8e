/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every device type must do, with no code of its own here: survive anything,
 * save and load without loss, name every byte of its state, and refuse bad blobs.
 */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "dev/types.h"

#include <stdlib.h>
#include <zlib.h>

#define SAVE_MAX               (64u * 1024 * 1024)
#define CHUNK                  4096u
#define ROUNDS                 48u /* × CHUNK script bytes ≈ 200 000 operations on each type */
#define BLOB_CRC_OFF(name_len) (4 + 2 + (name_len) + 2 + 4)

static uint64_t rng_state = 0x9e3779b97f4a7c15ull;

/* TEST_SEED=n gives other random numbers than those of every day. */
__attribute__((constructor)) static void
seed_rng(void)
{
	const char *seed = getenv("TEST_SEED");

	if (seed)
		rng_state ^= strtoull(seed, NULL, 0) * 0xd1342543de82ef95ull;
}

static uint64_t
rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static void
random_script(struct fake_env *f, unsigned chunks)
{
	uint8_t bytes[CHUNK];

	for (unsigned c = 0; c < chunks; c++) {
		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(rng() >> 24);
		fake_script(f, bytes, sizeof(bytes));
	}
}

static struct fake_env *
make(const struct dev_type *type)
{
	struct fake_env *f = xalloc(sizeof(*f));

	fake_init(f, type);
	fake_default_backends(f);
	if (fake_start(f)) {
		fake_fini(f);
		mem_free(f);
		return NULL;
	}
	return f;
}

static void
unmake(struct fake_env *f)
{
	fake_fini(f);
	mem_free(f);
}

static void
settle(struct fake_env *f)
{
	for (unsigned i = 0; i < f->nblocks; i++)
		f->blocks[i]->fail = 0;
	fake_advance(f, 1); /* what is due has happened before a machine is saved */
	for (unsigned i = 0; i < 1000 && f->dev.type->busy && f->dev.type->busy(&f->dev); i++)
		fake_advance(f, 100000);
}

static void
save(struct fake_env *f, struct buf *b)
{
	buf_init(b, SAVE_MAX);
	dev_save(&f->dev, b);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static int
load(struct fake_env *f, const void *p, size_t len, struct err *e)
{
	struct buf b;

	memset(e, 0, sizeof(*e));
	buf_reader(&b, p, len);
	return dev_load(&f->dev, &b, e);
}

/* The name of the first field that differs, for the message. */
static const char *
differing_field(const struct fake_env *a, const struct fake_env *b)
{
	for (unsigned i = 0; i < a->dev.type->nfields; i++) {
		const struct dev_field *f = &a->dev.type->fields[i];

		if (f->since && memcmp((uint8_t *)a->dev.state + f->off,
				    (uint8_t *)b->dev.state + f->off, (size_t)f->size * f->count))
			return f->name;
	}
	return "pci_config";
}

static void
check_survives(const struct dev_type *type)
{
	struct fake_env *f = make(type);

	if (!f) {
		test_fail(
		    __FILE__, __LINE__, "%s: cannot be made with default back ends", type->name);
		return;
	}
	for (unsigned i = 0; i < ROUNDS && !f->storm; i++) {
		if (i % 16 == 15)
			fake_reset(f, DEV_RESET_COLD);
		random_script(f, 5);
	}
	if (f->storm)
		test_fail(
		    __FILE__, __LINE__, "%s: a timer fires again without time passing", type->name);
	unmake(f);
}

TEST(every_type_survives_random_accesses)
{
	for (unsigned i = 0; i < dev_ntypes; i++)
		check_survives(dev_types[i]);
}

/* Without any back end too. */
TEST(every_type_survives_without_back_ends)
{
	for (unsigned i = 0; i < dev_ntypes; i++) {
		struct fake_env *f = xalloc(sizeof(*f));

		fake_init(f, dev_types[i]);
		if (!fake_start(f))
			random_script(f, 20);
		unmake(f);
	}
}

static void
check_round_trip(const struct dev_type *type)
{
	struct fake_env *a = make(type), *b = make(type);
	struct buf sa, sb;
	struct err e;

	random_script(a, 3);
	settle(a);
	b->now_ns = a->now_ns;
	save(a, &sa);
	if (load(b, sa.data, sa.len, &e))
		test_fail(__FILE__, __LINE__, "%s: own state refused: %s", type->name, e.msg);
	save(b, &sb);
	if (!same(&sa, &sb))
		test_fail(__FILE__, __LINE__, "%s: field '%s' changed by save and load", type->name,
		    differing_field(a, b));
	for (unsigned i = 0; i < type->noutputs; i++) {
		if (a->outputs[i] != b->outputs[i])
			test_fail(__FILE__, __LINE__, "%s: output %u not driven after load",
			    type->name, i);
	}
	for (unsigned i = 0; i < type->ntimers; i++) {
		if ((a->deadlines[i] == DEV_TIMER_OFF) != (b->deadlines[i] == DEV_TIMER_OFF))
			test_fail(__FILE__, __LINE__, "%s: timer %u not as before after load",
			    type->name, i);
	}
	buf_fini(&sa);
	buf_fini(&sb);
	unmake(a);
	unmake(b);
}

TEST(save_and_load_lose_nothing)
{
	for (unsigned i = 0; i < dev_ntypes; i++) {
		for (unsigned n = 0; n < 20 && !test_failed(); n++)
			check_round_trip(dev_types[i]);
	}
}

static void
check_covered(const struct dev_type *type)
{
	uint8_t *covered = xalloc(type->state_size);

	for (unsigned i = 0; i < type->nfields; i++) {
		const struct dev_field *f = &type->fields[i];
		bool size_ok = f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8;

		if (!size_ok || f->off + (uint64_t)f->size * f->count > type->state_size) {
			test_fail(__FILE__, __LINE__, "%s: field '%s' has a bad size", type->name,
			    f->name);
			break;
		}
		for (size_t j = 0; j < (size_t)f->size * f->count; j++) {
			if (covered[f->off + j]++)
				test_fail(__FILE__, __LINE__, "%s: field '%s' covered twice",
				    type->name, f->name);
		}
	}
	for (size_t i = 0; i < type->state_size && !test_failed(); i++) {
		if (!covered[i])
			test_fail(__FILE__, __LINE__, "%s: byte %zu of the state is in no field",
			    type->name, i);
	}
	mem_free(covered);
}

TEST(every_byte_of_state_is_declared)
{
	for (unsigned i = 0; i < dev_ntypes; i++)
		check_covered(dev_types[i]);
}

static void
check_flips(const struct dev_type *type)
{
	struct fake_env *f = make(type);
	uint8_t *state = f->dev.state;
	struct buf before, after;

	save(f, &before);
	for (unsigned i = 0; i < type->nfields; i++) {
		const struct dev_field *field = &type->fields[i];
		size_t bytes = (size_t)field->size * field->count;
		size_t step = bytes > 4096 ? bytes / 64 + 1 : 1;

		for (size_t j = 0; field->since && j < bytes; j += step) {
			state[field->off + j] ^= 0xff;
			save(f, &after);
			if (same(&before, &after))
				test_fail(__FILE__, __LINE__, "%s: '%s' not saved", type->name,
				    field->name);
			buf_fini(&after);
			state[field->off + j] ^= 0xff;
		}
	}
	buf_fini(&before);
	unmake(f);
}

TEST(a_changed_byte_changes_the_saved_state)
{
	for (unsigned i = 0; i < dev_ntypes; i++)
		check_flips(dev_types[i]);
}

/* After damage the CRC catches nothing is changed; past it, nothing crashes. */
static void
check_damage(const struct dev_type *type)
{
	struct fake_env *f = make(type), *g;
	size_t crc_off = BLOB_CRC_OFF(strlen(type->name));
	struct buf good, still;
	uint8_t *bad;
	struct err e;

	random_script(f, 2);
	settle(f);
	save(f, &good);
	bad = xalloc(good.len);
	for (size_t n = 0; n < good.len; n += 1 + good.len / 200) {
		if (!load(f, good.data, n, &e) || !e.msg[0])
			test_fail(__FILE__, __LINE__, "%s: %zu of %zu bytes accepted", type->name,
			    n, good.len);
	}
	for (unsigned n = 0; n < 200; n++) {
		size_t at = rng() % good.len;

		memcpy(bad, good.data, good.len);
		bad[at] ^= (uint8_t)(1u << (rng() & 7));
		if (!load(f, bad, good.len, &e) || !e.msg[0])
			test_fail(
			    __FILE__, __LINE__, "%s: damage at byte %zu accepted", type->name, at);
	}
	save(f, &still);
	if (!same(&good, &still))
		test_fail(__FILE__, __LINE__, "%s: a refused blob changed the device", type->name);
	for (unsigned n = 0; n < 60; n++) {
		g = make(type);
		memcpy(bad, good.data, good.len);
		for (unsigned i = 0; i < 1 + n / 8; i++)
			bad[crc_off + 4 + rng() % (good.len - crc_off - 4)] =
			    (uint8_t)(rng() >> 24);
		put_le32(bad + crc_off,
		    (uint32_t)crc32(0, bad + crc_off + 4, (uInt)(good.len - crc_off - 4)));
		g->now_ns = f->now_ns;
		if (!load(g, bad, good.len, &e))
			random_script(g, 2);
		unmake(g);
	}
	mem_free(bad);
	buf_fini(&good);
	buf_fini(&still);
	unmake(f);
}

TEST(bad_saved_states_are_refused_or_harmless)
{
	for (unsigned i = 0; i < dev_ntypes; i++)
		check_damage(dev_types[i]);
}

TEST(types_are_complete)
{
	for (unsigned i = 0; i < dev_ntypes; i++) {
		const struct dev_type *t = dev_types[i];

		CHECK(t->name && t->reset && t->state_version >= 1 && t->state_size);
		CHECK(dev_type_find(t->name) == t);
		CHECK(!t->ninputs || t->input);
		CHECK(!t->ntimers || t->timer);
		CHECK(!t->noutputs || t->output_names);
		CHECK(t->nfields);
		for (unsigned j = 0; j < t->nregions; j++) {
			const struct dev_region *r = &t->regions[j];
			bool registers = r->kind == DEV_REGION_PIO || r->kind == DEV_REGION_MMIO;

			CHECK(r->name);
			CHECK(!registers || (r->access_min >= 1 && r->access_max <= 8 && r->size));
			CHECK(!registers || (is_pow2(r->access_min) && is_pow2(r->access_max)));
		}
	}
	CHECK(dev_type_find("no such part") == NULL);
}

TEST_MAIN()
