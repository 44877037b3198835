/* gate_strict_request: the client's messages of an enforced session. Input: hostile client. Nothing of it is relayed but parameter values and result
 * formats in Bind; statement text goes to the server only through strict_need.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_time.h"
#include "gate_limit.h"
#include "gate_record.h"
#include "gate_strict_int.h"
#include "gate_worker.h"
#include "wire_read.h"
#include "wire_write.h"

/* ---- Bind and Execute ---- */

/* Marks of what the statement's equalities ask for. params: behind the names of a Bind; NULL = none. */
/* Parameter n of a Bind, from 1. False: it cannot be told, or is NULL. */
static bool
bound_value(struct base_span params, uint32_t number, struct base_span *value_r, int *format_r)
{
	struct base_cursor in = base_cursor(params);
	uint16_t nformats = base_cursor_u16(&in);
	struct base_span formats = base_cursor_take(&in, (size_t)nformats * 2);
	uint16_t n = base_cursor_u16(&in);
	bool null = false;

	if (!base_cursor_ok(&in) || number > n)
		return false;
	for (uint32_t k = 0; k < number; k++)
		if (wire_read_value_next(&in, value_r, &null) != 1)
			return false;
	*format_r = wire_read_format(formats, nformats, number - 1);
	return !null && *format_r >= 0;
}

/* A value without a mark of its own: told apart within this process by column and bytes. */
static uint64_t
stand_in(const struct gate_session *s, const struct policy_equality *q, struct base_span value)
{
	struct base_buf b;
	uint64_t mark;

	base_buf_init(&b, value.n + 16);
	base_buf_u32(&b, q->relation->oid);
	base_buf_u16(&b, (uint16_t)q->attnum);
	base_buf_put(&b, value);
	mark = base_crypt_sip24(s->worker->shared->mock_secret, base_buf_span(&b));
	base_buf_done(&b);
	return mark ? mark : 1;
}

static void
ask(struct gate_session *s, struct strict_portal *p, struct base_span params)
{
	const struct policy_decision *d = p->judged->decision;
	const struct mask_marker *marker = d->nequalities ? gate_world_marker(p->judged->world, base_time_wall_us()) : NULL;

	for (size_t i = 0; marker && i < d->nequalities && p->nasked < GATE_SUBJECT_COLUMNS; i++) {
		const struct policy_equality *q = &d->equalities[i];
		const struct policy_column *c = policy_map_column(p->judged->world->map, q->relation->oid, q->attnum);
		struct base_span value = q->value;
		uint32_t type = c ? c->type_oid : 0;
		int format = 0;
		bool known = q->param == 0 || bound_value(params, q->param, &value, &format);
		if (q->param > 0 && q->param <= p->judged->nparams)
			type = p->judged->params[q->param - 1];
		p->looks_up = p->looks_up || q->lookup;
		bool has_kind = c && c->role != POLICY_DATA;
		uint64_t mark = known && has_kind ? gate_row_mark(c, type, format, value, marker) : 0;
		if (q->lookup)
			p->probe_mark = mark ? mark : stand_in(s, q, known ? value : base_span("", 0));
		if (!has_kind)
			continue;
		if (mark) {
			p->asked[p->nasked] = mark;
			p->asked_kind[p->nasked++] = c->kind;
		}
	}
}

struct strict_portal *
strict_bind(struct gate_session *s, struct gate_judged *j, const char *name, struct base_span params, struct base_span formats, uint16_t nformats, bool tell, bool simple)
{
	struct strict_portal *p = base_mem_new(1, sizeof(*p));
	struct base_buf b;
	bool widen = j->nhidden > 0 && nformats > 1, soft;

	p->refs = 1;
	p->judged = j;
	j->refs++;
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	p->formats = base_span(base_mem_str(formats), formats.n);
	p->nformats = nformats;
	p->self = s->strict->self;
	p->self->refs++;
	ask(s, p, params);
	struct base_span error = strict_admit(s, p, &soft);
	if (error.p) {
		if (soft)
			strict_soft(s, simple, error);
		else
			strict_fail(s, simple, error);
		strict_portal_unref(s, &p);
		return NULL;
	}
	strict_self_tell_server(s);
	base_buf_init(&b, params.n + formats.n + 256);
	base_buf_cstr(&b, p->name);
	base_buf_cstr(&b, j->name);
	if (params.n > 0) {
		base_buf_put(&b, params);
	} else {
		base_buf_u16(&b, 0);
		base_buf_u16(&b, 0);
	}
	base_buf_u16(&b, (uint16_t)(nformats + (widen ? j->nhidden : 0)));
	base_buf_put(&b, formats);
	for (uint16_t i = 0; widen && i < j->nhidden; i++)
		base_buf_u16(&b, 0);
	strict_send(s, WIRE_F_BIND, base_buf_span(&b));
	base_buf_done(&b);
	struct strict_owed *o = strict_owe(s, OWED_BIND);
	o->say = tell;
	o->portal = p;
	p->refs++;
	const struct strict_portal *unnamed = tell || *name ? NULL : strict_portal_find(s->strict, base_span("", 0));
	if (unnamed && unnamed->judged)
		strict_name_portal(s, o, base_span("", 0), NULL); /* on the server it is this one now */
	s->strict->half = true;
	return p;
}

