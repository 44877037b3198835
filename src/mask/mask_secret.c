/* mask_secret: the secret behind HASH and TOKEN. Input: a trusted secret file, still parsed strictly. The key is wiped where it was held,
 * never printed, never in an error text. No I/O.
 */
#include "mask_apply_int.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "base_mem.h"
#include "base_text.h"

#define SECRET_SIZE 32

struct mask_secret {
	atomic_uint refs;
	uint8_t key[SECRET_SIZE];
};

static bool
secret_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct base_span
secret_word(struct base_span *line)
{
	while (line->n > 0 && secret_is_space(line->p[0]))
		*line = base_span(line->p + 1, line->n - 1);
	struct base_span word = base_span(line->p, 0);
	while (word.n < line->n && !secret_is_space(line->p[word.n]))
		word.n++;
	*line = base_span(line->p + word.n, line->n - word.n);
	return word;
}

/* One line without its end: 1 when it held the key, 0 when it is empty or a comment. */
static int
secret_line(struct mask_secret *s, struct base_span line)
{
	struct base_span name = secret_word(&line);
	if (name.n == 0 || name.p[0] == '#')
		return 0;
	struct base_span key = secret_word(&line);
	struct base_span rest = secret_word(&line);
	if (!base_span_is(name, "mask") || (rest.n > 0 && rest.p[0] != '#'))
		return GH_E_PARSE;
	return base_text_unhex(key, s->key, SECRET_SIZE) == 0 ? 1 : GH_E_PARSE;
}

int
mask_secret_parse(struct base_span text, const char *file, struct mask_secret **s_r, struct base_fail *fail)
{
	struct mask_secret *s = base_mem_new(1, sizeof(*s));
	struct base_cursor c = base_cursor(text);
	bool have = false;
	int err = 0;
	atomic_init(&s->refs, 1);
	for (unsigned line_no = 1; c.left > 0 && err >= 0; line_no++) {
		struct base_span line;
		if (!base_cursor_until(&c, '\n', &line))
			line = base_cursor_take(&c, c.left); /* the last line may lack its end */
		err = secret_line(s, line);
		if (err < 0)
			(void)base_fail_set(fail, err, "%s:%u: expected the word mask and %d hexadecimal digits", file, line_no, 2 * SECRET_SIZE);
		else if (err == 1 && have)
			err = base_fail_set(fail, GH_E_PARSE, "%s:%u: a second key", file, line_no);
		have = have || err == 1;
	}
	if (err >= 0 && !have)
		err = base_fail_set(fail, GH_E_PARSE, "%s: there is no key in it", file);
	if (err < 0) {
		mask_secret_unref(&s);
		return err;
	}
	*s_r = s;
	return 0;
}

void
mask_secret_line(struct base_buf *out)
{
	uint8_t key[SECRET_SIZE];
	base_crypt_random(key, sizeof(key));
	base_buf_str(out, "mask ");
	base_text_hex(out, base_span(key, sizeof(key)));
	base_buf_u8(out, '\n');
	base_secret_wipe(key, sizeof(key));
}

void
mask_secret_ref(struct mask_secret *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}

void
mask_secret_unref(struct mask_secret **s)
{
	struct mask_secret *own = *s;
	*s = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	base_secret_wipe(own, sizeof(*own));
	free(own);
}

/* HMAC-SHA-256(secret, label || length of employer || employer || kind): the length keeps ("ab", "c") from being ("a", "bc"). */
int
secret_key(const struct mask_secret *s, const char *label, struct base_span employer, struct base_span kind, uint8_t key_r[32])
{
	struct base_buf message;
	base_buf_init(&message, 1u << 20);
	base_buf_str(&message, label);
	base_buf_u64(&message, employer.n);
	base_buf_put(&message, employer);
	base_buf_put(&message, kind);
	int err = message.bad ? GH_E_NOMEM : 0;
	if (err == 0)
		base_crypt_hmac256(base_span(s->key, SECRET_SIZE), base_buf_span(&message), key_r);
	base_buf_done(&message);
	return err;
}
