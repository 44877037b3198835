/* cli_replay_judge: asks the server what each recorded text means and decides upon it under the new policy: once for each text and set of groups. Nothing is run. Input: texts
 * of the ledger, with $n for their constants (the server infers the types, or says that it cannot); the server's trees; trusted files.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_file.h"
#include "base_map.h"
#include "base_mem.h"
#include "base_text.h"
#include "cli_refill.h"
#include "cli_replay.h"
#include "cli_verdict.h"
#include "gate_judge.h"
#include "policy_approved.h"
#include "tree_node.h"

#define KEPT_MAX 50000u
#define SCOPES_MAX 10000u
#define TEXT_MAX (4u * 65536u)
#define CUT "\xe2\x80\xa6" /* ends a text of which the ledger has the beginning only */

struct cli_replay_judge {
	const struct cli_live *live;   /* borrow */
	struct base_map *scopes;       /* own: groups -> struct policy_scope */
	struct base_map *kept;         /* own: groups and text -> struct cli_verdict_kept; the least used are forgotten */
	struct policy_approved *approved; /* shared; NULL: the policy names no file */
	size_t statements;             /* decided upon */
	char *role;                    /* own: whom the judge's connection is; NULL: nobody yet */
	bool role_taken;
};

static void
scope_free(void *value)
{
	struct policy_scope *s = value;

	policy_scope_unref(&s);
}

static void
kept_free(void *value)
{
	struct cli_verdict_kept *k = value;

	for (size_t i = 0; i < k->nmasked; i++)
		free(k->masked[i]);
	free(k->masked);
	free(k->words);
	free(k->rule);
	free(k);
}

static int
read_approved(struct cli_replay_judge *j, struct base_fail *fail)
{
	const struct policy_file *f = j->live->policy;
	struct base_buf text;
	int rc;

	if (f->approved.n == 0)
		return 0;
	char *name = policy_file_beside(f->file, f->approved);
	base_buf_init(&text, POLICY_APPROVED_SIZE_MAX);
	rc = base_file_read(AT_FDCWD, name, &text, fail);
	if (rc >= 0)
		rc = policy_approved_parse(base_buf_span(&text), name, &j->approved, fail);
	base_buf_done(&text);
	free(name);
	return rc < 0 ? rc : 0;
}

int
cli_replay_judge_new(const struct cli_live *l, struct cli_replay_judge **j_r, struct base_fail *fail)
{
	struct cli_replay_judge *j = base_mem_new(1, sizeof(*j));

	j->live = l;
	j->scopes = base_map_new(0, scope_free);
	j->kept = base_map_new(KEPT_MAX, kept_free);
	int rc = read_approved(j, fail);
	if (rc < 0)
		cli_replay_judge_free(&j);
	else
		*j_r = j;
	return rc;
}

void
cli_replay_judge_free(struct cli_replay_judge **jp)
{
	struct cli_replay_judge *j = *jp;

	*jp = NULL;
	if (!j)
		return;
	policy_approved_unref(&j->approved);
	base_map_free(&j->kept);
	base_map_free(&j->scopes);
	free(j->role);
	free(j);
}

size_t
cli_replay_statements(const struct cli_replay_judge *j)
{
	return j->statements;
}

int
cli_replay_scope(struct cli_replay_judge *j, const struct event_entry *e, const struct policy_person **person_r, struct policy_scope **scope_r, struct base_fail *fail)
{
	const struct policy_person *p = j->live->people ? policy_people_find(j->live->people, e->actor) : NULL;
	/* Of an application's actor the token said the groups; they are in the entry. */
	bool listed = p && (e->login.n == 0 || e->groups.count == 0);
	const struct base_span *groups = listed ? p->groups : e->groups.item;
	size_t n = listed ? p->ngroups : e->groups.count < EVENT_LIST_MAX ? e->groups.count : EVENT_LIST_MAX;
	struct base_buf key;

	base_buf_init(&key, POLICY_PEOPLE_SIZE_MAX);
	for (size_t i = 0; i < n; i++) {
		base_buf_put(&key, groups[i]);
		base_buf_u8(&key, 0);
	}
	struct policy_scope *s = base_map_get(j->scopes, base_buf_span(&key));
	int rc = 0;
	if (!s) {
		rc = base_map_count(j->scopes) >= SCOPES_MAX ? GH_E_LIMIT : policy_scope_new(j->live->map, groups, n, &s);
		if (rc == 0 && base_map_put(j->scopes, base_buf_span(&key), s) < 0)
			abort(); /* a command without memory has no answer */
	}
	base_buf_done(&key);
	if (rc < 0)
		return base_fail_set(fail, rc, "too many sets of groups for what the people may do");
	*person_r = p;
	*scope_r = s;
	return 0;
}

