/* cli_propose: see cli_propose.h. What decides, in this order: what a column holds (its name or comment, the shapes of its values); how much a table's row looks like a
 * person (points for its kinds, its name, the tables that refer to it); which other tables carry that person's key (foreign keys, then names); which of those are tickets.
 * Disadvantage: weights are rules of thumb, made from schemas of shops, insurers and service desks. So everything is written with its grounds, in observe mode.
 */
#include "cli_propose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_defs.h"

#define VALUES_MIN 5u        /* fewer sampled values say nothing */
#define VALUES_AGAINST 20u   /* so many can speak against a name */
#define CONFIRM_SHARE 60u
#define REFERRED_MAX 4       /* points for being referred to */
#define LIFETIME 30u         /* dates that spread over so many years are those of lives, not of orders */
#define DISTINCT_SHARE 20u    /* names of goods come again and again where they were bought */
#define COMMENT_MAX 40u      /* longer ones are sentences, and name other things */

void
cli_model_free(struct cli_model *m)
{
	free(m->tables);
	free(m->columns);
	*m = (struct cli_model){0};
}

bool
cli_propose_markable(uint32_t type_oid, const char *type)
{
	static const uint32_t fit[] = {19, 20, 21, 23, 25, 26, 1042, 1043, 1700, 2950};

	for (size_t i = 0; i < BASE_COUNT(fit); i++)
		if (fit[i] == type_oid)
			return true;
	return base_span_is(base_span_str(type), "citext");
}

/* -- columns -- */

/* Whose table a column stands in: what is doubtful alone is believed in company. */
enum company {
	COMPANY_NONE,
	COMPANY_LINKED,  /* its rows belong to persons: texts are about them, but "name" may be an order's */
	COMPANY_PERSONS, /* other columns are a person's without doubt: so is "name" */
};

static bool
lives(const struct cli_model *m, const struct cli_tally *t)
{
	return t->year_first >= 1900 && t->year_last <= m->year && t->year_last - t->year_first >= LIFETIME;
}

static bool
confirmed(const struct cli_model *m, const struct cli_column *c, enum cli_shape shape)
{
	if (shape == CLI_SHAPES || c->tally.values < VALUES_MIN)
		return false;
	if (shape == CLI_SHAPE_CONTACT)
		return c->tally.hits[shape] > 0;
	if (shape == CLI_SHAPE_BIRTH && !lives(m, &c->tally))
		return false;
	if (shape == CLI_SHAPE_NAME && cli_tally_distinct(&c->tally) < DISTINCT_SHARE)
		return false;
	return cli_tally_share(&c->tally, shape) >= (shape == CLI_SHAPE_BIRTH ? cli_shape_share(shape) : CONFIRM_SHARE);
}

static enum cli_kind
kind_of_shape(enum cli_shape shape)
{
	for (unsigned k = 1; k < CLI_KINDS; k++)
		if (cli_kind_row((enum cli_kind)k)->shape == shape)
			return (enum cli_kind)k;
	return CLI_KIND_NONE;
}

/* What the values alone say. Numbers are ids before they are telephone numbers: only a country's mobiles are believed there. */
static enum cli_kind
by_values(const struct cli_model *m, const struct cli_column *c, enum company company)
{
	const struct cli_tally *t = &c->tally;

	if (t->values < VALUES_AGAINST || c->refers != CLI_NOWHERE)
		return CLI_KIND_NONE;
	for (unsigned s = 0; s < CLI_SHAPES; s++) {
		enum cli_shape shape = (enum cli_shape)s;
		enum cli_kind kind = kind_of_shape(shape);
		if (kind == CLI_KIND_NONE || cli_tally_share(t, shape) < cli_shape_share(shape) || !(cli_kind_row(kind)->families & (unsigned)c->family))
			continue;
		if (shape == CLI_SHAPE_NAME && (company == COMPANY_NONE || cli_tally_distinct(t) < DISTINCT_SHARE))
			continue;
		if (shape == CLI_SHAPE_BIRTH && (!lives(m, t) || (c->family == CLI_FAMILY_NUMBER && company == COMPANY_NONE)))
			continue;
		if (c->family == CLI_FAMILY_NUMBER && shape == CLI_SHAPE_PHONE && cli_tally_country(t) == 0)
			continue;
		if (c->primary && shape != CLI_SHAPE_EMAIL && shape != CLI_SHAPE_PHONE && shape != CLI_SHAPE_CN_ID)
			continue;
		return kind;
	}
	return CLI_KIND_NONE;
}

