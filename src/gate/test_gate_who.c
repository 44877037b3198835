/* Tests of gate_who: from a log-in or a verified token to the person who asks: claims, the people file, groups that may be named, interning, another world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base_text.h"
#include "gate_who.h"
#include "ident_token.h"
#include "test_gate_shop.h"

#define S(text) base_span_str(text)
#define NOW UINT64_C(1800000000) /* seconds: 2027-01-15 */
#define GROUPS "  group agent { treat enforce on table public.customers { allow read show id } }\n  group lead { treat enforce on table public.customers { allow read show id, name } }\n" \
	"  group hidden { treat enforce }\n  group nobody { treat enforce }\n"
#define CRM(more) "  application crm { login crm issuer \"https://sso.example\" audience \"gatehouse\" keys \"crm.jwks\" algorithm EdDSA " more " nobody in nobody }\n"
#define POLICY(application) "policy \"who\" version 1 {\n  subject customer { table public.customers key id }\n" GROUPS application "}\n"

static const char all_claims[] = POLICY(CRM("actor claim sub name claim name employer claim org province claim place team claim team groups claim roles within agent, lead"));
static const char few_claims[] = POLICY(CRM("actor claim \"person.login\""));
static const char people[] = "role,name,employer,province,team,groups\nann,Ann,Lin Ltd,Jiangsu,T1,agent;lead\nbo,Bo,Lin Ltd,,T2,hidden\ncrm,The application,Own,,,lead\n";
static const uint8_t seed[BASE_ED25519_SEED] = {1, 2, 3};

/* ---- tokens ---- */

static void
url64(struct base_buf *b, struct base_span s)
{
	struct base_buf plain;

	base_buf_init(&plain, 1u << 20);
	base_text_base64(&plain, s);
	struct base_span t = base_buf_span(&plain);
	for (size_t i = 0; i < t.n && t.p[i] != '='; i++)
		base_buf_u8(b, t.p[i] == '+' ? '-' : t.p[i] == '/' ? '_' : t.p[i]);
	base_buf_done(&plain);
}

/* claims: what stands behind iss, aud and exp. Own. */
static char *
token(const char *claims, uint64_t expires)
{
	struct base_buf b;
	char text[4096];
	uint8_t sig[BASE_ED25519_SIG];

	base_buf_init(&b, 1u << 20);
	url64(&b, S("{\"alg\":\"EdDSA\",\"kid\":\"k\"}"));
	base_buf_u8(&b, '.');
	(void)snprintf(text, sizeof(text), "{\"iss\":\"https://sso.example\",\"aud\":\"gatehouse\",\"exp\":%llu%s}", (unsigned long long)expires, claims);
	url64(&b, S(text));
	base_ed25519_sign(seed, base_buf_span(&b), sig);
	base_buf_u8(&b, '.');
	url64(&b, base_span(sig, sizeof(sig)));
	char *t = base_mem_str(base_buf_span(&b));
	base_buf_done(&b);
	return t;
}

static struct gate_world *
world(const char *policy)
{
	struct gate_world *w = shop_world(policy, "/nowhere", "");
	struct base_fail fail;
	struct base_buf b;
	uint8_t pub[BASE_ED25519_PUB];

	shop_must(policy_people_parse(S(people), "people.csv", &w->people, &fail) == 0, fail.text);
	base_ed25519_public(seed, pub);
	base_buf_init(&b, 4096);
	base_buf_str(&b, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":\"");
	url64(&b, base_span(pub, sizeof(pub)));
	base_buf_str(&b, "\"}]}");
	w->jwks = base_mem_new(1, sizeof(struct ident_jwks *));
	shop_must(ident_jwks_parse(base_buf_span(&b), "crm.jwks", &w->jwks[0], &fail) == 0, fail.text);
	w->njwks = 1;
	base_buf_done(&b);
	return w;
}

static int
ask(struct gate_whos *ws, struct gate_world *w, const char *claims, uint64_t now, struct gate_who **who_r, struct base_fail *fail)
{
	char *t = token(claims, NOW + 600);
	int rc = gate_who_token(ws, w, gate_who_application(w, S("crm")), S(t), now * 1000000, who_r, fail);

	free(t);
	return rc;
}

static void
groups_are(const struct gate_who *who, const char *want)
{
	char text[200] = "";
	size_t n = 0;

	for (size_t i = 0; i < who->ngroups; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? " " : "", (int)who->groups[i].n, (const char *)who->groups[i].p);
	assert_string_equal(text, want);
}