static void
keep_shows(struct cli_verdict_kept *k, const struct policy_map *map, const struct policy_occurrence *o)
{
	const struct policy_column *key = o->relation->key ? policy_map_column(map, o->relation->oid, o->relation->key) : NULL;
	size_t i = 0;

	if (!key)
		return;
	struct base_span kind = policy_map_kind(map, key->kind);
	while (i < k->nkinds && !base_span_is(kind, k->kinds[i].kind))
		i++;
	if (i == CLI_REPLAY_KINDS)
		return;
	if (i == k->nkinds) {
		(void)snprintf(k->kinds[i].kind, sizeof(k->kinds[i].kind), "%.*s", (int)kind.n, (const char *)kind.p);
		k->nkinds++;
	}
	k->kinds[i].shows.shows = k->kinds[i].shows.shows || o->shows;
	k->kinds[i].shows.clear = k->kinds[i].shows.clear || o->shows_clear;
}

static void
keep_masked(struct cli_verdict_kept *k, const struct policy_decision *d)
{
	k->masked = base_mem_new(d->ncolumns + 1, sizeof(char *));
	for (size_t i = 0; i < d->ncolumns; i++) {
		const struct policy_result_column *c = &d->columns[i];
		if (c->mask.kind == POLICY_MASK_NONE || c->occurrence == SIZE_MAX)
			continue;
		const struct policy_scope_relation *r = d->occurrences[c->occurrence].relation;
		const struct policy_scope_column *sc = policy_scope_column(r, c->attnum);
		char how[96];
		struct base_buf b;
		policy_mask_words(&c->mask, how, sizeof(how));
		base_buf_init(&b, 4096);
		base_buf_put(&b, r->full_name);
		base_buf_u8(&b, '.');
		if (sc)
			base_buf_put(&b, sc->name);
		base_buf_fmt(&b, " %s", how);
		k->masked[k->nmasked++] = base_mem_str(base_buf_span(&b));
		base_buf_done(&b);
	}
}

static void
keep(struct cli_verdict_kept *k, const struct policy_map *map, const struct cli_verdict *v)
{
	const struct policy_decision *d = v->decision;

	k->known = true;
	k->refused = v->refused;
	if (v->refused) {
		k->words = base_mem_str(base_span_str(v->text));
		k->rule = base_mem_str(base_span_str(v->rule.line > 0 && v->rule.file ? v->rule.file : ""));
		k->line = v->rule.line;
		return;
	}
	k->query = d != NULL;
	for (size_t i = 0; d && i < d->noccurrences; i++)
		keep_shows(k, map, &d->occurrences[i]);
	if (d)
		keep_masked(k, d);
}

/* The judge's connection as this actor, whose row security belongs to the tree. */
static int
become(struct cli_replay_judge *j, const struct event_entry *e, const struct policy_person *p, struct base_fail *fail)
{
	const char *why_not = NULL;
	int rc = 0;

	if (j->role && base_span_is(e->actor, j->role))
		return 0;
	free(j->role);
	j->role = NULL;
	rc = cli_actor_become(j->live, e->login.n ? e->login : e->actor, p, &why_not, fail);
	if (rc == 0) {
		j->role = base_mem_str(e->actor);
		j->role_taken = why_not == NULL;
	}
	return rc;
}

static bool
whole(struct base_span text)
{
	const size_t n = sizeof(CUT) - 1;

	return text.n > 0 && (text.n < n || memcmp(text.p + text.n - n, CUT, n) != 0) && !memchr(text.p, 0, text.n);
}

/* What the owner approved for the application of this entry; NULL: nothing, or nobody's application. */
static const struct policy_approval *
approval(const struct cli_replay_judge *j, const struct event_entry *e)
{
	const struct policy_file *f = j->live->policy;
	uint8_t hash[BASE_SHA256_SIZE];

	for (size_t i = 0; j->approved && e->login.n > 0 && i < f->napplications; i++)
		if (base_span_eq(f->applications[i].login, e->login) && base_text_unhex(e->statement, hash, sizeof(hash)) == 0)
			return policy_approved_find(j->approved, f->applications[i].name, hash);
	return NULL;
}

