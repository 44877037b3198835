/* policy_words: see policy_words.h. Input: a parsed policy of a trusted person. */
#include "policy_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "base_text.h"

void
policy_time_words(uint64_t us, char *dst, size_t size)
{
	static const struct { uint64_t s; const char *one; } unit[] = {{7 * 86400, "week"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	uint64_t s = us / 1000000;
	size_t i = 0;

	while (i + 1 < BASE_COUNT(unit) && (s == 0 || s % unit[i].s != 0))
		i++;
	if (s == unit[i].s)
		(void)snprintf(dst, size, "%s", unit[i].one);
	else
		(void)snprintf(dst, size, "%" PRIu64 " %ss", s / unit[i].s, unit[i].one);
}

const char *
policy_holder_word(enum policy_holder h)
{
	return h == POLICY_HOLDER_ACTOR ? "actor" : h == POLICY_HOLDER_EMPLOYER ? "employer" : "group";
}

struct base_span
policy_count_what(const struct policy_file *f, const struct policy_count *c)
{
	return c->noun == POLICY_NOUN_LOOKUPS || c->subject >= f->nsubjects ? base_span_str("lookups") : f->subjects[c->subject].name;
}

void
policy_count_name(const struct policy_file *f, const struct policy_count *c, char *dst, size_t size)
{
	const char *adjective = c->adjective == POLICY_ADJECTIVE_CLEAR ? "clear " : c->adjective == POLICY_ADJECTIVE_UNEXPLAINED ? "unexplained " : "";
	char window[32], what[128];

	policy_time_words(c->window_us, window, sizeof(window));
	(void)base_text_quote(what, sizeof(what), policy_count_what(f, c), 120);
	(void)snprintf(dst, size, "%s%s%s per %s", adjective, what, c->noun == POLICY_NOUN_SUBJECT ? "s" : "", window);
}

void
policy_count_words(const struct policy_file *f, const struct policy_count *c, char *dst, size_t size)
{
	char name[POLICY_WORDS_COUNT];

	policy_count_name(f, c, name, sizeof(name));
	(void)snprintf(dst, size, "%" PRIu64 " %s", c->n, name);
}

void
policy_budget_words(const struct policy_file *f, const struct policy_count *c, enum policy_holder h, char *dst, size_t size)
{
	char words[POLICY_WORDS_COUNT];

	policy_count_words(f, c, words, sizeof(words));
	(void)snprintf(dst, size, "%s for each %s", words, policy_holder_word(h));
}
