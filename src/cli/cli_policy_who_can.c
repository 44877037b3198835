/* cli_policy_who_can: `gatehouse policy who-can TABLE.COLUMN`: who sees this column and how, who may look people up by it, filter by it, change it; by group and, with a people file,
 * by person with all of a person's groups merged. Asks the database what the policy's names mean today; runs nothing of anybody's. What the database itself grants
 * beside the gate is `gatehouse doctor`'s. Exit status 1: nobody can. Input: trusted files, the operator's word, the server's answers.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base_map.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "cli_live.h"
#include "cli_out.h"
#include "cli_replay.h"
#include "cli_rights.h"
#include "cli_table.h"
#include "policy_words.h"

#define OUT_MAX (64u << 20)
#define WORDS 2000u
#define RELATIONS_MAX 64u

struct relation { uint32_t oid; char name[300], column[130], how[60]; };
struct who_can {
	struct cli_live live;
	struct relation relation[RELATIONS_MAX]; /* [0]: the one asked for; then those through which it can be seen */
	size_t nrelations;
	struct cli_table *table;
	struct base_buf json;
	char today[11];
	size_t told, none; /* who can; people who cannot */
};

/* -- the column -- */

/* The next part of "public.customers.phone": bare (lower case) or quoted. false: not a name. */
static bool
part(const char **p, char *dst, size_t size)
{
	bool quoted = **p == '"';
	size_t n = 0;

	*p += quoted;
	while (**p && (quoted ? !(**p == '"' && (*p)[1] != '"') : **p != '.')) {
		if (quoted && **p == '"')
			(*p)++;
		if (n + 1 >= size)
			return false;
		dst[n++] = !quoted && **p >= 'A' && **p <= 'Z' ? (char)(**p + 32) : **p;
		(*p)++;
	}
	dst[n] = '\0';
	if (quoted && *(*p)++ != '"')
		return false;
	return n > 0;
}

/* Relations that show this column: itself, views (through any number of views), children and parents. */
static int
find(struct who_can *x, const char *word, struct base_fail *fail)
{
	static const char sql[] =
	    "WITH RECURSIVE at(oid, num, how) AS ("
	    " SELECT a.attrelid, a.attnum, '' FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
	    " WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r','p','v','m','f')"
	    " UNION"
	    " SELECT o.oid, o.num, o.how FROM at, LATERAL ("
	    "  SELECT r.ev_class AS oid, 0::int2 AS num, 'view' AS how FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid"
	    "   WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = at.oid AND (at.num = 0 OR d.refobjsubid = at.num) AND r.ev_class <> at.oid"
	    "  UNION SELECT a.attrelid, a.attnum, 'partition or child' FROM pg_inherits i JOIN pg_attribute a ON a.attrelid = i.inhrelid WHERE i.inhparent = at.oid AND a.attname = $3 AND at.num > 0"
	    "  UNION SELECT a.attrelid, a.attnum, 'parent' FROM pg_inherits i JOIN pg_attribute a ON a.attrelid = i.inhparent WHERE i.inhrelid = at.oid AND a.attname = $3 AND at.num > 0"
	    " ) o)"
	    " SELECT DISTINCT ON (at.oid) at.oid, n.nspname || '.' || c.relname, at.how, at.how = '' FROM at JOIN pg_class c ON c.oid = at.oid JOIN pg_namespace n ON n.oid = c.relnamespace"
	    " ORDER BY at.oid, at.how";
	char name[3][130] = {"", "", ""}, shown[200];
	size_t n = 0;
	const char *p = word;
	PGresult *r = NULL;

	while (n < 3 && part(&p, name[n], sizeof(name[n]))) {
		n++;
		if (*p != '.')
			break;
		p++;
	}
	if (n < 2 || *p) {
		base_fail_set(fail, GH_E_PARSE, "not a column: %s", base_text_quote(shown, sizeof(shown), base_span_str(word), 120));
		base_fail_hint(fail, "TABLE.COLUMN or SCHEMA.TABLE.COLUMN; a name with capitals or spaces in double quotes");
		return GH_E_PARSE;
	}
	const char *const params[] = {n == 3 ? name[0] : "public", name[n - 2], name[n - 1]};
	int rc = cli_live_query(x->live.conn, sql, 3, params, 4, &r, fail);
	if (rc < 0)
		return rc;
	for (int pass = 0; pass < 2; pass++) /* the one asked for first */
		for (int i = 0; i < PQntuples(r) && x->nrelations < RELATIONS_MAX; i++) {
			struct relation *to = &x->relation[x->nrelations];
			if ((PQgetvalue(r, i, 3)[0] == 't') != (pass == 0))
				continue;
			*to = (struct relation){.oid = cli_live_oid(r, i, 0)};
			(void)snprintf(to->name, sizeof(to->name), "%s", PQgetvalue(r, i, 1));
			(void)snprintf(to->column, sizeof(to->column), "%s", params[2]);
			(void)snprintf(to->how, sizeof(to->how), "%s", PQgetvalue(r, i, 2));
			x->nrelations++;
		}
	PQclear(r);
	if (x->nrelations == 0) {
		base_fail_set(fail, GH_E_MISSING, "the database has no column %s.%s.%s", base_text_quote(shown, sizeof(shown), base_span_str(params[0]), 60), params[1], params[2]);
		base_fail_hint(fail, "a table without a schema is taken to be in public");
		return GH_E_MISSING;
	}
	return 0;
}

