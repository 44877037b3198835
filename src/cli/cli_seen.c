/* cli_seen: `gatehouse seen`: who saw this person. The asked value becomes marks with the mark keys of every year there is a key for; a
 * plain scan of the ledger finds the entries with these marks, or with marks of the same person (cli_match.h has the rules).
 * Input: the command line, trusted files, ledger entries. Prints no value that was asked for; writes nothing.
 */
#include "cli_files.h"
#include "cli_ledger.h"
#include "cli_match.h"
#include "cli_out.h"
#include "cli_looks.h"

#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "mask_value.h"

#define YEARS_MAX 64u
#define HOW_TO_ASK "gatehouse seen --subject KEY, --phone PHONE, --email EMAIL, --account ACCOUNT, or --kind KIND VALUE"

struct seen {
	struct proc_conf *conf;
	struct policy_file *policy;
	struct mask_keys *keys;
	struct cli_ledger *ledger;
	struct cli_match *match;
	struct cli_filter filter;
	struct cli_looks looks;
};

/* The subject of the policy that the question is about. */
static int
find_subject(const struct policy_file *policy, const char *name, size_t name_n, const struct policy_subject **s_r, struct base_fail *fail)
{
	struct base_buf names;

	if (!name && policy->nsubjects == 1) {
		*s_r = &policy->subjects[0];
		return 0;
	}
	for (size_t i = 0; name && i < policy->nsubjects; i++)
		if (base_span_eq(policy->subjects[i].name, base_span(name, name_n))) {
			*s_r = &policy->subjects[i];
			return 0;
		}
	base_buf_init(&names, sizeof fail->hint / 2);
	for (size_t i = 0; i < policy->nsubjects; i++) {
		base_buf_str(&names, i ? ", " : "");
		base_buf_put(&names, policy->subjects[i].name);
	}
	if (name)
		base_fail_set(fail, GH_E_PARSE, "the policy has no subject %.*s", (int)name_n, name);
	else
		base_fail_set(fail, GH_E_PARSE, "the policy has %zu subjects: say which", policy->nsubjects);
	base_fail_hint(fail, "--subject-kind: %.*s", (int)base_buf_len(&names), (const char *)base_buf_span(&names).p);
	base_buf_done(&names);
	return GH_E_PARSE;
}

/* Marks of one value under one normalisation, for every year with a key. */
static int
ask_value(struct seen *s, struct base_span kind, enum policy_norm norm, struct base_span country, const char *value, struct base_fail *fail)
{
	uint8_t text[MASK_VALUE_MAX];
	size_t n = strlen(value);
	unsigned years[YEARS_MAX];
	size_t nyears = mask_keys_years(s->keys, years, YEARS_MAX);

	if (n > sizeof text)
		return base_fail_set(fail, GH_E_LIMIT, "the value is longer than %u bytes", MASK_VALUE_MAX);
	memcpy(text, value, n);
	if (mask_value_normalise(norm, country, text, &n) < 0)
		return base_fail_set(fail, GH_E_PARSE, "this cannot be a %.*s: nothing is left of it when normalised", (int)kind.n, (const char *)kind.p);
	for (size_t i = 0; i < nyears && i < YEARS_MAX; i++) {
		struct mask_marker *marker = NULL;
		int rc = mask_marker_new(s->keys, years[i], &kind, 1, &marker, fail);
		if (rc < 0)
			return rc;
		cli_match_ask(s->match, years[i], kind, mask_marker_mark(marker, 0, base_span(text, n)));
		mask_marker_free(&marker);
	}
	base_secret_wipe(text, sizeof text);
	return 0;
}

/* word: "key", "phone", "email", ... of the subject. */
static int
ask(struct seen *s, const struct policy_subject *subject, const char *word, const char *value, struct base_fail *fail)
{
	const char *words[EVENT_LIST_MAX + 1] = {POLICY_KIND_KEY};
	char *owned[EVENT_LIST_MAX] = {NULL};
	size_t nwords = 1, found = 0;
	struct base_buf kind;
	int rc = 0;

	base_buf_init(&kind, 256);
	base_buf_put(&kind, subject->name);
	base_buf_u8(&kind, '.');
	base_buf_str(&kind, word);
	if (kind.bad)
		rc = base_fail_set(fail, GH_E_PARSE, "the kind's name is too long");
	if (rc >= 0 && base_span_is(base_span_str(word), POLICY_KIND_KEY)) {
		found++;
		rc = ask_value(s, base_buf_span(&kind), POLICY_NORM_KEY, base_span("", 0), value, fail);
	}
	for (size_t i = 0; i < subject->nidentifiers && rc >= 0; i++) {
		const struct policy_identifier *id = &subject->identifiers[i];
		if (nwords - 1 < BASE_COUNT(owned)) {
			owned[nwords - 1] = base_mem_str(id->kind);
			words[nwords] = owned[nwords - 1];
			nwords++;
		}
		if (!base_span_is(id->kind, word))
			continue;
		found++;
		rc = ask_value(s, base_buf_span(&kind), id->norm, id->country, value, fail);
	}
	if (rc >= 0 && found == 0) {
		const char *near = base_text_nearest(base_span_str(word), words, nwords);
		rc = base_fail_set(fail, GH_E_PARSE, "the policy gives a %.*s no identifier %s", (int)subject->name.n, (const char *)subject->name.p, word);
		if (near)
			base_fail_hint(fail, "did you mean %.*s.%s?", (int)subject->name.n, (const char *)subject->name.p, near);
		else
			base_fail_hint(fail, "`gatehouse policy check` lists its identifiers");
	}
	for (size_t i = 0; i < BASE_COUNT(owned); i++)
		free(owned[i]);
	base_buf_done(&kind);
	return rc;
}