struct strict_owed *
strict_execute(struct gate_session *s, struct strict_portal *p, uint64_t max)
{
	const struct policy_scope *scope = p->judged ? p->judged->scope : NULL;
	uint64_t most = max;

	strict_self_tell_server(s); /* others may have asked since it was bound: conditions on rows look at the settings as each row is read */
	struct strict_owed *o = strict_owe(s, OWED_EXECUTE);

	o->portal = p;
	p->refs++;
	/* What the catalogue says is not limited; nor is what a write returns: it is done already. */
	if (scope && scope->limit_rows > 0 && p->judged->returns_rows && p->judged->decision->noccurrences > 0 && p->judged->decision->statement == POLICY_SELECT) {
		uint64_t left = scope->limit_rows > p->rows ? scope->limit_rows - p->rows : 0;
		o->limit = scope->limit_rows;
		if (most == 0 || most > left)
			most = left + 1; /* one more shows that there is more */
	}
	strict_send_execute(s, p->name, most > INT32_MAX ? 0 : (uint32_t)most);
	s->strict->half = true;
	return o;
}

/* ---- the batch ---- */

/* Before a message that names statements: a newer policy; before the first of a batch also statements to be closed. */
static void
begin_batch(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	strict_new_world(s); /* also in the middle: a client need never send Sync */
	if (t->owed_count > 0 || t->half)
		return;
	s->busy_us = base_loop_now_us(s->worker->loop);
	struct base_cursor c = base_cursor(base_buf_span(&t->closing));
	while (c.left > 0) {
		strict_send_target(s, WIRE_F_CLOSE, 'S', (const char *)base_cursor_cstr(&c).p);
		(void)strict_owe(s, OWED_CLOSE);
	}
	base_buf_clear(&t->closing);
}

static struct gate_judged *
remembered(struct gate_session *s, struct base_span text, const uint32_t *types, size_t ntypes)
{
	struct gate_judged *j = NULL;

	return s->strict->analysis.state == ANALYSIS_RUNS ? NULL : strict_cached(s, text, types, ntypes, &j) ? j : NULL;
}

/* What the text asks for; kept while its message waits. NULL: a query and nothing else, or the grammar does not know it (the server will say so). */
static const struct sql_command *
command_of(struct gate_session *s, struct base_span text)
{
	struct gate_strict *t = s->strict;
	uint8_t key[BASE_SHA256_SIZE];
	struct base_fail fail;

	if (sql_command_is_plain(text))
		return NULL;
	base_crypt_sha256(text, key);
	if (t->command && memcmp(key, t->command_key, sizeof(key)) == 0)
		return t->command;
	sql_command_free(&t->command);
	free(t->command_text);
	t->command_text = base_mem_str(text); /* the client's bytes move while the message waits */
	if (sql_command_read(base_span(t->command_text, text.n), &t->command, &fail) < 0)
		t->command = NULL;
	memcpy(t->command_key, key, sizeof(key));
	return t->command;
}

static bool
judged_by_tree(const struct sql_command *c)
{
	return c == NULL || c->kind == SQL_C_QUERY;
}

/* Reasons to refuse a text before anything is asked. NULL: none. */
static const char *
unfit(const struct sql_command *c, struct base_span text)
{
	if (strict_self_leaks(c, text))
		return "gatehouse.token and gatehouse.otp are given by a plain SET and nothing else: what holds them must not reach the server";
	if (c && c->kind == SQL_C_SEVERAL)
		return "several statements in one message are not accepted";
	if (c && c->odd_identifier)
		return "identifiers with control characters or written U&\"...\" are not accepted";
	return NULL;
}

