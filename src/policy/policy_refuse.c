/* policy_refuse: the words of a refusal and of an explanation. One table (policy_refuse.def); names of the catalogue come in as arguments and
 * are quoted like any peer's bytes; literals of the statement never do. Also the ceilings on depth and work. Pure. */
#include "policy_decide_int.h"

#include <stdarg.h>
#include <stdio.h>

#include "base_text.h"

static const struct {
	const char *name, *sqlstate, *text, *hint;
} refusals[POLICY_REFUSE_COUNT] = {
#define REFUSE(id, sqlstate, text, hint) {#id, sqlstate, text, hint},
#include "policy_refuse.def"
#undef REFUSE
};

const char *
policy_refuse_place(enum policy_place p)
{
	static const char *const words[POLICY_PLACE_COUNT] = {
#define PLACE(id, words) words,
#include "policy_place.def"
#undef PLACE
	};

	return (unsigned)p < POLICY_PLACE_COUNT ? words[p] : "?";
}

/* Copies form into dst with %1 to %3 filled in; cuts when there is no room. */
static void
fill(char *dst, size_t size, const char *form, const struct policy_args *args)
{
	struct base_buf b;
	char quoted[320];
	size_t n;

	base_buf_init(&b, 4096);
	for (; *form != '\0'; form++) {
		if (form[0] == '%' && form[1] >= '1' && form[1] <= '3') {
			struct base_span s = form[1] == '1' ? args->a : form[1] == '2' ? args->b : args->c;

			base_buf_str(&b, base_text_quote(quoted, sizeof(quoted), s.p ? s : base_span("", 0), 300));
			form++;
		} else {
			base_buf_u8(&b, (uint8_t)*form);
		}
	}
	n = base_buf_len(&b);
	if (n > size - 1)
		n = size - 1;
	memcpy(dst, base_buf_span(&b).p, n);
	dst[n] = '\0';
	base_buf_done(&b);
}

/* The first reason stays: what follows from it on the way out is not another one. */
int
policy_refuse(struct policy_judge *j, enum policy_refuse id, struct policy_where rule, struct policy_args args)
{
	struct policy_refusal *r = &j->d->refusal;

	if (j->d->refused)
		return GH_E_DENIED;
	j->d->refused = true;
	r->id = refusals[id].name;
	(void)snprintf(r->sqlstate, sizeof(r->sqlstate), "%s", refusals[id].sqlstate); /* five letters fit */
	fill(r->text, sizeof(r->text), refusals[id].text, &args);
	fill(r->hint, sizeof(r->hint), refusals[id].hint, &args);
	r->rule = rule;
	if (rule.line == 0)
		r->rule.file = j->file;
	policy_refuse_note(j, 0, r->rule, "refused: %s", r->text);
	return GH_E_DENIED;
}

const char *
policy_refuse_why(const struct policy_judge *j, const struct policy_flow *f, char *dst, size_t size)
{
	const char *how = f->unknown ? "it is not classified in the policy for" : f->mask.kind == POLICY_MASK_HIDE ? "it is hidden from" :
	    f->mask.kind != POLICY_MASK_NONE ? "it is masked for" : "it may not be filtered by or computed with for";
	char who[160];

	(void)snprintf(dst, size, "%s %s", how, base_text_quote(who, sizeof(who), j->scope->group_words, 120)); /* a cut list of groups is still true */
	return dst;
}

int
policy_refuse_secret(struct policy_judge *j, const struct policy_flow *f)
{
	struct base_span name = f->column ? f->column->name : base_span_str("?");
	struct base_span table = f->relation ? f->relation->full_name : base_span_str("?");
	const bool masked = f->mask.kind > POLICY_MASK_NONE && f->mask.kind < POLICY_MASK_HIDE;
	char full[400], table_text[200], name_text[150], why[320];
	int rc;

	(void)snprintf(full, sizeof(full), "%s of %s", base_text_quote(name_text, sizeof(name_text), name, 130), base_text_quote(table_text, sizeof(table_text), table, 180));
	if (f->unknown)
		return policy_refuse(j, POLICY_REFUSE_UNCLASSIFIED, f->relation ? f->relation->at : POLICY_NO_RULE, POLICY_ARGS(base_span_str(full), j->scope->group_words, base_span("", 0)));
	rc = policy_refuse(j, masked ? POLICY_REFUSE_SECRET_MASKED : POLICY_REFUSE_SECRET, f->rule,
	    POLICY_ARGS(base_span_str(full), base_span_str(policy_refuse_place(j->place)), base_span_str(policy_refuse_why(j, f, why, sizeof(why)))));
	if (f->column && f->column->lookup && (j->place == POLICY_PLACE_WHERE || j->place == POLICY_PLACE_JOIN)) /* the hint that helps here */
		(void)snprintf(j->d->refusal.hint, sizeof(j->d->refusal.hint), "it may be looked up: once in a statement, as `%s = value` with a constant or a parameter, joined by AND in the WHERE of the statement itself",
		    base_text_quote(name_text, sizeof(name_text), name, 64));
	return rc;
}

int
policy_refuse_counted(struct policy_judge *j, const struct policy_held *h)
{
	char full[400], table_text[200], name_text[150];

	(void)snprintf(full, sizeof(full), "%s of %s", base_text_quote(name_text, sizeof(name_text), h->column ? h->column->name : base_span_str("?"), 130),
	    base_text_quote(table_text, sizeof(table_text), h->relation ? h->relation->full_name : base_span_str("?"), 180));
	return policy_refuse(j, POLICY_REFUSE_COUNTED, h->relation ? h->relation->at : POLICY_NO_RULE, POLICY_ARGS(base_span_str(full), base_span_str(policy_refuse_place(j->place)), {0}));
}

/* Silently none past the ceiling or out of memory: reasons explain, they do not decide. */
void
policy_refuse_note(struct policy_judge *j, unsigned depth, struct policy_where rule, const char *fmt, ...)
{
	char text[768];
	va_list ap;
	char *kept;

	if (!j->explain || j->d->nreasons == POLICY_REASONS_MAX)
		return;
	if (!j->d->reasons)
		j->d->reasons = base_arena_get(j->d->arena, POLICY_REASONS_MAX * sizeof(j->d->reasons[0]));
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut where too long */
	va_end(ap);
	kept = base_arena_str(j->d->arena, base_span_str(text));
	if (!j->d->reasons || !kept)
		return;
	j->d->reasons[j->d->nreasons++] = (struct policy_reason){depth, kept, rule};
}

int
policy_refuse_step(struct policy_judge *j)
{
	if (++j->steps > POLICY_STEPS_MAX || j->depth > POLICY_DEPTH_MAX)
		return policy_refuse(j, POLICY_REFUSE_TOO_LARGE, POLICY_NO_RULE, POLICY_NO_ARGS);
	return 0;
}
