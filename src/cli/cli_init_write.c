/* cli_init_write: see cli_init.h: the texts of the policy, the configuration and the people file. Input: a judged model; its names come from somebody's catalogue and may hold
 * anything, so a name is quoted for the language it stands in, and shown in comments with control characters escaped. Writes no file and knows no value.
 */
#include "cli_init.h"

#include <stdio.h>

#include "base_text.h"
#include "base_time.h"

#define LINE_WIDTH 110u
#define REVIEW_DAYS 180u
#define OTHERS_MAX 60u /* lines about columns that belong to nobody yet */

static const char *
shown(const char *name, char dst[200])
{
	return base_text_quote(dst, 200, base_span_str(name), 150);
}

void
cli_init_doubled(struct base_buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '"')
			base_buf_u8(out, '"');
		base_buf_u8(out, (uint8_t)*p);
	}
}

void
cli_init_name(struct base_buf *out, const char *name)
{
	static const char *const words[] = {"as", "by", "of", "on", "where", "with"};
	bool bare = (*name >= 'a' && *name <= 'z') || *name == '_';

	for (const char *p = name; *p; p++)
		bare = bare && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_');
	for (size_t i = 0; i < BASE_COUNT(words); i++)
		bare = bare && !base_span_is(base_span_str(name), words[i]);
	if (!bare)
		base_buf_u8(out, '"');
	cli_init_doubled(out, name);
	if (!bare)
		base_buf_u8(out, '"');
}

void
cli_init_table_name(struct base_buf *out, const struct cli_table *t)
{
	cli_init_name(out, t->schema);
	base_buf_u8(out, '.');
	cli_init_name(out, t->name);
}

static void
column_name(struct base_buf *out, const struct cli_model *m, const struct cli_column *c)
{
	cli_init_table_name(out, &m->tables[c->table]);
	base_buf_u8(out, '.');
	cli_init_name(out, c->name);
}

const char *
cli_init_subject_name(const struct cli_model *m)
{
	const struct cli_table *s = m->subject == CLI_NOWHERE ? NULL : &m->tables[m->subject];

	return s && s->called ? s->called : "person";
}

/* A name with a line end in it would end a comment: such a line is left out of the comments. */
static bool
one_line(const char *name)
{
	return !strpbrk(name, "\n\r");
}

/* -- subjects -- */

/* Is it a line of the subject, and in force? */
static bool
identifies(const struct cli_column *c, bool *sure_r)
{
	*sure_r = c->grounds != CLI_GROUNDS_AGAINST;
	return *cli_kind_row(c->kind)->identifier && cli_propose_markable(c->type_oid, c->type);
}

static void
say_identifier(const struct cli_init *x, const struct cli_column *c, const char *off, struct base_buf *out)
{
	const char *word = cli_kind_row(c->kind)->identifier;
	unsigned country = cli_tally_country(&c->tally);
	char evidence[400];
	bool sure = false;

	(void)identifies(c, &sure);
	if (!one_line(c->name) && (*off || !sure))
		return;
	base_buf_fmt(out, "%s    %s%-8s ", off, sure ? "" : "# ", word);
	cli_init_name(out, c->name);
	(void)cli_propose_evidence(c, evidence, sizeof(evidence));
	if (c->kind != CLI_KIND_PHONE) {
		base_buf_fmt(out, "  # %s\n", evidence);
	} else if (*x->country) {
		base_buf_fmt(out, "  country %s  # %s\n", x->country, evidence);
	} else if (country) {
		base_buf_fmt(out, "  country %u  # %s; the country: from them\n", country, evidence);
	} else {
		base_buf_fmt(out, "  # %s; where numbers lack the country's code, add it here: `country 49`\n", evidence);
	}
}

static void
say_links(const struct cli_model *m, bool sure, struct base_buf *out)
{
	size_t n = 0, count = 0;

	for (size_t i = 0; i < m->ncolumns; i++)
		count += sure && m->columns[i].carries;
	if (sure && count > 0)
		base_buf_fmt(out, "    # %zu column%s of other tables hold%s this key, by foreign keys: their rows are this person's, too\n", count, count == 1 ? "" : "s", count == 1 ? "s" : "");
	for (size_t i = 0; i < m->ncolumns; i++) {
		const struct cli_column *c = &m->columns[i];
		if (sure ? !c->carries : (!c->perhaps || c->carries || !one_line(c->name) || !one_line(m->tables[c->table].name) || !one_line(m->tables[c->table].schema)))
			continue;
		if (!sure && n == 0)
			base_buf_str(out, "    # no foreign key says so, but name and type are those of the key: take off the '#' where it is true\n");
		base_buf_str(out, sure && n > 0 ? "             " : sure ? "    linked   " : "    # linked ");
		column_name(out, m, c);
		base_buf_str(out, sure && ++n < count ? ",\n" : "\n");
		n += !sure;
	}
}

