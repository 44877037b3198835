/* gate_strict_command: commands that an enforced session's client writes as SQL and that the gate carries out on objects of its own: PREPARE, EXECUTE, DECLARE,
 * FETCH, COPY (query) TO STDOUT, EXPLAIN, SET, SHOW, transactions. What reaches the server is the gate's own text, or an inner text that was analysed and decided
 * upon like any other. Input: hostile text, cut by sql_command. One table of settings: gate_strict_setting.def.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base_mem.h"
#include "base_text.h"
#include "gate_limit.h"
#include "gate_strict_int.h"
#include "gate_worker.h"
#include "wire_read.h"
#include "wire_write.h"

struct run { /* one call of strict_command */
	struct gate_session *s;
	const struct sql_command *c;
	struct base_span text;
	bool simple;
};

static enum strict_wait
refuse(const struct run *r, const char *sqlstate, const char *hint, const char *why, const struct policy_where *rule)
{
	strict_refused(r->s, r->text, why, rule);
	if (rule && rule->line > 0)
		strict_fail(r->s, r->simple, strict_error(sqlstate, hint, "%s (rule %s:%u)", why, strict_rule_file(rule), rule->line));
	else
		strict_fail(r->s, r->simple, strict_error(sqlstate, hint, "%s", why));
	return STRICT_DONE;
}

static enum strict_wait
wrong(const struct run *r, const char *sqlstate, const char *what)
{
	strict_fail(r->s, r->simple, strict_error(sqlstate, NULL, "%s", what));
	return STRICT_DONE;
}

static struct strict_owed *
say_tag(const struct run *r, const char *tag)
{
	struct strict_owed *o = strict_owe(r->s, OWED_SAY);
	struct base_buf b;

	base_buf_init(&b, 128);
	wire_write_message(&b, WIRE_B_COMMAND_COMPLETE, base_span(tag, strlen(tag) + 1));
	o->bytes = base_span(base_mem_str(base_buf_span(&b)), base_buf_len(&b));
	base_buf_done(&b);
	return o;
}

/* A text of the gate's own: Parse, Bind, Execute. Returns the answer that is owed. */
static struct strict_owed *
utility(const struct run *r, struct base_span text)
{
	struct gate_session *s = r->s;
	struct strict_portal *p = base_mem_new(1, sizeof(*p));
	struct base_buf b;

	p->refs = 1;
	/* A name of its own: the portal of a command that failed stays until its transaction is rolled back, by a command in a portal. */
	(void)snprintf(p->name, sizeof(p->name), "u%u", s->strict->next_name++);
	strict_send_parse(s, "", text, NULL, 0);
	(void)strict_owe(s, OWED_PARSE);
	base_buf_init(&b, 64);
	base_buf_cstr(&b, p->name);
	base_buf_cstr(&b, "");
	base_buf_u16(&b, 0);
	base_buf_u16(&b, 0);
	base_buf_u16(&b, 0);
	strict_send(s, WIRE_F_BIND, base_buf_span(&b));
	base_buf_done(&b);
	struct strict_owed *o = strict_owe(s, OWED_BIND);
	o->portal = p;
	strict_send_execute(s, p->name, 0);
	o = strict_owe(s, OWED_EXECUTE);
	o->utility = true;
	size_t at = s->strict->owed_count - 1;
	strict_send_target(s, WIRE_F_CLOSE, 'P', p->name);
	(void)strict_owe(s, OWED_CLOSE);
	s->strict->half = true;
	return &s->strict->owed[(s->strict->owed_first + at) & (s->strict->owed_cap - 1)]; /* the ring may have grown */
}

void
strict_quietly(struct gate_session *s, struct base_span text)
{
	struct run r = {.s = s};

	utility(&r, text)->quiet = true;
}

enum way { NOT_LISTED, FORWARD, NOTED, FIXED, SHOWN };
struct setting { const char *name; enum way way; };

/* The setting of this name, which it gives as PostgreSQL writes it. */
static const struct setting *
setting_of(struct base_span name)
{
	static const struct setting settings[] = {
#define SETTING(name, way) {name, way},
#include "gate_strict_setting.def"
#undef SETTING
	};
	static const struct setting none = {"", NOT_LISTED};

	for (size_t i = 0; i < BASE_COUNT(settings); i++)
		if (name.n == strlen(settings[i].name) && strncasecmp(settings[i].name, (const char *)name.p, name.n) == 0)
			return &settings[i];
	return &none;
}