static void
judge_column(const struct cli_model *m, struct cli_column *c, enum company company)
{
	bool certain = false;
	enum cli_kind named = cli_kind_of_column(base_span_str(c->name), c->family, &certain), valued;

	c->by_comment = false;
	if (named == CLI_KIND_NONE && *c->comment && strlen(c->comment) <= COMMENT_MAX) {
		named = cli_kind_of_column(base_span_str(c->comment), c->family, &certain);
		c->by_comment = named != CLI_KIND_NONE;
	}
	if (c->refers != CLI_NOWHERE) /* it holds what another table knows */
		named = CLI_KIND_NONE;
	enum cli_shape shape = named == CLI_KIND_NONE ? CLI_SHAPES : cli_kind_row(named)->shape;
	bool confirm = confirmed(m, c, shape);
	valued = by_values(m, c, company);
	c->kind = CLI_KIND_NONE;
	c->grounds = CLI_GROUNDS_NONE;
	if (named == CLI_KIND_NAME && !certain && (company == COMPANY_NONE || (company == COMPANY_LINKED && !confirm)))
		named = CLI_KIND_NONE; /* goods have names of capital words, too */
	if (named != CLI_KIND_NONE && confirm) {
		c->kind = named;
		c->grounds = CLI_GROUNDS_BOTH;
	} else if (valued != CLI_KIND_NONE && (named == CLI_KIND_NONE || shape == CLI_SHAPES || valued != CLI_KIND_NOTE)) {
		c->kind = valued;
		c->grounds = CLI_GROUNDS_VALUES;
		if (named != CLI_KIND_NONE && (valued == CLI_KIND_NAME || valued == CLI_KIND_BIRTH || valued == CLI_KIND_NOTE)) { /* vague shapes do not overrule a name */
			c->kind = named;
			c->grounds = CLI_GROUNDS_NAME;
		}
	} else if (named != CLI_KIND_NONE && (certain || company != COMPANY_NONE)) {
		bool strict = shape < CLI_SHAPE_POSTAL && shape != CLI_SHAPE_BIRTH;
		c->kind = named;
		c->grounds = strict && c->tally.values >= VALUES_AGAINST && cli_tally_share(&c->tally, shape) < 5 ? CLI_GROUNDS_AGAINST : CLI_GROUNDS_NAME;
	}
	if (c->kind == CLI_KIND_TAX && c->grounds == CLI_GROUNDS_AGAINST) /* other countries' numbers have other forms */
		c->grounds = CLI_GROUNDS_NAME;
	if (c->kind == CLI_KIND_DEVICE && c->grounds == CLI_GROUNDS_AGAINST)
		c->grounds = CLI_GROUNDS_NAME;
	if (c->kind == CLI_KIND_CN_ID && c->grounds == CLI_GROUNDS_AGAINST)
		c->kind = CLI_KIND_NATIONAL_ID;
}

/* A person's name alone is company enough for nothing: the other kinds are. */
static bool
tells(enum cli_kind k)
{
	return k == CLI_KIND_PHONE || k == CLI_KIND_EMAIL || k == CLI_KIND_BIRTH || k == CLI_KIND_NATIONAL_ID || k == CLI_KIND_CN_ID || k == CLI_KIND_US_SSN || k == CLI_KIND_GENDER;
}

static void
judge_table(const struct cli_model *m, struct cli_table *t, enum company company)
{
	for (size_t i = t->first; i < t->first + t->n; i++)
		judge_column(m, &m->columns[i], company);
	for (size_t i = t->first; i < t->first + t->n && company != COMPANY_PERSONS; i++)
		if (m->columns[i].grounds != CLI_GROUNDS_AGAINST && tells(m->columns[i].kind)) {
			judge_table(m, t, COMPANY_PERSONS); /* once more: what was doubtful has company now */
			return;
		}
}

/* -- tables -- */

/* Of rows that people made or changed: it does not say whose the row is. */
static bool
is_stamp(const char *name)
{
	static const char words[] = "createuid writeuid createdby createdbyid updatedby updatedbyid modifiedby modifiedbyid changedby deletedby lastmodifiedby erstelltvon geaendertvon angelegtvon creeepar modifiepar creator modifier editor";
	char plain[CLI_PLAIN_MAX];
	uint64_t starts = 0;
	bool tail = false;
	size_t n = cli_kind_plain(base_span_str(name), plain, &starts);

	return cli_kind_match(plain, n, starts, words, &tail) == n && n > 0;
}

