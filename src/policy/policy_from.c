/* policy_from: what the columns of a range table entry are: relations, views, sub-selects, joins, functions, VALUES, WITH queries. An entry is
 * resolved when first asked for, because a LATERAL part may ask before its turn; asking for one that is being resolved is a malformed tree.
 * An occurrence is one row source: two references to one WITH query are two, although the query is judged once. Pure. */
#include "policy_decide_int.h"

static int
malformed(struct policy_judge *j, const char *what)
{
	return policy_refuse(j, POLICY_REFUSE_MALFORMED, POLICY_NO_RULE, POLICY_ARGS(base_span_str(what), {0}, {0}));
}

static struct base_span
entry_name(const struct tree_node *rte)
{
	return tree_text(tree_child(rte, TREE_F_EREF), TREE_F_ALIASNAME);
}

/* key_only: the subject's key itself, one row for each subject; else also identifiers and links. */
bool
policy_from_identifies(const struct policy_scope_relation *r, int16_t attnum, bool key_only)
{
	if (!r || !r->subject)
		return false;
	for (size_t i = 0; i < r->subject->ncolumns; i++) {
		if (r->subject->columns[i].attnum == attnum)
			return key_only ? r->subject->columns[i].role == POLICY_KEY : r->subject->columns[i].role != POLICY_DATA;
	}
	return false;
}

struct policy_flow
policy_from_column(const struct policy_judge *j, const struct policy_scope_relation *r, const struct policy_scope_column *c, size_t occurrence)
{
	struct policy_flow f = {.relation = r, .column = c, .occurrence = occurrence};

	f.mask = c->mask;
	f.unknown = !c->known;
	f.secret = f.unknown || !c->open || c->mask.kind != POLICY_MASK_NONE;
	f.rule = c->mask.kind != POLICY_MASK_NONE ? c->masked : c->open ? c->shown : c->never;
	if (occurrence < POLICY_OCCURRENCES_MAX && policy_from_identifies(r, c->attnum, false))
		f.held.named = UINT64_C(1) << occurrence;
	policy_count_column(j, &f);
	return f;
}

int
policy_from_occurrence(struct policy_judge *j, const struct policy_seen *like, size_t *i_r)
{
	for (size_t i = 0; i < j->nseen; i++) {
		if (j->seen[i].made_by == like->made_by && j->seen[i].of == like->of && j->seen[i].and_of == like->and_of) {
			*i_r = i;
			return 0;
		}
	}
	if (j->nseen == POLICY_OCCURRENCES_MAX)
		return policy_refuse(j, POLICY_REFUSE_OCCURRENCES, POLICY_NO_RULE, POLICY_NO_ARGS);
	j->seen[j->nseen] = *like;
	j->seen[j->nseen].pub.key_column = SIZE_MAX;
	*i_r = j->nseen++;
	return 0;
}

/* ---- what a vouched-for part reads: only whose rows they are ---- */
static int
touch_child(const struct tree_node *child, enum tree_field f, void *ctx)
{
	(void)f;
	return policy_from_touch(ctx, child);
}

int
policy_from_touch(struct policy_judge *j, const struct tree_node *n)
{
	const struct policy_scope_relation *r;
	int rc;

	if (!n)
		return 0;
	j->depth++;
	rc = policy_refuse_step(j);
	if (rc == 0 && n->kind == TREE_RANGETBLENTRY && tree_number(n, TREE_F_RTEKIND) == 0 && tree_number(n, TREE_F_RELKIND) != 'v') {
		r = policy_scope_relation(j->scope, tree_oid(n, TREE_F_RELID));
		if ((r && r->subject) || (j->scope->map && policy_map_relation(j->scope->map, tree_oid(n, TREE_F_RELID))))
			j->d->touches_subjects = true;
		if (tree_oid(n, TREE_F_RELID) >= POLICY_FIRST_USER_OID)
			j->d->touches_protected = true; /* for all that is known: an error in there may speak of data */
	}
	if (rc == 0)
		rc = tree_each(n, touch_child, j);
	j->depth--;
	return rc;
}