static bool
has_identifier(const struct policy_subject *subject, const char *word)
{
	for (size_t i = 0; i < subject->nidentifiers; i++)
		if (base_span_is(subject->identifiers[i].kind, word))
			return true;
	return false;
}

/* One option. Without --subject-kind an identifier is asked of every subject that has it: a telephone is a telephone. A key is only a
 * number, and needs to be told whose. */
static int
ask_option(struct seen *s, const char *name, const char *word, const char *value, struct base_fail *fail)
{
	const struct policy_subject *subject = NULL;
	bool asked = false;
	int rc = 0;

	for (size_t i = 0; !name && i < s->policy->nsubjects && rc >= 0; i++)
		if (has_identifier(&s->policy->subjects[i], word)) {
			rc = ask(s, &s->policy->subjects[i], word, value, fail);
			asked = true;
		}
	if (asked || rc < 0)
		return rc;
	rc = find_subject(s->policy, name, name ? strlen(name) : 0, &subject, fail);
	return rc < 0 ? rc : ask(s, subject, word, value, fail);
}

static int
ask_all(struct seen *s, const struct cli_args *args, struct base_fail *fail)
{
	static const struct {
		const char *option, *word;
	} plain[] = {{"subject", POLICY_KIND_KEY}, {"phone", "phone"}, {"email", "email"}, {"account", "account"}};
	const struct policy_subject *subject = NULL;
	const char *kind = cli_args_get(args, "kind"), *name = cli_args_get(args, "subject-kind");
	const char *dot = kind ? strchr(kind, '.') : NULL;
	unsigned asked = 0;
	int rc = 0;

	if (kind && args->count != 1)
		return base_fail_set(fail, GH_E_PARSE, "--kind %s needs one VALUE", kind);
	if (!kind && args->count > 0) {
		base_fail_set(fail, GH_E_PARSE, "a VALUE needs its kind");
		base_fail_hint(fail, HOW_TO_ASK);
		return GH_E_PARSE;
	}
	if (dot) {
		rc = find_subject(s->policy, kind, (size_t)(dot - kind), &subject, fail);
		if (rc >= 0)
			rc = ask(s, subject, dot + 1, args->operand[0], fail);
		asked++;
	} else if (kind) {
		rc = ask_option(s, name, kind, args->operand[0], fail);
		asked++;
	}
	for (size_t i = 0; i < BASE_COUNT(plain) && rc >= 0; i++) {
		const char *value = cli_args_get(args, plain[i].option);
		if (!value)
			continue;
		rc = ask_option(s, name, plain[i].word, value, fail);
		asked++;
	}
	if (rc >= 0 && asked == 0) {
		rc = base_fail_set(fail, GH_E_PARSE, "whom? no person was named");
		base_fail_hint(fail, HOW_TO_ASK);
	}
	return rc;
}

/* Something of a person came out: rows were read, or came back from a write. */
static bool
shows(const struct event_entry *e)
{
	return e->rows > 0 && (e->kind == EVENT_READ || (e->kind == EVENT_WRITE && e->columns.count > 0));
}

/* One pass over the ledger; learning only, or collecting. 1 when something was learned. */
static int
pass(struct seen *s, bool collect, struct base_fail *fail)
{
	struct cli_progress progress;
	struct cli_record rec;
	struct cli_hit hit;
	bool learned = false;
	int rc;

	cli_progress_init(&progress, collect ? "collecting" : "searching", cli_ledger_size(s->ledger));
	cli_ledger_seek(s->ledger, 0);
	while ((rc = cli_ledger_next(s->ledger, &rec, fail)) > 0) {
		cli_progress_step(&progress, rec.index);
		if (!collect) {
			learned = cli_match_learn(s->match, rec.e) || learned;
			continue;
		}
		if (!cli_filter_passes(&s->filter, rec.e) || !shows(rec.e))
			continue;
		if (rec.e->subjects == EVENT_SUBJECTS_UNKNOWN && rec.e->part <= 1)
			s->looks.unknown++;
		if (cli_match_entry(s->match, rec.e, &hit))
			cli_looks_add(&s->looks, &rec, &hit);
	}
	cli_progress_done(&progress);
	return rc < 0 ? rc : learned;
}

int
cli_seen(const struct cli_args *args)
{
	struct seen s = {.match = cli_match_new()};
	struct base_fail fail = {0};
	int status = CLI_EXIT_ERROR, rc;

	cli_looks_init(&s.looks);
	if ((rc = cli_filter_parse(args, false, &s.filter, &fail)) < 0 || (rc = cli_files_conf(args, &s.conf, &fail)) < 0 ||
	    (rc = cli_files_policy(s.conf, &s.policy, &fail)) < 0 || (rc = cli_files_marks(s.conf, &s.keys, &fail)) < 0 ||
	    (rc = ask_all(&s, args, &fail)) < 0 || (rc = cli_ledger_open(s.conf, &s.ledger, &fail)) < 0)
		goto out;
	while ((rc = pass(&s, false, &fail)) > 0)
		; /* until nothing new is learned: at most asked -> key -> its identifiers, three passes */
	if (rc >= 0)
		rc = pass(&s, true, &fail);
	if (rc >= 0)
		status = cli_looks_print(&s.looks, cli_args_get(args, "json") != NULL);
out:
	if (rc < 0)
		status = cli_out_fail(&fail);
	cli_looks_done(&s.looks);
	cli_ledger_close(&s.ledger);
	cli_match_free(&s.match);
	mask_keys_unref(&s.keys);
	policy_file_free(&s.policy);
	proc_conf_free(&s.conf);
	return status;
}