/* An approved statement is decided upon as one when the server makes the tree of it that was approved. */
static void
by_approval(const struct cli_replay_judge *j, const struct policy_approval *a, struct base_span text, struct policy_scope *scope, struct cli_verdict_kept *k)
{
	struct cli_verdict v = {0};
	struct base_fail fail = {0};
	uint8_t hash[BASE_SHA256_SIZE];
	struct base_buf sql;

	base_buf_init(&sql, TEXT_MAX);
	cli_refill_text(text, CLI_REFILL_PARAMETER, &sql);
	base_buf_u8(&sql, 0);
	int rc = sql.bad ? GH_E_LIMIT : gate_judge_tree(j->live->judge, (const char *)base_buf_span(&sql).p, &v.tree, &fail);
	if (rc == 0) {
		tree_hash(tree_queries(v.tree).item[0], 0, hash);
		rc = memcmp(hash, a->tree_hash, sizeof(hash)) == 0 ? policy_decide(scope, policy_map_objects(j->live->map), tree_queries(v.tree), true, false, &v.decision) : GH_E_VERIFY;
	}
	if (rc == 0 && v.decision->refused) {
		v.refused = true;
		(void)snprintf(v.text, sizeof(v.text), "%s", v.decision->refusal.text);
		v.rule = v.decision->refusal.rule;
	}
	if (rc == 0)
		keep(k, j->live->map, &v);
	else
		k->words = base_mem_str(base_span_str("an approved statement whose tree is not to be had from the text in the ledger"));
	cli_verdict_done(&v);
	base_buf_done(&sql);
}

/* The text with parameters in place of its constants, and where the server cannot tell their types, with others. */
static int
analyse(struct cli_replay_judge *j, struct base_span text, struct policy_scope *scope, struct cli_verdict_kept *k, struct base_fail *fail)
{
	struct base_fail refused = {0}, first = {0};
	struct base_buf sql;
	int rc = GH_E_PARSE;

	base_buf_init(&sql, TEXT_MAX);
	for (unsigned how = 0; how < CLI_REFILLS && rc == GH_E_PARSE; how++) {
		struct cli_verdict v = {0};
		base_buf_clear(&sql);
		cli_refill_text(text, (enum cli_refill)how, &sql);
		base_buf_u8(&sql, 0);
		rc = sql.bad ? base_fail_set(&refused, GH_E_LIMIT, "its text is too long") : cli_verdict_make(j->live, scope, (const char *)base_buf_span(&sql).p, false, &v, &refused);
		/* Row security that only the role itself would show: nothing can be said. */
		bool rows = rc == 0 && v.decision && v.decision->refused && strcmp(v.decision->refusal.id, "ROWS") == 0 && !j->role_taken;
		if (rows)
			(void)base_fail_set(&refused, GH_E_DENIED, "the control role may not see the actor's row-level security");
		else if (rc == 0)
			keep(k, j->live->map, &v);
		if (how == 0)
			first = refused;
		cli_verdict_done(&v);
	}
	base_buf_done(&sql);
	if (rc == GH_E_IO) {
		*fail = refused;
		return rc;
	}
	if (!k->known)
		k->words = base_mem_str(base_span_str(first.text));
	return 0;
}

int
cli_replay_judge(struct cli_replay_judge *j, const struct event_entry *e, const struct policy_person *p, struct policy_scope *scope, struct cli_verdict_kept **kept_r,
    struct base_fail *fail)
{
	struct base_buf key;
	int rc = 0;

	base_buf_init(&key, 2 * POLICY_FILE_SIZE_MAX);
	base_buf_put(&key, scope->group_words);
	base_buf_u8(&key, 0);
	base_buf_put(&key, e->text);
	const struct policy_approval *approved = approval(j, e);
	if (approved) /* the same text of somebody else is not approved */
		base_buf_put(&key, base_span(approved->tree_hash, sizeof(approved->tree_hash)));
	struct cli_verdict_kept *k = base_map_get(j->kept, base_buf_span(&key));
	if (!k) {
		k = base_mem_new(1, sizeof(*k));
		if (!whole(e->text)) {
			k->words = base_mem_str(base_span_str("the ledger has the beginning of its text only"));
		} else if ((rc = become(j, e, p, fail)) == 0) {
			if (approved)
				by_approval(j, approved, e->text, scope, k);
			else
				rc = analyse(j, e->text, scope, k, fail);
		}
		j->statements++;
		if (rc < 0)
			kept_free(k);
		else if (base_map_put(j->kept, base_buf_span(&key), k) < 0)
			abort(); /* a command without memory has no answer */
	}
	base_buf_done(&key);
	if (rc == 0)
		*kept_r = k;
	return rc;
}