static enum way
way_of(struct base_span name)
{
	return setting_of(name)->way;
}

/* Analyses the inner text. True: *j_r is there; else *w_r says what the command does. */
static bool
need(const struct run *r, struct base_span text, const uint32_t *types, size_t ntypes, struct gate_judged **j_r, enum strict_wait *w_r)
{
	switch (strict_need(r->s, text, types, ntypes, j_r)) {
	case NEED_READY:
		return true;
	case NEED_WAIT:
		*w_r = STRICT_WAIT;
		return false;
	case NEED_FAILED:
	default:
		strict_fail_analysis(r->s, r->simple);
		*w_r = STRICT_DONE;
		return false;
	}
}

/* ---- prepared statements ---- */

static enum strict_wait
prepare(const struct run *r)
{
	struct gate_strict *t = r->s->strict;
	struct gate_judged *j;
	enum strict_wait w;

	if (strict_prepared_find(t, r->c->name))
		return wrong(r, "42P05", "a prepared statement of this name exists already");
	if (base_map_count(t->prepared) >= GATE_NAMES_MAX)
		return wrong(r, "54000", "too many prepared statements");
	if (!need(r, r->c->inner, r->c->types, r->c->ntypes, &j, &w))
		return w;
	struct strict_prepared *p = base_mem_new(1, sizeof(*p));
	p->refs = 1;
	p->text = base_span(base_mem_str(r->c->inner), r->c->inner.n);
	p->types = base_mem_new(r->c->ntypes + 1, sizeof(*p->types));
	for (size_t i = 0; i < r->c->ntypes; i++)
		p->types[i] = r->c->types[i];
	p->ntypes = r->c->ntypes;
	p->judged = j;
	j->refs++;
	strict_name_prepared(r->s, say_tag(r, "PREPARE"), r->c->name, p);
	return STRICT_DONE;
}

static bool
arguments(const struct run *r, struct base_buf *params)
{
	base_buf_u16(params, 0);
	base_buf_u16(params, (uint16_t)r->c->nargs);
	for (size_t i = 0; i < r->c->nargs; i++) {
		const struct sql_argument *a = &r->c->args[i];
		if (a->kind == SQL_ARG_COMPLEX)
			return false;
		base_buf_u32(params, a->kind == SQL_ARG_NULL ? UINT32_MAX : (uint32_t)a->text.n);
		if (a->kind != SQL_ARG_NULL)
			base_buf_put(params, a->text);
	}
	return true;
}

static enum strict_wait
execute(const struct run *r)
{
	struct gate_session *s = r->s;
	struct gate_strict *t = s->strict;
	struct strict_prepared *p = strict_prepared_find(t, r->c->name);
	struct base_buf params;
	enum strict_wait w;

	if (!p || !p->judged)
		return wrong(r, "26000", p ? "EXECUTE of a command is not accepted" : "the prepared statement does not exist");
	if (!t->confirm) {
		if (strict_stale(s, p->judged)) {
			struct gate_judged *j;
			if (!need(r, p->text, p->types, p->ntypes, &j, &w))
				return w;
			gate_judged_unref(s, &p->judged);
			p->judged = j;
			j->refs++;
		}
		if (p->judged->nparams != r->c->nargs)
			return wrong(r, "42601", "wrong number of parameters for the prepared statement");
		base_buf_init(&params, SQL_TEXT_MAX * 2);
		if (!arguments(r, &params)) {
			base_buf_done(&params);
			return refuse(r, "0A000", "write plain constants as arguments", "arguments of EXECUTE must be constants", NULL);
		}
		t->confirm = strict_bind(s, p->judged, "", base_buf_span(&params), base_span("", 0), 0, false, r->simple);
		base_buf_done(&params);
		if (!t->confirm)
			return STRICT_DONE;
		if (p->judged->decision->statement != POLICY_SELECT) {
			strict_send(s, WIRE_F_FLUSH, base_span("", 0));
			return STRICT_WAIT;
		}
	} else if (!t->confirm->confirmed) {
		return STRICT_WAIT;
	}
	strict_execute(s, t->confirm, 0)->describe = r->simple && t->confirm->judged->returns_rows;
	strict_portal_unref(s, &t->confirm);
	return STRICT_DONE;
}

