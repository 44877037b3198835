/* gate_strict_need: has the server analyse a text and decides on what it shows. Statements that may run are kept prepared on the server, bounded, by exact text
 * and declared types. Input: hostile server and, through it, hostile text. A tree that is missing, double or unreadable refuses the statement.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "gate_control.h"
#include "gate_limit.h"
#include "gate_strict_int.h"
#include "gate_worker.h"
#include "sql_comment.h"
#include "wire_read.h"
#include "wire_write.h"

/* ---- the cache ---- */

/* A decision is one scope's; hashes and tokens are one employer's; an approval is somebody's, not nobody's, who may be in the same groups. */
static void
key_of(const struct gate_strict *t, struct base_span text, const uint32_t *types, size_t ntypes, uint8_t key_r[BASE_SHA256_SIZE])
{
	const struct gate_who *who = t->self->who;
	uint64_t n[3] = {text.n, strlen(who->employer), who->nobody};
	struct base_span part[5] = {base_span(n, sizeof(n)), text, base_span(&who->scope, sizeof(who->scope)), base_span_str(who->employer), base_span(types, ntypes * sizeof(*types))};

	base_crypt_sha256v(part, BASE_COUNT(part), key_r);
}

static void
unlink_judged(struct gate_strict *t, struct gate_judged *j)
{
	if (j->newer)
		j->newer->older = j->older;
	else
		t->newest = j->older;
	if (j->older)
		j->older->newer = j->newer;
	else
		t->oldest = j->newer;
	j->newer = j->older = NULL;
}

static void
link_newest(struct gate_strict *t, struct gate_judged *j)
{
	j->older = t->newest;
	j->newer = NULL;
	if (t->newest)
		t->newest->newer = j;
	else
		t->oldest = j;
	t->newest = j;
}

static void
uncache(struct gate_session *s, struct gate_judged *j)
{
	struct gate_strict *t = s->strict;

	unlink_judged(t, j);
	(void)base_map_steal(t->judged, base_span(j->key, sizeof(j->key)));
	j->cached = false;
	t->ncached--;
	gate_judged_unref(s, &j);
}

static void
cache(struct gate_session *s, struct gate_judged *j)
{
	struct gate_strict *t = s->strict;

	if (base_map_put(t->judged, base_span(j->key, sizeof(j->key)), j) != GH_OK)
		return; /* not kept: analysed again next time */
	j->cached = true;
	j->refs++;
	t->ncached++;
	link_newest(t, j);
	while (t->ncached > GATE_JUDGED)
		uncache(s, t->oldest);
}

static void
masks_done(struct gate_judged *j)
{
	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; j->mask[f] && i < j->ncolumns; i++)
			mask_column_free(&j->mask[f][i]);
		free(j->mask[f]);
		j->mask[f] = NULL;
	}
}

/* Frees it; it is closed on the server when the next batch begins. */
static void
judged_done(struct gate_session *s, struct gate_judged *j)
{
	if (j->name[0] != '\0')
		base_buf_cstr(&s->strict->closing, j->name);
	masks_done(j);
	policy_decision_free(&j->decision);
	policy_scope_unref(&j->scope);
	gate_text_unref(&j->about);
	gate_world_unref(&j->world);
	free((void *)(uintptr_t)j->text.p);
	free((void *)(uintptr_t)j->row.p);
	free(j->touch.relations);
	free(j->said_case);
	free(j->said_purpose);
	free(j->declared);
	free(j->params);
	free(j);
}

void
gate_judged_unref(struct gate_session *s, struct gate_judged **jp)
{
	struct gate_judged *j = *jp;

	*jp = NULL;
	if (j && --j->refs == 0)
		judged_done(s, j);
}

void
strict_new_world(struct gate_session *s)
{
	struct gate_strict *t = s->strict;
	struct gate_world *w = s->worker->world;

	if (t->world == w)
		return;
	if (t->analysis.state == ANALYSIS_FAILED && t->analysis.server_failed)
		return; /* the server skips to Sync and would not hear the question again; the next batch is under the new one */
	strict_self_world(s, w);
	if (s->state >= GATE_DRAIN)
		return;
	strict_analysis_drop(s);
	while (t->oldest)
		uncache(s, t->oldest);
	gate_world_unref(&t->world);
	gate_world_ref(w);
	t->world = w;
}