/* ---- relations ---- */
static int
relation_entry(struct policy_judge *j, struct policy_level *l, int64_t index, struct policy_entry *e)
{
	const uint32_t oid = tree_oid(e->rte, TREE_F_RELID);
	const int64_t relkind = tree_number(e->rte, TREE_F_RELKIND);
	const struct policy_scope_relation *r;
	struct policy_seen seen = {.made_by = e->rte, .of = SIZE_MAX, .and_of = SIZE_MAX};
	const char *why;
	struct base_span name;
	int rc;

	if (relkind == 'v') { /* a view's own old and new, or a view that a write went through */
		e->kind = POLICY_ENTRY_DEAD;
		return 0;
	}
	if (j->d->statement != POLICY_SELECT && (l->up || (index != l->write_target && index != l->excluded)))
		return policy_refuse(j, POLICY_REFUSE_WRITE_READS, POLICY_NO_RULE, POLICY_ARGS(base_span_str("another relation, or its own once more"), {0}, {0}));
	if (oid < POLICY_FIRST_USER_OID) {
		why = j->trust > 0 ? NULL : policy_objects_system(j->objects, oid);
		name = policy_objects_system_name(j->objects, oid);
		e->kind = POLICY_ENTRY_PLAIN;
		e->system = oid;
		if (why)
			return policy_refuse(j, POLICY_REFUSE_SYSTEM, POLICY_NO_RULE, POLICY_ARGS(name.n > 0 ? name : entry_name(e->rte), base_span_str(why), {0}));
		policy_refuse_note(j, 1, POLICY_NO_RULE, "system relation %.*s may be read", (int)name.n, (const char *)name.p);
		return 0;
	}
	r = policy_scope_relation(j->scope, oid);
	if (!r)
		return policy_refuse(j, POLICY_REFUSE_RELATION, POLICY_NO_RULE, POLICY_ARGS(entry_name(e->rte), j->scope->group_words, {0}));
	e->kind = POLICY_ENTRY_RELATION;
	e->relation = r;
	if (relkind == 'c' ? index != l->excluded || !l->write_target : relkind != 'r' && relkind != 'p' && relkind != 'm' && relkind != 'f')
		return malformed(j, "a relation of an unknown kind");
	if (index != l->write_target && index != l->excluded && !(r->actions & POLICY_READ))
		return policy_refuse(j, POLICY_REFUSE_ACTION, r->at, POLICY_ARGS(r->full_name, j->scope->group_words, base_span_str("reading")));
	if (r->subject)
		j->d->touches_subjects = true;
	seen.pub.relation = r;
	seen.direct = l->up == NULL && relkind != 'c';
	seen.table = relkind == 'r' || relkind == 'p';
	seen.index = index;
	policy_refuse_note(j, 1, r->at, "relation %.*s", (int)r->full_name.n, (const char *)r->full_name.p);
	rc = policy_from_occurrence(j, &seen, &e->occurrence);
	return rc != 0 ? rc : relkind == 'c' ? 0 : policy_rows_check(j, l, index, r);
}

/* ---- views and sub-selects ---- */

/* Servers from 16 on keep a view's OID in the entry. Before, its query, as the rewriter puts it in place, begins with the view's own "old" and
 * "new"; no statement can bring such entries itself: a view that is named in it is expanded. 0: not a view. */
static uint32_t
view_of(const struct tree_node *rte)
{
	const struct tree_list rt = tree_list(tree_child(rte, TREE_F_SUBQUERY), TREE_F_RTABLE);
	uint32_t oid = tree_oid(rte, TREE_F_RELID);

	if (oid != 0)
		return oid;
	for (size_t i = 0; i < 2; i++) {
		if (rt.n < 2 || !rt.item[i] || rt.item[i]->kind != TREE_RANGETBLENTRY || tree_number(rt.item[i], TREE_F_RTEKIND) != 0 ||
		    tree_number(rt.item[i], TREE_F_RELKIND) != 'v' || !base_span_is(entry_name(rt.item[i]), i == 0 ? "old" : "new"))
			return 0;
		if (i == 1 && oid != tree_oid(rt.item[i], TREE_F_RELID))
			return 0;
		oid = tree_oid(rt.item[i], TREE_F_RELID);
	}
	return oid;
}

static bool
trusted_view(const struct policy_judge *j, const struct tree_node *query, uint32_t view)
{
	uint8_t hash[BASE_SHA256_SIZE];
	const uint8_t *known;

	if (view == 0 || !j->scope->map || !policy_map_trusted_view(j->scope->map, view, &known))
		return false;
	tree_hash(query, 0, hash);
	return memcmp(hash, known, sizeof(hash)) == 0;
}

