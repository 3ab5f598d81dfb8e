/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verifier knows at one place, and how places meet. */
#include "cpu/jit/verify_impl.h"

int
vs_scratch(unsigned reg)
{
	return reg == R_8 ? 0 : reg == R_10 ? 1 : reg == R_11 ? 2 : -1;
}

struct vval *
vs_value(struct vstate *st, unsigned reg)
{
	return vs_scratch(reg) < 0 ? NULL : &st->s[vs_scratch(reg)];
}

bool
vs_is_plain(const struct vval *v)
{
	return v->kind > K_DEAD && v->kind < K_ENTRY;
}

/* May it be used as data? */
bool
vs_usable(struct vstate *st, unsigned reg)
{
	const struct vval *v = vs_value(st, reg);

	return reg != R_SP && (!v || vs_is_plain(v));
}

bool
vs_has_kind(struct vstate *st, unsigned reg, enum vkind kind)
{
	const struct vval *v = vs_value(st, reg);

	return v && v->kind == kind;
}

void
vs_demote(struct vval *v)
{
	*v = (struct vval){ .kind = vs_is_plain(v) ? K_DATA : K_DEAD };
}

/* The register gets another value. */
void
vs_forget(struct vstate *st, unsigned reg)
{
	st->span[reg] = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(st->s); i++) {
		struct vval *v = &st->s[i];

		if (v->reg == reg &&
		    ((v->kind >= K_COPY && v->kind <= K_OFF) || v->kind == K_ENTRY))
			vs_demote(v);
	}
}

struct vstate
vs_of_entry(void)
{
	struct vstate st = { .live = true };

	for (unsigned i = 0; i < ARRAY_SIZE(st.span); i++)
		st.span[i] = 1;
	return st;
}

static void
meet_value(struct vval *a, const struct vval *b)
{
	bool ok = a->ok && b->ok;
	struct vval rest = *b;

	rest.ok = a->ok;
	if (memcmp(a, &rest, sizeof(*a)) == 0)
		a->ok = ok;
	else
		*a = (struct vval){ .kind = vs_is_plain(a) && vs_is_plain(b) ? K_DATA : K_DEAD };
}

static void
meet(struct vstate *a, const struct vstate *b)
{
	for (unsigned i = 0; i < ARRAY_SIZE(a->s); i++)
		meet_value(&a->s[i], &b->s[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(a->span); i++)
		if (b->span[i] < a->span[i])
			a->span[i] = b->span[i];
	a->z32 &= b->z32;
	a->looked &= b->looked;
}

static bool
same_state(const struct vstate *a, const struct vstate *b)
{
	for (unsigned i = 0; i < ARRAY_SIZE(a->s); i++)
		if (memcmp(&a->s[i], &b->s[i], sizeof(a->s[i])) != 0)
			return false;
	return memcmp(a->span, b->span, sizeof(a->span)) == 0 && a->z32 == b->z32 &&
	       a->flags == b->flags && a->freg == b->freg && a->looked == b->looked &&
	       a->fval == b->fval && a->live == b->live;
}

void
vs_flow_to(struct verify *v, unsigned i, const struct vstate *from)
{
	struct vstate *to = &v->state[i], old = *to;

	if (!to->live)
		*to = *from;
	else
		meet(to, from);
	to->flags = F_NONE;
	to->freg = 0;
	to->fval = 0;
	if (!same_state(to, &old))
		v->changed = true;
}