/* ---- what was decided, made ready for rows ---- */

static void
add_to_plan(struct gate_judged *j, size_t i)
{
	const struct policy_result_column *c = &j->decision->columns[i];
	struct gate_plan *p = &j->plan;

	if (c->occurrence == SIZE_MAX || c->attnum == 0)
		return;
	const struct policy_scope_relation *r = j->decision->occurrences[c->occurrence].relation;
	const struct policy_column *pc = policy_map_column(j->world->map, r->oid, c->attnum);
	if (!pc)
		return;
	p->touched = true;
	if (p->nprotected < BASE_COUNT(p->protected))
		p->protected[p->nprotected++] = pc;
	for (size_t k = 0; k < p->nsubjects; k++) { /* the same column of the same row once more says nothing new */
		const struct policy_result_column *before = &j->decision->columns[p->subject[k].index];
		if (before->occurrence == c->occurrence && before->attnum == c->attnum)
			return;
	}
	if (pc->role != POLICY_DATA && p->nsubjects == GATE_SUBJECT_COLUMNS)
		p->more = true; /* refused */
	else if (pc->role != POLICY_DATA)
		p->subject[p->nsubjects++] = (struct gate_plan_column){(uint16_t)i, 0, c->type_oid < POLICY_FIRST_USER_OID ? c->type_oid : pc->type_oid, pc};
}

static void
make_touch(struct gate_judged *j)
{
	const struct policy_decision *d = j->decision;

	free(j->touch.relations);
	j->touch = (struct gate_touch){.written = d->statement != POLICY_SELECT};
	j->touch.relations = base_mem_new(d->noccurrences + 1, sizeof(*j->touch.relations));
	for (size_t i = 0; i < d->noccurrences; i++) {
		const struct policy_relation *r = d->occurrences[i].relation->subject;
		size_t k = 0;
		if (!r)
			continue;
		r = policy_map_relation(j->world->map, d->occurrences[i].relation->oid);
		if (!r)
			continue;
		if (d->occurrences[i].relation->key != 0)
			j->touch.own++;
		while (k < j->touch.nrelations && j->touch.relations[k] != r)
			k++;
		if (k == j->touch.nrelations)
			j->touch.relations[j->touch.nrelations++] = r;
	}
}

/* A new decision for j; its columns behind `visible` are keys of the gate's own. */
static void
settle_decision(struct gate_judged *j, struct policy_decision *d, size_t visible)
{
	masks_done(j);
	policy_decision_free(&j->decision);
	j->decision = d;
	j->ncolumns = (uint16_t)visible;
	j->nhidden = (uint16_t)(d->ncolumns - visible);
	j->plan = (struct gate_plan){0};
	for (size_t i = 0; i < d->ncolumns; i++)
		add_to_plan(j, i);
	make_touch(j);
}

/* The first occurrence whose key is wanted and not there; NULL: none. */
static const struct policy_occurrence *
keyless(const struct policy_decision *d)
{
	for (size_t i = 0; i < d->noccurrences; i++)
		if (d->occurrences[i].must_key && d->occurrences[i].key_column == SIZE_MAX)
			return &d->occurrences[i];
	return NULL;
}

static struct base_span
key_name(const struct policy_occurrence *o)
{
	const struct policy_scope_column *c = policy_scope_column(o->relation, o->relation->key);

	return c ? c->name : base_span("key", 3);
}

/* ---- the analysis ---- */

void
strict_analysis_drop(struct gate_session *s)
{
	struct strict_analysis *a = &s->strict->analysis;

	gate_judged_unref(s, &a->judged);
	tree_free(&a->tree);
	free((void *)(uintptr_t)a->error.p);
	*a = (struct strict_analysis){0};
}

static void
failed(struct gate_session *s, struct base_span error, bool server_failed)
{
	struct strict_analysis *a = &s->strict->analysis;

	gate_judged_unref(s, &a->judged); /* closes it on the server, in its time */
	tree_free(&a->tree);
	a->state = ANALYSIS_FAILED;
	a->error = error;
	a->server_failed = server_failed;
}

