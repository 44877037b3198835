/* policy_decide: the entry: which class of statement, and what its judged queries make: result columns with masks, whose rows they are, which
 * result column is the key. Input: see policy_decide_int.h. Never changes a statement, never looks at data. Pure. */
#include "policy_decide_int.h"

#include "base_text.h"

void
policy_decision_free(struct policy_decision **d)
{
	struct base_arena *a;

	if (!*d)
		return;
	a = (*d)->arena;
	*d = NULL; /* it lies in its own arena */
	base_arena_free(&a);
}

static int
copy_text(struct policy_judge *j, struct base_span s, struct base_span *out_r)
{
	char *copy = base_arena_str(j->d->arena, s.p ? s : base_span("", 0));

	if (!copy)
		return GH_E_NOMEM;
	*out_r = base_span(copy, s.p ? s.n : 0);
	return 0;
}

/* ---- result columns ---- */
static bool
is_key(const struct policy_flow *f)
{
	return f->relation && f->column && f->relation->key != 0 && f->column->attnum == f->relation->key;
}

static int
deliver(struct policy_judge *j, const struct policy_level *l, const struct policy_flow *f, bool hidden)
{
	const struct base_span name = f->column ? f->column->name : base_span_str("?");
	char why[320];

	if (f->unknown)
		return policy_refuse_secret(j, f);
	if (hidden)
		return 0;
	if (f->mixed && !j->approved)
		return policy_refuse(j, POLICY_REFUSE_MIXED, f->rule, POLICY_ARGS(name, base_span_str("what stands in this result column"), {0}));
	if (f->secret && l->write_target != 0 && !j->approved)
		return policy_refuse(j, POLICY_REFUSE_RETURNING, f->rule, POLICY_ARGS(name, {0}, base_span_str(policy_refuse_why(j, f, why, sizeof(why)))));
	for (size_t i = 0; i < j->nseen; i++) {
		if (f->held.named & UINT64_C(1) << i)
			j->seen[i].pub.delivers = true;
	}
	if (!f->secret || (f->mixed && j->approved))
		return policy_count_deliver(j, f, is_key(f));
	if (f->occurrence == SIZE_MAX || !f->relation || !f->column) /* a mask without its column cannot be made, nor a key be asked for */
		return policy_refuse(j, POLICY_REFUSE_MIXED, f->rule, POLICY_ARGS(name, base_span_str("what stands in this result column"), {0}));
	if (f->mask.kind != POLICY_MASK_HIDE) {
		j->seen[f->occurrence].pub.delivers = true;
		if (f->relation->subject && !f->computed)
			j->seen[f->occurrence].pub.must_key = true;
	}
	return policy_count_deliver(j, f, is_key(f));
}

static int
column(struct policy_judge *j, const struct policy_level *l, const struct tree_node *t, const struct policy_flow *f, struct policy_result_column *c)
{
	const bool bare = f->relation && f->column && f->occurrence != SIZE_MAX;
	const bool hidden = j->approved && !bare && f->held.hidden; /* computed from what this person does not see */
	char mask[96], name[160];
	int rc = deliver(j, l, f, hidden);

	if (rc == 0)
		rc = copy_text(j, tree_text(t, TREE_F_RESNAME), &c->name);
	if (rc != 0)
		return rc;
	c->type_oid = policy_flow_type(tree_child(t, TREE_F_EXPR));
	c->occurrence = bare ? f->occurrence : SIZE_MAX;
	c->attnum = c->occurrence != SIZE_MAX ? f->column->attnum : 0;
	if (hidden || bare)
		c->mask = hidden ? (struct policy_mask){.kind = POLICY_MASK_HIDE} : f->mask;
	c->rule = hidden ? f->held.rule : f->secret || f->relation ? f->rule : POLICY_NO_RULE;
	c->counted = j->scope->counts && f->held.counted != 0 && !is_key(f);
	(void)base_text_quote(name, sizeof(name), c->name, 140);
	if (c->mask.kind != POLICY_MASK_NONE) {
		j->d->masks = true;
		policy_mask_words(&c->mask, mask, sizeof(mask));
		policy_refuse_note(j, 1, c->rule, "result column %s goes out masked: %s", name, mask);
	} else {
		policy_refuse_note(j, 1, f->relation ? f->rule : POLICY_NO_RULE, "result column %s goes out as it is", name);
	}
	return 0;
}