/* -- what a scope may do with it -- */

struct can { bool any; char read[200], find[40], write[40], limits[WORDS], rule[600]; };

static void
more(char *dst, size_t size, const char *words)
{
	size_t n = strlen(dst);

	(void)snprintf(dst + n, size - n, "%s%s", n ? "; " : "", words);
}

static void
limits(const struct who_can *x, const struct policy_scope *s, const struct policy_scope_relation *r, struct can *c)
{
	char words[400], text[300];

	for (size_t i = 0; i < s->nbudgets; i++) {
		policy_budget_words(x->live.policy, &s->budgets[i].count, s->budgets[i].holder, text, sizeof(text));
		(void)snprintf(words, sizeof(words), "budget of %s", text);
		more(c->limits, sizeof(c->limits), words);
	}
	if (s->limit_rows) {
		(void)snprintf(words, sizeof(words), "%llu rows per statement", (unsigned long long)s->limit_rows);
		more(c->limits, sizeof(c->limits), words);
	}
	if (r->rows.line) {
		(void)snprintf(words, sizeof(words), "rows where %s", base_text_quote(text, sizeof(text), r->rows_text, 200));
		more(c->limits, sizeof(c->limits), words);
	}
	const struct { bool said; const char *words; } flag[] = {{s->need_purpose.line > 0, "needs a purpose"}, {s->need_case.line > 0, "needs a case"},
	    {s->unexplained == POLICY_UNEXPLAINED_REFUSE, "refused without a case about the person"}, {s->unexplained == POLICY_UNEXPLAINED_MASK, "masked without a case about the person"},
	    {s->nsteps > 0, "step-up"}, {s->nasks > 0, "approval of a second person"}};
	for (size_t i = 0; i < BASE_COUNT(flag); i++)
		if (flag[i].said)
			more(c->limits, sizeof(c->limits), flag[i].words);
	for (size_t i = 0; i < s->nonly; i++) {
		const struct policy_only *o = s->only[i].only;
		const struct { unsigned line; const char *words; } only[] = {{o->networks_line, "certain networks only"}, {o->hours_line, "certain hours only"}, {o->certificate_line, "with certificate only"},
		    {o->vetted_line, "vetted only"}};
		for (size_t k = 0; k < BASE_COUNT(only); k++)
			if (only[k].line && !strstr(c->limits, only[k].words))
				more(c->limits, sizeof(c->limits), only[k].words);
	}
}