static enum strict_wait
query_end(struct gate_session *s)
{
	struct gate_strict *t = s->strict;

	t->simple = t->simple_failed = false;
	strict_portal_unref(s, &t->confirm);
	strict_send_sync(s); /* also where nothing was sent: the server's word on the transaction is the client's */
	return STRICT_DONE;
}

static enum strict_wait
run_simple(struct gate_session *s, struct gate_judged *j)
{
	struct gate_strict *t = s->strict;

	if (t->confirm) {
		if (!t->confirm->confirmed)
			return STRICT_WAIT;
	} else if (j->nparams > 0) {
		strict_fail(s, true, strict_error("42P02", "use the extended protocol for parameters", "there is no parameter $1"));
		return query_end(s);
	} else {
		t->confirm = strict_bind(s, j, "", base_span("", 0), base_span("", 0), 0, false, true);
		if (!t->confirm)
			return query_end(s);
		if (j->decision->statement != POLICY_SELECT) {
			strict_flush(s);
			return STRICT_WAIT;
		}
	}
	strict_execute(s, t->confirm, 0)->describe = t->confirm->judged->returns_rows;
	return query_end(s);
}

static enum strict_wait
query(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct wire_query q;
	struct base_fail fail;
	struct gate_judged *j;

	if (wire_read_query(payload, &q, &fail) < 0) {
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
		return STRICT_DONE;
	}
	if (t->owed_count > 0) {
		strict_flush(s);
		return STRICT_WAIT;
	}
	if (t->simple_failed)
		return query_end(s);
	if (t->confirm)
		return run_simple(s, t->confirm->judged);
	begin_batch(s);
	t->simple = true;
	strict_name_prepared(s, NULL, base_span("", 0), NULL); /* PostgreSQL's simple protocol uses the unnamed objects */
	strict_name_portal(s, NULL, base_span("", 0), NULL);
	if ((j = remembered(s, q.text, NULL, 0)) != NULL)
		return run_simple(s, j);
	const struct sql_command *c = command_of(s, q.text);
	const char *why = unfit(c, q.text);
	if (c && c->kind == SQL_C_SEVERAL && t->status != 'E' && strict_reset(s, q.text))
		return query_end(s);
	if (why) {
		strict_refused(s, q.text, why, NULL);
		strict_fail(s, true, strict_error(c && c->kind == SQL_C_SEVERAL ? "0A000" : "42602", "send one statement at a time, with plain names", "%s", why));
		return query_end(s);
	}
	if (!judged_by_tree(c))
		return strict_command(s, c, q.text, true) == STRICT_WAIT ? STRICT_WAIT : query_end(s);
	switch (strict_need(s, q.text, NULL, 0, &j)) {
	case NEED_WAIT:
		return STRICT_WAIT;
	case NEED_READY:
		return run_simple(s, j);
	case NEED_FAILED:
	default:
		strict_fail_analysis(s, true);
		return query_end(s);
	}
}

/* ---- the extended protocol ---- */

static struct base_span
message(uint8_t type)
{
	uint8_t b[5] = {type, 0, 0, 0, 4};

	return base_span(base_mem_str(base_span(b, sizeof(b))), sizeof(b));
}

static enum strict_wait
fail_here(struct gate_session *s, struct base_span bytes)
{
	strict_fail(s, false, bytes);
	return STRICT_DONE;
}

/* j NULL: a command, whose spans are of the statement's own copy of the text. */
static enum strict_wait
install_prepared(struct gate_session *s, const struct wire_parse *m, const uint32_t *types, struct gate_judged *j)
{
	struct strict_prepared *p = base_mem_new(1, sizeof(*p));
	struct base_fail fail;

	p->refs = 1;
	p->text = base_span(base_mem_str(m->text), m->text.n);
	if (!j && sql_command_read(p->text, &p->command, &fail) < 0) {
		strict_prepared_unref(s, &p);
		return fail_here(s, strict_error("42601", NULL, "the statement could not be read"));
	}
	p->types = base_mem_new((size_t)m->ntypes + 1, sizeof(*p->types));
	memcpy(p->types, types, m->ntypes * sizeof(*types));
	p->ntypes = m->ntypes;
	p->judged = j;
	if (j)
		j->refs++;
	struct strict_owed *o = strict_owe(s, OWED_SAY);
	o->bytes = message(WIRE_B_PARSE_COMPLETE);
	strict_name_prepared(s, o, m->name, p);
	return STRICT_DONE;
}