static int
copy_flows(struct policy_judge *j, const struct policy_flow *from, size_t n, struct policy_entry *e)
{
	e->kind = POLICY_ENTRY_FLOWS;
	e->nflow = n;
	e->flow = base_arena_get(j->scratch, (n + 1) * sizeof(from[0]));
	if (!e->flow)
		return GH_E_NOMEM;
	for (size_t i = 0; i < n; i++)
		e->flow[i] = from[i];
	return 0;
}

/* One column under a view's own rule c (NULL: it is in none). An expression of the view becomes a column of the view itself. */
static int
view_rule(struct policy_judge *j, const struct policy_scope_relation *r, const struct policy_scope_column *c, const struct policy_entry *e, struct policy_flow *f)
{
	struct policy_seen seen = {.made_by = e->rte, .of = SIZE_MAX, .and_of = SIZE_MAX};
	bool masks;
	int rc = 0;

	if (!f->relation && r->subject && c && c->harmless) /* the owner's word for what the view computes */
		f->held.counted = f->held.clear = 0;
	if (c && c->known && c->open && c->mask.kind == POLICY_MASK_NONE)
		return 0;
	if (!f->relation) {
		seen.pub.relation = r;
		f->relation = r;
		f->column = c;
		f->computed = true;
		f->rule = c ? c->never : r->at;
		if (f->held.hidden) { /* approved: the view computes it from what this person does not see */
			f->mask = (struct policy_mask){.kind = POLICY_MASK_HIDE};
			f->rule = f->held.rule;
		}
		rc = policy_from_occurrence(j, &seen, &f->occurrence);
	}
	masks = c && c->mask.kind != POLICY_MASK_NONE && policy_mask_stronger(&f->mask, &c->mask) == &c->mask;
	if (masks) {
		f->mask = c->mask;
		f->rule = c->masked;
	}
	f->secret = true;
	f->unknown = f->unknown || !c || !c->known;
	f->held.hidden = f->mask.kind != POLICY_MASK_NONE;
	f->held.mask = f->mask;
	f->held.rule = f->rule;
	return rc;
}

/* A view that the policy names: its own rules come on top of those of what it reads. */
static int
view_rules(struct policy_judge *j, const struct policy_scope_relation *r, struct policy_entry *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < e->nflow; i++)
		rc = view_rule(j, r, i < INT16_MAX ? policy_scope_column(r, (int16_t)(i + 1)) : NULL, e, &e->flow[i]);
	return rc;
}

/* A trusted view that the policy names is a relation like a table, and what is inside it is only read. */
static int
trusted_relation(struct policy_judge *j, struct policy_level *l, int64_t index, struct policy_entry *e, const struct policy_scope_relation *r, const struct tree_node *query)
{
	struct policy_seen seen = {.made_by = e->rte, .of = SIZE_MAX, .and_of = SIZE_MAX, .direct = l->up == NULL, .index = index};
	int rc;

	seen.pub.relation = r;
	e->kind = POLICY_ENTRY_RELATION;
	e->relation = r;
	if (r->subject)
		j->d->touches_subjects = true;
	policy_refuse_note(j, 1, r->at, "trusted view %.*s", (int)r->full_name.n, (const char *)r->full_name.p);
	rc = policy_from_occurrence(j, &seen, &e->occurrence);
	if (rc == 0)
		rc = policy_from_touch(j, query);
	return rc == 0 ? policy_rows_inside(j, query) : rc;
}

static void
declassify(struct policy_judge *j, struct policy_entry *e)
{
	for (size_t i = 0; i < e->nflow; i++) {
		struct policy_flow *f = &e->flow[i];

		f->secret = f->unknown = f->mixed = false;
		f->mask = (struct policy_mask){.kind = POLICY_MASK_NONE};
		if (f->occurrence != SIZE_MAX)
			f->held.named |= UINT64_C(1) << f->occurrence;
		f->held.hidden = false;
		if (!j->scope->counts)
			f->held.counted = f->held.clear = 0; /* an approval adds nothing to what the view gives anyway */
		f->vouched = true;
	}
	policy_refuse_note(j, 1, POLICY_NO_RULE, "trusted view: its columns count as open");
}