/* A column that tells nothing of a person: a time, a state, a sum. Names and texts are not, whatever they are called. */
static bool
is_harmless(const struct cli_model *m, const struct cli_column *c)
{
	return c->kind == CLI_KIND_NONE && !c->carries && !c->perhaps && c->refers == CLI_NOWHERE && !c->primary && m->tables[c->table].key != (size_t)(c - m->columns) &&
	       (c->family == CLI_FAMILY_BOOL || c->family == CLI_FAMILY_DATE || (c->family == CLI_FAMILY_NUMBER && !c->unique)) && one_line(c->name);
}

static void
say_harmless(const struct cli_model *m, const struct cli_table *t, struct base_buf *out)
{
	size_t n = 0, width = 0;

	for (size_t i = t->first; i < t->first + t->n; i++) {
		if (!is_harmless(m, &m->columns[i]))
			continue;
		if (n == 0)
			base_buf_str(out, "    # these seem to tell nothing of a person, so that answers with nothing else need not count for budgets; read them before you agree\n    # harmless ");
		size_t before = base_buf_len(out);
		base_buf_str(out, n == 0 ? "" : width > LINE_WIDTH ? ",\n    #          " : ", ");
		width = n > 0 && width > LINE_WIDTH ? 0 : width;
		cli_init_name(out, m->columns[i].name);
		width += base_buf_len(out) - before;
		n++;
	}
	base_buf_str(out, n ? "\n" : "");
}

static void
say_reasons(const struct cli_model *m, const struct cli_table *t, const char *off, struct base_buf *out)
{
	bool seen[CLI_KINDS] = {false};
	size_t n = 0;

	base_buf_fmt(out, "%s  # why this table: ", off);
	if (t->called)
		base_buf_str(out, "its name");
	for (size_t i = t->first; i < t->first + t->n; i++) {
		enum cli_kind k = m->columns[i].kind;
		if (k == CLI_KIND_NONE || seen[k] || m->columns[i].grounds == CLI_GROUNDS_AGAINST || cli_kind_row(k)->points == 0)
			continue;
		seen[k] = true;
		base_buf_fmt(out, "%s%s", n++ ? ", " : t->called ? "; a row has " : "a row has ", cli_kind_row(k)->words);
	}
	if (t->referred)
		base_buf_fmt(out, "; %u table%s refer%s to it", t->referred, t->referred == 1 ? "" : "s", t->referred == 1 ? "s" : "");
	base_buf_u8(out, '\n');
}

static void
say_subject(const struct cli_init *x, size_t table, const char *name, bool force, struct base_buf *out)
{
	const struct cli_model *m = &x->model;
	const struct cli_table *t = &m->tables[table];
	const char *off = force ? "" : "# ";
	bool sure = false;

	say_reasons(m, t, off, out);
	base_buf_fmt(out, "%s  subject %s {\n%s    table    ", off, name, off);
	cli_init_table_name(out, t);
	base_buf_fmt(out, "\n%s    key      ", off);
	cli_init_name(out, m->columns[t->key].name);
	base_buf_str(out, m->columns[t->key].primary ? "  # the primary key\n" : "  # unique, and never empty\n");
	for (size_t i = t->first; i < t->first + t->n; i++)
		if (i != t->key && identifies(&m->columns[i], &sure))
			say_identifier(x, &m->columns[i], off, out);
	if (force) {
		say_links(m, true, out);
		say_links(m, false, out);
		say_harmless(m, t, out);
	}
	base_buf_fmt(out, "%s  }\n", off);
}