/* ---- log-ins ---- */

static void
test_logins(void **state)
{
	static const struct { const char *login, *name, *employer, *province, *team, *groups; bool listed, nobody; } cases[] = {
		{"ann", "Ann", "Lin Ltd", "Jiangsu", "T1", "agent lead", true, false}, {"bo", "Bo", "Lin Ltd", "", "T2", "hidden", true, false},
		{"stranger", "", "", "", "", "", false, false},                        {"crm", "The application", "Own", "", "", "nobody", true, true},
		{"", "", "", "", "", "", false, false},                                {"Ann", "", "", "", "", "", false, false},
	};
	struct gate_world *w = world(all_claims);
	struct gate_whos *ws = gate_whos_new();
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct gate_who *who = gate_who_login(ws, w, S(cases[i].login));
		assert_non_null(who);
		assert_string_equal(who->actor, cases[i].login);
		assert_string_equal(who->name, cases[i].name);
		assert_string_equal(who->employer, cases[i].employer);
		assert_string_equal(who->province, cases[i].province);
		assert_string_equal(who->team, cases[i].team);
		groups_are(who, cases[i].groups);
		assert_int_equal(who->person != NULL, cases[i].listed);
		assert_int_equal(who->nobody, cases[i].nobody);
		assert_int_equal(who->application != NULL, cases[i].nobody);
		assert_true(who->expires_us == 0 && who->token == NULL && who->scope != NULL);
		assert_int_equal(gate_who_in(who, S("lead")), strstr(cases[i].groups, "lead") != NULL);
		assert_false(gate_who_in(who, S("lea")) || gate_who_in(who, S("")));
		gate_who_unref(&who);
		assert_null(who);
	}
	gate_whos_free(&ws);
	gate_world_unref(&w);
}

/* ---- tokens ---- */

static void
test_claims(void **state)
{
	static const struct { const char *policy, *claims; int rc; const char *actor, *name, *employer, *province, *team, *groups; bool listed; } cases[] = {
		/* Claims say it all; what the token does not say is the people file's, where the person is listed. */
		{all_claims, ",\"sub\":\"kim\",\"name\":\"Kim\",\"org\":\"Acme\",\"place\":\"Hunan\",\"team\":\"T9\",\"roles\":[\"agent\"]", 0, "kim", "Kim", "Acme", "Hunan", "T9", "agent", false},
		{all_claims, ",\"sub\":\"kim\",\"roles\":\"lead agent\"", 0, "kim", "", "", "", "", "lead agent", false},
		{all_claims, ",\"sub\":\"ann\",\"org\":\"Acme\",\"roles\":[\"lead\"]", 0, "ann", "Ann", "Acme", "Jiangsu", "T1", "lead", true},
		{all_claims, ",\"sub\":\"ann\",\"org\":7,\"team\":\"\",\"roles\":[\"lead\"]", 0, "ann", "Ann", "Lin Ltd", "Jiangsu", "T1", "lead", true},
		/* Groups: of those that the application may name, no others, whatever the people file says. */
		{all_claims, ",\"sub\":\"kim\",\"roles\":[\"hidden\",\"agent\",\"nobody\",\"made_up\"]", 0, "kim", "", "", "", "", "agent", false},
		{all_claims, ",\"sub\":\"kim\",\"roles\":[\"hidden\",\"nobody\"]", GH_E_DENIED, NULL, NULL, NULL, NULL, NULL, NULL, false},
		{all_claims, ",\"sub\":\"ann\",\"roles\":[]", GH_E_DENIED, NULL, NULL, NULL, NULL, NULL, NULL, false},
		{all_claims, ",\"sub\":\"ann\"", GH_E_DENIED, NULL, NULL, NULL, NULL, NULL, NULL, false},
		{all_claims, ",\"sub\":\"ann\",\"roles\":[\"agent\",7]", GH_E_DENIED, NULL, NULL, NULL, NULL, NULL, NULL, false},
		{all_claims, ",\"sub\":\"ann\",\"roles\":{\"agent\":true}", GH_E_DENIED, NULL, NULL, NULL, NULL, NULL, NULL, false},
		/* No claim for groups: the people file's. The actor is in a claim of its own. */
		{few_claims, ",\"sub\":\"x\",\"person\":{\"login\":\"ann\"},\"roles\":[\"hidden\"],\"org\":\"Acme\"", 0, "ann", "Ann", "Lin Ltd", "Jiangsu", "T1", "agent lead", true},
		{few_claims, ",\"sub\":\"x\",\"person\":{\"login\":\"kim\"},\"roles\":[\"agent\"]", GH_E_DENIED, NULL, NULL, NULL, NULL, NULL, NULL, false},
		{few_claims, ",\"sub\":\"ann\"", GH_E_VERIFY, NULL, NULL, NULL, NULL, NULL, NULL, false},
		{few_claims, ",\"sub\":\"ann\",\"person\":{\"login\":\"\"}", GH_E_VERIFY, NULL, NULL, NULL, NULL, NULL, NULL, false},
		{few_claims, ",\"sub\":\"ann\",\"person\":{\"login\":[\"ann\"]}", GH_E_VERIFY, NULL, NULL, NULL, NULL, NULL, NULL, false},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct gate_world *w = world(cases[i].policy);
		struct gate_whos *ws = gate_whos_new();
		struct gate_who *who = NULL;
		struct base_fail fail;
		int rc = ask(ws, w, cases[i].claims, NOW, &who, &fail);

		if (rc != cases[i].rc)
			fail_msg("case %zu: %d (%s)", i, rc, rc < 0 ? fail.text : "");
		if (rc == 0) {
			assert_string_equal(who->actor, cases[i].actor);
			assert_string_equal(who->name, cases[i].name);
			assert_string_equal(who->employer, cases[i].employer);
			assert_string_equal(who->province, cases[i].province);
			assert_string_equal(who->team, cases[i].team);
			groups_are(who, cases[i].groups);
			assert_int_equal(who->person != NULL, cases[i].listed);
			assert_true(who->application && !who->nobody && who->token);
			assert_int_equal(who->expires_us, (NOW + 600) * 1000000 + IDENT_LEEWAY_US);
			gate_who_unref(&who);
		} else {
			assert_null(strstr(fail.text, "ann"));
			assert_null(strstr(fail.text, "kim"));
		}
		gate_whos_free(&ws);
		gate_world_unref(&w);
	}
}

