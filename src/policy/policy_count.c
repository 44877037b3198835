/* policy_count: whose rows leave, where distinct persons are counted. An open column of a person's row is tested freely, but what of it reaches the
 * result must say whose it is: a bare column beside the key of the same row source, or nothing. And what is compared with other rows may reach the
 * result through those: `FROM generate_series(1, 20) i, customers c WHERE ascii(substr(c.full_name, i, 1)) = ...` delivers i and tells the name. So
 * rows that are compared with rows not their own count as shown, too, unless it is by `key = key` of the same subject, which says the same person.
 * Disadvantages: a count over a join by a column that is not harmless is refused; so is a comparison with a sub-select's value.
 * What remains: tests against constants, a bit or a count each (docs/THREATS.md). Input: see policy_decide_int.h. Never looks at data. Pure. */
#include "policy_decide_int.h"

#include "base_text.h"

bool
policy_count_judges(const struct policy_judge *j)
{
	return j->scope->counts && j->trust == 0 && !j->approved;
}

void
policy_count_hold(struct policy_held *into, const struct policy_held *more)
{
	into->named |= more->named;
	into->counted |= more->counted;
	into->clear |= more->clear;
	into->rows |= more->rows;
	into->others = into->others || more->others;
	if (more->hidden && (!into->hidden || policy_mask_stronger(&into->mask, &more->mask) == &more->mask)) {
		into->mask = more->mask;
		into->rule = more->rule;
	}
	into->hidden = into->hidden || more->hidden;
	if (!into->column && more->counted != 0) {
		into->relation = more->relation;
		into->column = more->column;
	}
}

void
policy_count_column(const struct policy_judge *j, struct policy_flow *f)
{
	const struct policy_scope_relation *r = f->relation;
	const struct policy_scope_column *c = f->column;
	const uint64_t bit = f->occurrence < POLICY_OCCURRENCES_MAX ? UINT64_C(1) << f->occurrence : 0;
	const bool counted = r->subject && ((j->scope->counts && !c->harmless) || (j->approved && f->secret));
	const bool key = r->key != 0 && c->attnum == r->key;

	f->held = (struct policy_held){.named = f->held.named};
	f->held.rows = j->scope->counts ? bit : 0;
	f->held.counted = counted ? bit : 0;
	f->held.clear = counted && !key && (f->mask.kind == POLICY_MASK_NONE || j->trust > 0) ? bit : 0;
	f->held.relation = r;
	f->held.column = c;
	f->held.hidden = f->secret && f->mask.kind != POLICY_MASK_NONE;
	f->held.mask = f->mask;
	f->held.rule = f->rule;
}

/* ---- rows compared with others ---- */
void
policy_count_mark(struct policy_judge *j, uint64_t bits, uint64_t clear)
{
	j->marks |= bits;
	for (size_t i = 0; i < j->nseen; i++) {
		struct policy_seen *s = &j->seen[i];

		if (!(bits & UINT64_C(1) << i))
			continue;
		s->marked = s->pub.compared = s->pub.delivers = s->pub.must_key = s->pub.shows = true;
		s->pub.shows_clear = s->pub.shows_clear || (clear & UINT64_C(1) << i);
	}
}

void
policy_count_tested(struct policy_judge *j, uint64_t bits, uint64_t clear)
{
	policy_count_mark(j, bits, clear);
	for (size_t i = 0; i < j->nseen; i++)
		j->seen[i].tested = j->seen[i].tested || (bits & UINT64_C(1) << i);
}

void
policy_count_test(struct policy_judge *j, const struct policy_held *h)
{
	uint64_t met = 0;

	if (!policy_count_judges(j))
		return;
	for (size_t i = 0; i < j->nseen; i++) {
		const uint64_t bit = UINT64_C(1) << i;

		if ((h->counted & bit) && (h->others || (h->rows & ~bit)))
			met |= bit;
	}
	policy_count_tested(j, met, h->clear & met);
}

/* ---- what undoes that a compared row says whose it is ---- */

/* All that one side of a join reads. */
static uint64_t
side(const struct policy_level *l, const struct tree_node *n, unsigned depth)
{
	const int64_t index = tree_number(n, TREE_F_RTINDEX);
	const struct policy_entry *e;
	uint64_t bits = 0;

	if (!n || depth > POLICY_DEPTH_MAX)
		return 0;
	if (n->kind == TREE_JOINEXPR)
		return side(l, tree_child(n, TREE_F_LARG), depth + 1) | side(l, tree_child(n, TREE_F_RARG), depth + 1);
	if (n->kind != TREE_RANGETBLREF || index < 1 || (uint64_t)index > l->rtable.n)
		return 0;
	e = &l->entry[index - 1];
	if (e->kind == POLICY_ENTRY_RELATION)
		return e->occurrence < POLICY_OCCURRENCES_MAX ? UINT64_C(1) << e->occurrence : 0;
	for (size_t i = 0; e->kind == POLICY_ENTRY_FLOWS && i < e->nflow; i++)
		bits |= e->flow[i].held.rows | e->flow[i].held.counted | e->flow[i].held.named | (e->flow[i].occurrence < POLICY_OCCURRENCES_MAX ? UINT64_C(1) << e->flow[i].occurrence : 0);
	return bits;
}