static int
subquery_entry(struct policy_judge *j, struct policy_level *l, int64_t index, struct policy_entry *e)
{
	const struct tree_node *query = tree_child(e->rte, TREE_F_SUBQUERY);
	const uint32_t view = view_of(e->rte);
	const struct policy_scope_relation *r = view >= POLICY_FIRST_USER_OID ? policy_scope_relation(j->scope, view) : NULL;
	const bool trusted = trusted_view(j, query, view);
	struct policy_level *inner = NULL;
	struct base_span name;
	const char *why;
	int rc;

	if (view != 0 && j->d->statement != POLICY_SELECT)
		return policy_refuse(j, POLICY_REFUSE_WRITE_READS, POLICY_NO_RULE, POLICY_ARGS(base_span_str("a view"), {0}, {0}));
	if (view != 0 && view < POLICY_FIRST_USER_OID) {
		why = j->trust > 0 ? NULL : policy_objects_system(j->objects, view);
		name = policy_objects_system_name(j->objects, view);
		e->kind = POLICY_ENTRY_PLAIN;
		e->system = view;
		if (why)
			return policy_refuse(j, POLICY_REFUSE_SYSTEM, POLICY_NO_RULE, POLICY_ARGS(name.n > 0 ? name : entry_name(e->rte), base_span_str(why), {0}));
		return policy_from_touch(j, query); /* the server's own view over its own relations: judged when the list was made */
	}
	if (r && !(r->actions & POLICY_READ))
		return policy_refuse(j, POLICY_REFUSE_ACTION, r->at, POLICY_ARGS(r->full_name, j->scope->group_words, base_span_str("reading")));
	if (r && r->rows.line != 0) /* a view's columns are not those of its query: nothing to compare with */
		return policy_refuse(j, POLICY_REFUSE_ROWS, r->rows, POLICY_ARGS(r->full_name, {0}, {0}));
	if (r && trusted)
		return trusted_relation(j, l, index, e, r, query);
	if (tree_bool(e->rte, TREE_F_SECURITY_BARRIER))
		j->d->touches_protected = true; /* a barrier keeps rows away: plans and errors may speak of them */
	j->trust += trusted;
	rc = policy_level_judge(j, l, query, &inner);
	j->trust -= trusted;
	if (rc == 0)
		rc = copy_flows(j, inner->out, inner->nout, e);
	if (rc == 0 && trusted)
		declassify(j, e);
	return rc == 0 && r ? view_rules(j, r, e) : rc;
}

/* ---- WITH ---- */

/* The first reference keeps the query's occurrences, every further one gets its own: rows of two references are not the same rows. */
static int
rename_flows(struct policy_judge *j, struct policy_entry *e)
{
	for (size_t i = 0; i < e->nflow; i++) {
		struct policy_seen seen = {.made_by = e->rte, .of = e->flow[i].occurrence, .and_of = SIZE_MAX};
		struct policy_held *h = &e->flow[i].held;
		int rc = policy_count_rename(j, e->rte, h->counted, &h->counted);

		if (rc == 0)
			rc = policy_count_rename(j, e->rte, h->clear, &h->clear);
		if (rc == 0)
			rc = policy_count_rename(j, e->rte, h->rows, &h->rows);
		if (rc != 0)
			return rc;
		if (seen.of == SIZE_MAX || !e->flow[i].relation)
			continue;
		seen.pub.relation = j->seen[seen.of].pub.relation;
		seen.table = j->seen[seen.of].table;
		rc = policy_from_occurrence(j, &seen, &e->flow[i].occurrence);
		if (rc != 0)
			return rc;
		if (h->named & UINT64_C(1) << seen.of)
			h->named |= UINT64_C(1) << e->flow[i].occurrence;
	}
	return 0;
}

static bool
more_held(const struct policy_held *now, const struct policy_held *before)
{
	return ((now->named & ~before->named) | (now->counted & ~before->counted) | (now->clear & ~before->clear) | (now->rows & ~before->rows)) != 0 || (now->hidden && !before->hidden);
}