static void
count_references(struct cli_model *m)
{
	for (size_t t = 0; t < m->ntables; t++) {
		const struct cli_table *from = &m->tables[t];
		for (size_t i = from->first; i < from->first + from->n; i++) {
			size_t to = m->columns[i].refers;
			bool again = false;
			for (size_t k = from->first; k < i && to != CLI_NOWHERE; k++)
				again = again || (m->columns[k].refers != CLI_NOWHERE && m->columns[m->columns[k].refers].table == m->columns[to].table && !is_stamp(m->columns[k].name));
			if (to != CLI_NOWHERE && m->columns[to].table != t && !again && !is_stamp(m->columns[i].name))
				m->tables[m->columns[to].table].referred++;
		}
	}
}

static void
score(struct cli_model *m, struct cli_table *t)
{
	unsigned seen[CLI_KINDS] = {0};
	int points = 0;
	bool reach = false;

	t->key = CLI_NOWHERE;
	for (size_t i = t->first; i < t->first + t->n; i++) {
		const struct cli_column *c = &m->columns[i];
		bool fit = cli_propose_markable(c->type_oid, c->type);
		if (fit && (c->primary || (c->unique && c->not_null && t->key == CLI_NOWHERE)))
			t->key = i;
		if (c->kind == CLI_KIND_NONE || c->grounds == CLI_GROUNDS_AGAINST || seen[c->kind]++)
			continue;
		points += (int)cli_kind_row(c->kind)->points;
		reach = reach || c->kind == CLI_KIND_NAME || tells(c->kind);
	}
	points += t->role == CLI_ROLE_SUBJECT ? 5 : t->role == CLI_ROLE_STAFF ? 2 : t->role == CLI_ROLE_CASE ? -6 : 0;
	points += t->referred > REFERRED_MAX ? REFERRED_MAX : (int)t->referred;
	t->points = reach && t->key != CLI_NOWHERE ? points : 0;
}

/* A table whose rows belong to rows of a likelier one is not the start: addresses, orders with the buyer's name. */
static void
find_children(struct cli_model *m)
{
	for (size_t t = 0; t < m->ntables; t++) {
		struct cli_table *x = &m->tables[t];
		for (size_t i = x->first; i < x->first + x->n && x->points > 0; i++) {
			size_t to = m->columns[i].refers;
			if (to == CLI_NOWHERE || m->columns[to].table == t || is_stamp(m->columns[i].name))
				continue;
			const struct cli_table *y = &m->tables[m->columns[to].table];
			if (y->points >= CLI_SUBJECT_POINTS && (y->role == CLI_ROLE_SUBJECT || (y->role == x->role && y->points > x->points) || x->role == CLI_ROLE_NONE) &&
			    (x->role != CLI_ROLE_SUBJECT || y->points >= x->points || m->columns[i].unique))
				x->child = true;
		}
	}
}

static void
choose_subject(struct cli_model *m)
{
	m->subject = CLI_NOWHERE;
	for (size_t t = 0; t < m->ntables; t++) {
		const struct cli_table *x = &m->tables[t];
		if (x->child || x->points < CLI_SUBJECT_POINTS)
			continue;
		if (m->subject == CLI_NOWHERE || x->points > m->tables[m->subject].points)
			m->subject = t;
	}
	/* Staff are persons, too, but those behind the gate are the others: only where there is nobody else. */
	for (size_t t = 0; m->subject != CLI_NOWHERE && m->tables[m->subject].role == CLI_ROLE_STAFF && t < m->ntables; t++)
		if (!m->tables[t].child && m->tables[t].points >= CLI_SUBJECT_POINTS && m->tables[t].role == CLI_ROLE_SUBJECT)
			m->subject = t;
}

/* -- links -- */

/* Through foreign keys, however many: customer_profile.customer_id is a customer's key, and so is what refers to it. */
static void
follow_keys(struct cli_model *m)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < m->ncolumns; i++) {
			struct cli_column *c = &m->columns[i];
			size_t to = c->refers;
			if (c->carries || to == CLI_NOWHERE || !cli_propose_markable(c->type_oid, c->type) || c->table == m->subject)
				continue;
			if (to == m->tables[m->subject].key || m->columns[to].carries) {
				c->carries = true;
				more = true;
			}
		}
	}
}

static bool
same_word(const char *a, const char *b)
{
	char x[CLI_PLAIN_MAX], y[CLI_PLAIN_MAX];
	uint64_t ignored = 0;
	size_t n = cli_kind_plain(base_span_str(a), x, &ignored), k = cli_kind_plain(base_span_str(b), y, &ignored);

	return n > 0 && base_span_eq(base_span(x, n), base_span(y, k));
}