static void
ask_server(struct gate_session *s, struct base_span text)
{
	struct gate_strict *t = s->strict;
	struct strict_analysis *a = &t->analysis;
	struct gate_judged *j = a->judged;

	(void)snprintf(j->name, sizeof(j->name), "g%u", t->next_name++);
	tree_free(&a->tree);
	a->ntrees = 0;
	a->step = 0;
	strict_send_parse(s, j->name, text, j->declared, j->ndeclared);
	strict_send_target(s, WIRE_F_DESCRIBE, 'S', j->name);
	strict_send(s, WIRE_F_FLUSH, base_span("", 0));
	(void)strict_owe(s, OWED_ANALYSIS);
	t->half = true;
}

static struct base_span
own(struct base_span s)
{
	return base_span(base_mem_str(s), s.n);
}

bool
strict_cached(struct gate_session *s, struct base_span text, const uint32_t *types, size_t ntypes, struct gate_judged **j_r)
{
	struct gate_strict *t = s->strict;
	uint8_t key[BASE_SHA256_SIZE];

	key_of(t, text, types, ntypes, key);
	struct gate_judged *j = base_map_get(t->judged, base_span(key, sizeof(key)));
	if (!j || j->world != t->world)
		return false;
	unlink_judged(t, j);
	link_newest(t, j);
	*j_r = j;
	return true;
}

/* The program's own words on its reason (sqlcommenter). */
static void
said_in_comments(struct gate_judged *j)
{
	const struct { const char *key; char **to; } said[] = {{"case", &j->said_case}, {"purpose", &j->said_purpose}};
	struct base_arena *arena = base_arena_new(65536);
	struct base_span v;

	for (size_t i = 0; arena && i < BASE_COUNT(said); i++)
		if (sql_comment_value(j->text, said[i].key, arena, &v) && v.n > 0)
			*said[i].to = base_mem_str(v);
	base_arena_free(&arena);
}

/* Did the application's owner approve this text with this tree? It holds for the people whom the application speaks for, not for nobody. */
static bool
approved(const struct gate_session *s, const struct gate_judged *j, const struct tree *tree, uint8_t hash_r[BASE_SHA256_SIZE])
{
	const struct policy_application *app = s->strict->self->who->application;
	uint8_t text_hash[BASE_SHA256_SIZE];

	if (!app || s->strict->self->who->nobody || !j->world->approved)
		return false;
	base_crypt_sha256(j->text, text_hash);
	const struct policy_approval *a = policy_approved_find(j->world->approved, app->name, text_hash);
	struct tree_list q = tree_queries(tree);
	if (!a || q.n != 1)
		return false;
	tree_hash(q.item[0], 0, hash_r);
	return memcmp(hash_r, a->tree_hash, BASE_SHA256_SIZE) == 0;
}

enum strict_need
strict_need(struct gate_session *s, struct base_span text, const uint32_t *types, size_t ntypes, struct gate_judged **j_r)
{
	struct gate_strict *t = s->strict;
	struct strict_analysis *a = &t->analysis;
	uint8_t key[BASE_SHA256_SIZE];

	key_of(t, text, types, ntypes, key);
	if (a->state == ANALYSIS_FAILED && memcmp(a->key, key, sizeof(key)) == 0)
		return NEED_FAILED;
	if (a->state == ANALYSIS_READY && memcmp(a->key, key, sizeof(key)) == 0 && !a->judged->spoilt) {
		*j_r = a->judged; /* lives until the next analysis */
		return NEED_READY;
	}
	if (strict_cached(s, text, types, ntypes, j_r))
		return NEED_READY;
	if (!gate_control_fresh(s->worker->shared->control)) {
		strict_analysis_drop(s);
		memcpy(a->key, key, sizeof(key));
		failed(s, strict_error("58030", "ask again in a moment, and tell the gate's operator if it lasts", "the gate cannot see whether the database's catalogue was changed"), false);
		return NEED_FAILED;
	}
	strict_analysis_drop(s);
	memcpy(a->key, key, sizeof(key));
	if (text.n > SQL_TEXT_MAX || !base_text_utf8(text)) {
		failed(s, strict_error(text.n > SQL_TEXT_MAX ? "54000" : "22021", NULL, text.n > SQL_TEXT_MAX ? "the statement is longer than 64 KiB, which is as much as the gate analyses" : "the statement is not valid UTF-8"), false);
		return NEED_FAILED;
	}
	struct gate_judged *j = a->judged = base_mem_new(1, sizeof(*j));
	j->refs = 1;
	memcpy(j->key, key, sizeof(key));
	j->text = own(text);
	j->declared = base_mem_new(ntypes + 1, sizeof(*types));
	memcpy(j->declared, types ? types : (const uint32_t *)key, ntypes * sizeof(*types));
	j->ndeclared = ntypes;
	j->world = t->world;
	gate_world_ref(j->world);
	j->scope = t->self->who->scope;
	policy_scope_ref(j->scope);
	said_in_comments(j);
	a->state = ANALYSIS_RUNS;
	ask_server(s, j->text);
	return NEED_WAIT;
}