static enum strict_wait
deallocate(const struct run *r)
{
	struct gate_strict *t = r->s->strict;

	if (r->c->name.n == 0) {
		strict_forget_prepared(r->s);
		(void)say_tag(r, "DEALLOCATE ALL");
		return STRICT_DONE;
	}
	if (!strict_prepared_find(t, r->c->name))
		return wrong(r, "26000", "the prepared statement does not exist");
	strict_name_prepared(r->s, say_tag(r, "DEALLOCATE"), r->c->name, NULL);
	return STRICT_DONE;
}

/* ---- cursors ---- */

static enum strict_wait
declare(const struct run *r)
{
	static const uint8_t binary[2] = {0, 1};
	struct gate_session *s = r->s;
	struct gate_strict *t = s->strict;
	struct gate_judged *j;
	enum strict_wait w;
	char name[16];

	if (t->self->who->scope->no_cursor.line > 0)
		return refuse(r, "42501", "ask for all rows at once", "cursors are not allowed", &t->self->who->scope->no_cursor);
	if (r->c->hold)
		return refuse(r, "0A000", "declare it without WITH HOLD, within a transaction", "cursors WITH HOLD are not accepted", NULL);
	if (t->status == 'I' && !t->began)
		return wrong(r, "25P01", "DECLARE CURSOR can only be used in transaction blocks");
	if (strict_portal_find(t, r->c->name))
		return wrong(r, "42P03", "a cursor of this name exists already");
	if (!need(r, r->c->inner, NULL, 0, &j, &w))
		return w;
	if (j->nparams > 0 || j->decision->statement != POLICY_SELECT)
		return refuse(r, "0A000", "declare it for a SELECT without parameters", "this statement cannot be read by a cursor", NULL);
	(void)snprintf(name, sizeof(name), "p%u", t->next_name++);
	struct strict_portal *p = strict_bind(s, j, name, base_span("", 0), r->c->binary ? base_span(binary, 2) : base_span("", 0), r->c->binary, false, r->simple);
	if (!p)
		return STRICT_DONE;
	strict_name_portal(s, say_tag(r, "DECLARE CURSOR"), r->c->name, p);
	return STRICT_DONE;
}

static enum strict_wait
fetch(const struct run *r)
{
	struct gate_session *s = r->s;
	struct strict_portal *p = strict_portal_find(s->strict, r->c->name);
	bool move = r->c->kind == SQL_C_MOVE, soft;

	if (!p || !p->judged)
		return wrong(r, "34000", "the cursor does not exist");
	if (strict_outdated(s, p))
		return wrong(r, "0A000", p->cut ? "the cursor's answer was cut" : "the policy, or the person who asks, was changed since the cursor was declared");
	if (r->c->backward || (!r->c->all && r->c->count < 1))
		return refuse(r, "0A000", "fetch forward", "cursors are read forward only", NULL);
	if (move && p->judged->decision->touches_protected)
		return refuse(r, "42501", "FETCH the rows", "MOVE is not allowed over a statement that names protected columns", NULL);
	if (p->judged->decision->statement != POLICY_SELECT)
		return wrong(r, "34000", "the portal is not a cursor");
	struct base_span error = strict_still(s, p, &soft);
	if (error.p && soft)
		strict_soft(s, r->simple, error);
	else if (error.p)
		strict_fail(s, r->simple, error);
	if (error.p)
		return STRICT_DONE;
	struct strict_owed *o = strict_execute(s, p, r->c->all || r->c->count > INT32_MAX ? 0 : (uint64_t)r->c->count);
	o->tag = move ? "MOVE" : "FETCH";
	o->form = move ? STRICT_MOVE : STRICT_ROWS;
	o->describe = r->simple && !move;
	return STRICT_DONE;
}

static enum strict_wait
close_cursor(const struct run *r)
{
	struct gate_session *s = r->s;
	struct strict_portal *p = r->c->name.n ? strict_portal_find(s->strict, r->c->name) : NULL;

	if (r->c->name.n == 0) {
		strict_forget_portals(s); /* on the server they end with the transaction */
		(void)say_tag(r, "CLOSE CURSOR ALL");
		return STRICT_DONE;
	}
	if (!p)
		return wrong(r, "34000", "the cursor does not exist");
	if (p->judged) {
		strict_send_target(s, WIRE_F_CLOSE, 'P', p->name);
		(void)strict_owe(s, OWED_CLOSE);
		s->strict->half = true;
	}
	strict_name_portal(s, say_tag(r, "CLOSE CURSOR"), r->c->name, NULL);
	return STRICT_DONE;
}