static void
say_other_subjects(const struct cli_init *x, struct base_buf *out)
{
	const struct cli_model *m = &x->model;
	size_t n = 0;
	char name[80];

	for (size_t t = 0; t < m->ntables && n < 20; t++) {
		const struct cli_table *y = &m->tables[t];
		bool linked = false;
		for (size_t i = y->first; i < y->first + y->n; i++)
			linked = linked || m->columns[i].carries;
		if (t == m->subject || y->child || linked || y->points < CLI_SUBJECT_POINTS || !one_line(y->name) || !one_line(y->schema) || !one_line(m->columns[y->key].name))
			continue;
		if (n == 0)
			base_buf_str(out, "\n  # Rows of these tables look like persons, too. A subject that is not declared is not recorded: take off the '#' where it is to be,\n"
			                  "  # and name with `linked` the columns of other tables that hold its key.\n");
		bool same = !y->called || base_span_is(base_span_str(y->called), cli_init_subject_name(m));
		(void)snprintf(name, sizeof(name), "%s_%zu", same ? "person" : y->called, n + 2);
		say_subject(x, t, name, false, out);
		n++;
	}
}

/* -- tickets -- */

static bool
is_time(const struct cli_model *m, size_t column)
{
	return column != CLI_NOWHERE && (m->columns[column].type_oid == 1114 || m->columns[column].type_oid == 1184);
}

static void
say_ticket_line(const struct cli_model *m, const char *off, const char *word, size_t column, struct base_buf *out)
{
	if (column == CLI_NOWHERE)
		return;
	base_buf_fmt(out, "%s    %-8s ", off, word);
	cli_init_name(out, m->columns[column].name);
	base_buf_u8(out, '\n');
}

static void
say_ticket(const struct cli_init *x, struct base_buf *out)
{
	const struct cli_model *m = &x->model;
	const struct cli_ticket *k = &m->ticket;

	if (k->table == CLI_NOWHERE) {
		base_buf_str(out, "\n  # No table looks like tickets. With one, look-ups could be tied to their reasons: `case from table ...`, see gatehouse-policy(5).\n");
		return;
	}
	const struct cli_table *t = &m->tables[k->table];
	const struct cli_column *person = k->person == CLI_NOWHERE ? NULL : &m->columns[k->person];
	const char *off = k->sure ? "" : "# ";
	const size_t parts[] = {k->number, k->subject, k->person, k->opener, k->team, k->opened, k->closed};
	for (size_t i = 0; i < BASE_COUNT(parts); i++)
		if (!k->sure && ((parts[i] != CLI_NOWHERE && !one_line(m->columns[parts[i]].name)) || !one_line(t->name) || !one_line(t->schema)))
			return;
	base_buf_str(out, "\n  # Rows of this table look like tickets. A look-up is explained by an open one of the same person about the same subject; it matters where a group says\n"
	                  "  # `need case` or `unexplained`.\n");
	if (!person)
		base_buf_str(out, "  # uncertain: no column was found that says who works on a ticket; `person` needs one with the names of login roles\n");
	else if (person->family != CLI_FAMILY_TEXT)
		base_buf_str(out, "  # uncertain: `person` must hold names of login roles, and this column holds numbers; a view that joins the table of staff can give the names\n");
	else if (person->roles > 0)
		base_buf_fmt(out, "  # person: %u of %u sampled values are names of roles that may log in\n", person->roles, person->tally.values);
	else
		base_buf_str(out, person->tally.values ? "  # uncertain: none of the sampled values of `person` is the name of a role that may log in, which it must be\n" :
		                                         "  # uncertain: `person` must hold names of login roles; nothing was sampled\n");
	if (!m->columns[k->subject].carries)
		base_buf_str(out, "  # uncertain: `subject` by its name alone; no foreign key says so\n");
	if (k->closed == CLI_NOWHERE)
		base_buf_str(out, "  # uncertain: no column was found that says when a ticket was closed; write the condition for an open one, e.g. `open where status <> 'closed'`\n");
	base_buf_fmt(out, "%s  case from table ", off);
	cli_init_table_name(out, t);
	base_buf_str(out, " {\n");
	say_ticket_line(m, off, "case", k->number, out);
	say_ticket_line(m, off, "subject", k->subject, out);
	say_ticket_line(m, off, "person", k->person, out);
	say_ticket_line(m, off, "opener", k->opener, out);
	say_ticket_line(m, off, "team", k->team, out);
	say_ticket_line(m, off, "opened", is_time(m, k->opened) ? k->opened : CLI_NOWHERE, out);
	say_ticket_line(m, off, "closed", is_time(m, k->closed) ? k->closed : CLI_NOWHERE, out);
	if (k->closed != CLI_NOWHERE) {
		base_buf_fmt(out, "%s    open where \"", off);
		cli_init_doubled(out, m->columns[k->closed].name);
		base_buf_str(out, "\" is null\n");
	}
	base_buf_fmt(out, "%s  }\n", off);
}

/* -- what belongs to nobody yet -- */