void
strict_analysis_tree(struct gate_session *s, struct base_span detail)
{
	struct strict_analysis *a = &s->strict->analysis;
	struct base_fail fail;

	if (++a->ntrees > 1 || !a->judged)
		return; /* two trees: refused at ParseComplete */
	base_crypt_sha256(detail, a->tree_hash);
	if (tree_read(detail, s->strict->major, &a->tree, &fail) < 0) {
		if (!a->error.p)
			a->error = strict_error("0A000", "write the statement more simply, or tell the gate's operator", "the gate cannot read the server's analysis of this statement: %s", fail.text);
	}
}

/* Adds the keys that are missing and asks again. False: it cannot be done. */
static bool
splice(struct gate_session *s, const struct policy_decision *d)
{
	struct strict_analysis *a = &s->strict->analysis;
	struct base_buf text[2];
	unsigned n = 0;
	bool ok = true;
	char label[24];

	base_buf_init(&text[0], SQL_TEXT_MAX * 2);
	base_buf_init(&text[1], SQL_TEXT_MAX * 2);
	base_buf_put(&text[0], a->judged->text);
	for (size_t i = 0; ok && i < d->noccurrences; i++) {
		const struct policy_occurrence *o = &d->occurrences[i];
		if (!o->must_key || o->key_column != SIZE_MAX)
			continue;
		(void)snprintf(label, sizeof(label), "gh_key_%u", n + 1);
		base_buf_clear(&text[(n + 1) % 2]);
		ok = o->can_splice && sql_splice_column(base_buf_span(&text[n % 2]), o->alias, o->key_name, label, &text[(n + 1) % 2]) == GH_OK && !text[(n + 1) % 2].bad;
		n++;
	}
	if (ok) {
		base_buf_cstr(&s->strict->closing, a->judged->name);
		a->spliced = true;
		ask_server(s, base_buf_span(&text[n % 2]));
	}
	base_buf_done(&text[0]);
	base_buf_done(&text[1]);
	return ok;
}

static uint16_t
described(const struct gate_judged *j)
{
	struct base_cursor c = base_cursor(j->row);

	return j->returns_rows && j->row.n >= 2 ? base_cursor_u16(&c) : 0;
}

static struct base_span
no_key(const struct policy_occurrence *o)
{
	struct base_span key = key_name(o), rel = o->relation->full_name;

	return strict_error("42501", "add the key to the select list of the outermost query", "the answer would show protected columns of %.*s without saying whose they are: its key \"%.*s\" is not in the answer",
	                    (int)rel.n, (const char *)rel.p, (int)key.n, (const char *)key.p);
}