/* ---- COPY, EXPLAIN ---- */

static enum strict_wait
copy(const struct run *r)
{
	static const uint8_t binary[2] = {0, 1};
	struct gate_session *s = r->s;
	struct gate_judged *j;
	enum strict_wait w;
	bool bin = r->c->copy.format == SQL_C_COPY_BINARY;

	if (s->strict->self->who->scope->no_copy.line > 0)
		return refuse(r, "42501", "select the rows", "COPY is not allowed", &s->strict->self->who->scope->no_copy);
	if (r->c->copy.unsupported)
		return refuse(r, "0A000", "use FORMAT, DELIMITER, NULL, HEADER, QUOTE, ESCAPE only", "this option of COPY is not accepted", NULL);
	if (!need(r, r->c->inner, NULL, 0, &j, &w))
		return w;
	if (j->nparams > 0 || j->decision->statement != POLICY_SELECT)
		return refuse(r, "0A000", "copy a SELECT", "only the rows of a SELECT can be copied", NULL);
	struct strict_portal *p = strict_bind(s, j, "", base_span("", 0), bin ? base_span(binary, 2) : base_span("", 0), bin, false, r->simple);
	if (!p)
		return STRICT_DONE;
	struct strict_owed *o = strict_execute(s, p, 0);
	o->form = STRICT_COPY;
	o->copy = r->c->copy;
	o->copy.null_text = base_span(NULL, 0);
	o->bytes = base_span(base_mem_str(r->c->copy.null_text), r->c->copy.null_text.n); /* the command may go before the rows come */
	o->copy.null_text = o->bytes;
	o->tag = "COPY";
	strict_portal_unref(s, &p);
	return STRICT_DONE;
}

static void
one_column(const char *name, uint32_t type, struct base_buf *out)
{
	size_t at = base_buf_len(out);

	base_buf_u8(out, WIRE_B_ROW_DESCRIPTION);
	base_buf_u32(out, 0);
	base_buf_u16(out, 1);
	base_buf_cstr(out, name);
	base_buf_u32(out, 0);
	base_buf_u16(out, 0);
	base_buf_u32(out, type);
	base_buf_u16(out, UINT16_MAX); /* typlen -1 */
	base_buf_u32(out, UINT32_MAX); /* typmod -1 */
	base_buf_u16(out, 0);
	if (!out->bad)
		base_buf_set_u32(out, at + 1, (uint32_t)(base_buf_len(out) - at - 1));
}

static void
describe_first(const struct run *r, struct strict_owed *o)
{
	struct base_buf b;

	base_buf_init(&b, 4096);
	if (r->simple && strict_command_row(r->s, r->c, &b)) {
		o->bytes = base_span(base_mem_str(base_buf_span(&b)), base_buf_len(&b));
		o->describe = true;
	}
	base_buf_done(&b);
}

static enum strict_wait
explain(const struct run *r)
{
	struct gate_session *s = r->s;
	struct gate_judged *j;
	enum strict_wait w;
	struct base_buf text;

	if (r->c->analyze || r->c->verbose)
		return refuse(r, "0A000", "use plain EXPLAIN", "EXPLAIN ANALYZE and VERBOSE are not accepted", NULL);
	if (!need(r, r->c->inner, NULL, 0, &j, &w))
		return w;
	if (j->decision->touches_protected)
		return refuse(r, "42501", "explain a statement that names open columns only", "the plan of a statement that names protected columns is not shown", NULL);
	if (j->nparams > 0)
		return refuse(r, "0A000", "write constants", "EXPLAIN with parameters is not accepted", NULL);
	/* A portal of the inner statement, not run: its locks keep its meaning until EXPLAIN is over. */
	struct strict_portal *p = strict_bind(s, j, "x", base_span("", 0), base_span("", 0), 0, false, r->simple);
	if (!p)
		return STRICT_DONE;
	strict_portal_unref(s, &p);
	base_buf_init(&text, SQL_TEXT_MAX * 2);
	base_buf_put(&text, r->c->send);
	base_buf_put(&text, r->c->inner);
	describe_first(r, utility(r, base_buf_span(&text)));
	base_buf_done(&text);
	strict_send_target(s, WIRE_F_CLOSE, 'P', "x");
	(void)strict_owe(s, OWED_CLOSE);
	return STRICT_DONE;
}

