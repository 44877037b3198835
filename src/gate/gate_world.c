/* gate_world: loads the files that the gate works from. Input: trusted files (size-limited); runs at start and at reload, on the
 * control thread. Never touches a client.
 */
#include "gate_world_int.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base_file.h"
#include "base_log.h"
#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"
#include "base_time.h"

#define SECRET_SIZE_MAX 65536u

static int
read_file(const char *path, size_t max, bool secret, struct base_buf *b, struct base_fail *fail)
{
	base_buf_init(b, max);
	return secret ? base_file_read_secret(AT_FDCWD, path, b, fail) : base_file_read(AT_FDCWD, path, b, fail);
}

static int
load_address(struct gate_world *w, struct base_fail *fail)
{
	const struct proc_conf *c = w->conf;

	if (c->server_host[0] == '/') {
		struct gate_address *a = &w->address[0];
		int n = snprintf(a->u.un.sun_path, sizeof(a->u.un.sun_path), "%s/.s.PGSQL.%u", c->server_host, (unsigned)c->server_port);
		if (n < 0 || (size_t)n >= sizeof(a->u.un.sun_path))
			return base_fail_set(fail, GH_E_LIMIT, "server_host: socket path is longer than %zu bytes", sizeof(a->u.un.sun_path) - 1);
		a->u.un.sun_family = AF_UNIX;
		a->len = (socklen_t)sizeof(a->u.un);
		w->naddresses = 1;
		(void)snprintf(w->where, sizeof(w->where), "%s", a->u.un.sun_path);
		return GH_OK;
	}
	char port[8];
	(void)snprintf(port, sizeof(port), "%u", (unsigned)c->server_port);
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
	int rc = getaddrinfo(c->server_host, port, &hints, &list);
	if (rc != 0)
		return base_fail_set(fail, GH_E_MISSING, "server_host \"%s\" could not be resolved: %s", c->server_host, gai_strerror(rc));
	for (struct addrinfo *i = list; i && w->naddresses < GATE_WORLD_ADDRESSES; i = i->ai_next) {
		if (i->ai_addrlen > sizeof(w->address[0].u))
			continue;
		struct gate_address *a = &w->address[w->naddresses++];
		memcpy(&a->u, i->ai_addr, i->ai_addrlen);
		a->len = i->ai_addrlen;
	}
	freeaddrinfo(list);
	(void)snprintf(w->where, sizeof(w->where), "%s:%s", c->server_host, port);
	return w->naddresses ? GH_OK : base_fail_set(fail, GH_E_MISSING, "server_host \"%s\" has no address", c->server_host);
}

static const char *
opt(const char *s)
{
	return s && s[0] ? s : NULL;
}

static int
load_tls(struct gate_world *w, struct base_fail *fail)
{
	const struct proc_conf *c = w->conf;
	int rc;

	if (c->tls != PROC_TLS_OFF && opt(c->tls_cert)) {
		rc = wire_tls_server_new(c->tls_cert, opt(c->tls_key) ? c->tls_key : c->tls_cert, opt(c->tls_client_ca), &w->client_tls, fail);
		if (rc < 0)
			return rc;
	} else if (c->tls == PROC_TLS_REQUIRE) {
		return base_fail_set(fail, GH_E_MISSING, "tls = require, but tls_cert is not set");
	}
	if (c->server_tls != PROC_SERVER_TLS_OFF) {
		const char *ca = c->server_tls == PROC_SERVER_TLS_REQUIRE ? NULL : opt(c->server_ca);
		if (c->server_tls != PROC_SERVER_TLS_REQUIRE && !ca)
			return base_fail_set(fail, GH_E_MISSING, "server_tls verifies the server's certificate, but server_ca is not set");
		rc = wire_tls_client_new(ca, opt(c->server_cert), opt(c->server_key), &w->server_tls, fail);
		if (rc < 0)
			return rc;
	}
	return GH_OK;
}

/* One line of the certificate map: cn|san REGEX ROLE. */
static int
cert_line(struct gate_world *w, struct base_span line, unsigned number, struct base_fail *fail)
{
	struct base_span word[3];
	size_t n = 0, at = 0;

	while (at < line.n) {
		while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t' || line.p[at] == '\r'))
			at++;
		if (at == line.n || line.p[at] == '#')
			break;
		size_t begin = at;
		while (at < line.n && line.p[at] != ' ' && line.p[at] != '\t' && line.p[at] != '\r')
			at++;
		if (n == 3)
			return base_fail_set(fail, GH_E_PARSE, "%s:%u: expected three words: cn|san REGEX ROLE", w->conf->cert_map, number);
		word[n++] = base_span(line.p + begin, at - begin);
	}
	if (n == 0)
		return GH_OK;
	if (n != 3 || !(base_span_is(word[0], "cn") || base_span_is(word[0], "san")))
		return base_fail_set(fail, GH_E_PARSE, "%s:%u: expected three words: cn|san REGEX ROLE", w->conf->cert_map, number);
	struct gate_cert_rule *more = base_mem_grow(w->cert_rules, w->ncert_rules + 1, sizeof(*more));
	if (!more)
		return base_fail_set(fail, GH_E_NOMEM, "out of memory");
	w->cert_rules = more;
	struct gate_cert_rule *r = &more[w->ncert_rules];
	*r = (struct gate_cert_rule){.san = base_span_is(word[0], "san")};
	struct base_buf anchored; /* a pattern matches the whole name: ^( )$ keeps "ann" from being "joanna" */
	base_buf_init(&anchored, 4096);
	base_buf_fmt(&anchored, "^(%.*s)$", (int)word[1].n, (const char *)word[1].p);
	base_buf_u8(&anchored, 0);
	int rc = anchored.bad ? REG_ESPACE : regcomp(&r->regex, (const char *)base_buf_span(&anchored).p, REG_EXTENDED);
	base_buf_done(&anchored);
	if (rc != 0)
		return base_fail_set(fail, GH_E_PARSE, "%s:%u: the regular expression is not valid", w->conf->cert_map, number);
	r->role = base_mem_str(word[2]);
	w->ncert_rules++;
	return GH_OK;
}