/* All three answers to Parse and Describe have come. */
static void
decide(struct gate_session *s)
{
	struct gate_strict *t = s->strict;
	struct strict_analysis *a = &t->analysis;
	struct gate_judged *j = a->judged;
	struct policy_decision *d = NULL;

	if (a->ntrees != 1 || !a->tree) {
		struct base_span error = a->error.p ? a->error : strict_error("58000", "tell the gate's operator", a->ntrees == 0 ? "the server did not show its analysis of the statement" : "the server showed more than one analysis of the statement");
		a->error = base_span(NULL, 0);
		strict_refused(s, j->text, "the server's analysis is missing, double or unreadable", NULL);
		failed(s, error, false);
		return;
	}
	if (!a->spliced)
		j->approved = approved(s, j, a->tree, j->approved_tree);
	else if (j->approved && tree_queries(a->tree).n == 1) /* the tree with the gate's keys, for what the server may announce later */
		tree_hash(tree_queries(a->tree).item[0], 0, j->approved_tree);
	int rc = policy_decide(j->scope, policy_map_objects(j->world->map), tree_queries(a->tree), j->approved, false, &d);
	if (rc < 0) {
		failed(s, strict_error(rc == GH_E_NOMEM ? "53200" : "54000", NULL, "the statement is too large to be decided upon"), false);
		return;
	}
	const struct policy_occurrence *o = d->refused ? NULL : keyless(d);
	if (o && !a->spliced && splice(s, d)) {
		policy_decision_free(&d);
		return; /* goes on with the next answers */
	}
	size_t visible = a->spliced ? j->ncolumns : d->ncolumns;
	if (d->refused) {
		strict_refused(s, j->text, d->refusal.text, &d->refusal.rule);
		failed(s, strict_refusal(&d->refusal), false);
	} else if (o || d->ncolumns != described(j) || visible > d->ncolumns) {
		strict_refused(s, j->text, o ? "protected columns without their key" : "analysis and description disagree", NULL);
		failed(s, o ? no_key(o) : strict_error("58000", "tell the gate's operator", "the server's analysis and its description of the answer disagree"), false);
	} else {
		memcpy(j->tree, a->tree_hash, sizeof(j->tree));
		settle_decision(j, d, visible);
		d = NULL;
		if (j->plan.more) {
			strict_refused(s, j->text, "more columns that say whose a row is than can be recorded", NULL);
			failed(s, strict_error("54000", "select fewer keys and identifiers at once", "the answer has more than %u columns that say whose a row is, which is as many as are recorded", GATE_SUBJECT_COLUMNS), false);
			return;
		}
		cache(s, j);
		tree_free(&a->tree);
		a->state = ANALYSIS_READY;
	}
	policy_decision_free(&d);
}

static int
take_params(struct gate_judged *j, struct base_span payload)
{
	struct base_cursor c = base_cursor(payload);
	uint16_t n = base_cursor_u16(&c);

	if ((size_t)n * 4 != c.left)
		return -1;
	free(j->params);
	j->params = base_mem_new((size_t)n + 1, sizeof(*j->params));
	j->nparams = n;
	for (uint16_t i = 0; i < n; i++)
		j->params[i] = base_cursor_u32(&c);
	return 0;
}

int
strict_analysis_message(struct gate_session *s, uint8_t type, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct strict_analysis *a = &t->analysis;
	struct gate_judged *j = a->judged;
	static const uint8_t expected[3][2] = {{WIRE_B_PARSE_COMPLETE, WIRE_B_PARSE_COMPLETE}, {WIRE_B_PARAMETER_DESCRIPTION, WIRE_B_PARAMETER_DESCRIPTION}, {WIRE_B_ROW_DESCRIPTION, WIRE_B_NO_DATA}};

	if (!j || a->state != ANALYSIS_RUNS || (type != expected[a->step][0] && type != expected[a->step][1]))
		return -1;
	if (a->step == 1 && take_params(j, payload) < 0)
		return -1;
	if (a->step++ < 2)
		return 0;
	if (a->spliced) /* what the client asked for was described by the first analysis */
		j->ncolumns = described(j);
	free((void *)(uintptr_t)j->row.p);
	j->returns_rows = type == WIRE_B_ROW_DESCRIPTION;
	j->row = own(payload);
	strict_pop(t, s);
	decide(s);
	return 0;
}

