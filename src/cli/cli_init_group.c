/* cli_init_group: see cli_init.h: the example group of the proposed policy, every line behind '#', and the small files beside it: configuration and people. Input and
 * caution as in cli_init_write.c.
 */
#include "cli_init.h"

#include <stdio.h>
#include <unistd.h>

#include "policy_rule.h"

#define GROUP_TABLES 12u /* in the example; a person adds others the same way */
#define LINE_WIDTH 100u

struct rules { const struct cli_init *x; struct base_buf *out; };

static bool
one_line(const char *name)
{
	return !strpbrk(name, "\n\r");
}

/* The kind's own rule where the column's type can bear it, else "hide"; NULL: shown. */
static const char *
rule_of(const struct cli_column *c)
{
	const char *rule = cli_kind_row(c->kind)->rule;
	struct policy_mask mask = {.kind = POLICY_MASK_HIDE};
	uint32_t type = base_span_is(base_span_str(c->type), "citext") ? 25 : c->type_oid;

	if (c->kind == CLI_KIND_NONE)
		return c->family == CLI_FAMILY_JSON || c->family == CLI_FAMILY_OTHER ? "hide" : NULL;
	if (strncmp(rule, "last ", 5) == 0)
		mask = (struct policy_mask){.kind = POLICY_MASK_LAST, .n = 4};
	else if (strncmp(rule, "first ", 6) == 0)
		mask = (struct policy_mask){.kind = POLICY_MASK_FIRST, .n = 1};
	else if (strcmp(rule, "year") == 0)
		mask = (struct policy_mask){.kind = POLICY_MASK_YEAR};
	else if (strcmp(rule, "hash") == 0)
		mask = (struct policy_mask){.kind = POLICY_MASK_HASH};
	return mask.kind != POLICY_MASK_HIDE && policy_mask_unsuitable(&mask, type) ? "hide" : rule;
}

static void
say_shown(const struct rules *r, const struct cli_table *t)
{
	const struct cli_model *m = &r->x->model;
	size_t n = 0, width = 0;

	for (size_t i = t->first; i < t->first + t->n; i++) {
		if (rule_of(&m->columns[i]) || !one_line(m->columns[i].name))
			continue;
		size_t before = base_buf_len(r->out);
		base_buf_str(r->out, n == 0 ? "  #     show   " : width > LINE_WIDTH ? ",\n  #            " : ", ");
		width = n > 0 && width > LINE_WIDTH ? 0 : width;
		cli_init_name(r->out, m->columns[i].name);
		width += base_buf_len(r->out) - before;
		n++;
	}
	base_buf_str(r->out, n ? "\n" : "");
}

static void
say_secret(const struct rules *r, const struct cli_table *t)
{
	const struct cli_model *m = &r->x->model;
	char evidence[400];

	for (size_t i = t->first; i < t->first + t->n; i++) {
		const struct cli_column *c = &m->columns[i];
		const char *rule = rule_of(c);
		if (!rule || !one_line(c->name))
			continue;
		bool hide = strcmp(rule, "hide") == 0;
		base_buf_str(r->out, hide ? "  #     hide   " : "  #     mask   ");
		cli_init_name(r->out, c->name);
		base_buf_fmt(r->out, "%s%s  # %s\n", hide ? "" : " as ", hide ? "" : rule,
		    c->kind == CLI_KIND_NONE ? "of a type that nobody has looked into" : cli_propose_evidence(c, evidence, sizeof(evidence)));
	}
}

/* Masked columns by which the subject is found. */
static void
say_look_up(const struct rules *r, const struct cli_table *t)
{
	const struct cli_model *m = &r->x->model;
	size_t n = 0;

	for (size_t i = t->first; i < t->first + t->n; i++) {
		const struct cli_column *c = &m->columns[i];
		if (!*cli_kind_row(c->kind)->identifier || c->grounds == CLI_GROUNDS_AGAINST || !cli_propose_markable(c->type_oid, c->type) || !one_line(c->name))
			continue;
		base_buf_str(r->out, n++ ? ", " : "  #     look up by ");
		cli_init_name(r->out, c->name);
	}
	base_buf_str(r->out, n ? "\n" : "");
}

static void
say_table(const struct rules *r, size_t table)
{
	const struct cli_table *t = &r->x->model.tables[table];

	base_buf_str(r->out, "  #   on table ");
	cli_init_table_name(r->out, t);
	base_buf_str(r->out, " {\n  #     allow  read\n");
	say_shown(r, t);
	say_secret(r, t);
	if (table == r->x->model.subject)
		say_look_up(r, t);
	base_buf_str(r->out, "  #   }\n");
}