/* Kept while it is good, for this world and this application alone; a token one byte longer is another. */
static void
test_seen_before(void **state)
{
	static const char claims[] = ",\"sub\":\"ann\",\"roles\":[\"agent\"]";
	struct gate_world *w = world(all_claims), *next = world(all_claims);
	struct gate_whos *ws = gate_whos_new();
	struct gate_who *first = NULL, *again = NULL, *other = NULL;
	struct base_fail fail;
	(void)state;
	assert_int_equal(ask(ws, w, claims, NOW, &first, &fail), 0);
	assert_int_equal(ask(ws, w, claims, NOW + 599, &again, &fail), 0);
	assert_ptr_equal(first, again);
	gate_who_unref(&again);
	/* A token that has run out is not taken from memory: to the second in which it would not be verified any more. */
	assert_int_equal(ask(ws, w, claims, NOW + 659, &again, &fail), 0);
	assert_ptr_equal(first, again);
	gate_who_unref(&again);
	assert_int_equal(ask(ws, w, claims, NOW + 660, &again, &fail), GH_E_VERIFY);
	assert_int_equal(ask(ws, w, claims, NOW, &again, &fail), 0);
	assert_ptr_not_equal(first, again);
	assert_true(gate_who_same(first, again));
	gate_who_unref(&again);
	/* A signature that differs in its last bits is no other spelling of the same. */
	char *t = token(claims, NOW + 600);
	t[strlen(t) - 4] = t[strlen(t) - 4] == 'A' ? 'B' : 'A';
	assert_true(gate_who_token(ws, w, gate_who_application(w, S("crm")), S(t), NOW * 1000000, &again, &fail) < 0);
	free(t);
	/* Another world: made anew, and the old one stays what it is. */
	assert_int_equal(ask(ws, next, claims, NOW, &other, &fail), 0);
	assert_ptr_equal(other->world, next);
	assert_ptr_equal(first->world, w);
	assert_ptr_not_equal(first->scope, other->scope);
	assert_true(gate_who_same(first, other));
	gate_who_unref(&first);
	gate_who_unref(&other);
	gate_whos_free(&ws);
	gate_world_unref(&w);
	gate_world_unref(&next);
}