/* A Parse of the unnamed statement that fails has ended the one before. */
static enum strict_wait
parse_failed(struct gate_session *s, struct base_span name)
{
	if (name.n == 0)
		strict_name_prepared(s, strict_tail(s->strict), name, NULL);
	return STRICT_DONE;
}

static enum strict_wait
parse(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct wire_parse m;
	struct base_fail fail;
	uint32_t types[GATE_TYPES_KEEP];
	struct gate_judged *j = NULL;
	const struct sql_command *c = NULL;

	if (wire_read_parse(payload, &m, &fail) < 0) {
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
		return STRICT_DONE;
	}
	if (m.ntypes > GATE_TYPES_KEEP || base_map_count(t->prepared) >= GATE_NAMES_MAX)
		return fail_here(s, strict_error("54000", NULL, "too many parameters or prepared statements"));
	struct base_cursor tc = base_cursor(m.types);
	for (uint16_t i = 0; i < m.ntypes; i++)
		types[i] = base_cursor_u32(&tc);
	if (m.name.n > 0 && strict_prepared_find(t, m.name))
		return fail_here(s, strict_error("42P05", NULL, "a prepared statement of this name exists already"));
	begin_batch(s);
	if ((j = remembered(s, m.text, types, m.ntypes)) == NULL) {
		c = command_of(s, m.text);
		const char *why = unfit(c, m.text);
		if (why) {
			strict_refused(s, m.text, why, NULL);
			strict_fail(s, false, strict_error(c && c->kind == SQL_C_SEVERAL ? "42601" : "42602", "send one statement at a time, with plain names", "%s", why));
			return parse_failed(s, m.name);
		}
	}
	if (!j && judged_by_tree(c)) {
		switch (strict_need(s, m.text, types, m.ntypes, &j)) {
		case NEED_WAIT:
			return STRICT_WAIT;
		case NEED_FAILED:
			strict_fail_analysis(s, false);
			return parse_failed(s, m.name);
		case NEED_READY:
		default:
			break;
		}
	}
	return install_prepared(s, &m, types, j);
}

static enum strict_wait
bind_portal(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct wire_bind m;
	struct base_fail fail;
	char name[16] = "";

	if (wire_read_bind(payload, &m, &fail) < 0) {
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
		return STRICT_DONE;
	}
	struct strict_prepared *prepared = strict_prepared_find(t, m.name);
	if (!prepared)
		return fail_here(s, strict_error("26000", NULL, m.name.n ? "the prepared statement does not exist" : "unnamed prepared statement does not exist"));
	if (m.portal.n > 0 && strict_portal_find(t, m.portal))
		return fail_here(s, strict_error("42P03", NULL, "a portal or cursor of this name exists already"));
	if (base_map_count(t->portals) >= GATE_NAMES_MAX)
		return fail_here(s, strict_error("54000", NULL, "too many portals"));
	begin_batch(s);
	struct strict_portal *p;
	struct strict_owed *o;
	if (prepared->command) {
		if (m.nparams > 0)
			return fail_here(s, strict_error("08P01", NULL, "bind message supplies %u parameters, but the statement requires 0", m.nparams));
		p = base_mem_new(1, sizeof(*p));
		p->refs = 1;
		p->confirmed = true;
		o = strict_owe(s, OWED_SAY);
		o->bytes = message(WIRE_B_BIND_COMPLETE);
	} else {
		if (strict_stale(s, prepared->judged)) {
			struct gate_judged *j;
			switch (strict_need(s, prepared->text, prepared->types, prepared->ntypes, &j)) {
			case NEED_WAIT:
				return STRICT_WAIT;
			case NEED_FAILED:
				strict_fail_analysis(s, false);
				return STRICT_DONE;
			case NEED_READY:
			default:
				gate_judged_unref(s, &prepared->judged);
				prepared->judged = j;
				j->refs++;
			}
		}
		if (m.portal.n > 0)
			(void)snprintf(name, sizeof(name), "p%u", t->next_name++);
		/* From the formats of the parameters to the result formats: the client's own bytes. */
		struct base_span params = base_span(m.name.p + m.name.n + 1, (size_t)(m.params.p + m.params.n - (m.name.p + m.name.n + 1)));
		p = strict_bind(s, prepared->judged, name, params, m.results, m.nresults, true, false);
		if (!p)
			return STRICT_DONE;
		o = strict_tail(t);
	}
	p->prepared = prepared;
	prepared->refs++;
	strict_name_portal(s, o, m.portal, p);
	return STRICT_DONE;
}