static int
recursive_cte(struct policy_judge *j, struct policy_level *l, struct policy_cte *c)
{
	const struct tree_node *query = tree_child(c->node, TREE_F_CTEQUERY);
	struct policy_level *inner = NULL;
	bool again = true;

	c->nflow = tree_list(c->node, TREE_F_CTECOLNAMES).n;
	c->flow = base_arena_get(j->scratch, (c->nflow + 1) * sizeof(c->flow[0]));
	if (!c->flow)
		return GH_E_NOMEM;
	for (size_t i = 0; i < c->nflow; i++) {
		c->flow[i] = policy_flow_nothing;
		c->flow[i].vouched = j->approved;
		c->flow[i].held.others = true; /* a recursion makes rows of its own */
	}
	/* Upwards only, from "no column is secret": each round adds one or is the last. */
	while (again) {
		int rc = policy_level_judge(j, l, query, &inner);

		if (rc != 0)
			return rc;
		if (inner->nout != c->nflow)
			return malformed(j, "a WITH query has other columns than its names");
		again = false;
		for (size_t i = 0; i < c->nflow; i++) {
			struct policy_flow f = inner->out[i];

			if (f.secret && !c->flow[i].secret) {
				f.mixed = true;
				f.occurrence = SIZE_MAX;
				f.vouched = j->approved;
				policy_count_hold(&f.held, &c->flow[i].held);
				c->flow[i] = f;
				again = true;
			} else if (more_held(&f.held, &c->flow[i].held)) {
				policy_count_hold(&c->flow[i].held, &f.held);
				again = true;
			}
		}
	}
	return 0;
}

int
policy_from_cte(struct policy_judge *j, struct policy_level *l, size_t i)
{
	struct policy_cte *c = &l->cte[i];
	struct policy_level *inner = NULL;
	const enum policy_place place = j->place;
	const unsigned trust = j->trust;
	const uint64_t marks = j->marks;
	int rc;

	if (c->state == POLICY_CTE_READY)
		return 0;
	if (c->state == POLICY_CTE_BUSY)
		return tree_bool(c->node, TREE_F_CTERECURSIVE) && c->flow ? 0 : malformed(j, "a WITH query refers to itself");
	if (!c->node || c->node->kind != TREE_COMMONTABLEEXPR)
		return malformed(j, "a WITH list holds something else");
	c->state = POLICY_CTE_BUSY;
	j->place = POLICY_PLACE_SELECT;
	j->trust = l->trust;
	j->marks = 0;
	if (tree_bool(c->node, TREE_F_CTERECURSIVE)) {
		rc = recursive_cte(j, l, c);
	} else {
		rc = policy_level_judge(j, l, tree_child(c->node, TREE_F_CTEQUERY), &inner);
		if (rc == 0) {
			c->flow = inner->out;
			c->nflow = inner->nout;
		}
	}
	j->place = place;
	j->trust = trust;
	c->marks = j->marks;
	j->marks |= marks;
	if (rc == 0)
		c->state = POLICY_CTE_READY;
	return rc;
}

static int
cte_entry(struct policy_judge *j, struct policy_level *l, struct policy_entry *e)
{
	const struct base_span name = tree_text(e->rte, TREE_F_CTENAME);
	struct policy_level *at = l;
	struct policy_cte *c = NULL;
	uint64_t marks;
	int rc;

	for (int64_t up = tree_number(e->rte, TREE_F_CTELEVELSUP); up > 0 && at; up--)
		at = at->up;
	for (size_t i = 0; at && name.p && i < at->ncte; i++) {
		if (base_span_eq(tree_text(at->cte[i].node, TREE_F_CTENAME), name)) {
			c = &at->cte[i];
			rc = policy_from_cte(j, at, i);
			if (rc != 0)
				return rc;
			break;
		}
	}
	if (!c)
		return malformed(j, "a WITH query that is not there");
	rc = copy_flows(j, c->flow, c->nflow, e);
	marks = c->marks;
	if (rc == 0 && c->state == POLICY_CTE_READY && c->uses++ > 0) {
		rc = rename_flows(j, e);
		if (rc == 0)
			rc = policy_count_rename(j, e->rte, marks, &marks);
	}
	policy_count_mark(j, rc == 0 ? marks : 0, marks); /* of this reference's rows */
	return rc;
}

/* ---- the rest ---- */
struct walk { struct policy_judge *j; struct policy_level *l; enum tree_field only; };

static int
walk_field(const struct tree_node *child, enum tree_field f, void *ctx)
{
	struct walk *w = ctx;

	if (!child || f != w->only)
		return 0;
	return policy_flow_expression(w->j, w->l, child->kind == TREE_RANGETBLFUNCTION ? tree_child(child, TREE_F_FUNCEXPR) : child);
}

