/* policy_parse_application: programs with a login of their own that speak for people through signed tokens; see policy_rule.h. Input: tokens of a trusted
 * person's file, read as if hostile. The key file is not read here. No I/O.
 *
 *   application = "application" WORD "{" part* "}"
 *   part        = "login" name | ("issuer" | "audience" | "keys") STRING | "algorithm" ALG ("," ALG)*         ALG = RS256 | ES256 | EdDSA
 *               | ("actor" | "employer" | "name" | "province" | "team" | "groups") "claim" (WORD | STRING)
 *               | "within" name ("," name)* | "nobody" "in" name ("," name)*
 */
#include "policy_parse_int.h"

#include "base_text.h"

#define APPLICATION_MAX 256u
#define APPLICATION_GROUPS 256u

enum application_part {
	PART_LOGIN, PART_ISSUER, PART_AUDIENCE, PART_KEYS, PART_ALGORITHM, PART_ACTOR, PART_NOBODY, /* these are needed */
	PART_EMPLOYER, PART_NAME, PART_PROVINCE, PART_TEAM, PART_GROUPS, PART_WITHIN, PART_COUNT
};
static const char *const application_words[PART_COUNT] = {
	"login", "issuer", "audience", "keys", "algorithm", "actor", "nobody", "employer", "name", "province", "team", "groups", "within",
};

static void
application_algorithms(struct policy_parse *p, struct policy_application *a)
{
	static const struct { const char *word, *name; enum policy_algorithm bit; } algorithms[] = {
		{"rs256", "RS256", POLICY_ALG_RS256}, {"es256", "ES256", POLICY_ALG_ES256}, {"eddsa", "EdDSA", POLICY_ALG_EDDSA},
	};
	const char *words[BASE_COUNT(algorithms)];
	do {
		struct policy_token at = policy_parse_take(p);
		unsigned bit = 0;
		for (size_t i = 0; i < BASE_COUNT(algorithms); i++) {
			words[i] = algorithms[i].name;
			if (policy_parse_at(&at, algorithms[i].word))
				bit = algorithms[i].bit;
		}
		if (bit == 0)
			policy_parse_unknown(p, &at, "algorithm", words, BASE_COUNT(words));
		a->algorithms |= bit;
	} while (policy_parse_ok(p) && policy_parse_comma(p));
}

static void
application_groups(struct policy_parse *p, struct base_span **list, size_t *n)
{
	do {
		struct policy_token at = p->lx.tok;
		struct base_span name = policy_parse_group_name(p);
		if (*n == APPLICATION_GROUPS)
			policy_lexer_fail(&p->lx, &at, GH_E_LIMIT, "more than %u groups", APPLICATION_GROUPS);
		if (policy_parse_ok(p))
			policy_parse_add_name(p, list, n, &at, name, "group");
	} while (policy_parse_ok(p) && policy_parse_comma(p));
}

/* "claim sub". Bare words are folded to lower case; a claim with capitals stands in quotes. */
static struct base_span
application_claim(struct policy_parse *p)
{
	policy_parse_keyword(p, "claim");
	return policy_parse_ok(p) ? policy_parse_name(p, "a claim's name") : base_span("", 0);
}

static void
application_part(struct policy_parse *p, struct policy_application *a, unsigned once[PART_COUNT])
{
	struct policy_token at = policy_parse_take(p);
	size_t part = 0;
	while (part < PART_COUNT && !policy_parse_at(&at, application_words[part]))
		part++;
	if (part == PART_COUNT) {
		policy_parse_unknown(p, &at, "part of an application", application_words, PART_COUNT);
		return;
	}
	policy_parse_once(p, &at, &once[part]);
	switch ((enum application_part)part) {
	case PART_LOGIN: a->login = policy_parse_name(p, "the role with which the application logs in"); break;
	case PART_ISSUER: a->issuer = policy_parse_string(p, "the issuer of the tokens in quotes"); break;
	case PART_AUDIENCE: a->audience = policy_parse_string(p, "the audience of the tokens in quotes"); break;
	case PART_KEYS: a->keys = policy_parse_string(p, "the file of the issuer's keys in quotes"); break;
	case PART_ALGORITHM: application_algorithms(p, a); break;
	case PART_ACTOR: a->actor = application_claim(p); break;
	case PART_EMPLOYER: a->employer = application_claim(p); break;
	case PART_NAME: a->person_name = application_claim(p); break;
	case PART_PROVINCE: a->province = application_claim(p); break;
	case PART_TEAM: a->team = application_claim(p); break;
	case PART_GROUPS: a->groups = application_claim(p); break;
	case PART_WITHIN: application_groups(p, &a->within, &a->nwithin); break;
	case PART_NOBODY:
		policy_parse_keyword(p, "in");
		if (policy_parse_ok(p))
			application_groups(p, &a->nobody, &a->nnobody);
		break;
	case PART_COUNT: break;
	}
}

static void
application_check(struct policy_parse *p, const struct policy_application *a, const struct policy_token *name, const unsigned once[PART_COUNT])
{
	const struct policy_file *f = p->file;
	char got[POLICY_SHOW_SIZE], login[96];
	(void)policy_lexer_show(name, got, sizeof(got));
	for (size_t i = 0; i < f->napplications; i++) {
		if (base_span_eq(f->applications[i].name, a->name))
			policy_lexer_fail(&p->lx, name, GH_E_PARSE, "application %s is declared twice; first in line %u", got, f->applications[i].line);
		else if (base_span_eq(f->applications[i].login, a->login))
			policy_lexer_fail(&p->lx, name, GH_E_PARSE, "login \"%s\" belongs to another application already; see line %u", base_text_quote(login, sizeof(login), a->login, 64),
			                  f->applications[i].line);
	}
	for (size_t i = 0; i <= PART_NOBODY; i++)
		if (once[i] == 0)
			policy_lexer_fail(&p->lx, name, GH_E_PARSE, "application %s has no \"%s\"", got, application_words[i]);
	if (once[PART_GROUPS] != 0 && once[PART_WITHIN] == 0)
		policy_lexer_fail(&p->lx, name, GH_E_PARSE, "application %s takes groups from tokens: \"within\" must say which ones a token may name", got);
	if (once[PART_WITHIN] != 0 && once[PART_GROUPS] == 0)
		policy_lexer_fail(&p->lx, name, GH_E_PARSE, "application %s has \"within\", but no \"groups claim\": its tokens name no groups", got);
	if (f->napplications == APPLICATION_MAX)
		policy_lexer_fail(&p->lx, name, GH_E_LIMIT, "more than %u applications", APPLICATION_MAX);
}

void
policy_parse_application(struct policy_parse *p, const struct policy_token *at)
{
	struct policy_file *f = p->file;
	struct base_span none = base_span("", 0);
	struct policy_application a = {.name = none, .login = none, .issuer = none, .audience = none, .keys = none, .line = at->line, .actor = none, .person_name = none,
	                               .employer = none, .province = none, .team = none, .groups = none};
	unsigned once[PART_COUNT] = {0};
	struct policy_token name = p->lx.tok;
	a.name = policy_parse_word(p, "an application's name");
	policy_parse_punct(p, "{", "\"{\"");
	while (policy_parse_inside(p))
		application_part(p, &a, once);
	policy_parse_punct(p, "}", "\"}\" at the end of the application");
	if (policy_parse_ok(p))
		application_check(p, &a, &name, once);
	struct policy_application *all = policy_parse_append(p, f->applications, f->napplications, sizeof(a));
	if (!policy_parse_ok(p))
		return;
	f->applications = all;
	f->applications[f->napplications++] = a;
}