static void
column_of(const struct who_can *x, const struct policy_scope *s, const struct relation *rel, struct can *c)
{
	const struct policy_scope_relation *r = policy_scope_relation(s, rel->oid);
	const struct policy_scope_column *col = NULL;
	char file[512];

	*c = (struct can){.any = false};
	if (s->treat != POLICY_ENFORCE) {
		*c = (struct can){.any = true, .read = "clear (observed: nothing is refused)", .find = "any condition", .write = "yes"};
		return;
	}
	for (size_t i = 0; r && i < r->ncolumns; i++)
		if (base_span_is(r->columns[i].name, rel->column))
			col = &r->columns[i];
	if (r && *rel->how && !col && r->actions & POLICY_READ) { /* a view, under names of its own */
		c->any = true;
		(void)snprintf(c->read, sizeof(c->read), "as the rules of the view's own columns say");
		(void)snprintf(c->rule, sizeof(c->rule), "%s:%u", base_text_quote(file, sizeof(file), base_span_str(r->at.file), 480), r->at.line);
		return;
	}
	if (!r || !col)
		return;
	bool read = r->actions & POLICY_READ && col->known, update = r->actions & POLICY_UPDATE && col->update, insert = r->actions & POLICY_INSERT && col->insert;
	c->any = read || update || insert;
	if (read)
		cli_mask_words(&col->mask, c->read, sizeof(c->read));
	else
		(void)snprintf(c->read, sizeof(c->read), "refused");
	(void)snprintf(c->find, sizeof(c->find), "%s", read && col->open ? "any condition" : read && col->lookup ? "look-up" : "no");
	(void)snprintf(c->write, sizeof(c->write), "%s%s%s", update ? "update" : "", update && insert ? ", " : "", insert ? "insert" : update ? "" : "no");
	struct policy_where at = read ? (col->mask.kind != POLICY_MASK_NONE ? col->masked : col->shown) : update ? col->updated : col->inserted;
	if (at.line && at.file)
		(void)snprintf(c->rule, sizeof(c->rule), "%s:%u", base_text_quote(file, sizeof(file), base_span_str(at.file), 480), at.line);
	if (read)
		limits(x, s, r, c);
}

/* -- telling -- */

static void
say(struct who_can *x, const char *who, const struct policy_person *p, const struct relation *rel, const struct can *c)
{
	char through[400] = "", note[200] = "", employer[200] = "";

	if (*rel->how)
		(void)snprintf(through, sizeof(through), "%s %s", rel->how, rel->name);
	if (p && p->left_on.n && base_span_cmp(p->left_on, base_span_str(x->today)) < 0)
		(void)snprintf(note, sizeof(note), "LEFT on %.*s", (int)p->left_on.n, (const char *)p->left_on.p);
	if (p && p->vetted_until.n && base_span_cmp(p->vetted_until, base_span_str(x->today)) < 0)
		(void)snprintf(note + strlen(note), sizeof(note) - strlen(note), "%sVETTING LAPSED on %.*s", *note ? "; " : "", (int)p->vetted_until.n, (const char *)p->vetted_until.p);
	if (p)
		(void)base_text_quote(employer, sizeof(employer), p->employer, 190);
	x->told++;
	if (x->table) {
		cli_table_row(x->table, (const char *const[]){who, employer, through, c->read, c->find, c->write, note, c->limits, c->rule});
		return;
	}
	const struct { const char *name, *value; } field[] = {{p ? "person" : "group", who}, {"employer", employer}, {"through", through}, {"read", c->read}, {"find", c->find}, {"write", c->write},
	    {"note", note}, {"limits", c->limits}, {"rule", c->rule}};
	base_buf_str(&x->json, x->told > 1 ? ",{" : "{");
	for (size_t i = 0, n = 0; i < BASE_COUNT(field); i++) {
		if (!*field[i].value)
			continue;
		base_buf_fmt(&x->json, "%s\"%s\":", n++ ? "," : "", field[i].name);
		cli_out_json(&x->json, base_span_str(field[i].value));
	}
	base_buf_u8(&x->json, '}');
}

static bool
each_relation(struct who_can *x, const struct policy_scope *s, const char *who, const struct policy_person *p)
{
	bool any = false;

	for (size_t i = 0; i < x->nrelations; i++) {
		struct can c;
		column_of(x, s, &x->relation[i], &c);
		if (!c.any || (i > 0 && s->treat != POLICY_ENFORCE)) /* who is observed sees it in the table itself */
			continue;
		say(x, who, p, &x->relation[i], &c);
		any = true;
	}
	return any;
}

