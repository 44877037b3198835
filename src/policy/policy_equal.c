/* policy_equal: the terms of the statement's own WHERE that are joined by AND: which of them is the look-up (`secret column = constant`, once),
 * which say whose rows are asked for, and that none of the others holds a secret. Also the canonical text of a constant. Input: a Const's bytes
 * in the server's order; only little-endian servers are known (the golden trees of another one differ). Pure. */
#include "policy_decide_int.h"

#include <stdio.h>

/* `=` of the built-in types alone: another operator of that name may be a user's. */
bool
policy_equal_built_in(uint32_t function)
{
	static const uint32_t known[] = {
		67 /* texteq */, 1048 /* bpchareq */, 62 /* nameeq */, 240 /* nameeqtext */, 247 /* texteqname */, 2956 /* uuid_eq */, 184 /* oideq */, 1718 /* numeric_eq */,
		63 /* int2eq */, 65 /* int4eq */, 467 /* int8eq */, 158 /* int24eq */, 159 /* int42eq */, 1850 /* int28eq */, 1856 /* int82eq */,
		852 /* int48eq */, 474 /* int84eq */,
	};

	for (size_t i = 0; i < BASE_COUNT(known); i++) {
		if (known[i] == function)
			return true;
	}
	return false;
}

/* Relabelling of a constant to a text type, as the parser puts it there. */
static const struct tree_node *
plain_value(const struct tree_node *n)
{
	n = policy_flow_strip(n);
	if (n && n->kind == TREE_CONST && !tree_bool(n, TREE_F_CONSTISNULL))
		return n;
	return n && n->kind == TREE_PARAM && tree_number(n, TREE_F_PARAMKIND) == 0 && tree_number(n, TREE_F_PARAMID) > 0 ? n : NULL;
}

static int
keep(struct policy_judge *j, struct base_span s, struct base_span *text_r)
{
	char *copy = base_arena_str(j->d->arena, s);

	if (!copy)
		return GH_E_NOMEM;
	*text_r = base_span(copy, s.n);
	return 0;
}

/* Integers decimal, uuid lower case, text as it is; numeric and what else there is: none, the gate takes the value as unknown. */
static int
canonical(struct policy_judge *j, const struct tree_node *c, struct base_span *text_r)
{
	const struct base_span d = tree_text(c, TREE_F_CONSTVALUE);
	const uint32_t type = tree_oid(c, TREE_F_CONSTTYPE);
	char text[48];
	uint64_t v = 0;
	size_t n = 0;

	*text_r = base_span("", 0);
	if ((type == 25 || type == 1043 || type == 1042) && d.n >= 4)
		return keep(j, base_span(d.p + 4, d.n - 4), text_r);
	if (type == 19 && d.n > 0) {
		const uint8_t *end = memchr(d.p, 0, d.n);

		return keep(j, base_span(d.p, end ? (size_t)(end - d.p) : d.n), text_r);
	}
	if (type == 2950 && d.n == 16) {
		for (size_t i = 0; i < 16; i++) {
			n += (size_t)snprintf(text + n, sizeof(text) - n, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", d.p[i]);
		}
		return keep(j, base_span(text, n), text_r);
	}
	if (type != 20 && type != 21 && type != 23 && type != 26)
		return 0;
	n = type == 20 ? 8 : type == 21 ? 2 : 4;
	if (d.n < n)
		return 0;
	for (size_t i = n; i > 0; i--)
		v = v << 8 | d.p[i - 1];
	if (type == 26)
		n = (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	else
		n = (size_t)snprintf(text, sizeof(text), "%lld", type == 20 ? (long long)v : type == 21 ? (long long)(int16_t)v : (long long)(int32_t)v);
	return keep(j, base_span(text, n), text_r);
}

static int
record(struct policy_judge *j, const struct policy_flow *f, const struct tree_node *value, bool lookup)
{
	struct policy_equality q = {.relation = f->relation, .attnum = f->column->attnum, .lookup = lookup, .value = {(const uint8_t *)"", 0}};
	int rc = 0;

	if (j->nequality == BASE_COUNT(j->equality))
		return policy_refuse(j, POLICY_REFUSE_OCCURRENCES, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (value->kind == TREE_PARAM)
		q.param = (uint32_t)tree_number(value, TREE_F_PARAMID);
	else
		rc = canonical(j, value, &q.value);
	if (rc == 0)
		j->equality[j->nequality++] = q;
	return rc;
}

/* Sets *done_r when the term was the look-up: nothing else is to be judged in it. */
static int
equality(struct policy_judge *j, struct policy_level *l, const struct tree_node *n, bool *done_r)
{
	const struct tree_list args = tree_list(n, TREE_F_ARGS);
	const struct tree_node *column, *value;
	struct policy_flow f;
	int rc;

	if (n->kind != TREE_OPEXPR || args.n != 2 || !policy_equal_built_in(tree_oid(n, TREE_F_OPFUNCID)))
		return 0;
	value = plain_value(args.item[1]);
	column = policy_flow_strip(args.item[value ? 0 : 1]);
	if (!value)
		value = plain_value(args.item[0]);
	if (!value || !column || column->kind != TREE_VAR || tree_number(column, TREE_F_VARATTNO) <= 0)
		return 0;
	rc = policy_from_var(j, l, column, &f);
	if (rc != 0)
		return rc;
	if (!f.relation || !f.column || f.mixed || f.occurrence == SIZE_MAX)
		return 0;
	if (!f.secret)
		return policy_from_identifies(f.relation, f.column->attnum, false) ? record(j, &f, value, false) : 0;
	if (j->approved && !f.unknown) /* no probe: the owner has read what is asked */
		return policy_from_identifies(f.relation, f.column->attnum, false) || f.column->lookup ? record(j, &f, value, false) : 0;
	if (f.unknown || !f.column->lookup || !j->seen[f.occurrence].direct || l->write_target != 0)
		return 0;
	for (size_t i = 0; i < j->nequality; i++) {
		if (j->equality[i].lookup)
			return policy_refuse(j, POLICY_REFUSE_LOOKUP_TWICE, f.column->looked, POLICY_ARGS(f.column->name, {0}, {0}));
	}
	*done_r = true;
	policy_refuse_note(j, 2, f.column->looked, "look-up by %.*s: one probe, recorded hit or miss", (int)f.column->name.n, (const char *)f.column->name.p);
	return record(j, &f, value, true);
}

static int
term(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	const struct tree_list args = tree_list(n, TREE_F_ARGS);
	bool done = false;
	int rc = 0;

	if (!n)
		return 0;
	j->depth++;
	rc = policy_refuse_step(j);
	if (rc == 0 && n->kind == TREE_BOOLEXPR && base_span_is(tree_text(n, TREE_F_BOOLOP), "and")) {
		for (size_t i = 0; rc == 0 && i < args.n; i++)
			rc = term(j, l, args.item[i]);
	} else if (rc == 0) {
		rc = equality(j, l, n, &done);
		if (rc == 0 && !done)
			rc = policy_flow_test(j, l, n, POLICY_PLACE_WHERE);
	}
	j->depth--;
	return rc;
}

int
policy_equal_where(struct policy_judge *j, struct policy_level *l, const struct tree_node *quals)
{
	return term(j, l, quals);
}