static int
columns(struct policy_judge *j, const struct policy_level *l, struct tree_list targets)
{
	size_t k = 0;

	if (l->nout > POLICY_COLUMNS_OUT_MAX)
		return policy_refuse(j, POLICY_REFUSE_COLUMNS, POLICY_NO_RULE, POLICY_NO_ARGS);
	j->d->columns = base_arena_get(j->d->arena, (l->nout + 1) * sizeof(j->d->columns[0]));
	if (!j->d->columns)
		return GH_E_NOMEM;
	for (size_t i = 0; i < targets.n; i++) {
		int rc;

		if (tree_bool(targets.item[i], TREE_F_RESJUNK))
			continue;
		rc = column(j, l, targets.item[i], &l->out[k], &j->d->columns[k]);
		if (rc != 0)
			return rc;
		k++;
	}
	j->d->ncolumns = k;
	return 0;
}

/* ---- whose rows ---- */

/* Is entry `index` in FROM where its alias can be named in the select list: not below a join that has an alias of its own? */
static bool
in_reach(const struct tree_node *n, int64_t index, unsigned depth)
{
	const struct tree_list items = tree_list(n, TREE_F_FROMLIST);

	if (!n || depth > POLICY_DEPTH_MAX)
		return false;
	if (n->kind == TREE_RANGETBLREF)
		return tree_number(n, TREE_F_RTINDEX) == index;
	if (n->kind == TREE_JOINEXPR)
		return !tree_child(n, TREE_F_ALIAS) && (in_reach(tree_child(n, TREE_F_LARG), index, depth + 1) || in_reach(tree_child(n, TREE_F_RARG), index, depth + 1));
	for (size_t i = 0; n->kind == TREE_FROMEXPR && i < items.n; i++) {
		if (in_reach(items.item[i], index, depth + 1))
			return true;
	}
	return false;
}

/* Would one more select list entry leave the rows as they are? */
static bool
takes_one_more(const struct policy_level *l)
{
	const struct tree_node *q = l->query;

	return l->write_target == 0 && !tree_bool(q, TREE_F_HAS_AGGS) && !tree_bool(q, TREE_F_HAS_WINDOW_FUNCS) && tree_list(q, TREE_F_GROUP_CLAUSE).n == 0 &&
	    tree_list(q, TREE_F_GROUPING_SETS).n == 0 && tree_list(q, TREE_F_DISTINCT_CLAUSE).n == 0 && !tree_child(q, TREE_F_HAVING_QUAL) && !tree_child(q, TREE_F_SET_OPERATIONS);
}

/* Is column k (from 0) of entry e of the outermost query the key of occurrence i, in the clear? */
static bool
is_key_there(const struct policy_judge *j, const struct policy_entry *e, size_t k, size_t i)
{
	const struct policy_scope_relation *r = j->seen[i].pub.relation;
	const struct policy_scope_column *key = policy_scope_column(r, r->key);

	if (r->key <= 0 || !key || !key->known || key->mask.kind != POLICY_MASK_NONE)
		return false;
	if (e->kind == POLICY_ENTRY_RELATION)
		return e->occurrence == i && k + 1 == (size_t)r->key;
	return e->kind == POLICY_ENTRY_FLOWS && k < e->nflow && e->flow[k].occurrence == i && e->flow[k].relation == r && e->flow[k].column && e->flow[k].column->attnum == r->key &&
	    !e->flow[k].secret && !e->flow[k].mixed;
}

/* Where in the outermost FROM `alias.name` is the key of occurrence i: a table, or a view or sub-select that shows it. */
static int
find_splice(struct policy_judge *j, const struct policy_level *l, size_t i)
{
	struct policy_occurrence *o = &j->seen[i].pub;

	for (size_t n = 0; n < l->rtable.n && takes_one_more(l) && !o->can_splice; n++) {
		const struct tree_node *eref = tree_child(l->rtable.item[n], TREE_F_EREF);
		const struct tree_list names = tree_list(eref, TREE_F_COLNAMES);

		if (l->entry[n].state != POLICY_ENTRY_READY || !in_reach(tree_child(l->query, TREE_F_JOINTREE), (int64_t)n + 1, 0))
			continue;
		for (size_t k = 0; k < names.n && !o->can_splice; k++) {
			const struct base_span name = tree_text(names.item[k], TREE_F_SVAL);
			int rc;

			if (name.n == 0 || !is_key_there(j, &l->entry[n], k, i))
				continue;
			rc = copy_text(j, tree_text(eref, TREE_F_ALIASNAME), &o->alias);
			if (rc == 0)
				rc = copy_text(j, name, &o->key_name);
			if (rc != 0)
				return rc;
			o->can_splice = true;
		}
	}
	return 0;
}

