/* keeper_admin: see keeper_admin.h. Input: any bytes that a gate sent, whole: hostile. Calls nothing but base; never allocates. */
#include "keeper_admin.h"

#include "base_num.h"
#include "base_time.h"

#define HEAD "{\"v\":1,\"kind\":\""
#define TIME "\"time\":\""

/* Takes `text` off the front. */
static bool
take(struct base_cursor *c, const char *text)
{
	size_t n = strlen(text);

	if (c->left < n || memcmp(c->p, text, n) != 0)
		return false;
	(void)base_cursor_take(c, n); /* just seen */
	return true;
}

/* The word of the kind; false when the line is of another form. The cursor stands behind its quote. */
static bool
take_kind(struct base_cursor *c, struct base_span *kind_r)
{
	return take(c, HEAD) && base_cursor_until(c, '"', kind_r);
}

/* A string field by its name, which is given with its comma, quotes and colon: `,"why":"`. Escaped as it stands. */
static bool
field(struct base_span entry, const char *name, struct base_span *value_r)
{
	const uint8_t *at = memmem(entry.p, entry.n, name, strlen(name));
	struct base_cursor c;
	size_t n = 0;

	if (at == NULL)
		return false;
	c = base_cursor(entry);
	(void)base_cursor_take(&c, (size_t)(at - entry.p) + strlen(name)); /* lies inside: it was found there */
	while (n < c.left && c.p[n] != '"')
		n += c.p[n] == '\\' && c.left - n > 1 ? 2 : 1;
	if (n >= c.left)
		return false; /* no end */
	*value_r = base_span(c.p, n);
	return true;
}

static bool
starts(struct base_span s, const char *with)
{
	size_t n = strlen(with);

	return s.n > n && memcmp(s.p, with, n) == 0;
}

struct base_span
keeper_admin_actor(struct base_span target)
{
	size_t n = strlen("actor ");

	return starts(target, "actor ") ? base_span(target.p + n, target.n - n) : base_span("", 0);
}

/* `,"counter":N` behind the strings: N up to the next comma or the end. */
static bool
counter(struct base_span entry, unsigned *code_r)
{
	static const char name[] = ",\"counter\":";
	const uint8_t *at = memmem(entry.p, entry.n, name, sizeof(name) - 1);
	uint64_t v = 0;
	struct base_cursor c;
	size_t n = 0;

	if (at == NULL)
		return false;
	c = base_cursor(entry);
	(void)base_cursor_take(&c, (size_t)(at - entry.p) + sizeof(name) - 1); /* lies inside */
	while (n < c.left && c.p[n] >= '0' && c.p[n] <= '9')
		n++;
	if (base_num_u64(base_span(c.p, n), 1, KEEPER_ADMIN_CODES, &v) < 0)
		return false;
	*code_r = (unsigned)v;
	return true;
}

int
keeper_admin_read(struct base_span entry, struct keeper_admin *a_r)
{
	struct base_cursor c = base_cursor(entry);
	struct keeper_admin a = {.kind = KEEPER_ADMIN_STEP};
	struct base_span kind, why;

	if (!take_kind(&c, &kind))
		return 0;
	if (base_span_is(kind, "step")) {
		if (!field(entry, ",\"why\":\"", &why) || !base_span_is(why, "recovery code"))
			return 0;
		if (!field(entry, ",\"actor\":\"", &a.target) || a.target.n == 0 || !counter(entry, &a.code))
			return GH_E_PARSE;
	} else {
		if (base_span_is(kind, "suspend"))
			a.kind = KEEPER_ADMIN_SUSPEND;
		else if (base_span_is(kind, "resume"))
			a.kind = KEEPER_ADMIN_RESUME;
		else if (base_span_is(kind, "enroll"))
			a.kind = KEEPER_ADMIN_ENROLL;
		else
			return 0;
		if (!field(entry, ",\"target\":\"", &a.target) || (!starts(a.target, "actor ") && !starts(a.target, "employer ")))
			return GH_E_PARSE;
	}
	if (entry.n > KEEPER_ADMIN_MAX)
		return GH_E_PARSE;
	*a_r = a;
	return 1;
}

bool
keeper_admin_time(struct base_span entry, uint64_t *wall_us_r)
{
	struct base_cursor c = base_cursor(entry);
	struct base_span kind, text;

	return take_kind(&c, &kind) && take(&c, "," TIME) && base_cursor_until(&c, '"', &text) && text.n == BASE_TIME_UTC_SIZE - 1 &&
	    base_time_parse(text, wall_us_r) == 0;
}