/* ---- settings ---- */


/* Lists compare without blanks, quotes and a pg_temp at their end. */
static void
plain_list(struct base_span v, char *dst, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n && n + 1 < size; i++)
		if (!strchr(" \"'", v.p[i]))
			dst[n++] = (char)v.p[i];
	dst[n] = '\0';
	if (n > 8 && strcmp(dst + n - 8, ",pg_temp") == 0)
		dst[n - 8] = '\0';
}

static bool
as_it_is(const struct gate_session *s, const struct sql_command *c)
{
	char is[512], asked[512];

	if (c->is_default)
		return true;
	plain_list(c->value, asked, sizeof(asked));
	if (c->name.n == 11 && strncasecmp((const char *)c->name.p, "search_path", 11) == 0)
		plain_list(base_span_str(s->world->conf->search_path), is, sizeof(is));
	else if (c->name.n == 15 && strncasecmp((const char *)c->name.p, "client_encoding", 15) == 0)
		return gate_strict_is_utf8(c->value);
	else
		(void)snprintf(is, sizeof(is), "on");
	return strcasecmp(asked, is) == 0 || (strcmp(is, "on") == 0 && (strcasecmp(asked, "true") == 0 || strcmp(asked, "1") == 0 || strcasecmp(asked, "yes") == 0));
}

static enum strict_wait
refuse_setting(const struct run *r, const char *why, const char *hint)
{
	char text[200], name[80];

	(void)snprintf(text, sizeof(text), "the setting \"%s\" %s", base_text_quote(name, sizeof(name), r->c->name, 60), why);
	return refuse(r, "42501", hint, text, NULL);
}

static enum strict_wait
set_self(const struct run *r, const char *tag)
{
	bool soft;
	struct base_span error = strict_self_set(r->s, r->c->name, r->c->is_default ? base_span("", 0) : r->c->value, r->c->local, &soft);

	if (!error.p)
		(void)say_tag(r, tag);
	else if (soft)
		strict_soft(r->s, r->simple, error);
	else
		strict_fail(r->s, r->simple, error);
	return STRICT_DONE;
}

static enum strict_wait
set(const struct run *r)
{
	const struct sql_command *c = r->c;
	const char *tag = strcmp(c->words, "RESET") == 0 ? "RESET" : "SET";
	struct strict_owed *o;
	struct base_buf b;

	if (strict_self_is(c->name))
		return set_self(r, tag);
	switch (way_of(c->name)) {
	case FORWARD:
		base_buf_init(&b, SQL_TEXT_MAX * 3);
		if (c->is_default) {
			base_buf_str(&b, c->local ? "SET LOCAL " : "SET ");
			base_buf_put(&b, c->name);
			base_buf_str(&b, " TO DEFAULT");
		} else {
			base_buf_str(&b, c->local ? "SET LOCAL " : "SET ");
			base_buf_put(&b, c->name);
			base_buf_str(&b, " TO ");
			sql_quote_literal(c->value, &b);
		}
		o = utility(r, base_buf_span(&b));
		o->tag = tag;
		o->plain_tag = true;
		base_buf_done(&b);
		return STRICT_DONE;
	case NOTED:
		(void)say_tag(r, tag);
		return STRICT_DONE;
	case FIXED:
		if (!as_it_is(r->s, c))
			return refuse_setting(r, "cannot be changed in an enforced session", "leave it as it is");
		(void)say_tag(r, tag);
		return STRICT_DONE;
	case SHOWN:
	case NOT_LISTED:
	default:
		return refuse_setting(r, "is not among those that an enforced session may set", "ask the gate's operator to set it for the role on the server");
	}
}

static enum strict_wait
show_self(const struct run *r)
{
	const char *value = strict_self_show(r->s, r->c->name);
	struct base_buf b, row;

	if (!value)
		return refuse_setting(r, "is not shown", "keep what you set");
	base_buf_init(&b, 4096);
	base_buf_init(&row, 4096);
	base_buf_u16(&row, 1);
	base_buf_u32(&row, (uint32_t)strlen(value));
	base_buf_str(&row, value);
	if (r->simple)
		(void)strict_command_row(r->s, r->c, &b);
	wire_write_message(&b, WIRE_B_DATA_ROW, base_buf_span(&row));
	wire_write_message(&b, WIRE_B_COMMAND_COMPLETE, base_span("SHOW", 5));
	strict_owe(r->s, OWED_SAY)->bytes = base_span(base_mem_str(base_buf_span(&b)), base_buf_len(&b));
	base_buf_done(&row);
	base_buf_done(&b);
	return STRICT_DONE;
}

