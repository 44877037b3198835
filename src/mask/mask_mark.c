/* mask_mark: see mask_mark.h. Input: a trusted secret file (still parsed strictly), values of any kind. Key material is wiped where it was
 * held, never printed, never in an error text. No I/O.
 */
#include "mask_mark.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_num.h"
#include "base_text.h"

#define KEY_SIZE 32
#define KEY_YEARS_MAX 256u
#define KEY_YEAR_MIN 2000u
#define KEY_YEAR_MAX 9999u

struct epoch_key {
	unsigned year;
	uint8_t key[KEY_SIZE];
};

struct mask_keys {
	atomic_uint refs;
	size_t n;
	struct epoch_key epoch[KEY_YEARS_MAX]; /* ascending years */
};

struct mask_marker {
	unsigned year;
	size_t nkinds;
	uint8_t (*key)[BASE_SIP_KEY_SIZE]; /* own */
};

static bool
keys_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct base_span
keys_word(struct base_span *line)
{
	while (line->n > 0 && keys_is_space(line->p[0]))
		*line = base_span(line->p + 1, line->n - 1);
	struct base_span word = base_span(line->p, 0);
	while (word.n < line->n && !keys_is_space(line->p[word.n]))
		word.n++;
	*line = base_span(line->p + word.n, line->n - word.n);
	return word;
}

/* One line without its end; 1 when it held a key. */
static int
keys_line(struct mask_keys *k, struct base_span line)
{
	struct base_span year_text = keys_word(&line);
	if (year_text.n == 0 || year_text.p[0] == '#')
		return 0;
	struct base_span key = keys_word(&line);
	struct base_span rest = keys_word(&line);
	uint64_t year;
	if (rest.n > 0 && rest.p[0] != '#')
		return GH_E_PARSE;
	if (base_num_u64(year_text, KEY_YEAR_MIN, KEY_YEAR_MAX, &year) != 0)
		return GH_E_PARSE;
	size_t at = 0;
	while (at < k->n && k->epoch[at].year < year)
		at++;
	if (at < k->n && k->epoch[at].year == year)
		return GH_E_EXISTS;
	if (k->n == KEY_YEARS_MAX)
		return GH_E_LIMIT;
	struct epoch_key e = {.year = (unsigned)year};
	if (base_text_unhex(key, e.key, KEY_SIZE) != 0) /* leaves e.key as it is */
		return GH_E_PARSE;
	memmove(&k->epoch[at + 1], &k->epoch[at], (k->n - at) * sizeof(e));
	k->epoch[at] = e;
	k->n++;
	base_secret_wipe(&e, sizeof(e));
	return 1;
}

int
mask_keys_parse(struct base_span text, const char *file, struct mask_keys **keys_r, struct base_fail *fail)
{
	struct mask_keys *k = base_mem_new(1, sizeof(*k));
	struct base_cursor c = base_cursor(text);
	atomic_init(&k->refs, 1);
	int err = 0;
	for (unsigned line_no = 1; c.left > 0 && err >= 0; line_no++) {
		struct base_span line;
		if (!base_cursor_until(&c, '\n', &line))
			line = base_cursor_take(&c, c.left); /* the last line may lack its end */
		err = keys_line(k, line);
		if (err == GH_E_EXISTS)
			(void)base_fail_set(fail, err, "%s:%u: a second key for the same year", file, line_no);
		else if (err == GH_E_LIMIT)
			(void)base_fail_set(fail, err, "%s:%u: more than %u keys", file, line_no, KEY_YEARS_MAX);
		else if (err < 0)
			(void)base_fail_set(fail, err, "%s:%u: expected a year and %d hexadecimal digits", file, line_no, 2 * KEY_SIZE);
	}
	if (err < 0) {
		mask_keys_unref(&k);
		return err;
	}
	*keys_r = k;
	return 0;
}

void
mask_keys_ref(struct mask_keys *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
}

void
mask_keys_unref(struct mask_keys **k)
{
	struct mask_keys *own = *k;
	*k = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	base_secret_wipe(own, sizeof(*own));
	free(own);
}

static const struct epoch_key *
keys_find(const struct mask_keys *k, unsigned year)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->epoch[i].year == year)
			return &k->epoch[i];
	return NULL;
}

bool
mask_keys_has(const struct mask_keys *k, unsigned year)
{
	return keys_find(k, year) != NULL;
}

size_t
mask_keys_years(const struct mask_keys *k, unsigned *years, size_t max)
{
	for (size_t i = 0; i < k->n && i < max; i++)
		years[i] = k->epoch[i].year;
	return k->n;
}

void
mask_keys_line(unsigned year, struct base_buf *out)
{
	uint8_t key[KEY_SIZE];
	base_crypt_random(key, sizeof(key));
	base_buf_fmt(out, "%u ", year);
	base_text_hex(out, base_span(key, sizeof(key)));
	base_buf_u8(out, '\n');
	base_secret_wipe(key, sizeof(key));
}

int
mask_marker_new(const struct mask_keys *k, unsigned year, const struct base_span *kinds, size_t nkinds, struct mask_marker **m_r,
                struct base_fail *fail)
{
	const struct epoch_key *epoch = keys_find(k, year);
	if (!epoch) {
		int err = base_fail_set(fail, GH_E_MISSING, "there is no mark key for the year %u", year);
		base_fail_hint(fail, "gatehouse key add %u", year);
		return err;
	}
	struct mask_marker *m = base_mem_new(1, sizeof(*m));
	m->year = year;
	m->nkinds = nkinds;
	m->key = base_mem_new(nkinds, sizeof(*m->key));
	static const char label[] = "gatehouse mark v1\n";
	for (size_t i = 0; i < nkinds; i++) {
		struct base_buf message;
		uint8_t mac[BASE_SHA256_SIZE];
		base_buf_init(&message, sizeof(label) + kinds[i].n);
		base_buf_str(&message, label);
		base_buf_put(&message, kinds[i]);
		bool bad = message.bad;
		if (!bad) {
			base_crypt_hmac256(base_span(epoch->key, KEY_SIZE), base_buf_span(&message), mac);
			memcpy(m->key[i], mac, BASE_SIP_KEY_SIZE);
			base_secret_wipe(mac, sizeof(mac));
		}
		base_buf_done(&message);
		if (bad) {
			mask_marker_free(&m);
			return base_fail_set(fail, GH_E_NOMEM, "out of memory for mark keys");
		}
	}
	*m_r = m;
	return 0;
}

void
mask_marker_free(struct mask_marker **m)
{
	struct mask_marker *own = *m;
	*m = NULL;
	if (!own)
		return;
	base_secret_wipe(own->key, own->nkinds * sizeof(*own->key));
	free(own->key);
	free(own);
}

unsigned
mask_marker_epoch(const struct mask_marker *m)
{
	return m->year;
}

uint64_t
mask_marker_mark(const struct mask_marker *m, unsigned kind, struct base_span normalised)
{
	if (kind >= m->nkinds)
		return 0;
	uint64_t mark = base_crypt_sip24(m->key[kind], normalised);
	return mark == 0 ? 1 : mark; /* 0 means absent; one value in 2^64 shares its mark with another */
}