static void
say_others(const struct cli_init *x, struct base_buf *out)
{
	const struct cli_model *m = &x->model;
	size_t n = 0, more = 0;
	char a[200], b[200], c[200], evidence[400];

	for (size_t t = 0; t < m->ntables; t++) {
		const struct cli_table *y = &m->tables[t];
		bool known = t == m->subject;
		for (size_t i = y->first; i < y->first + y->n; i++)
			known = known || m->columns[i].carries;
		for (size_t i = y->first; i < y->first + y->n && !known; i++) {
			const struct cli_column *k = &m->columns[i];
			if (k->kind == CLI_KIND_NONE || k->grounds == CLI_GROUNDS_AGAINST || (k->kind == CLI_KIND_NOTE && k->grounds == CLI_GROUNDS_NAME))
				continue;
			if (n == OTHERS_MAX) {
				more++;
				continue;
			}
			if (n++ == 0)
				base_buf_str(out, "\n  # Personal, it seems, in tables that this policy ties to nobody yet:\n");
			base_buf_fmt(out, "  #   %s.%s.%s  %s\n", shown(y->schema, a), shown(y->name, b), shown(k->name, c), cli_propose_evidence(k, evidence, sizeof(evidence)));
		}
	}
	if (more)
		base_buf_fmt(out, "  #   and %zu more columns\n", more);
}

static void
say_not_sampled(const struct cli_init *x, struct base_buf *out)
{
	const struct cli_model *m = &x->model;
	size_t n = 0;
	char a[200], b[200], c[300];

	for (size_t t = 0; t < m->ntables && x->sample; t++)
		if (*m->tables[t].unsampled && n++ < OTHERS_MAX)
			base_buf_fmt(out, "%s#   %s.%s: %s\n", n == 1 ? "# Not sampled, judged by names and types alone:\n" : "", shown(m->tables[t].schema, a), shown(m->tables[t].name, b),
			    base_text_quote(c, sizeof(c), base_span_str(m->tables[t].unsampled), 200));
	if (n > OTHERS_MAX)
		base_buf_fmt(out, "#   and %zu more\n", n - OTHERS_MAX);
}

void
cli_init_policy(const struct cli_init *x, struct base_buf *out)
{
	const struct cli_model *m = &x->model;
	char today[BASE_TIME_UTC_SIZE], review[BASE_TIME_UTC_SIZE], name[200];
	uint64_t now = base_time_wall_us();

	(void)base_time_utc(now, today);
	(void)base_time_utc(now + REVIEW_DAYS * 86400000000ull, review);
	today[10] = review[10] = '\0';
	base_buf_fmt(out, "# Proposed by `gatehouse init` on %s from the catalogue of database %s (%zu tables; samples of %zu). Read it line by line: a person decides.\n", today,
	    shown(PQdb(x->conn), name), m->ntables, x->sampled);
	base_buf_str(out, "# Under `treat observe` nothing is refused and nothing masked; answers are recorded with the persons in them. What stands behind '#' is not in force.\n"
	                  "# gatehouse-policy(5) explains each line; `gatehouse policy check` finds mistakes.\n");
	if (x->views || x->foreign)
		base_buf_fmt(out, "# Not looked at: %u view%s, %u foreign table%s. A view of a protected table is protected with it.\n", x->views, x->views == 1 ? "" : "s", x->foreign,
		    x->foreign == 1 ? "" : "s");
	say_not_sampled(x, out);
	base_buf_str(out, "policy ");
	base_buf_u8(out, '"');
	cli_init_doubled(out, PQdb(x->conn));
	base_buf_fmt(out, "\" version 1 {\n  purpose \"first look: who sees whose data\"\n  owner \"");
	cli_init_doubled(out, x->owner);
	base_buf_fmt(out, "\"\n  review by %s\n  treat observe\n\n", review);
	if (m->subject == CLI_NOWHERE) {
		base_buf_str(out, "  # No table looks as if each of its rows were a person. A policy needs one: whose data is it that people look at here?\n"
		                  "  # subject customer {\n  #   table    public.customers\n  #   key      id\n  #   phone    phone  country 49\n  #   email    email\n"
		                  "  #   linked   public.orders.customer_id\n  # }\n");
	} else {
		say_subject(x, m->subject, cli_init_subject_name(m), true, out);
		say_other_subjects(x, out);
		say_ticket(x, out);
	}
	say_others(x, out);
	if (m->subject != CLI_NOWHERE)
		cli_init_group(x, out);
	base_buf_str(out, "}\n");
}