static enum strict_wait
show(const struct run *r)
{
	struct base_buf b;

	if (strict_self_is(r->c->name))
		return show_self(r);
	if (way_of(r->c->name) == NOT_LISTED)
		return refuse_setting(r, "is not among those that an enforced session may show", "name one of the ordinary settings");
	base_buf_init(&b, 256);
	base_buf_str(&b, "SHOW ");
	base_buf_put(&b, r->c->name);
	describe_first(r, utility(r, base_buf_span(&b)));
	base_buf_done(&b);
	return STRICT_DONE;
}

static enum strict_wait
discard(const struct run *r)
{
	struct gate_strict *t = r->s->strict;

	if (base_span_is(r->c->name, "all")) {
		if (t->status != 'I')
			return wrong(r, "25001", "DISCARD ALL cannot run inside a transaction block");
		strict_forget_prepared(r->s);
		strict_forget_portals(r->s);
		strict_self_reset(r->s);
		strict_self_ended(r->s, true); /* an error behind it in the batch does not bring back what was discarded */
		strict_self_forget_server(r->s);
		struct strict_owed *o = utility(r, base_span_str("RESET ALL"));
		o->tag = "DISCARD ALL";
		o->plain_tag = true;
	} else {
		(void)say_tag(r, base_span_is(r->c->name, "plans") ? "DISCARD PLANS" : base_span_is(r->c->name, "temp") ? "DISCARD TEMP" : "DISCARD SEQUENCES");
	}
	return STRICT_DONE;
}

static enum strict_wait
savepoint(const struct run *r)
{
	struct gate_strict *t = r->s->strict;
	enum strict_point point = strcmp(r->c->words, "SAVEPOINT") == 0 ? POINT_SAVE : strcmp(r->c->words, "ROLLBACK") == 0 ? POINT_BACK : POINT_RELEASE;

	if (point == POINT_SAVE && t->nsave >= GATE_SAVEPOINTS)
		return wrong(r, "54000", "too many savepoints in one transaction");
	if (point == POINT_BACK)
		strict_self_forget_server(r->s); /* the server's settings go back to the savepoint's */
	struct strict_owed *o = utility(r, r->c->send);
	o->point = point;
	o->point_name = base_mem_str(r->c->name);
	t->ending += point == POINT_BACK;
	return STRICT_DONE;
}

static enum strict_wait
transaction(const struct run *r)
{
	struct gate_strict *t = r->s->strict;

	t->began = t->began || strcmp(r->c->words, "BEGIN") == 0 || strcmp(r->c->words, "START TRANSACTION") == 0;
	bool ends = strcmp(r->c->words, "COMMIT") == 0 || strcmp(r->c->words, "END") == 0 || strcmp(r->c->words, "ROLLBACK") == 0;
	if (r->c->name.n > 0)
		return savepoint(r);
	struct strict_owed *o = utility(r, r->c->send);
	o->ends_transaction = ends;
	o->chains = ends && memmem(r->c->send.p, r->c->send.n, " AND CHAIN", 10) != NULL;
	t->ending += ends;
	return STRICT_DONE;
}

static enum strict_wait
other(const struct run *r)
{
	char why[128];

	(void)snprintf(why, sizeof(why), "%s is not accepted in an enforced session", r->c->words[0] ? r->c->words : "this command");
	return refuse(r, "42501", "use SELECT, INSERT, UPDATE or DELETE as the policy allows, or ask the policy's owner", why, NULL);
}

/* Texts of several statements by which pools of drivers clean a connection that they give to somebody else, as sql_scan writes them. Their parts are all carried out
 * by the gate: there are no locks, no listeners, and RESET ALL returns to the start-up options. */