static int
load_cert_map(struct gate_world *w, struct base_fail *fail)
{
	if (!opt(w->conf->cert_map))
		return GH_OK;
	struct base_buf b;
	int rc = read_file(w->conf->cert_map, 1u << 20, false, &b, fail);
	struct base_cursor c = base_cursor(base_buf_span(&b));
	struct base_span line;
	for (unsigned number = 1; rc == GH_OK && c.left > 0; number++) {
		if (!base_cursor_until(&c, '\n', &line))
			line = base_cursor_take(&c, c.left);
		rc = cert_line(w, line, number, fail);
	}
	base_buf_done(&b);
	return rc;
}

static int
load_people(struct gate_world *w, struct base_fail *fail)
{
	if (!opt(w->conf->people))
		return GH_OK;
	struct base_buf b;
	int rc = read_file(w->conf->people, POLICY_PEOPLE_SIZE_MAX, false, &b, fail);
	if (rc == GH_OK)
		rc = policy_people_parse(base_buf_span(&b), w->conf->people, &w->people, fail);
	base_buf_done(&b);
	return rc;
}

/* Some group shows hashes or tokens: the line that says so first; 0: none does. */
static unsigned
secret_needed(const struct policy_file *policy)
{
	for (size_t i = 0; i < policy->ngroups; i++)
		for (size_t k = 0; k < policy->groups[i].ntables; k++) {
			const struct policy_on_table *t = &policy->groups[i].tables[k];
			for (size_t n = 0; n < t->nsays; n++)
				if (t->says[n].say == POLICY_SAY_MASK && (t->says[n].mask.kind == POLICY_MASK_HASH || t->says[n].mask.kind == POLICY_MASK_TOKEN))
					return t->says[n].line;
		}
	return 0;
}

/* The secret may be missing where nothing needs it; a file that is there has to be good. */
static int
load_secret(struct gate_world *w, const struct policy_file *policy, struct base_fail *fail)
{
	struct base_buf b;
	unsigned line = secret_needed(policy);
	int rc = GH_E_MISSING;

	base_buf_init(&b, SECRET_SIZE_MAX);
	if (opt(w->conf->mask_key))
		rc = base_file_read_secret(AT_FDCWD, w->conf->mask_key, &b, fail);
	if (rc == GH_OK) {
		rc = mask_secret_parse(base_buf_span(&b), w->conf->mask_key, &w->secret, fail);
	} else if (rc == GH_E_MISSING && line == 0) {
		rc = GH_OK;
	} else if (rc == GH_E_MISSING) {
		rc = base_fail_set(fail, rc, "%s:%u: a hash or token needs the mask key, and %s", w->conf->policy, line,
		                   opt(w->conf->mask_key) ? "its file is not there" : "mask_key is not set");
		base_fail_hint(fail, "gatehouse init --mask-key -c %s makes it; one that was lost must be restored from its copy", w->conf->file);
	}
	base_secret_wipe(b.mem, b.cap);
	base_buf_done(&b);
	return rc;
}

int
gate_world_load(struct proc_conf *conf, uint64_t version, struct gate_world **world_r, struct policy_file **policy_r, struct base_fail *fail)
{
	struct gate_world *w = base_mem_new(1, sizeof(*w));
	struct policy_file *policy = NULL;
	struct base_buf b;
	int rc;

	atomic_init(&w->refs, 1);
	w->version = version;
	w->conf = conf;
	if ((rc = load_address(w, fail)) < 0 || (rc = load_tls(w, fail)) < 0 || (rc = load_cert_map(w, fail)) < 0 || (rc = load_people(w, fail)) < 0)
		goto out;
	rc = read_file(conf->policy, POLICY_FILE_SIZE_MAX, false, &b, fail);
	if (rc == GH_OK)
		rc = policy_file_parse(base_buf_span(&b), conf->policy, &policy, fail);
	base_buf_done(&b);
	if (rc == GH_OK)
		rc = load_secret(w, policy, fail);
	if (rc == GH_OK)
		rc = gate_world_load_people(w, policy, fail);
out:
	if (rc < 0) {
		policy_file_free(&policy);
		gate_world_unref(&w);
		return rc;
	}
	*world_r = w;
	*policy_r = policy;
	return GH_OK;
}

