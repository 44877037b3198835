/* cli_policy_explain: `gatehouse policy explain ACTOR "SQL"`: what the gate would decide, and why, as a tree of reasons with file:line. The server analyses the
 * statement over the control connection and runs nothing. Input: the operator's words, trusted files, the server's answers.
 */
#include <stdio.h>

#include "base_text.h"
#include "cli_out.h"
#include "cli_verdict.h"

#define OUT_MAX (16u << 20)

struct explain {
	struct cli_live live;
	struct base_span role;
	const struct policy_person *person; /* NULL: not listed */
	struct policy_scope *scope;
	struct cli_verdict verdict;
	const char *why_not; /* the role could not be taken */
	struct base_buf out;
};

static void
put(struct base_buf *out, struct base_span s)
{
	char quoted[1024];

	base_buf_str(out, base_text_quote(quoted, sizeof(quoted), s, 1000));
}

static void
put_where(struct base_buf *out, struct policy_where w)
{
	if (w.line == 0 || !w.file)
		return;
	base_buf_str(out, "  (");
	put(out, base_span_str(w.file));
	base_buf_fmt(out, ":%u)", w.line);
}

static void
say_person(struct explain *x)
{
	struct base_buf *b = &x->out;

	base_buf_str(b, "actor      ");
	put(b, x->role);
	if (x->person) {
		base_buf_str(b, x->person->name.n ? ": " : "");
		put(b, x->person->name);
		base_buf_str(b, x->person->employer.n ? ", " : "");
		put(b, x->person->employer);
	} else {
		base_buf_str(b, ": not in the people file, so in no group");
	}
	base_buf_str(b, "\ngroups     ");
	if (x->scope->group_words.n > 0)
		put(b, x->scope->group_words);
	else
		base_buf_str(b, "none that the policy names");
	base_buf_str(b, x->scope->treat == POLICY_ENFORCE ? "\ntreated    enforce\n" : "\ntreated    observe: every statement goes through and is recorded; below is what enforce would decide\n");
	if (x->why_not) {
		base_buf_str(b, "seen as    the control role, whose row security may be another: ");
		put(b, base_span_str(x->why_not));
		base_buf_u8(b, '\n');
	}
}

static void
say_columns(struct explain *x)
{
	const struct policy_decision *d = x->verdict.decision;
	struct base_buf *b = &x->out;
	char words[128];

	if (!d || x->verdict.refused || d->ncolumns == 0)
		return;
	base_buf_str(b, "columns\n");
	for (size_t i = 0; i < d->ncolumns; i++) {
		const struct policy_result_column *c = &d->columns[i];
		base_buf_fmt(b, "  %zu ", i + 1);
		put(b, c->name);
		if (c->mask.kind == POLICY_MASK_NONE) {
			base_buf_str(b, ": as it is");
		} else if (c->mask.kind == POLICY_MASK_HIDE) {
			base_buf_str(b, ": hidden (NULL)");
		} else {
			policy_mask_words(&c->mask, words, sizeof(words));
			base_buf_str(b, ": masked ");
			put(b, base_span_str(words));
		}
		put_where(b, c->rule);
		base_buf_u8(b, '\n');
	}
}

static void
say_text(struct explain *x)
{
	const struct cli_verdict *v = &x->verdict;
	struct base_buf *b = &x->out;

	say_person(x);
	base_buf_str(b, "statement  ");
	put(b, base_span_str(v->kind));
	base_buf_fmt(b, "\ndecision   %s\n", v->refused ? "refused" : v->decision ? "allowed" : "answered by the gate itself: no query is in it");
	if (v->refused) {
		base_buf_fmt(b, "  %s: ", v->sqlstate);
		put(b, base_span_str(v->text));
		put_where(b, v->rule);
		base_buf_u8(b, '\n');
		if (*v->hint) {
			base_buf_str(b, "  hint: ");
			put(b, base_span_str(v->hint));
			base_buf_u8(b, '\n');
		}
	}
	if (v->decision && v->decision->nreasons > 0)
		base_buf_str(b, "reasons\n");
	for (size_t i = 0; v->decision && i < v->decision->nreasons; i++) {
		const struct policy_reason *r = &v->decision->reasons[i];
		base_buf_fmt(b, "%*s", (int)(2 + 2 * (r->depth < 40 ? r->depth : 40)), "");
		put(b, base_span_str(r->text));
		put_where(b, r->rule);
		base_buf_u8(b, '\n');
	}
	say_columns(x);
	if (!v->refused && *v->key) {
		base_buf_str(b, "record     the gate adds ");
		put(b, base_span_str(v->key));
		base_buf_str(b, " to the statement to know whose rows these are, and takes it out of the answer\n");
	}
	if (!v->refused && v->decision && v->decision->touches_subjects && !*v->key)
		base_buf_str(b, "record     an entry says whose rows these were before they leave\n");
	if (!v->refused && v->decision && x->scope->limit_rows > 0) {
		base_buf_fmt(b, "limit      %llu rows", (unsigned long long)x->scope->limit_rows);
		put_where(b, x->scope->limit);
		base_buf_u8(b, '\n');
	}
}