/* Equal groups are one scope; a world that comes makes others, while those in use stay. */
static void
test_scopes(void **state)
{
	struct gate_world *w = world(all_claims), *next = world(all_claims);
	struct gate_whos *ws = gate_whos_new();
	struct gate_who *a, *b, *kim = NULL, *swapped = NULL, *stranger, *application, *later;
	struct base_fail fail;
	(void)state;
	a = gate_who_login(ws, w, S("ann"));
	b = gate_who_login(ws, w, S("ann"));
	stranger = gate_who_login(ws, w, S("stranger"));
	application = gate_who_login(ws, w, S("crm"));
	assert_int_equal(ask(ws, w, ",\"sub\":\"kim\",\"roles\":[\"agent\",\"lead\"]", NOW, &kim, &fail), 0);
	assert_int_equal(ask(ws, w, ",\"sub\":\"kim\",\"roles\":[\"lead\",\"agent\"]", NOW, &swapped, &fail), 0);
	assert_ptr_equal(a->scope, b->scope);
	assert_ptr_equal(a->scope, kim->scope);
	assert_true(a->scope != stranger->scope && a->scope != application->scope && stranger->scope != application->scope);
	assert_true(gate_who_same(a, b) && gate_who_same(a, a) && !gate_who_same(a, kim) && !gate_who_same(a, NULL) && !gate_who_same(NULL, a) && gate_who_same(NULL, NULL));
	gate_whos_clear(ws);
	assert_string_equal(a->actor, "ann");
	assert_non_null(policy_scope_relation(a->scope, SHOP_CUSTOMERS));
	later = gate_who_login(ws, next, S("ann"));
	assert_ptr_not_equal(later->scope, a->scope);
	assert_ptr_equal(later->scope->map, next->map);
	gate_who_unref(&later);
	later = gate_who_login(ws, w, S("ann")); /* without clear: a scope of another world is not handed out */
	assert_ptr_equal(later->scope->map, w->map);
	struct gate_who *const all[] = {a, b, kim, swapped, stranger, application, later};
	for (size_t i = 0; i < BASE_COUNT(all); i++) {
		struct gate_who *who = all[i];
		gate_who_unref(&who);
	}
	gate_whos_free(&ws);
	gate_world_unref(&w);
	gate_world_unref(&next);
}

/* Each word about a person makes him another; his name does not. */
static void
test_same(void **state)
{
	static const struct { const char *claims; bool same; } cases[] = {
		{",\"sub\":\"kim\",\"org\":\"A\",\"place\":\"P\",\"team\":\"T\",\"roles\":[\"agent\"],\"jti\":\"1\"", true},
		{",\"sub\":\"kim\",\"name\":\"K\",\"org\":\"A\",\"place\":\"P\",\"team\":\"T\",\"roles\":[\"agent\"]", true},
		{",\"sub\":\"kin\",\"org\":\"A\",\"place\":\"P\",\"team\":\"T\",\"roles\":[\"agent\"]", false},
		{",\"sub\":\"kim\",\"org\":\"B\",\"place\":\"P\",\"team\":\"T\",\"roles\":[\"agent\"]", false},
		{",\"sub\":\"kim\",\"org\":\"A\",\"place\":\"Q\",\"team\":\"T\",\"roles\":[\"agent\"]", false},
		{",\"sub\":\"kim\",\"org\":\"A\",\"place\":\"P\",\"team\":\"U\",\"roles\":[\"agent\"]", false},
		{",\"sub\":\"kim\",\"org\":\"A\",\"place\":\"P\",\"team\":\"T\",\"roles\":[\"lead\"]", false},
	};
	struct gate_world *w = world(all_claims);
	struct gate_whos *ws = gate_whos_new();
	struct gate_who *kim = NULL, *other = NULL;
	struct base_fail fail;
	(void)state;
	assert_int_equal(ask(ws, w, ",\"sub\":\"kim\",\"org\":\"A\",\"place\":\"P\",\"team\":\"T\",\"roles\":[\"agent\"]", NOW, &kim, &fail), 0);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		assert_int_equal(ask(ws, w, cases[i].claims, NOW, &other, &fail), 0);
		if (gate_who_same(kim, other) != cases[i].same)
			fail_msg("case %zu", i);
		gate_who_unref(&other);
	}
	gate_who_unref(&kim);
	gate_whos_free(&ws);
	gate_world_unref(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logins), cmocka_unit_test(test_claims), cmocka_unit_test(test_seen_before), cmocka_unit_test(test_scopes), cmocka_unit_test(test_same),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