/* "customer_id" for customers.id: the table's name, with or without its plural, with the key's name or "id" behind it. */
static bool
named_after(const struct cli_model *m, const char *name)
{
	const struct cli_table *s = &m->tables[m->subject];
	const char *key = m->columns[s->key].name;
	const char *const tails[] = {key, "id", "no", "nr", "number", "key", "fk"};
	size_t n = strlen(s->name);
	char want[160];

	if (!same_word(key, "id") && same_word(name, key))
		return true;
	for (size_t cut = 0; cut <= 2 && cut + 2 < n; cut++) {
		if (cut > 0 && s->name[n - cut] != 's' && s->name[n - cut] != 'n' && s->name[n - cut] != 'e')
			break;
		for (size_t i = 0; i < BASE_COUNT(tails); i++) {
			(void)snprintf(want, sizeof(want), "%.*s_%s", (int)(n - cut), s->name, tails[i]);
			if (same_word(name, want))
				return true;
		}
	}
	(void)snprintf(want, sizeof(want), "%s_id", s->called ? s->called : "person");
	return same_word(name, want);
}

static void
guess_links(struct cli_model *m)
{
	const struct cli_column *key = &m->columns[m->tables[m->subject].key];

	for (size_t i = 0; i < m->ncolumns; i++) {
		struct cli_column *c = &m->columns[i];
		if (c->carries || c->refers != CLI_NOWHERE || c->table == m->subject || c->family != key->family || !cli_propose_markable(c->type_oid, c->type))
			continue;
		bool named = named_after(m, c->name);
		for (size_t k = 0; k < m->ncolumns && !named; k++) /* as a column that is linked for sure */
			named = m->columns[k].carries && strlen(c->name) > 3 && strcmp(m->columns[k].name, c->name) == 0;
		c->perhaps = named;
	}
}

/* -- tickets -- */

static const struct { const char *words; size_t place; unsigned families; } ticket_words[] = {
	{"assignedto assignee assigned owner ownerid agent agentid handler handledby bearbeiter sachbearbeiter zustaendig zuständig responsible assignedtoid userid traitepar responsable tecnico technician chuliren jingbanren shouliren 处理人 经办人 受理人",
	 offsetof(struct cli_ticket, person), CLI_FAMILY_TEXT | CLI_FAMILY_NUMBER | CLI_FAMILY_UUID},
	{"createdby openedby opener reporter reportedby creator createuid angelegtvon erstelltvon gemeldetvon erfasser creepar chuangjianren 创建人 登记人", offsetof(struct cli_ticket, opener),
	 CLI_FAMILY_TEXT},
	{"team teamid assignedteam gruppe abteilung department departmentid queue zuzu bumen 部门 equipe equipo", offsetof(struct cli_ticket, team), CLI_FAMILY_TEXT},
	{"createdat openedat opened created createdate opendate createdon openedon reportedat reporteddate eroeffnetam angelegtam erstelltam meldedatum gemeldetam eingang dateouverture fechaapertura chuangjianshijian createtime 创建时间",
	 offsetof(struct cli_ticket, opened), CLI_FAMILY_DATE},
	{"closedat closed closedon closedate closeddate resolvedat resolved solvedat finishedat completedat dateclosed geschlossenam abgeschlossenam erledigtam datecloture fechacierre guanbishijian jieshushijian closetime 关闭时间 完成时间",
	 offsetof(struct cli_ticket, closed), CLI_FAMILY_DATE},
};

static size_t *
place_of(struct cli_ticket *t, size_t offset)
{
	return (size_t *)(void *)((char *)t + offset);
}

static bool
read_ticket(const struct cli_model *m, size_t table, struct cli_ticket *out)
{
	const struct cli_table *t = &m->tables[table];
	struct cli_ticket x = {table, CLI_NOWHERE, CLI_NOWHERE, CLI_NOWHERE, CLI_NOWHERE, CLI_NOWHERE, CLI_NOWHERE, CLI_NOWHERE, false};

	for (size_t i = t->first; i < t->first + t->n; i++) {
		const struct cli_column *c = &m->columns[i];
		char plain[CLI_PLAIN_MAX];
		uint64_t starts = 0;
		size_t n = cli_kind_plain(base_span_str(c->name), plain, &starts);
		if (c->primary)
			x.number = i;
		if ((c->carries || c->perhaps) && (x.subject == CLI_NOWHERE || (c->carries && !m->columns[x.subject].carries))) {
			x.subject = i;
			continue;
		}
		for (size_t w = 0; w < BASE_COUNT(ticket_words); w++) {
			bool tail = false;
			size_t *place = place_of(&x, ticket_words[w].place);
			if (*place == CLI_NOWHERE && (ticket_words[w].families & (unsigned)c->family) && n > 0 && cli_kind_match(plain, n, starts, ticket_words[w].words, &tail) == n)
				*place = i;
		}
	}
	*out = x;
	return x.number != CLI_NOWHERE && x.subject != CLI_NOWHERE && (x.person != CLI_NOWHERE || x.closed != CLI_NOWHERE);
}