/* Nothing secret can be in it; what identifies somebody may. only: the field to walk; none: XMLTABLE's. */
static int
plain_entry(struct policy_judge *j, struct policy_level *l, struct policy_entry *e, const struct tree_node *n, enum tree_field only, enum policy_place place)
{
	static const enum tree_field table_parts[] = {TREE_F_NS_URIS, TREE_F_DOCEXPR, TREE_F_ROWEXPR, TREE_F_COLEXPRS, TREE_F_COLDEFEXPRS}; /* of XMLTABLE */
	const struct policy_held before = j->held;
	struct walk w = {j, l, only};
	int rc = 0;

	j->held = (struct policy_held){0};
	e->kind = POLICY_ENTRY_PLAIN;
	j->place = place;
	if (only != TREE_FIELD_COUNT)
		rc = tree_each(n, walk_field, &w);
	for (size_t i = 0; rc == 0 && only == TREE_FIELD_COUNT && i < BASE_COUNT(table_parts); i++) {
		w.only = table_parts[i];
		rc = tree_each(n, walk_field, &w);
	}
	e->held = j->held;
	e->held.others = true;
	if (place == POLICY_PLACE_FROM && policy_count_judges(j)) /* as many rows as the value says */
		policy_count_tested(j, e->held.counted, e->held.clear);
	j->held = before;
	return rc;
}

static int
resolve(struct policy_judge *j, struct policy_level *l, int64_t index, struct policy_entry *e)
{
	switch (tree_number(e->rte, TREE_F_RTEKIND)) {
	case 0:
		return relation_entry(j, l, index, e);
	case 1:
		return subquery_entry(j, l, index, e);
	case 2:
		e->kind = POLICY_ENTRY_JOIN;
		return 0;
	case 3:
		return plain_entry(j, l, e, e->rte, TREE_F_FUNCTIONS, POLICY_PLACE_FROM);
	case 4:
		return plain_entry(j, l, e, tree_child(e->rte, TREE_F_TABLEFUNC), TREE_FIELD_COUNT, POLICY_PLACE_FROM);
	case 5:
		return plain_entry(j, l, e, e->rte, TREE_F_VALUES_LISTS, POLICY_PLACE_VALUES);
	case 6:
		return cte_entry(j, l, e);
	default:
		return policy_refuse(j, POLICY_REFUSE_UNKNOWN_NODE, POLICY_NO_RULE, POLICY_ARGS(base_span_str("a kind of FROM item"), {0}, {0}));
	}
}

static int
sample(struct policy_judge *j, struct policy_level *l, const struct policy_entry *e, const struct tree_node *s)
{
	const uint32_t handler = tree_oid(s, TREE_F_TSMHANDLER);
	const enum policy_place place = j->place;
	const struct policy_held before = j->held;
	struct walk w = {j, l, TREE_F_ARGS};
	struct policy_flow f;
	int rc;

	if (!s)
		return 0;
	if (handler != 3313 && handler != 3314) /* bernoulli, system */
		return policy_refuse(j, POLICY_REFUSE_FUNCTION, POLICY_NO_RULE, POLICY_ARGS(policy_objects_function_name(j->objects, handler), base_span_str("it is not a known way of sampling"), {0}));
	for (size_t i = 0; e->kind == POLICY_ENTRY_RELATION && i < e->relation->ncolumns; i++) { /* which rows are taken depends on where they lie */
		f = policy_from_column(j, e->relation, &e->relation->columns[i], SIZE_MAX);
		if (f.secret && (f.unknown || !j->approved))
			return policy_refuse(j, POLICY_REFUSE_SAMPLE, e->relation->at, POLICY_ARGS(e->relation->full_name, e->relation->columns[i].name, {0}));
	}
	j->place = POLICY_PLACE_SAMPLE;
	j->held = (struct policy_held){0};
	rc = tree_each(s, walk_field, &w);
	w.only = TREE_F_REPEATABLE;
	if (rc == 0)
		rc = tree_each(s, walk_field, &w);
	if (rc == 0 && j->held.counted != 0 && policy_count_judges(j))
		rc = policy_refuse_counted(j, &j->held);
	j->held = before;
	j->place = place;
	return rc;
}