static void
describe_statement(const struct strict_prepared *p, struct base_buf *out)
{
	size_t n = p->judged ? p->judged->nparams : 0;

	base_buf_u8(out, WIRE_B_PARAMETER_DESCRIPTION);
	base_buf_u32(out, (uint32_t)(6 + 4 * n));
	base_buf_u16(out, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		base_buf_u32(out, p->judged->params[i]);
}

static enum strict_wait
describe(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct wire_target m;
	struct base_fail fail;
	struct base_buf out;

	if (wire_read_target(payload, &m, &fail) < 0) {
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
		return STRICT_DONE;
	}
	struct strict_portal *portal = m.what == 'P' ? strict_portal_find(t, m.name) : NULL;
	struct strict_prepared *p = m.what == 'S' ? strict_prepared_find(t, m.name) : portal ? portal->prepared : NULL;
	if (m.what == 'S' ? !p : !portal)
		return fail_here(s, m.what == 'S' ? strict_error("26000", NULL, "the prepared statement does not exist") : strict_error("34000", NULL, "the portal does not exist"));
	const struct gate_judged *j = portal && portal->judged ? portal->judged : p ? p->judged : NULL;
	base_buf_init(&out, 1u << 20);
	if (m.what == 'S')
		describe_statement(p, &out);
	if (j && j->returns_rows)
		strict_write_row_description(&out, j, portal ? portal->formats : base_span("", 0), portal ? portal->nformats : 0);
	else if (j || !p || !p->command || !strict_command_row(s, p->command, &out))
		wire_write_message(&out, WIRE_B_NO_DATA, base_span("", 0));
	strict_say(s, base_span(base_mem_str(base_buf_span(&out)), base_buf_len(&out)));
	base_buf_done(&out);
	return STRICT_DONE;
}

static enum strict_wait
execute(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct wire_execute m;
	struct base_fail fail;

	if (wire_read_execute(payload, &m, &fail) < 0) {
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
		return STRICT_DONE;
	}
	struct strict_portal *p = strict_portal_find(t, m.portal);
	if (!p)
		return fail_here(s, strict_error("34000", NULL, "the portal does not exist"));
	strict_new_world(s);
	if (strict_outdated(s, p))
		return fail_here(s, strict_error("0A000", "bind the statement again", p->cut ? "the portal's answer was cut" : "the policy, or the person who asks, was changed since the portal was made"));
	if (!p->judged) { /* a command of the gate's own */
		if (p->ended)
			return fail_here(s, strict_error("55000", NULL, "the portal cannot be run again"));
		enum strict_wait w = strict_command(s, p->prepared->command, p->prepared->text, false);
		if (w == STRICT_DONE && (p = strict_portal_find(t, m.portal)) != NULL)
			p->ended = true;
		return w;
	}
	const struct policy_where *no = &p->judged->scope->no_cursor;
	if (m.max_rows > 0 && no->line > 0 && p->judged->decision->touches_subjects) {
		strict_refused(s, p->judged->text, "reading in pieces is not allowed", no);
		return fail_here(s, strict_error("42501", "ask for all rows at once", "an answer may not be read in pieces (rule %s:%u)", strict_rule_file(no), no->line));
	}
	bool soft;
	struct base_span error = strict_still(s, p, &soft);
	if (error.p) {
		(soft ? strict_soft : strict_fail)(s, false, error);
		return STRICT_DONE;
	}
	if (p->judged->decision->statement != POLICY_SELECT && strict_await(s)) /* it is known then to mean what was decided upon */
		return STRICT_WAIT;
	(void)strict_execute(s, p, m.max_rows > INT32_MAX ? 0 : m.max_rows);
	return STRICT_DONE;
}

static enum strict_wait
close_name(struct gate_session *s, struct base_span payload)
{
	struct gate_strict *t = s->strict;
	struct wire_target m;
	struct base_fail fail;

	if (wire_read_target(payload, &m, &fail) < 0) {
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
		return STRICT_DONE;
	}
	struct strict_portal *p = m.what == 'P' ? strict_portal_find(t, m.name) : NULL;
	if (p && p->judged) {
		strict_send_target(s, WIRE_F_CLOSE, 'P', p->name);
		(void)strict_owe(s, OWED_CLOSE);
		t->half = true;
	}
	struct strict_owed *o = strict_owe(s, OWED_SAY);
	o->bytes = message(WIRE_B_CLOSE_COMPLETE);
	if (m.what == 'P')
		strict_name_portal(s, o, m.name, NULL);
	else
		strict_name_prepared(s, o, m.name, NULL);
	return STRICT_DONE;
}

static enum strict_wait
one(struct gate_session *s, uint8_t type, struct base_span payload)
{
	struct gate_strict *t = s->strict;

	if (t->skipping && type != WIRE_F_SYNC && type != WIRE_F_TERMINATE && type != WIRE_F_QUERY)
		return STRICT_DONE;
	if (t->ending > 0 && (type == WIRE_F_PARSE || type == WIRE_F_BIND || type == WIRE_F_EXECUTE)) { /* SET LOCAL ends with it: another person may be asking then */
		strict_flush(s);
		return STRICT_WAIT;
	}
	switch (type) {
	case WIRE_F_QUERY:
		if (t->skipping) /* PostgreSQL skips it too */
			return STRICT_DONE;
		return query(s, payload);
	case WIRE_F_PARSE: return parse(s, payload);
	case WIRE_F_BIND: return bind_portal(s, payload);
	case WIRE_F_DESCRIBE: return describe(s, payload);
	case WIRE_F_EXECUTE: return execute(s, payload);
	case WIRE_F_CLOSE: return close_name(s, payload);
	case WIRE_F_FLUSH:
		strict_flush(s);
		return STRICT_DONE;
	case WIRE_F_SYNC:
		t->skipping = false;
		begin_batch(s);
		strict_send_sync(s);
		return STRICT_DONE;
	case WIRE_F_TERMINATE:
		s->terminate_seen = true;
		strict_send(s, WIRE_F_TERMINATE, base_span("", 0));
		gate_session_end(s, GATE_END_CLIENT_QUIT, NULL, NULL, "the client ended the session");
		return STRICT_DONE;
	case WIRE_F_FUNCTION_CALL:
		if (t->owed_count > 0) {
			strict_flush(s);
			return STRICT_WAIT;
		}
		gate_record_refuse(s, NULL, "FunctionCall", NULL, NULL, 0, 0);
		strict_fail(s, true, strict_error("0A000", "call the function in a SELECT", "the function call message is not accepted"));
		return query_end(s);
	case WIRE_F_COPY_DATA:
	case WIRE_F_COPY_DONE:
	case WIRE_F_COPY_FAIL:
		return STRICT_DONE; /* outside of COPY the server ignores them too; there is no COPY FROM here */
	default:
		gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s is not expected here", wire_frame_name(WIRE_F, type));
		return STRICT_DONE;
	}
}

void
gate_strict_on_client(struct gate_session *s)
{
	struct gate_strict *t = s->strict;
	struct wire_header h;
	struct base_fail fail;

	t->small = t->small || base_buf_len(&s->down) == 0;
	while (s->state == GATE_RELAY && !t->sync_sent && t->analysis.state != ANALYSIS_RUNS && t->owed_count < GATE_OWED_MAX) {
		struct base_span have = base_buf_span(&t->in);
		int rc = wire_frame_header(WIRE_F, have, &h, &fail);
		if (rc < 0) {
			gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "08P01", NULL, "%s", fail.text);
			return;
		}
		if (rc == 1 && h.len > GATE_STRICT_MESSAGE) {
			gate_session_end(s, GATE_END_CLIENT_PROTOCOL, "54000", NULL, "a %s message of %u bytes is longer than an enforced session may send", wire_frame_name(WIRE_F, h.type), h.len);
			return;
		}
		if (rc == 0 || have.n - WIRE_HEADER < h.len) {
			if (have.n >= GATE_UP_MAX)
				strict_flush(s); /* a long message is read on only when nothing is owed: what is on its way must come back */
			break;
		}
		if (one(s, h.type, base_span(have.p + WIRE_HEADER, h.len)) == STRICT_WAIT)
			break;
		if (s->state == GATE_RELAY)
			base_buf_consume(&t->in, WIRE_HEADER + h.len);
	}
	if (s->state != GATE_RELAY)
		return;
	if (t->owed_count >= GATE_OWED_MAX)
		strict_flush(s);
	strict_settle_says(s);
	gate_session_say(s);
}