static void
scope_free(void *value)
{
	struct policy_scope *s = value;

	policy_scope_unref(&s);
}

static int
each(struct who_can *x, struct base_fail *fail)
{
	struct base_map *scopes = base_map_new(1000, scope_free);
	const struct policy_file *f = x->live.policy;
	size_t people = x->live.people ? policy_people_count(x->live.people) : 0;
	int rc = 0;

	for (size_t i = 0; i < f->ngroups + people && rc == 0; i++) {
		const struct policy_person *p = i < f->ngroups ? NULL : policy_people_at(x->live.people, i - f->ngroups);
		const struct base_span *groups = p ? p->groups : &f->groups[i].name;
		struct policy_scope *s;
		struct base_buf key;
		char who[400], role[200], name[200];
		base_buf_init(&key, POLICY_PEOPLE_SIZE_MAX);
		for (size_t g = 0; g < (p ? p->ngroups : 1); g++) {
			base_buf_put(&key, groups[g]);
			base_buf_u8(&key, 0);
		}
		s = base_map_get(scopes, base_buf_span(&key));
		if (!s) {
			rc = policy_scope_new(x->live.map, groups, p ? p->ngroups : 1, &s);
			if (rc == 0 && base_map_put(scopes, base_buf_span(&key), s) < 0)
				abort(); /* a command without memory has no answer */
		}
		base_buf_done(&key);
		if (rc < 0)
			break;
		(void)base_text_quote(role, sizeof(role), p ? p->role : f->groups[i].name, 190);
		if (p && p->name.n)
			(void)snprintf(who, sizeof(who), "%s (%s)", base_text_quote(name, sizeof(name), p->name, 190), role);
		else
			(void)snprintf(who, sizeof(who), "%s%s", p ? "" : "group ", role);
		x->none += !each_relation(x, s, p || x->table ? who : role, p) && p != NULL;
	}
	base_map_free(&scopes);
	return rc < 0 ? base_fail_set(fail, rc, "not enough memory for what the people may do") : 0;
}

int
cli_policy_who_can(const struct cli_args *args)
{
	static const struct cli_table_column columns[] = {{"WHO", false, true}, {"EMPLOYER", false, true}, {"THROUGH", false, true}, {"SEES IT", false, true}, {"FIND BY IT", false, true},
	    {"WRITE", false, true}, {"NOTE", false, true}, {"BOUND BY", false, true}, {"RULE", false, true}};
	struct who_can *x = base_mem_new(1, sizeof(*x));
	struct base_fail fail = {0};
	char now[BASE_TIME_UTC_SIZE];
	bool json = cli_args_get(args, "json") != NULL, ok = true;
	int rc, status;

	base_buf_init(&x->json, OUT_MAX);
	(void)snprintf(x->today, sizeof(x->today), "%.10s", base_time_utc(base_time_wall_us(), now));
	if ((rc = cli_live_open(&x->live, args, NULL, &fail)) < 0 || (rc = find(x, args->operand[0], &fail)) < 0)
		goto out;
	if (json) {
		base_buf_str(&x->json, "{\"column\":");
		cli_out_json(&x->json, base_span_str(args->operand[0]));
		base_buf_str(&x->json, ",\"who\":[");
	} else {
		x->table = cli_table_new(columns, BASE_COUNT(columns));
	}
	if ((rc = each(x, &fail)) < 0)
		goto out;
	if (json) {
		base_buf_fmt(&x->json, "],\"people_who_cannot\":%zu}\n", x->none);
		ok = cli_out_write(&x->json);
	} else {
		if (x->told > 0)
			ok = cli_table_print(&x->table);
		printf("%s%zu people of the people file cannot\n", x->told ? "\n" : "nobody: no group reads or writes this column\n", x->none);
		ok = ok && fflush(stdout) == 0;
	}
out:
	status = rc < 0 ? cli_out_fail(&fail) : !ok ? cli_out_error("cannot write to standard output") : x->told ? CLI_EXIT_OK : CLI_EXIT_NONE;
	cli_table_free(&x->table);
	base_buf_done(&x->json);
	cli_live_done(&x->live);
	free(x);
	return status;
}
