/* cli_token: `gatehouse token check`: what the gate would say of a token, for whoever sets an application up. Input: the token on standard input, hostile; policy and
 * key set, trusted, parsed strictly. Never: prints or keeps the token; asks the network or the gate.
 */
#include "cli_files.h"
#include "cli_out.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_crypt.h"
#include "base_file.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "ident_token.h"

#define READ_MAX (IDENT_TOKEN_MAX + 3u) /* and the end of a line; one more, so that what is cut off is too long in any case */
#define WORD_MAX 1024u

/* How to check, and which claims mean what. Spans borrow from argv or from the policy. */
struct check {
	struct policy_file *policy; /* own; NULL: everything stands on the command line */
	struct policy_application a;
	char *keys; /* own: path */
	uint64_t now_us;
};

static int
read_algorithms(const char *text, unsigned *bits_r, struct base_fail *fail)
{
	static const struct { const char *name; unsigned bit; } names[] = {{"RS256", IDENT_RS256}, {"ES256", IDENT_ES256}, {"EdDSA", IDENT_EDDSA}};
	struct base_cursor c = base_cursor(base_span_str(text));
	struct base_span word;
	unsigned bits = 0;

	while (c.left > 0) {
		unsigned bit = 0;
		if (!base_cursor_until(&c, ',', &word))
			word = base_cursor_take(&c, c.left);
		for (size_t i = 0; i < BASE_COUNT(names); i++)
			if (base_span_is(word, names[i].name))
				bit = names[i].bit;
		if (bit == 0)
			return base_fail_set(fail, GH_E_PARSE, "--algorithm: a list of RS256, ES256 and EdDSA with commas between them");
		bits |= bit;
	}
	*bits_r = bits;
	return 0;
}

static int
load_policy(const struct cli_args *args, struct policy_file **policy_r, struct base_fail *fail)
{
	const char *path = cli_args_get(args, "policy");
	struct proc_conf *conf = NULL;
	struct base_buf text;
	int rc;

	if (!path) {
		rc = cli_files_conf(args, &conf, fail);
		if (rc >= 0)
			rc = cli_files_policy(conf, policy_r, fail);
		proc_conf_free(&conf);
		return rc;
	}
	base_buf_init(&text, POLICY_FILE_SIZE_MAX);
	rc = base_file_read(AT_FDCWD, path, &text, fail);
	if (rc >= 0)
		rc = policy_file_parse(base_buf_span(&text), path, policy_r, fail);
	base_buf_done(&text);
	return rc;
}

static int
from_policy(const struct cli_args *args, const char *name, struct check *k, struct base_fail *fail)
{
	char shown[128];
	int rc = load_policy(args, &k->policy, fail);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < k->policy->napplications; i++)
		if (base_span_is(k->policy->applications[i].name, name)) {
			k->a = k->policy->applications[i];
			k->keys = policy_file_beside(k->policy->file, k->a.keys);
			return 0;
		}
	return base_fail_set(fail, GH_E_MISSING, "the policy has no application %s", base_text_quote(shown, sizeof shown, base_span_str(name), 60));
}

/* From the policy's application, or from --issuer and its like, which go before what the policy says. */
static int
settle(const struct cli_args *args, struct check *k, struct base_fail *fail)
{
	const char *name = cli_args_get(args, "application"), *issuer = cli_args_get(args, "issuer"), *audience = cli_args_get(args, "audience");
	const char *keys = cli_args_get(args, "keys"), *algorithm = cli_args_get(args, "algorithm"), *at = cli_args_get(args, "at");
	int rc = 0;

	k->now_us = base_time_wall_us();
	if (at && base_time_parse(base_span_str(at), &k->now_us) < 0)
		return base_fail_set(fail, GH_E_PARSE, "--at: a time such as 2026-11-22 or 2026-11-22T16:07Z");
	if (name)
		rc = from_policy(args, name, k, fail);
	else if (!issuer || !audience || !keys || !algorithm)
		rc = base_fail_set(fail, GH_E_MISSING, "--application is needed, or all of --issuer, --audience, --keys and --algorithm");
	if (rc < 0)
		return rc;
	if (issuer)
		k->a.issuer = base_span_str(issuer);
	if (audience)
		k->a.audience = base_span_str(audience);
	if (algorithm && (rc = read_algorithms(algorithm, &k->a.algorithms, fail)) < 0)
		return rc;
	if (k->a.actor.n == 0)
		k->a.actor = base_span_str("sub");
	if (keys) {
		free(k->keys);
		k->keys = base_mem_str(base_span_str(keys));
	}
	return 0;
}

static int
read_token(struct base_buf *b, struct base_fail *fail)
{
	for (;;) {
		uint8_t *to = base_buf_reserve(b, 1);
		ssize_t n = to ? read(STDIN_FILENO, to, 1) : -1; /* byte by byte: the buffer's own ceiling is the only one */
		if (!to)
			return base_fail_set(fail, GH_E_LIMIT, "token: longer than %u bytes", IDENT_TOKEN_MAX);
		if (n < 0)
			return base_fail_set(fail, GH_E_IO, "cannot read standard input");
		if (n == 0)
			return 0;
		base_buf_commit(b, 1);
	}
}