int
policy_from_entry(struct policy_judge *j, struct policy_level *l, int64_t index, struct policy_entry **e_r)
{
	const enum policy_place place = j->place;
	const unsigned trust = j->trust;
	struct policy_entry *e;
	int rc;

	if (index < 1 || (uint64_t)index > l->rtable.n)
		return malformed(j, "a FROM item that is not there");
	e = &l->entry[index - 1];
	if (e->state == POLICY_ENTRY_NEW) {
		e->rte = l->rtable.item[index - 1];
		if (!e->rte || e->rte->kind != TREE_RANGETBLENTRY)
			return malformed(j, "a range table holds something else");
		e->state = POLICY_ENTRY_BUSY;
		e->occurrence = SIZE_MAX;
		j->place = POLICY_PLACE_SELECT;
		j->trust = l->trust;
		j->depth++;
		rc = policy_refuse_step(j);
		if (rc == 0)
			rc = resolve(j, l, index, e);
		if (rc == 0)
			rc = sample(j, l, e, tree_child(e->rte, TREE_F_TABLESAMPLE));
		if (rc == 0 && tree_list(e->rte, TREE_F_SECURITY_QUALS).n > 0) { /* the database's own row rules: the owner's word */
			j->d->touches_protected = true; /* plans, counts of MOVE and errors may speak of the rows out of scope */
			for (size_t i = 0; rc == 0 && i < tree_list(e->rte, TREE_F_SECURITY_QUALS).n; i++)
				rc = policy_from_touch(j, tree_list(e->rte, TREE_F_SECURITY_QUALS).item[i]);
			policy_refuse_note(j, 2, POLICY_NO_RULE, "its rows are limited by row-level security of the database");
		}
		j->depth--;
		j->place = place;
		j->trust = trust;
		if (rc != 0)
			return rc;
		e->state = POLICY_ENTRY_READY;
	}
	if (e->state == POLICY_ENTRY_BUSY)
		return malformed(j, "a FROM item refers to itself");
	*e_r = e;
	return 0;
}

/* ---- columns ---- */

/* The name that the statement's own tree gives to a column, and NULL when it is dropped or not there. A column that is there but not in the
 * scope was added since the policy was bound. */
static const struct tree_node *
column_name(const struct policy_entry *e, int64_t attnum)
{
	const struct tree_list all = tree_list(tree_child(e->rte, TREE_F_EREF), TREE_F_COLNAMES);

	if (attnum < 1 || (uint64_t)attnum > all.n || tree_text(all.item[attnum - 1], TREE_F_SVAL).n == 0)
		return NULL;
	return all.item[attnum - 1];
}

static int
relation_column(struct policy_judge *j, const struct policy_entry *e, int64_t attnum, struct policy_flow *f_r)
{
	const struct policy_scope_column *c = attnum > 0 && attnum <= INT16_MAX ? policy_scope_column(e->relation, (int16_t)attnum) : NULL;
	static const char *const names[] = {"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"};

	/* Where a row lies tells how long the rows before it are, and in which partition, what its partition key is. */
	if (attnum < 0)
		return policy_refuse(j, POLICY_REFUSE_SYSTEM_COLUMN, POLICY_NO_RULE, POLICY_ARGS(base_span_str(attnum >= -6 ? names[-attnum - 1] : "?"), e->relation->full_name, {0}));
	if (!c) {
		struct base_span name = tree_text(column_name(e, attnum), TREE_F_SVAL);

		return policy_refuse(j, POLICY_REFUSE_UNCLASSIFIED, e->relation->at, POLICY_ARGS(name.p ? name : base_span_str("?"), j->scope->group_words, {0}));
	}
	*f_r = policy_from_column(j, e->relation, c, e->occurrence);
	if (f_r->secret)
		j->d->touches_protected = true;
	return 0;
}

static int
whole_relation(struct policy_judge *j, const struct policy_entry *e)
{
	const size_t n = tree_list(tree_child(e->rte, TREE_F_EREF), TREE_F_COLNAMES).n;

	for (size_t i = 1; i <= n && j->trust == 0; i++) {
		if (column_name(e, (int64_t)i) && (i > INT16_MAX || !policy_scope_column(e->relation, (int16_t)i)))
			return policy_refuse(j, POLICY_REFUSE_WHOLE_ROW, e->relation->at, POLICY_ARGS(e->relation->full_name, base_span_str("a column that the policy does not classify"), {0}));
	}
	return 0;
}

