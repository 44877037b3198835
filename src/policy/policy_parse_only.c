/* policy_parse_only: from where, when and with what somebody may come: `only` of a group, and time zones; see policy_rule.h. Input: tokens of a trusted
 * person's file, read as if hostile. That a time zone exists is the loader's to check. No I/O.
 *
 *   only     = "only" ("from" "network" NETWORK ("," NETWORK)* | "during" hours ("," hours)* [zone] | "with" "certificate" | "vetted")
 *   hours    = DAY ["-" DAY] HH:MM "-" HH:MM           DAY = Mon | Tue | Wed | Thu | Fri | Sat | Sun     the end 24:00 is midnight
 *   zone     = AREA "/" CITY | a name with a capital letter in front | STRING
 */
#include "policy_only.h"

#include "base_num.h"
#include "base_text.h"
#include "policy_parse_int.h"

#define ONLY_NETWORKS 1024u
#define ONLY_HOURS 64u

static const char *const only_days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static bool
only_same_letters(struct base_span a, const char *word)
{
	size_t n = strlen(word);
	bool same = a.n == n;
	for (size_t i = 0; same && i < n; i++)
		same = (a.p[i] | 0x20) == ((uint8_t)word[i] | 0x20) && word[i] != 0;
	return same;
}

/* -- networks -- */

static void
only_network(struct policy_parse *p, struct policy_only *o)
{
	struct policy_network n = {.bits = 0};
	struct policy_token at = p->lx.tok;
	char got[POLICY_SHOW_SIZE];
	if (at.kind != POLICY_WIDE) {
		policy_parse_expected(p, "a network such as 10.20.0.0/16");
		return;
	}
	int err = policy_network_parse(at.text, &n);
	if (err != 0)
		policy_lexer_fail(&p->lx, &at, GH_E_PARSE, err == GH_E_LIMIT ? "%s names one address of a network: behind its first bits all must be zero" : "%s is not a network such as 10.20.0.0/16 or 2001:db8::/48",
		                  policy_lexer_show(&at, got, sizeof(got)));
	if (o->nnetworks == ONLY_NETWORKS)
		policy_lexer_fail(&p->lx, &at, GH_E_LIMIT, "more than %u networks in one group", ONLY_NETWORKS);
	struct policy_network *all = policy_parse_append(p, o->networks, o->nnetworks, sizeof(n));
	if (!policy_parse_ok(p))
		return;
	o->networks = all;
	o->networks[o->nnetworks++] = n;
	(void)policy_parse_take(p);
}

/* `network` is next. */
static void
only_networks(struct policy_parse *p, struct policy_only *o)
{
	if (!policy_parse_is(p, POLICY_WORD, "network")) {
		policy_parse_keyword(p, "network");
		return;
	}
	do {
		policy_parse_wide(p); /* takes `network`, or the comma */
		only_network(p, o);
	} while (policy_parse_ok(p) && policy_parse_is(p, POLICY_PUNCT, ","));
}

/* -- hours -- */