/* One end of a line behind it is the shell's, not the token's. */
static struct base_span
trimmed(struct base_span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static bool
may_name(const struct policy_application *a, struct base_span group)
{
	for (size_t i = 0; i < a->nwithin; i++)
		if (base_span_eq(a->within[i], group))
			return true;
	return false;
}

static void
print_groups(const struct check *k, const struct ident_claims *c, bool json, struct base_buf *out)
{
	struct base_span group;
	char shown[WORD_MAX];

	if (k->a.groups.n == 0) {
		base_buf_str(out, json ? "" : "groups     the people file's\n");
		return;
	}
	for (int may = 1; may >= 0; may--) {
		size_t n = 0;
		if (json)
			base_buf_str(out, may ? ",\"groups\":[" : ",\"not_given\":[");
		for (size_t i = 0; ident_claims_item(c, k->a.groups, i, &group); i++) {
			if (may_name(&k->a, group) != (may == 1))
				continue;
			base_buf_str(out, json ? (n > 0 ? "," : "") : n > 0 ? ", " : may ? "groups     " : "not given  ");
			if (json)
				cli_out_json(out, group);
			else
				base_buf_str(out, base_text_quote(shown, sizeof shown, group, 255));
			n++;
		}
		if (json)
			base_buf_u8(out, ']');
		else if (n > 0 || may)
			base_buf_str(out, n > 0 ? may ? "\n" : " (the policy lets no token name these)\n" : "groups     none: the gate refuses this token\n");
	}
}

static bool
print(const struct check *k, const struct ident_claims *c, bool json)
{
	const struct { const char *label; struct base_span claim; } said[] = {
		{"name", k->a.person_name}, {"employer", k->a.employer}, {"province", k->a.province}, {"team", k->a.team},
	};
	char shown[WORD_MAX], when[BASE_TIME_LOCAL_SIZE], utc[BASE_TIME_UTC_SIZE];
	struct base_span value;
	struct base_buf out;

	base_buf_init(&out, 1u << 20);
	bool has = ident_claims_text(c, k->a.actor, &value); /* the caller has looked */
	if (json) {
		base_buf_str(&out, "{\"valid\":true,\"actor\":");
		cli_out_json(&out, value);
	} else {
		base_buf_fmt(&out, "actor      %s\n", base_text_quote(shown, sizeof shown, value, 255));
	}
	for (size_t i = 0; has && i < BASE_COUNT(said); i++) {
		if (said[i].claim.n == 0 || !ident_claims_text(c, said[i].claim, &value))
			continue;
		if (json) {
			base_buf_fmt(&out, ",\"%s\":", said[i].label);
			cli_out_json(&out, value);
		} else {
			base_buf_fmt(&out, "%-10s %s\n", said[i].label, base_text_quote(shown, sizeof shown, value, 255));
		}
	}
	print_groups(k, c, json, &out);
	if (json)
		base_buf_fmt(&out, ",\"expires\":\"%s\"}\n", base_time_utc(ident_claims_expires_us(c), utc));
	else
		base_buf_fmt(&out, "expires    %s\n", base_time_local(ident_claims_expires_us(c), when));
	bool ok = cli_out_write(&out);
	base_buf_done(&out);
	return ok;
}

/* CLI_EXIT_NONE: the token does not hold. */
static int
check(const struct check *k, const struct ident_jwks *keys, struct base_span token, bool json, struct base_fail *fail)
{
	_Static_assert((int)IDENT_RS256 == (int)POLICY_ALG_RS256 && (int)IDENT_ES256 == (int)POLICY_ALG_ES256 && (int)IDENT_EDDSA == (int)POLICY_ALG_EDDSA, "the same bits");
	const struct ident_expect expect = {k->a.issuer, k->a.audience, k->a.algorithms, k->now_us};
	struct ident_claims *c = NULL;
	struct base_span actor;

	int rc = ident_token_verify(keys, token, &expect, &c, fail);
	if (rc == 0 && !ident_claims_text(c, k->a.actor, &actor))
		rc = base_fail_set(fail, GH_E_MISSING, "token: the claim that is to be the actor is not a text of 1 to 255 bytes without control characters");
	bool ok = true;
	if (rc == 0) {
		ok = print(k, c, json);
	} else if (json) {
		struct base_buf out;
		base_buf_init(&out, 4096);
		base_buf_str(&out, "{\"valid\":false,\"why\":");
		cli_out_json(&out, base_span_str(fail->text));
		base_buf_str(&out, "}\n");
		ok = cli_out_write(&out);
		base_buf_done(&out);
	} else {
		(void)cli_out_fail(fail);
	}
	ident_claims_free(&c);
	return !ok ? CLI_EXIT_ERROR : rc == 0 ? CLI_EXIT_OK : CLI_EXIT_NONE;
}

int
cli_token_check(const struct cli_args *args)
{
	struct check k = {.policy = NULL};
	struct base_fail fail = {0};
	struct base_buf set, token;
	struct ident_jwks *keys = NULL;
	int status = CLI_EXIT_ERROR;

	base_buf_init(&set, IDENT_JWKS_MAX + 1);
	base_buf_init(&token, READ_MAX);
	int rc = settle(args, &k, &fail);
	if (rc >= 0)
		rc = base_file_read(AT_FDCWD, k.keys, &set, &fail);
	if (rc >= 0)
		rc = ident_jwks_parse(base_buf_span(&set), k.keys, &keys, &fail);
	if (rc < 0) {
		status = cli_out_fail(&fail);
	} else {
		rc = read_token(&token, &fail);
		status = rc == GH_E_IO ? cli_out_fail(&fail) : check(&k, keys, trimmed(base_buf_span(&token)), cli_args_get(args, "json") != NULL, &fail);
	}
	if (token.mem)
		base_secret_wipe(token.mem, token.cap);
	base_buf_done(&token);
	base_buf_done(&set);
	ident_jwks_unref(&keys);
	policy_file_free(&k.policy);
	free(k.keys);
	return status;
}
