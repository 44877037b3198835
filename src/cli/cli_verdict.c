/* cli_verdict: see cli_verdict.h. Follows what the gate does with a statement of an enforced session (gate_strict_command.c), with the same sentences. Input: the
 * operator's or the policy file's statement; the server's answers. Runs nothing.
 */
#include "cli_verdict.h"

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"

static void
refuse(struct cli_verdict *v, const char *sqlstate, const struct policy_where *rule, const char *hint, const char *text)
{
	if (v->refused)
		return;
	v->refused = true;
	(void)snprintf(v->sqlstate, sizeof(v->sqlstate), "%s", sqlstate);
	(void)snprintf(v->text, sizeof(v->text), "%s", text);
	(void)snprintf(v->hint, sizeof(v->hint), "%s", hint);
	if (rule)
		v->rule = *rule;
}

/* What is refused whatever the tree says. True: there is a query to analyse, in *inner. */
static bool
judge_kind(struct cli_verdict *v, const struct policy_scope *s, struct base_span *inner)
{
	const struct sql_command *c = v->command;
	char text[128];

	if (c->odd_identifier)
		refuse(v, "42602", NULL, "send one statement at a time, with plain names", "identifiers with control characters or written U&\"...\" are not accepted");
	switch (c->kind) {
	case SQL_C_QUERY:
		return true;
	case SQL_C_PREPARE:
		*inner = c->inner;
		return true;
	case SQL_C_DECLARE:
		if (s->no_cursor.line > 0)
			refuse(v, "42501", &s->no_cursor, "ask for all rows at once", "cursors are not allowed");
		if (c->hold)
			refuse(v, "0A000", NULL, "declare it without WITH HOLD, within a transaction", "cursors WITH HOLD are not accepted");
		*inner = c->inner;
		return true;
	case SQL_C_COPY_QUERY:
	case SQL_C_COPY_TABLE:
		if (s->no_copy.line > 0)
			refuse(v, "42501", &s->no_copy, "select the rows", "COPY is not allowed");
		if (c->copy.unsupported)
			refuse(v, "0A000", NULL, "use FORMAT, DELIMITER, NULL, HEADER, QUOTE, ESCAPE only", "this option of COPY is not accepted");
		*inner = c->inner;
		return true;
	case SQL_C_EXPLAIN:
		if (c->analyze || c->verbose)
			refuse(v, "0A000", NULL, "use plain EXPLAIN", "EXPLAIN ANALYZE and VERBOSE are not accepted");
		*inner = c->inner;
		return true;
	case SQL_C_SEVERAL:
		refuse(v, "0A000", NULL, "send one statement at a time, with plain names", "several statements in one message are not accepted");
		return false;
	case SQL_C_OTHER:
		(void)snprintf(text, sizeof(text), "%s is not accepted in an enforced session", c->words[0] ? c->words : "this command");
		refuse(v, "42501", NULL, "use SELECT, INSERT, UPDATE or DELETE as the policy allows, or ask the policy's owner", text);
		return false;
	case SQL_C_EMPTY:
	case SQL_C_TRANSACTION:
	case SQL_C_SET:
	case SQL_C_RESET_ALL:
	case SQL_C_SHOW:
	case SQL_C_EXECUTE:
	case SQL_C_DEALLOCATE:
	case SQL_C_FETCH:
	case SQL_C_MOVE:
	case SQL_C_CLOSE:
	case SQL_C_DISCARD:
	case SQL_C_UNLISTEN:
	default:
		return false; /* the gate answers these itself, by what the session holds and by its table of settings */
	}
}

/* Protected columns go out with the key that says whose they are: it is there, or it can be added, or the statement is refused. */
static void
judge_keys(struct cli_verdict *v)
{
	const struct policy_decision *d = v->decision;

	for (size_t i = 0; i < d->noccurrences; i++) {
		const struct policy_occurrence *o = &d->occurrences[i];
		if (!o->must_key || o->key_column != SIZE_MAX)
			continue;
		const struct policy_scope_column *key = policy_scope_column(o->relation, o->relation->key);
		char text[600], name[130], relation[200];
		(void)base_text_quote(name, sizeof(name), key ? key->name : base_span_str("key"), 120);
		(void)base_text_quote(relation, sizeof(relation), o->relation->full_name, 180);
		if (o->can_splice) {
			(void)snprintf(v->key, sizeof(v->key), "%s of %s", name, relation);
			continue;
		}
		(void)snprintf(text, sizeof(text), "the answer would show protected columns of %s without saying whose they are: its key \"%s\" is not in the answer", relation, name);
		refuse(v, "42501", NULL, "add the key to the select list of the outermost query", text);
	}
}

static void
judge_decision(struct cli_verdict *v)
{
	const struct policy_decision *d = v->decision;
	const struct sql_command *c = v->command;

	if (d->refused) {
		refuse(v, d->refusal.sqlstate, &d->refusal.rule, d->refusal.hint, d->refusal.text);
		return;
	}
	judge_keys(v);
	if (!c)
		return;
	if ((c->kind == SQL_C_COPY_QUERY || c->kind == SQL_C_COPY_TABLE) && d->statement != POLICY_SELECT)
		refuse(v, "0A000", NULL, "copy a SELECT", "only the rows of a SELECT can be copied");
	if (c->kind == SQL_C_DECLARE && d->statement != POLICY_SELECT)
		refuse(v, "0A000", NULL, "declare it for a SELECT without parameters", "this statement cannot be read by a cursor");
	if (c->kind == SQL_C_EXPLAIN && d->touches_protected)
		refuse(v, "42501", NULL, "explain a statement that names open columns only", "the plan of a statement that names protected columns is not shown");
}

int
cli_verdict_make(const struct cli_live *l, const struct policy_scope *s, const char *sql, bool explain, struct cli_verdict *v, struct base_fail *fail)
{
	struct base_span inner = base_span_str(sql);
	struct base_fail ignored;
	bool query = true;

	*v = (struct cli_verdict){.kind = "statement"};
	if (sql_command_read(inner, &v->command, &ignored) == 0) { /* else: the server will say it better */
		query = judge_kind(v, s, &inner);
		if (v->command->words[0])
			v->kind = v->command->words;
	}
	if (!query)
		return 0;
	char *text = base_mem_str(inner);
	int rc = cli_actor_decide(l, s, text, explain, &v->tree, &v->decision, fail);
	free(text);
	if (rc < 0) {
		cli_verdict_done(v);
		return rc;
	}
	judge_decision(v);
	return 0;
}

void
cli_verdict_done(struct cli_verdict *v)
{
	policy_decision_free(&v->decision);
	tree_free(&v->tree);
	sql_command_free(&v->command);
}