static void
json_where(struct base_buf *b, struct policy_where w)
{
	if (w.line == 0 || !w.file)
		return;
	base_buf_str(b, ",\"file\":");
	cli_out_json(b, base_span_str(w.file));
	base_buf_fmt(b, ",\"line\":%u", w.line);
}

static void
say_json(struct explain *x)
{
	const struct cli_verdict *v = &x->verdict;
	const struct policy_decision *d = v->decision;
	struct base_buf *b = &x->out;
	char words[128];

	base_buf_str(b, "{\"actor\":");
	cli_out_json(b, x->role);
	base_buf_str(b, ",\"groups\":");
	cli_out_json(b, x->scope->group_words);
	base_buf_fmt(b, ",\"treat\":\"%s\",\"as_role\":%s,\"statement\":", x->scope->treat == POLICY_ENFORCE ? "enforce" : "observe", x->why_not ? "false" : "true");
	cli_out_json(b, base_span_str(v->kind));
	base_buf_fmt(b, ",\"decision\":\"%s\"", v->refused ? "refuse" : d ? "allow" : "none");
	if (v->refused) {
		base_buf_fmt(b, ",\"refusal\":{\"sqlstate\":\"%s\",\"text\":", v->sqlstate);
		cli_out_json(b, base_span_str(v->text));
		base_buf_str(b, ",\"hint\":");
		cli_out_json(b, base_span_str(v->hint));
		json_where(b, v->rule);
		base_buf_u8(b, '}');
	}
	base_buf_str(b, ",\"reasons\":[");
	for (size_t i = 0; d && i < d->nreasons; i++) {
		base_buf_fmt(b, "%s{\"depth\":%u,\"text\":", i ? "," : "", d->reasons[i].depth);
		cli_out_json(b, base_span_str(d->reasons[i].text));
		json_where(b, d->reasons[i].rule);
		base_buf_u8(b, '}');
	}
	base_buf_str(b, "],\"columns\":[");
	for (size_t i = 0; d && !v->refused && i < d->ncolumns; i++) {
		base_buf_fmt(b, "%s{\"name\":", i ? "," : "");
		cli_out_json(b, d->columns[i].name);
		policy_mask_words(&d->columns[i].mask, words, sizeof(words));
		base_buf_str(b, ",\"mask\":");
		if (d->columns[i].mask.kind == POLICY_MASK_NONE)
			base_buf_str(b, "null");
		else
			cli_out_json(b, base_span_str(words));
		json_where(b, d->columns[i].rule);
		base_buf_u8(b, '}');
	}
	base_buf_str(b, "]");
	if (*v->key) {
		base_buf_str(b, ",\"adds_key\":");
		cli_out_json(b, base_span_str(v->key));
	}
	base_buf_str(b, "}\n");
}

int
cli_policy_explain(const struct cli_args *args)
{
	struct explain x = {.role = base_span_str(args->operand[0])};
	struct base_fail fail = {0};
	int status = CLI_EXIT_ERROR, rc;

	base_buf_init(&x.out, OUT_MAX);
	if ((rc = cli_live_open(&x.live, args, NULL, &fail)) < 0)
		goto out;
	x.person = x.live.people ? policy_people_find(x.live.people, x.role) : NULL;
	if ((rc = policy_scope_new(x.live.map, x.person ? x.person->groups : NULL, x.person ? x.person->ngroups : 0, &x.scope)) < 0) {
		base_fail_set(&fail, rc, "not enough memory for what the person may do");
		goto out;
	}
	if ((rc = cli_actor_become(&x.live, x.role, x.person, &x.why_not, &fail)) < 0 ||
	    (rc = cli_verdict_make(&x.live, x.scope, args->operand[1], true, &x.verdict, &fail)) < 0)
		goto out;
	if (cli_args_get(args, "json"))
		say_json(&x);
	else
		say_text(&x);
	status = !cli_out_write(&x.out) ? cli_out_error("cannot write to standard output") : x.verdict.refused ? CLI_EXIT_NONE : CLI_EXIT_OK;
out:
	if (rc < 0)
		status = cli_out_fail(&fail);
	cli_verdict_done(&x.verdict);
	policy_scope_unref(&x.scope);
	base_buf_done(&x.out);
	cli_live_done(&x.live);
	return status;
}