bool
strict_reset(struct gate_session *s, struct base_span text)
{
	static const char *const known[] = {
		"SELECT pg_advisory_unlock_all ( ) ; CLOSE ALL ; UNLISTEN * ; RESET ALL ;", /* asyncpg */
	};
	struct run r = {s, NULL, text, true};
	struct sql_scan scan;
	bool is = false;

	sql_scan_init(&scan);
	if (text.n < 256 && sql_scan_text(&scan, text, NULL) == GH_OK)
		for (size_t i = 0; i < BASE_COUNT(known); i++)
			is = is || base_span_is(base_buf_span(&scan.norm), known[i]);
	sql_scan_done(&scan);
	if (!is)
		return false;
	strict_forget_portals(s); /* on the server they end with the transaction, or stay unreachable */
	(void)say_tag(&r, "CLOSE CURSOR ALL");
	(void)say_tag(&r, "UNLISTEN");
	strict_self_reset(s);
	strict_self_forget_server(s);
	(void)utility(&r, base_span_str("RESET ALL"));
	return true;
}

bool
strict_command_row(struct gate_session *s, const struct sql_command *c, struct base_buf *out)
{
	if (c->kind == SQL_C_SHOW) {
		char name[64];
		(void)snprintf(name, sizeof(name), "%.*s", (int)c->name.n, (const char *)c->name.p); /* the gate's own are written as they were asked for */
		one_column(strict_self_is(c->name) ? name : setting_of(c->name)->name, 25, out);
		return true;
	}
	if (c->kind == SQL_C_EXPLAIN) {
		bool json = c->send.n > 0 && memmem(c->send.p, c->send.n, "FORMAT JSON", 11) != NULL, xml = c->send.n > 0 && memmem(c->send.p, c->send.n, "FORMAT XML", 10) != NULL;
		one_column("QUERY PLAN", json ? 114 : xml ? 142 : 25, out);
		return true;
	}
	if (c->kind == SQL_C_EXECUTE) {
		const struct strict_prepared *p = strict_prepared_find(s->strict, c->name);
		if (p && p->judged && p->judged->returns_rows) {
			strict_write_row_description(out, p->judged, base_span("", 0), 0);
			return true;
		}
	} else if (c->kind == SQL_C_FETCH) {
		const struct strict_portal *p = strict_portal_find(s->strict, c->name);
		if (p && p->judged && p->judged->returns_rows) {
			strict_write_row_description(out, p->judged, p->formats, p->nformats);
			return true;
		}
	}
	return false;
}

static bool
changes(const struct sql_command *c)
{
	return c->kind == SQL_C_TRANSACTION || c->kind == SQL_C_SET || c->kind == SQL_C_RESET_ALL || c->kind == SQL_C_DISCARD;
}

enum strict_wait
strict_command(struct gate_session *s, const struct sql_command *c, struct base_span text, bool simple)
{
	struct run r = {s, c, text, simple};

	if (c->kind == SQL_C_EMPTY) {
		struct strict_owed *o = strict_owe(s, OWED_SAY);
		uint8_t empty[5] = {WIRE_B_EMPTY_QUERY_RESPONSE, 0, 0, 0, 4};
		o->bytes = base_span(base_mem_str(base_span(empty, sizeof(empty))), sizeof(empty));
		return STRICT_DONE;
	}
	if (s->strict->status == 'E' && !s->strict->half && c->kind != SQL_C_TRANSACTION)
		return wrong(&r, "25P02", "current transaction is aborted, commands ignored until end of transaction block");
	if (changes(c) && strict_await(s))
		return STRICT_WAIT;
	switch (c->kind) {
	case SQL_C_TRANSACTION: return transaction(&r);
	case SQL_C_SET: return set(&r);
	case SQL_C_RESET_ALL:
		strict_self_reset(s);
		strict_self_forget_server(s);
		(void)utility(&r, base_span_str("RESET ALL"));
		return STRICT_DONE;
	case SQL_C_SHOW: return show(&r);
	case SQL_C_PREPARE: return prepare(&r);
	case SQL_C_EXECUTE: return execute(&r);
	case SQL_C_DEALLOCATE: return deallocate(&r);
	case SQL_C_DECLARE: return declare(&r);
	case SQL_C_FETCH:
	case SQL_C_MOVE: return fetch(&r);
	case SQL_C_CLOSE: return close_cursor(&r);
	case SQL_C_COPY_QUERY:
	case SQL_C_COPY_TABLE: return copy(&r);
	case SQL_C_EXPLAIN: return explain(&r);
	case SQL_C_DISCARD: return discard(&r);
	case SQL_C_UNLISTEN:
		(void)say_tag(&r, "UNLISTEN");
		return STRICT_DONE;
	case SQL_C_EMPTY:
	case SQL_C_QUERY:
	case SQL_C_SEVERAL:
	case SQL_C_OTHER:
	default: return other(&r);
	}
}