int
gate_world_bind(struct gate_world *w, struct policy_map *map, struct base_fail *fail)
{
	struct mask_keys *keys = NULL;
	struct base_buf b;
	unsigned years[GATE_WORLD_YEARS];

	w->map = map;
	int rc = read_file(w->conf->mark_keys, 65536, true, &b, fail);
	if (rc == GH_OK)
		rc = mask_keys_parse(base_buf_span(&b), w->conf->mark_keys, &keys, fail);
	base_secret_wipe(b.mem, b.cap);
	base_buf_done(&b);
	if (rc < 0) {
		base_fail_hint(fail, "gatehouse init --keys makes the keys");
		return rc;
	}
	size_t nkinds = policy_map_kinds(map);
	struct base_span *kinds = base_mem_new(nkinds + 1, sizeof(*kinds));
	for (size_t i = 0; i < nkinds; i++)
		kinds[i] = policy_map_kind(map, (unsigned)i);
	size_t n = mask_keys_years(keys, years, GATE_WORLD_YEARS);
	for (size_t i = 0; i < n && rc == GH_OK; i++) {
		rc = mask_marker_new(keys, years[i], kinds, nkinds, &w->marker[i], fail);
		if (rc == GH_OK)
			w->nmarkers = i + 1;
	}
	free(kinds);
	mask_keys_unref(&keys);
	unsigned year = base_time_year_utc(base_time_wall_us());
	if (rc == GH_OK && !gate_world_marker(w, base_time_wall_us())) {
		rc = base_fail_set(fail, GH_E_MISSING, "%s: no key for the year %u", w->conf->mark_keys, year);
		base_fail_hint(fail, "gatehouse key add %u", year);
	}
	return rc;
}

struct gate_world *
gate_world_again(struct gate_world *w, uint64_t version, struct policy_map *map)
{
	struct gate_world *n = base_mem_new(1, sizeof(*n)), *files = w->files ? w->files : w;

	/* The kinds of the same policy are the same, in the same order: the markers fit. */
	gate_world_ref(files);
	memcpy(n, files, sizeof(*n));
	atomic_init(&n->refs, 1);
	n->version = version;
	n->map = map;
	n->files = files;
	return n;
}

void
gate_world_ref(struct gate_world *w)
{
	atomic_fetch_add(&w->refs, 1);
}

void
gate_world_unref(struct gate_world **wp)
{
	struct gate_world *w = *wp;

	*wp = NULL;
	if (!w || atomic_fetch_sub(&w->refs, 1) != 1)
		return;
	if (w->files) {
		policy_map_unref(&w->map);
		gate_world_unref(&w->files);
		free(w);
		return;
	}
	for (size_t i = 0; i < w->nmarkers; i++)
		mask_marker_free(&w->marker[i]);
	mask_secret_unref(&w->secret);
	gate_world_done_people(w);
	for (size_t i = 0; i < w->ncert_rules; i++) {
		regfree(&w->cert_rules[i].regex);
		free(w->cert_rules[i].role);
	}
	free(w->cert_rules);
	wire_tls_ctx_unref(&w->client_tls);
	wire_tls_ctx_unref(&w->server_tls);
	policy_people_unref(&w->people);
	policy_map_unref(&w->map);
	proc_conf_free(&w->conf);
	free(w);
}

const struct mask_marker *
gate_world_marker(const struct gate_world *w, uint64_t wall_us)
{
	unsigned year = base_time_year_utc(wall_us);

	for (size_t i = 0; i < w->nmarkers; i++)
		if (mask_marker_epoch(w->marker[i]) == year)
			return w->marker[i];
	return NULL;
}

/* Does the rule's role, with \1 replaced by the pattern's first own group, equal role? Group 1 is our anchor's. */
static bool
rule_gives(const struct gate_cert_rule *r, const char *name, const char *role)
{
	regmatch_t m[3];

	if (!name[0] || regexec(&r->regex, name, 3, m, 0) != 0)
		return false;
	const char *at = role;
	for (const char *p = r->role; *p; p++) {
		if (p[0] == '\\' && p[1] == '1') {
			if (m[2].rm_so < 0)
				return false;
			size_t n = (size_t)(m[2].rm_eo - m[2].rm_so);
			if (strlen(at) < n || memcmp(at, name + m[2].rm_so, n) != 0)
				return false;
			at += n;
			p++;
		} else if (*at++ != *p) {
			return false;
		}
	}
	return *at == '\0';
}

bool
gate_world_cert_allows(const struct gate_world *w, const char *cn, const char *san, const char *role)
{
	for (size_t i = 0; i < w->ncert_rules; i++)
		if (rule_gives(&w->cert_rules[i], w->cert_rules[i].san ? san : cn, role))
			return true;
	return false;
}
