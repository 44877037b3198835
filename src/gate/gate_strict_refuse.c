/* gate_strict_refuse: how a message of an enforced session's client fails: the error that the client is told, the entry in the ledger, and what becomes of
 * the server's transaction and the rest of the batch. Input: why, from who decided it. Never shows the client a path of the gate's machine.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base_mem.h"
#include "gate_record.h"
#include "gate_strict_int.h"
#include "gate_worker.h"
#include "wire_write.h"

struct base_span
strict_error(const char *sqlstate, const char *hint, const char *fmt, ...)
{
	struct base_buf b;
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	base_buf_init(&b, 4096);
	wire_write_error(&b, "ERROR", sqlstate, text, hint && *hint ? hint : NULL);
	struct base_span bytes = base_span(base_mem_str(base_buf_span(&b)), base_buf_len(&b));
	base_buf_done(&b);
	return bytes;
}

const char *
strict_rule_file(const struct policy_where *rule)
{
	const char *slash = strrchr(rule->file, '/');

	return slash ? slash + 1 : rule->file;
}

struct base_span
strict_refusal(const struct policy_refusal *r)
{
	if (r->rule.line > 0)
		return strict_error(r->sqlstate, r->hint, "%s (rule %s:%u)", r->text, strict_rule_file(&r->rule), r->rule.line);
	if (r->rule.file)
		return strict_error(r->sqlstate, r->hint, "%s (no rule of %s allows it)", r->text, strict_rule_file(&r->rule));
	return strict_error(r->sqlstate, r->hint, "%s", r->text);
}

void
strict_refused(struct gate_session *s, struct base_span text, const char *why, const struct policy_where *rule)
{
	strict_refused_about(s, text, why, rule, NULL, 0, 0);
}

void
strict_refused_about(struct gate_session *s, struct base_span text, const char *why, const struct policy_where *rule, const char *budget, uint64_t mark, unsigned kind)
{
	struct gate_text *t = gate_text_get(s->worker->texts, s->strict->world, text);

	gate_record_refuse(s, t, why, rule, budget, mark, kind);
	gate_text_unref(&t);
	gate_worker_count(s->worker, PROC_COUNT_refused_total, 1);
}

void
strict_say(struct gate_session *s, struct base_span bytes)
{
	strict_owe(s, OWED_SAY)->bytes = bytes;
}

/* Makes the server's transaction fail like the client is told: a text that no grammar takes. */
static void
fail_server(struct gate_session *s, struct base_span bytes)
{
	strict_send_parse(s, "", base_span_str("refused by gatehouse"), NULL, 0);
	strict_owe(s, OWED_FAIL)->bytes = bytes;
	strict_flush(s);
	s->strict->half = true;
}

void
strict_fail(struct gate_session *s, bool simple, struct base_span bytes)
{
	struct gate_strict *t = s->strict;

	if (simple && t->status == 'I') {
		strict_say(s, bytes);
	} else {
		fail_server(s, bytes);
		t->skipping = !simple;
	}
}

void
strict_soft(struct gate_session *s, bool simple, struct base_span bytes)
{
	strict_say(s, bytes);
	s->strict->skipping = !simple;
}

void
strict_fail_analysis(struct gate_session *s, bool simple)
{
	struct gate_strict *t = s->strict;
	struct strict_analysis *a = &t->analysis;
	struct base_span bytes = a->error;

	a->error = base_span(NULL, 0);
	a->state = ANALYSIS_NONE;
	if (!a->server_failed) {
		strict_fail(s, simple, bytes);
		return;
	}
	strict_say(s, bytes);
	t->skipping = !simple;
}