static void
choose_ticket(struct cli_model *m)
{
	int best = 0;

	for (size_t t = 0; t < m->ntables; t++) {
		struct cli_ticket x;
		if (t == m->subject || m->tables[t].role != CLI_ROLE_CASE || !read_ticket(m, t, &x))
			continue;
		const struct cli_column *person = x.person == CLI_NOWHERE ? NULL : &m->columns[x.person];
		bool names = person && person->family == CLI_FAMILY_TEXT && (person->tally.values == 0 || person->roles > 0);
		x.sure = names && x.closed != CLI_NOWHERE && m->columns[x.subject].carries;
		int points = 1 + 4 * x.sure + 2 * names + (x.person != CLI_NOWHERE) + (x.closed != CLI_NOWHERE) + (x.opened != CLI_NOWHERE) + 2 * m->columns[x.subject].carries;
		if (points > best) {
			best = points;
			m->ticket = x;
		}
	}
}

void
cli_propose(struct cli_model *m)
{
	m->ticket = (struct cli_ticket){.table = CLI_NOWHERE};
	for (size_t t = 0; t < m->ntables; t++) {
		m->tables[t].referred = 0;
		m->tables[t].child = false;
	}
	for (size_t i = 0; i < m->ncolumns; i++)
		m->columns[i].carries = m->columns[i].perhaps = false;
	count_references(m);
	for (size_t t = 0; t < m->ntables; t++) {
		struct cli_table *x = &m->tables[t];
		x->role = cli_kind_of_table(base_span_str(x->name), &x->called);
		judge_table(m, x, x->role == CLI_ROLE_SUBJECT || x->role == CLI_ROLE_STAFF ? COMPANY_PERSONS : COMPANY_NONE);
		score(m, x);
	}
	find_children(m);
	choose_subject(m);
	if (m->subject == CLI_NOWHERE)
		return;
	follow_keys(m);
	guess_links(m);
	for (size_t i = 0; i < m->ncolumns; i++) /* what hangs on a person is looked at as a person's */
		if (m->columns[i].carries && m->columns[i].table != m->subject)
			judge_table(m, &m->tables[m->columns[i].table], COMPANY_LINKED);
	choose_ticket(m);
}

const char *
cli_propose_evidence(const struct cli_column *c, char *dst, size_t size)
{
	const struct cli_kind_row *k = cli_kind_row(c->kind);
	const char *by = c->by_comment ? "comment" : "name";
	const struct cli_tally *t = &c->tally;
	unsigned share = k->shape == CLI_SHAPES ? 0 : cli_tally_share(t, k->shape);
	char values[160] = "";

	if (k->shape != CLI_SHAPES && t->values > 0 && t->hits[k->shape] > 0 && share == 0)
		(void)snprintf(values, sizeof(values), "less than 1 %% of %u sampled values look like %s", t->values, cli_shape_words(k->shape));
	else if (k->shape != CLI_SHAPES && t->values > 0)
		(void)snprintf(values, sizeof(values), "%u %% of %u sampled values look like %s", share, t->values, cli_shape_words(k->shape));
	switch (c->grounds) {
	case CLI_GROUNDS_BOTH:
		(void)snprintf(dst, size, "%s by its %s, and %s", k->words, by, values);
		break;
	case CLI_GROUNDS_VALUES:
		(void)snprintf(dst, size, "%s: %s", k->words, values);
		break;
	case CLI_GROUNDS_AGAINST:
		(void)snprintf(dst, size, "uncertain: %s by its %s, but %s", k->words, by, values);
		break;
	case CLI_GROUNDS_NAME:
		(void)snprintf(dst, size, "%s by its %s%s", k->words, by, t->values == 0 ? ", nothing sampled" : "");
		break;
	default:
		(void)snprintf(dst, size, "nothing personal was seen");
		break;
	}
	return dst;
}