/* `FROM generate_series(1, 99) n LEFT JOIN customers c ON c.id = 7 AND n = ...c.birthday... WHERE c.id IS NULL` delivers all n but the birthday's, beside no key. */
void
policy_count_outer(struct policy_judge *j, const struct policy_level *l, const struct tree_node *join)
{
	enum { INNER, LEFT, FULL, RIGHT };
	const int64_t type = tree_number(join, TREE_F_JOINTYPE);

	if (type != INNER && type != RIGHT && policy_count_judges(j))
		j->nullable |= side(l, tree_child(join, TREE_F_RARG), 0);
	if (type != INNER && type != LEFT && policy_count_judges(j))
		j->nullable |= side(l, tree_child(join, TREE_F_LARG), 0);
}

/* `count(*) OVER (PARTITION BY n)` in a sub-select of which one person's rows are kept tells, in these, how many others' there were. So does which row of DISTINCT ON
 * stays, and which LIMIT leaves. At the outermost, too: who reads no further than the first rows is charged for these alone. */
void
policy_count_combines(struct policy_judge *j, const struct policy_level *l)
{
	const struct tree_node *q = l->query;

	if (!policy_count_judges(j) || j->combines)
		return;
	if (tree_bool(q, TREE_F_HAS_WINDOW_FUNCS))
		j->combines = "a window function";
	else if (tree_bool(q, TREE_F_HAS_DISTINCT_ON))
		j->combines = "DISTINCT ON";
	else if (tree_has(q, TREE_F_LIMIT_OFFSET))
		j->combines = "OFFSET";
	else if (l->up && tree_has(q, TREE_F_LIMIT_COUNT))
		j->combines = "LIMIT in a sub-select";
}

static const struct policy_column *
key_of(const struct policy_flow *f)
{
	const struct policy_scope_relation *r = f->relation;

	if (!r || !f->column || f->computed || f->mixed || f->occurrence == SIZE_MAX || !r->subject || r->key == 0 || f->column->attnum != r->key)
		return NULL;
	for (size_t i = 0; i < r->subject->ncolumns; i++) {
		if (r->subject->columns[i].attnum == r->key)
			return &r->subject->columns[i];
	}
	return NULL;
}

/* The kind of a link is that of its subject's key. */
bool
policy_count_same(const struct policy_flow *a, const struct policy_flow *b)
{
	const struct policy_column *x = key_of(a), *y = key_of(b);

	return x && y && x->role != POLICY_DATA && y->role != POLICY_DATA && x->kind == y->kind;
}

bool
policy_count_link(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	struct tree_list args = tree_list(n, TREE_F_ARGS);
	struct policy_flow f[2];

	if (n->kind == TREE_BOOLEXPR && base_span_is(tree_text(n, TREE_F_BOOLOP), "not") && args.n == 1)
		n = args.item[0];
	if (n && n == j->link)
		return true;
	args = tree_list(n, TREE_F_ARGS);
	if (!n || n->kind != TREE_OPEXPR || args.n != 2 || !policy_equal_built_in(tree_oid(n, TREE_F_OPFUNCID)))
		return false;
	for (size_t i = 0; i < 2; i++) {
		const struct tree_node *v = policy_flow_strip(args.item[i]);

		if (!v || v->kind != TREE_VAR || tree_number(v, TREE_F_VARATTNO) <= 0 || policy_from_var(j, l, v, &f[i]) != 0)
			return false;
	}
	return policy_count_same(&f[0], &f[1]);
}

/* Occurrences of a WITH query, seen by a further reference: other rows. */
int
policy_count_rename(struct policy_judge *j, const void *made_by, uint64_t bits, uint64_t *bits_r)
{
	uint64_t renamed = 0;

	for (size_t i = 0; i < POLICY_OCCURRENCES_MAX && bits != 0; i++, bits >>= 1) {
		struct policy_seen seen = {.made_by = made_by, .of = i, .and_of = SIZE_MAX};
		size_t at;
		int rc;

		if (!(bits & 1) || i >= j->nseen)
			continue;
		seen.pub.relation = j->seen[i].pub.relation;
		seen.table = j->seen[i].table;
		rc = policy_from_occurrence(j, &seen, &at);
		if (rc != 0)
			return rc;
		j->seen[at].tested = j->seen[at].tested || j->seen[i].tested;
		renamed |= UINT64_C(1) << at;
	}
	*bits_r = renamed;
	return 0;
}