/* Those with personal columns come first, the subject's before all. */
static unsigned
rank_of(const struct cli_model *m, size_t table)
{
	const struct cli_table *t = &m->tables[table];
	bool linked = false, personal = false;

	for (size_t i = t->first; i < t->first + t->n; i++) {
		linked = linked || m->columns[i].carries;
		personal = personal || m->columns[i].kind != CLI_KIND_NONE;
	}
	if (!one_line(t->name) || !one_line(t->schema))
		return 0;
	return table == m->subject ? 3 : !linked ? 0 : personal || table == m->ticket.table ? 2 : 1;
}

void
cli_init_group(const struct cli_init *x, struct base_buf *out)
{
	const struct cli_model *m = &x->model;
	struct rules r = {x, out};
	const char *who = cli_init_subject_name(m);
	size_t n = 0, more = 0;

	base_buf_str(out, "\n  # The next step: a group that sees less. Take off the '#' in front of these lines, name the people in people.csv (column groups), and let\n"
	                  "  # `gatehouse policy check` and `policy explain` tell what would happen. With `treat enforce` it is in force.\n"
	                  "  # group staff {\n  #   treat observe\n");
	for (unsigned rank = 3; rank > 0; rank--)
		for (size_t t = 0; t < m->ntables; t++) {
			if (rank_of(m, t) != rank)
				continue;
			if (n == GROUP_TABLES)
				more++;
			else
				n++, say_table(&r, t);
		}
	if (more)
		base_buf_fmt(out, "  #   # %zu more tables hold rows of a %s; what is not named here may not be used\n", more, who);
	base_buf_fmt(out, "  #   limit 100 rows per statement, no copy\n"
	                  "  #   budget 40 %ss per hour, 120 per day for each actor   # distinct ones; a week under `treat observe` shows what is usual\n", who);
	if (m->ticket.table != CLI_NOWHERE && m->ticket.sure)
		base_buf_fmt(out, "  #   unexplained count                                   # or mask, or refuse: look-ups without a ticket\n");
	base_buf_str(out, "  # }\n");
}

/* -- the small files -- */

static void
setting(struct base_buf *out, const char *name, const char *value)
{
	base_buf_fmt(out, "%s = \"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			base_buf_u8(out, '\\');
		base_buf_u8(out, (uint8_t)*p);
	}
	base_buf_str(out, "\"\n");
}

void
cli_init_conf(const struct cli_init *x, struct base_buf *out)
{
	const char *host = PQhost(x->conn);

	base_buf_str(out, "# Made by `gatehouse init`. `gatehouse config` lists every setting with its default and its meaning; relative paths are relative to this folder.\n\n"
	                  "# where people connect\n");
	if (*x->listen == '/') {
		base_buf_str(out, "listen = \"\"\n");
		setting(out, "listen_socket", x->listen);
	} else {
		setting(out, "listen", x->listen);
		base_buf_str(out, "# TLS: set tls_cert and tls_key, then tls = require. Needed as soon as people connect over a network.\n");
	}
	base_buf_str(out, "\n# the database behind; people reach it as themselves\n");
	setting(out, "server_host", host && *host ? host : "/var/run/postgresql");
	setting(out, "server_port", PQport(x->conn));
	setting(out, "database", PQdb(x->conn));
	if (PQsslInUse(x->conn))
		base_buf_str(out, "server_tls = require\n");
	base_buf_str(out, "# the gate's own connection: reads the catalogue and the verifiers of those who log in\n");
	setting(out, "control", x->control);
	base_buf_str(out, "\n# whose data it is, and who the staff are\n");
	setting(out, "policy", x->policy);
	base_buf_str(out, "people = people.csv\nmark_keys = mark.keys\nmask_key = mask.key\n\n# the record: the origin names it for ever\nledger = ledger\n");
	setting(out, "ledger_origin", x->origin);
	base_buf_str(out, "ledger_key = ledger.key\nrun_dir = run\n");
}

void
cli_init_people(const struct cli_init *x, struct base_buf *out)
{
	base_buf_str(out, "role,name,employer,province,team,groups,vetted_until,left_on\n");
	for (int i = 0; i < PQntuples(x->roles); i++) {
		const char *role = PQgetvalue(x->roles, i, 0);
		bool bare = !strpbrk(role, "\",\r\n") && *role != ' ';
		base_buf_str(out, bare ? "" : "\"");
		cli_init_doubled(out, role);
		base_buf_str(out, bare ? ",,,,,,,\n" : "\",,,,,,,\n");
	}
}