void
strict_analysis_error(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct strict_analysis *a = &t->analysis;
	struct wire_error e = {0};
	struct base_fail fail;

	strict_pop(t, s);
	if (a->judged)
		a->judged->name[0] = '\0'; /* it was never made */
	free((void *)(uintptr_t)a->error.p);
	a->error = base_span(NULL, 0);
	if (a->spliced || wire_read_error(payload, &e, &fail) < 0) {
		failed(s, strict_error("42501", "add the key to the select list", "the answer would show protected columns without saying whose they are, and the gate could not add their key"), true);
		return;
	}
	/* Errors at Parse speak of the client's own text and of names: severity, SQLSTATE, message, hint, position (SQL-RULES 8.7). */
	struct base_buf b;
	base_buf_init(&b, 65536);
	struct base_cursor c = base_cursor(payload);
	base_buf_u8(&b, WIRE_B_ERROR_RESPONSE);
	base_buf_u32(&b, 0);
	while (c.left > 1) {
		uint8_t field = base_cursor_u8(&c);
		struct base_span v = base_cursor_cstr(&c);
		if (strchr("SVCMHP", field)) {
			base_buf_u8(&b, field);
			base_buf_put(&b, base_span(v.p, v.n + 1));
		}
	}
	base_buf_u8(&b, 0);
	base_buf_set_u32(&b, 1, (uint32_t)base_buf_len(&b) - 1);
	struct base_span bytes = b.bad ? strict_error("42601", NULL, "the server could not analyse the statement") : own(base_buf_span(&b));
	base_buf_done(&b);
	failed(s, bytes, true);
}

bool
strict_stale(const struct gate_session *s, const struct gate_judged *j)
{
	uint8_t key[BASE_SHA256_SIZE];

	if (j->world != s->strict->world || j->spoilt)
		return true;
	if (!s->strict->self->who->application)
		return false; /* a log-in's person is one all the time */
	key_of(s->strict, j->text, j->declared, j->ndeclared, key);
	return memcmp(key, j->key, sizeof(key)) != 0;
}

void
strict_spoil(struct gate_session *s, struct gate_judged *j)
{
	j->spoilt = true;
	if (j->cached)
		uncache(s, j); /* a portal keeps it alive */
}

static bool
still_approved(const struct gate_judged *j, const struct tree *tree)
{
	struct tree_list q = tree_queries(tree);
	uint8_t hash[BASE_SHA256_SIZE];

	if (q.n != 1)
		return false;
	tree_hash(q.item[0], 0, hash);
	return memcmp(hash, j->approved_tree, sizeof(hash)) == 0;
}

bool
strict_judge_again(struct gate_session *s, struct gate_judged *j, struct base_span detail, struct base_span *error_r)
{
	struct tree *tree = NULL;
	struct policy_decision *d = NULL;
	uint8_t hash[BASE_SHA256_SIZE];
	struct base_fail fail;
	bool ok = false;

	base_crypt_sha256(detail, hash);
	if (memcmp(hash, j->tree, sizeof(hash)) == 0)
		return true;
	*error_r = base_span(NULL, 0);
	if (tree_read(detail, s->strict->major, &tree, &fail) < 0) {
		*error_r = strict_error("0A000", "write the statement more simply, or tell the gate's operator", "the gate cannot read the server's analysis of this statement: %s", fail.text);
	} else if (policy_decide(j->scope, policy_map_objects(j->world->map), tree_queries(tree), j->approved && still_approved(j, tree), false, &d) == GH_OK) {
		const struct policy_occurrence *o = d->refused ? NULL : keyless(d);
		if (d->refused) {
			*error_r = strict_refusal(&d->refusal);
		} else if (o) {
			*error_r = no_key(o);
		} else if (d->ncolumns == (size_t)j->ncolumns + j->nhidden) {
			settle_decision(j, d, j->ncolumns);
			memcpy(j->tree, hash, sizeof(hash));
			d = NULL;
			ok = !j->plan.more;
		}
	}
	if (!ok) {
		strict_spoil(s, j);
		strict_refused(s, j->text, d && d->refused ? d->refusal.text : "what the statement means was changed on the server, and it may not run so", d && d->refused ? &d->refusal.rule : NULL);
		if (!error_r->p)
			*error_r = strict_error("0A000", "prepare the statement again", "what the statement means was changed on the server since it was prepared");
	}
	policy_decision_free(&d);
	tree_free(&tree);
	return ok;
}