/* A window function's value changes from row to row, and says in which order they are: what they are ordered and parted by is shown. Under an approval
 * it counts as computed from that. */
int
policy_count_window(struct policy_judge *j, struct policy_level *l, const struct tree_node *n)
{
	static const enum tree_field by[] = {TREE_F_PARTITION_CLAUSE, TREE_F_ORDER_CLAUSE};
	const struct tree_list all = tree_list(l->query, TREE_F_WINDOW_CLAUSE), targets = tree_list(l->query, TREE_F_TARGET_LIST);
	const struct policy_held before = j->held;
	int rc = 0;

	j->held = (struct policy_held){0};
	for (size_t i = 0; i < all.n * BASE_COUNT(by); i++) {
		const struct tree_node *w = all.item[i / BASE_COUNT(by)];
		const struct tree_list sorts = tree_list(w, by[i % BASE_COUNT(by)]);

		if (tree_number(w, TREE_F_WINREF) != tree_number(n, TREE_F_WINREF))
			continue;
		for (size_t k = 0; rc == 0 && k < sorts.n * targets.n; k++) {
			const struct tree_node *t = targets.item[k % targets.n];
			const int64_t ref = tree_number(sorts.item[k / targets.n], TREE_F_TLE_SORT_GROUP_REF);

			if (ref > 0 && tree_number(t, TREE_F_RESSORTGROUPREF) == ref)
				rc = policy_flow_at(j, l, tree_child(t, TREE_F_EXPR), POLICY_PLACE_WINDOW);
		}
	}
	if (rc == 0 && !j->approved)
		policy_count_mark(j, j->held.counted, j->held.clear);
	if (!j->approved)
		j->held = (struct policy_held){0};
	policy_count_hold(&j->held, &before);
	j->held.others = true;
	return rc;
}

/* ---- what is delivered ---- */
static void
show(struct policy_judge *j, uint64_t bits, uint64_t clear)
{
	for (size_t i = 0; i < j->nseen; i++) {
		struct policy_seen *s = &j->seen[i];

		if (!(bits & UINT64_C(1) << i))
			continue;
		s->pub.delivers = s->pub.must_key = true;
		s->pub.shows = s->pub.shows || j->scope->counts;
		s->pub.shows_clear = s->pub.shows_clear || (j->scope->counts && (clear & UINT64_C(1) << i));
	}
}

int
policy_count_deliver(struct policy_judge *j, const struct policy_flow *f, bool key)
{
	const bool bare = f->relation && f->column && f->occurrence < POLICY_OCCURRENCES_MAX && !f->computed;
	const uint64_t bit = bare ? UINT64_C(1) << f->occurrence : 0;

	if (f->held.counted == 0 || f->mask.kind == POLICY_MASK_HIDE)
		return 0;
	if (bare) {
		if (j->scope->counts)
			show(j, f->held.counted & bit, f->mask.kind == POLICY_MASK_NONE && !key ? bit : 0);
		return 0;
	}
	if (!f->vouched && !j->approved)
		return policy_refuse_counted(j, &f->held);
	show(j, f->held.counted, f->held.clear);
	return 0;
}

int
policy_count_settle(struct policy_judge *j, size_t i)
{
	struct policy_seen *s = &j->seen[i];
	struct policy_occurrence *o = &s->pub;
	const struct policy_scope_column *key = policy_scope_column(o->relation, o->relation->key);
	struct policy_args args = {.a = o->relation->full_name, .b = key ? key->name : base_span_str("(it has none)")};

	if (s->marked && j->d->statement != POLICY_SELECT && j->d->ncolumns == 0 && !j->writes_others) /* nothing of it reaches anybody, and what was written is counted */
		o->delivers = o->must_key = o->shows = o->shows_clear = false;
	if (!j->scope->counts || !o->must_key || !(s->marked || o->shows))
		return 0;
	if (o->key_column == SIZE_MAX && !o->can_splice)
		return policy_refuse(j, s->marked ? POLICY_REFUSE_COUNTED_TEST : POLICY_REFUSE_COUNTED_KEY, o->relation->at, args);
	if (!s->tested || (!j->combines && !(j->nullable & UINT64_C(1) << i)))
		return 0;
	args.b = base_span_str(j->combines ? j->combines : "an outer join that may leave them out");
	return policy_refuse(j, POLICY_REFUSE_COUNTED_APART, o->relation->at, args);
}