/* Everything of one entry at once: no part of it may be secret. */
static int
whole_row(struct policy_judge *j, struct policy_level *l, struct policy_entry *e, struct policy_flow *f_r)
{
	struct policy_flow all = policy_flow_nothing, f;
	struct tree_list vars = tree_list(e->rte, TREE_F_JOINALIASVARS);
	size_t n = e->kind == POLICY_ENTRY_FLOWS ? e->nflow : e->kind == POLICY_ENTRY_RELATION ? e->relation->ncolumns : e->kind == POLICY_ENTRY_JOIN ? vars.n : 0;

	if (e->kind == POLICY_ENTRY_RELATION && whole_relation(j, e) != 0)
		return GH_E_DENIED;
	all.held = e->held;
	for (size_t i = 0; i < n; i++) {
		int rc = 0;

		f = policy_flow_nothing;
		if (e->kind == POLICY_ENTRY_FLOWS)
			f = e->flow[i];
		else if (e->kind == POLICY_ENTRY_RELATION)
			f = policy_from_column(j, e->relation, &e->relation->columns[i], e->occurrence);
		else if (vars.item[i])
			rc = policy_flow_target(j, l, vars.item[i], &f);
		if (rc != 0)
			return rc;
		if (f.secret) {
			j->d->touches_protected = true;
			if (j->trust == 0 && (f.unknown || !j->approved))
				return policy_refuse(j, POLICY_REFUSE_WHOLE_ROW, f.rule, POLICY_ARGS(e->relation ? e->relation->full_name : entry_name(e->rte), f.column ? f.column->name : base_span_str("a protected column"), {0}));
		}
		policy_count_hold(&all.held, &f.held);
	}
	all.vouched = j->approved && j->trust == 0;
	*f_r = all;
	return 0;
}

/* Some columns of system relations are not for everybody, whatever the server's own rights say. */
static int
system_column(struct policy_judge *j, const struct policy_entry *e, int64_t attnum)
{
	const char *why = j->trust > 0 ? NULL : attnum > INT16_MAX || attnum < INT16_MIN ? "there is no such column" : policy_objects_system_column(j->objects, e->system, (int16_t)attnum);

	return why ? policy_refuse(j, POLICY_REFUSE_SYSTEM, POLICY_NO_RULE, POLICY_ARGS(policy_objects_system_name(j->objects, e->system), base_span_str(why), {0})) : 0;
}

int
policy_from_var(struct policy_judge *j, struct policy_level *l, const struct tree_node *var, struct policy_flow *f_r)
{
	const int64_t attnum = tree_number(var, TREE_F_VARATTNO);
	struct policy_entry *e;
	struct tree_list vars;
	int rc;

	for (int64_t up = tree_number(var, TREE_F_VARLEVELSUP); up > 0 && l; up--)
		l = l->up;
	if (!l || tree_number(var, TREE_F_VARLEVELSUP) < 0)
		return malformed(j, "a column of a query that is not there");
	rc = policy_from_entry(j, l, tree_number(var, TREE_F_VARNO), &e);
	if (rc != 0)
		return rc;
	if (e->kind == POLICY_ENTRY_DEAD)
		return policy_refuse(j, POLICY_REFUSE_VIEW_ROW, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (e->relation && (tree_number(var, TREE_F_VARNO) == l->write_target || tree_number(var, TREE_F_VARNO) == l->excluded) && !(e->relation->actions & POLICY_READ))
		return policy_refuse(j, POLICY_REFUSE_ACTION, e->relation->at, POLICY_ARGS(e->relation->full_name, j->scope->group_words, base_span_str("reading")));
	if (e->kind == POLICY_ENTRY_PLAIN && e->system != 0 && system_column(j, e, attnum) != 0)
		return GH_E_DENIED;
	if (attnum == 0)
		return whole_row(j, l, e, f_r);
	switch (e->kind) {
	case POLICY_ENTRY_RELATION:
		return relation_column(j, e, attnum, f_r);
	case POLICY_ENTRY_JOIN:
		vars = tree_list(e->rte, TREE_F_JOINALIASVARS);
		if (attnum < 1 || (uint64_t)attnum > vars.n || !vars.item[attnum - 1])
			return malformed(j, "a column of a join that is not there");
		return policy_flow_target(j, l, vars.item[attnum - 1], f_r);
	case POLICY_ENTRY_FLOWS:
		if (attnum < 1 || (uint64_t)attnum > e->nflow)
			return malformed(j, "a column of a sub-select that is not there");
		*f_r = e->flow[attnum - 1];
		if (f_r->secret)
			j->d->touches_protected = true;
		return 0;
	case POLICY_ENTRY_PLAIN:
		*f_r = policy_flow_nothing;
		f_r->held = e->held;
		f_r->vouched = j->approved && j->trust == 0;
		return 0;
	case POLICY_ENTRY_DEAD:
		break;
	}
	return malformed(j, "a column of nothing");
}