static int
occurrences(struct policy_judge *j, const struct policy_level *l)
{
	struct policy_decision *d = j->d;

	d->occurrences = base_arena_get(d->arena, (j->nseen + 1) * sizeof(d->occurrences[0]));
	d->equalities = base_arena_get(d->arena, (j->nequality + 1) * sizeof(d->equalities[0]));
	if (!d->occurrences || !d->equalities)
		return GH_E_NOMEM;
	for (size_t i = 0; i < j->nseen; i++) {
		struct policy_seen *s = &j->seen[i];
		int rc;

		s->pub.alias = s->pub.key_name = base_span("", 0);
		s->pub.can_splice = false;
		rc = find_splice(j, l, i);
		if (rc != 0)
			return rc;
		for (size_t k = 0; k < d->ncolumns && s->pub.key_column == SIZE_MAX; k++) {
			if (d->columns[k].occurrence == i && s->pub.relation->key != 0 && d->columns[k].attnum == s->pub.relation->key && d->columns[k].mask.kind == POLICY_MASK_NONE)
				s->pub.key_column = k;
		}
		rc = policy_count_settle(j, i);
		if (rc != 0)
			return rc;
		d->occurrences[i] = s->pub;
		if (s->pub.must_key)
			policy_refuse_note(j, 1, POLICY_NO_RULE, "rows of %.*s are recorded by the subject's key: %s", (int)s->pub.relation->full_name.n, (const char *)s->pub.relation->full_name.p,
			    s->pub.key_column != SIZE_MAX ? "it is in the result" : s->pub.can_splice ? "the gate adds it" : "it is not in the result and cannot be added");
	}
	d->noccurrences = j->nseen;
	for (size_t i = 0; i < j->nequality; i++) {
		d->equalities[i] = j->equality[i];
		if (j->equality[i].lookup)
			d->touches_protected = true;
	}
	d->nequalities = j->nequality;
	return 0;
}

/* ---- the statement ---- */
static int
statement(struct policy_judge *j, struct tree_list queries)
{
	const struct tree_node *q = queries.n == 1 ? queries.item[0] : NULL;
	const int64_t command = tree_number(q, TREE_F_COMMAND_TYPE);
	struct policy_level *l = NULL;
	int rc;

	if (queries.n == 0)
		return policy_refuse(j, POLICY_REFUSE_NO_STATEMENT, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (queries.n > 1)
		return policy_refuse(j, POLICY_REFUSE_SEVERAL, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (!q || q->kind != TREE_QUERY)
		return policy_refuse(j, POLICY_REFUSE_MALFORMED, POLICY_NO_RULE, POLICY_ARGS(base_span_str("not a query"), {0}, {0}));
	if (command == 5)
		return policy_refuse(j, POLICY_REFUSE_MERGE, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (command < 1 || command > 4)
		return policy_refuse(j, POLICY_REFUSE_UTILITY, POLICY_NO_RULE, POLICY_NO_ARGS);
	rc = command == 1 ? policy_level_judge(j, NULL, q, &l) : policy_write_judge(j, q, &l);
	if (rc == 0)
		rc = columns(j, l, tree_list(q, command == 1 ? TREE_F_TARGET_LIST : TREE_F_RETURNING_LIST));
	return rc == 0 ? occurrences(j, l) : rc;
}

static const char *
policy_name(const struct policy_scope *scope, struct base_arena *a)
{
	const struct policy_file *f = scope->map ? policy_map_file(scope->map) : NULL;

	if (f && f->file.n > 0)
		return base_arena_str(a, f->file);
	return scope->nrelations > 0 && scope->relations[0].at.file ? scope->relations[0].at.file : "policy";
}

int
policy_decide(const struct policy_scope *scope, const struct policy_objects *objects, struct tree_list queries, bool approved, bool explain, struct policy_decision **d_r)
{
	struct base_arena *arena = base_arena_new(POLICY_DECISION_MAX), *scratch = base_arena_new(POLICY_SCRATCH_MAX);
	struct policy_decision *d = arena ? base_arena_get(arena, sizeof(*d)) : NULL;
	struct policy_judge *j = scratch ? base_arena_get(scratch, sizeof(*j)) : NULL;
	int rc = GH_E_NOMEM;

	if (!d || !j)
		goto out;
	d->arena = arena;
	j->scope = scope;
	j->objects = objects;
	j->d = d;
	j->scratch = scratch;
	j->explain = explain;
	j->approved = approved;
	j->file = policy_name(scope, arena);
	rc = statement(j, queries);
	if (rc == GH_E_NOMEM && !d->refused) /* an arena's ceiling, or no memory at all: the statement is what costs it */
		rc = policy_refuse(j, POLICY_REFUSE_TOO_LARGE, POLICY_NO_RULE, POLICY_NO_ARGS);
	if (rc == GH_E_DENIED && d->refused)
		rc = 0;
out:
	base_arena_free(&scratch);
	if (rc != 0) {
		base_arena_free(&arena);
		return rc;
	}
	*d_r = d;
	return 0;
}