/* "Mon" or "Mon-Fri"; from Saturday to Monday, too. False: an unknown day, which is said. */
static bool
only_day_range(struct policy_parse *p, const struct policy_token *at, uint8_t *days_r)
{
	struct base_cursor c = base_cursor(at->text);
	size_t first = 0, last = 0;
	bool range = memchr(at->text.p, '-', at->text.n) != NULL;
	for (size_t i = 0; i <= range; i++) {
		struct base_span word;
		if (i == range || !base_cursor_until(&c, '-', &word))
			word = base_cursor_take(&c, c.left);
		size_t d = 0;
		while (d < BASE_COUNT(only_days) && !only_same_letters(word, only_days[d]))
			d++;
		if (d == BASE_COUNT(only_days)) {
			char got[POLICY_SHOW_SIZE];
			const char *near = base_text_nearest(word, only_days, BASE_COUNT(only_days));
			policy_lexer_fail(&p->lx, at, GH_E_PARSE, "expected days such as Mon-Fri, got %s%s%s%s", policy_lexer_show(at, got, sizeof(got)),
			                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
			return false;
		}
		if (i == 0)
			first = d;
		last = d;
	}
	*days_r = 0;
	for (size_t d = first;; d = (d + 1) % BASE_COUNT(only_days)) {
		*days_r = (uint8_t)(*days_r | 1u << d);
		if (d == last)
			return true;
	}
}

/* "07:30": minutes of the day. */
static bool
only_clock(struct base_span s, uint16_t max, uint16_t *minute_r)
{
	uint64_t hour, minute;
	if (s.n != 5 || s.p[2] != ':' || base_num_u64(base_span(s.p, 2), 0, 24, &hour) != 0 || base_num_u64(base_span(s.p + 3, 2), 0, 59, &minute) != 0 ||
	    hour * 60 + minute > max)
		return false;
	*minute_r = (uint16_t)(hour * 60 + minute);
	return true;
}

/* The days are the token in hand. */
static void
only_hours(struct policy_parse *p, struct policy_only *o)
{
	struct policy_hours h = {.days = 0};
	struct policy_token at = p->lx.tok;
	if (at.kind != POLICY_WIDE) {
		policy_parse_expected(p, "days such as Mon-Fri");
		return;
	}
	if (!only_day_range(p, &at, &h.days))
		return;
	policy_parse_wide(p);
	at = p->lx.tok;
	if (at.kind != POLICY_WIDE || at.text.n != 11 || at.text.p[5] != '-' || !only_clock(base_span(at.text.p, 5), 24 * 60 - 1, &h.from) ||
	    !only_clock(base_span(at.text.p + 6, 5), 24 * 60, &h.to)) {
		policy_parse_expected(p, "hours such as 07:30-19:00");
		return;
	}
	if (o->nhours == ONLY_HOURS)
		policy_lexer_fail(&p->lx, &at, GH_E_LIMIT, "more than %u spans of hours in one group", ONLY_HOURS);
	struct policy_hours *all = policy_parse_append(p, o->hours, o->nhours, sizeof(h));
	if (!policy_parse_ok(p))
		return;
	o->hours = all;
	o->hours[o->nhours++] = h;
}

/* Is this wide token a zone's name? Such a name begins with a capital or holds a '/'; what else begins with a capital here is a word of the language. */
static bool
only_is_zone(const struct policy_token *t)
{
	static const char *const words[] = {"treat", "on", "limit", "no", "budget", "need", "unexplained", "only", "step", "ask"};
	if (t->kind == POLICY_STRING)
		return true;
	if (t->kind != POLICY_WIDE || (!memchr(t->text.p, '/', t->text.n) && (t->text.p[0] < 'A' || t->text.p[0] > 'Z')))
		return false;
	for (size_t i = 0; i < BASE_COUNT(words); i++)
		if (only_same_letters(t->text, words[i]))
			return false;
	return true;
}

struct base_span
policy_parse_zone(struct policy_parse *p)
{
	struct policy_token at = p->lx.tok;
	bool good = (at.kind == POLICY_WIDE || at.kind == POLICY_STRING) && at.text.n > 0 && at.text.n <= POLICY_NAME_MAX && at.text.p[0] != '/';
	for (size_t i = 0; good && i < at.text.n; i++) {
		uint8_t c = at.text.p[i], low = c | 0x20;
		good = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' || c == '+';
	}
	if (!good)
		policy_parse_expected(p, "a time zone such as Europe/Berlin");
	else
		(void)policy_parse_take(p);
	return good ? at.text : base_span("", 0);
}

/* `during` is next. */
static void
only_during(struct policy_parse *p, struct policy_only *o)
{
	o->zone = base_span("", 0);
	do {
		policy_parse_wide(p); /* takes `during`, or the comma */
		only_hours(p, o);
		if (!policy_parse_ok(p))
			return;
		struct policy_lexer before = p->lx;
		policy_parse_wide(p); /* takes the hours: a zone may come, or else a word of the language, which is read again as such */
		if (only_is_zone(&p->lx.tok)) {
			o->zone = policy_parse_zone(p);
			return;
		}
		p->lx = before;
		(void)policy_parse_take(p);
	} while (policy_parse_ok(p) && policy_parse_is(p, POLICY_PUNCT, ","));
}

void
policy_parse_only(struct policy_parse *p, struct policy_group *g, const struct policy_token *at)
{
	static const char *const words[] = {"from", "during", "with", "vetted"};
	struct policy_only *o = &g->only;
	if (policy_parse_is(p, POLICY_WORD, "during")) {
		policy_parse_first(p, at, "\"only during\"", &o->hours_line);
		only_during(p, o);
		return;
	}
	struct policy_token what = policy_parse_take(p);
	if (policy_parse_at(&what, "from")) {
		policy_parse_first(p, at, "\"only from\"", &o->networks_line);
		only_networks(p, o);
	} else if (policy_parse_at(&what, "with")) {
		policy_parse_first(p, at, "\"only with\"", &o->certificate_line);
		policy_parse_keyword(p, "certificate");
	} else if (policy_parse_at(&what, "vetted")) {
		policy_parse_first(p, at, "\"only vetted\"", &o->vetted_line);
	} else {
		policy_parse_unknown(p, &what, "restriction", words, BASE_COUNT(words));
	}
}
