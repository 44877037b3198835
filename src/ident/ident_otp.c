/* ident_otp: see ident_otp.h.
 *
 * Input: the file and its key are ours, but parsed strictly: a line that does not open is an error, never a person without a password. The code is hostile: it is
 * compared with all that could be right, whether or not one was right already. liboath makes the codes (RFC 4226 by oath_hotp_generate: RFC 6238 is that of the time
 * step); the window and the comparison are here, because the library's own stops at the first hit and compares with strcmp.
 * Never: keeps a secret in memory that it does not wipe; puts one in an error; remembers which codes were used: that is the caller's (`last`, `used`).
 */
#include "ident_otp.h"

#include <assert.h>
#include <liboath/oath.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base_crypt.h"
#include "base_mem.h"
#include "base_text.h"
#include "base_time.h"
#include "ident_int.h"

#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HASH_SIZE 16u
#define DIGITS 6u
#define RECOVERY_LETTERS 10u
#define PLAIN_SIZE (IDENT_OTP_SECRET + IDENT_OTP_RECOVERY * HASH_SIZE)
#define BOX_SIZE (NONCE_SIZE + PLAIN_SIZE + TAG_SIZE)
#define ACTORS_MAX 65536u
_Static_assert(sizeof(((struct ident_otp_new *)0)->recovery[0]) == RECOVERY_LETTERS + 2, "two groups of five, a hyphen and a NUL");
_Static_assert(NONCE_SIZE == 24, "as ident_otp.h says");

/* What a line says, opened. */
struct otp_actor {
	struct base_span name; /* own */
	char date[11];
	uint8_t secret[IDENT_OTP_SECRET];
	uint8_t recovery[IDENT_OTP_RECOVERY][HASH_SIZE];
};

struct ident_otp_file {
	atomic_uint refs;
	struct otp_actor *actor; /* own; sorted by name, no name twice */
	size_t count, cap;
};

/* ---- the key file */

int
ident_otp_key_parse(struct base_span text, const char *file, uint8_t key_r[IDENT_OTP_KEY], struct base_fail *fail)
{
	struct base_buf key;
	int err = 0;

	base_buf_init(&key, IDENT_OTP_KEY);
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (base_text_unbase64(text, &key) != 0 || !key.mem || base_buf_len(&key) != IDENT_OTP_KEY)
		err = base_fail_set(fail, GH_E_PARSE, "%s: expected one line, base64 of %u bytes", file, IDENT_OTP_KEY);
	else
		memcpy(key_r, base_buf_span(&key).p, IDENT_OTP_KEY);
	if (key.mem)
		base_secret_wipe(key.mem, key.cap);
	base_buf_done(&key);
	return err;
}

void
ident_otp_key_make(struct base_buf *out)
{
	uint8_t key[IDENT_OTP_KEY];

	base_crypt_random(key, sizeof(key));
	base_text_base64(out, base_span(key, sizeof(key)));
	base_buf_u8(out, '\n');
	base_secret_wipe(key, sizeof(key));
}

/* ---- one line */

struct otp_line { struct base_span actor, date, box; };

static int
line_split(struct base_span line, struct otp_line *l_r)
{
	struct base_cursor c = base_cursor(line);
	struct otp_line l;
	uint64_t us;

	if (!base_cursor_until(&c, '\t', &l.actor) || !base_cursor_until(&c, '\t', &l.date))
		return GH_E_PARSE;
	l.box = base_cursor_take(&c, c.left);
	if (!ident_text_plain(l.actor) || !base_text_utf8(l.actor) || l.date.n != 10 || base_time_parse(l.date, &us) < 0)
		return GH_E_PARSE;
	*l_r = l;
	return 0;
}

/* The next line without its end; false at the end of the text. */
static bool
line_next(struct base_cursor *c, struct base_span *line_r)
{
	if (c->left == 0)
		return false;
	if (!base_cursor_until(c, '\n', line_r))
		*line_r = base_cursor_take(c, c->left);
	return true;
}

static int
line_open(const struct otp_line *l, const uint8_t key[IDENT_OTP_KEY], struct otp_actor *a_r)
{
	struct base_buf box;
	uint8_t plain[PLAIN_SIZE];
	int err = GH_E_PARSE;

	base_buf_init(&box, BOX_SIZE);
	if (base_text_unbase64(l->box, &box) != 0 || base_buf_len(&box) != BOX_SIZE)
		goto out;
	const uint8_t *p = base_buf_span(&box).p;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, p + NONCE_SIZE, BOX_SIZE - NONCE_SIZE, l->actor.p, l->actor.n, p, key) != 0) {
		err = GH_E_VERIFY;
		goto out;
	}
	*a_r = (struct otp_actor){.name = base_span(base_mem_str(l->actor), l->actor.n)};
	memcpy(a_r->date, l->date.p, 10);
	memcpy(a_r->secret, plain, IDENT_OTP_SECRET);
	memcpy(a_r->recovery, plain + IDENT_OTP_SECRET, sizeof(a_r->recovery));
	err = 0;
out:
	base_secret_wipe(plain, sizeof(plain));
	base_buf_done(&box);
	return err;
}

/* Sixteen bytes are kept: fifty random bits behind them cannot be told from a hundred by whoever may try a few codes. */
static void
recovery_hash(struct base_span letters, uint8_t out[HASH_SIZE])
{
	uint8_t whole[BASE_SHA256_SIZE];

	base_crypt_sha256(letters, whole);
	memcpy(out, whole, HASH_SIZE);
	base_secret_wipe(whole, sizeof(whole));
}

static void
line_seal(const struct ident_otp_new *n, const uint8_t key[IDENT_OTP_KEY], struct base_span actor, const char date[11], struct base_buf *out)
{
	uint8_t plain[PLAIN_SIZE], box[BOX_SIZE];

	memcpy(plain, n->secret, IDENT_OTP_SECRET);
	for (size_t i = 0; i < IDENT_OTP_RECOVERY; i++) {
		char letters[RECOVERY_LETTERS];
		memcpy(letters, n->recovery[i], RECOVERY_LETTERS / 2);
		memcpy(letters + RECOVERY_LETTERS / 2, n->recovery[i] + RECOVERY_LETTERS / 2 + 1, RECOVERY_LETTERS / 2);
		recovery_hash(base_span(letters, sizeof(letters)), plain + IDENT_OTP_SECRET + i * HASH_SIZE);
		base_secret_wipe(letters, sizeof(letters));
	}
	base_crypt_random(box, NONCE_SIZE);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_SIZE, NULL, plain, sizeof(plain), actor.p, actor.n, NULL, box, key); /* cannot fail: lengths are fixed */
	base_buf_put(out, actor);
	base_buf_u8(out, '\t');
	base_buf_put(out, base_span(date, 10));
	base_buf_u8(out, '\t');
	base_text_base64(out, base_span(box, sizeof(box)));
	base_buf_u8(out, '\n');
	base_secret_wipe(plain, sizeof(plain));
}

/* ---- the file */

static int
by_name(const void *a, const void *b)
{
	return base_span_cmp(((const struct otp_actor *)a)->name, ((const struct otp_actor *)b)->name);
}

static const struct otp_actor *
find(const struct ident_otp_file *f, struct base_span actor)
{
	struct otp_actor want = {.name = actor};
	return f->count == 0 ? NULL : bsearch(&want, f->actor, f->count, sizeof(want), by_name);
}

static struct otp_actor *
add(struct ident_otp_file *f)
{
	if (f->count == ACTORS_MAX)
		return NULL;
	if (f->count == f->cap) { /* not realloc: it would leave secrets in what it gives back */
		size_t cap = f->cap == 0 ? 16 : f->cap * 2;
		struct otp_actor *more = base_mem_new(cap, sizeof(*more));
		if (f->count > 0)
			memcpy(more, f->actor, f->count * sizeof(*more));
		if (f->actor)
			base_secret_wipe(f->actor, f->cap * sizeof(*f->actor));
		free(f->actor);
		f->actor = more;
		f->cap = cap;
	}
	return &f->actor[f->count];
}

int
ident_otp_parse(struct base_span text, const char *file, const uint8_t key[IDENT_OTP_KEY], struct ident_otp_file **f_r, struct base_fail *fail)
{
	struct ident_otp_file *f = base_mem_new(1, sizeof(*f));
	struct base_cursor c = base_cursor(text);
	struct base_span line;
	int err = oath_init() == OATH_OK ? 0 : base_fail_set(fail, GH_E_NOMEM, "%s: liboath does not start", file);

	atomic_init(&f->refs, 1);
	if (err == 0 && text.n > IDENT_OTP_SIZE_MAX)
		err = base_fail_set(fail, GH_E_LIMIT, "%s: larger than %u bytes", file, IDENT_OTP_SIZE_MAX);
	for (unsigned line_no = 1; err == 0 && line_next(&c, &line); line_no++) {
		struct otp_line l;
		struct otp_actor *a = add(f);
		if (!a)
			err = base_fail_set(fail, GH_E_LIMIT, "%s: more than %u lines", file, ACTORS_MAX);
		else if (line_split(line, &l) != 0 || (err = line_open(&l, key, a)) == GH_E_PARSE)
			err = base_fail_set(fail, GH_E_PARSE, "%s:%u: expected ACTOR, date and sealed secret, with tabs between them", file, line_no);
		else if (err != 0)
			err = base_fail_set(fail, err, "%s:%u: the key does not open this line: another key sealed it, or it was changed", file, line_no);
		else
			f->count++;
	}
	if (err == 0 && f->count > 0)
		qsort(f->actor, f->count, sizeof(*f->actor), by_name);
	for (size_t i = 1; err == 0 && i < f->count; i++)
		if (by_name(&f->actor[i - 1], &f->actor[i]) == 0)
			err = base_fail_set(fail, GH_E_PARSE, "%s: an actor has two lines", file);
	if (err != 0)
		ident_otp_unref(&f);
	else
		*f_r = f;
	return err;
}

void
ident_otp_ref(struct ident_otp_file *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}

void
ident_otp_unref(struct ident_otp_file **f)
{
	struct ident_otp_file *own = *f;
	*f = NULL;
	if (!own || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < own->count; i++)
		free((void *)own->actor[i].name.p);
	if (own->actor)
		base_secret_wipe(own->actor, own->cap * sizeof(*own->actor));
	free(own->actor);
	free(own);
}

bool
ident_otp_has(const struct ident_otp_file *f, struct base_span actor)
{
	return find(f, actor) != NULL;
}

size_t
ident_otp_count(const struct ident_otp_file *f)
{
	return f->count;
}

struct base_span
ident_otp_actor(const struct ident_otp_file *f, size_t i, const char **date_r)
{
	assert(i < f->count);
	*date_r = f->actor[i].date;
	return f->actor[i].name;
}

int
ident_otp_change(struct base_span text, const uint8_t key[IDENT_OTP_KEY], struct base_span actor, const char date[11], const struct ident_otp_new *n, struct base_buf *out, struct base_fail *fail)
{
	struct ident_otp_file *f = NULL;
	struct base_cursor c = base_cursor(text);
	struct base_span line;
	struct otp_line l;
	bool there;

	if (!ident_text_plain(actor) || !base_text_utf8(actor))
		return base_fail_set(fail, GH_E_PARSE, "an actor is a name of 1 to 255 bytes without control characters");
	int err = ident_otp_parse(text, "one-time passwords", key, &f, fail);
	if (err != 0)
		return err;
	there = ident_otp_has(f, actor);
	ident_otp_unref(&f);
	if (!there && !n)
		return base_fail_set(fail, GH_E_MISSING, "this actor has no one-time password");
	while (line_next(&c, &line)) {
		if (line_split(line, &l) == 0 && base_span_eq(l.actor, actor)) {
			if (n)
				line_seal(n, key, actor, date, out);
			continue;
		}
		base_buf_put(out, line);
		base_buf_u8(out, '\n');
	}
	if (!there)
		line_seal(n, key, actor, date, out);
	return out->bad ? base_fail_set(fail, GH_E_LIMIT, "the file of one-time passwords would be too large") : 0;
}

/* ---- codes */

/* Without blanks and hyphens, in Crockford's letters (as recovery codes are made); more than max characters: max + 1. */
static size_t
normal(struct base_span code, char *dst, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < code.n && n <= max; i++) {
		uint8_t c = code.p[i];
		if (c == ' ' || c == '-')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (n < max)
			dst[n] = (char)(c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c);
		n++;
	}
	return n;
}

/* Of the steps around now whose code this is: the first after `last`, else any of them; UINT64_MAX: none. */
static uint64_t
matching_step(const uint8_t secret[IDENT_OTP_SECRET], const char code[DIGITS], uint64_t now_us, uint64_t last)
{
	uint64_t now = now_us / IDENT_OTP_STEP_US, found = UINT64_MAX;

	for (uint64_t step = now == 0 ? 0 : now - 1; step <= now + 1; step++) {
		char right[DIGITS + 1] = "";
		int rc = oath_hotp_generate((const char *)secret, IDENT_OTP_SECRET, step, DIGITS, false, OATH_HOTP_DYNAMIC_TRUNCATION, right);
		bool same = rc == OATH_OK && base_secret_eq(right, code, DIGITS);
		if (same && (found == UINT64_MAX || found <= last))
			found = step;
		base_secret_wipe(right, sizeof(right));
	}
	return found;
}

static enum ident_otp_answer
check_recovery(const struct otp_actor *a, const char code[RECOVERY_LETTERS], uint32_t used, uint64_t *counter_r)
{
	uint8_t hash[HASH_SIZE];
	size_t found = IDENT_OTP_RECOVERY;

	recovery_hash(base_span(code, RECOVERY_LETTERS), hash);
	for (size_t i = 0; i < IDENT_OTP_RECOVERY; i++)
		if (base_secret_eq(hash, a->recovery[i], HASH_SIZE))
			found = i;
	base_secret_wipe(hash, sizeof(hash));
	if (found == IDENT_OTP_RECOVERY)
		return IDENT_OTP_WRONG;
	*counter_r = found;
	return used & (1u << found) ? IDENT_OTP_REPLAYED : IDENT_OTP_RECOVERED;
}

enum ident_otp_answer
ident_otp_check(const struct ident_otp_file *f, struct base_span actor, struct base_span code, uint64_t now_us, uint64_t last, uint32_t used, uint64_t *counter_r)
{
	const struct otp_actor *a = find(f, actor);
	char plain[RECOVERY_LETTERS];
	enum ident_otp_answer answer = IDENT_OTP_WRONG;
	uint64_t step, counter = 0;

	if (!a)
		return IDENT_OTP_UNKNOWN;
	size_t n = normal(code, plain, sizeof(plain));
	if (n == RECOVERY_LETTERS) {
		answer = check_recovery(a, plain, used, &counter);
	} else if (n == DIGITS && (step = matching_step(a->secret, plain, now_us, last)) != UINT64_MAX) {
		answer = step > last ? IDENT_OTP_RIGHT : IDENT_OTP_REPLAYED;
		counter = step;
	}
	base_secret_wipe(plain, sizeof(plain));
	if (answer != IDENT_OTP_WRONG)
		*counter_r = counter;
	return answer;
}

/* ---- a new one */

void
ident_otp_make(struct ident_otp_new *n)
{
	static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford's: five bits each, none that looks like another */

	base_crypt_random(n->secret, sizeof(n->secret));
	for (size_t i = 0; i < IDENT_OTP_RECOVERY; i++) {
		uint8_t random[RECOVERY_LETTERS];
		base_crypt_random(random, sizeof(random));
		char *to = n->recovery[i];
		for (size_t k = 0; k < RECOVERY_LETTERS; k++) {
			if (k == RECOVERY_LETTERS / 2)
				*to++ = '-';
			*to++ = letters[random[k] & 31];
		}
		*to = 0;
		base_secret_wipe(random, sizeof(random));
	}
}

bool
ident_otp_new_check(const struct ident_otp_new *n, struct base_span code, uint64_t now_us)
{
	char plain[DIGITS];
	bool right = oath_init() == OATH_OK && normal(code, plain, sizeof(plain)) == DIGITS && matching_step(n->secret, plain, now_us, 0) != UINT64_MAX;

	base_secret_wipe(plain, sizeof(plain));
	return right;
}

/* RFC 3986 section 2.3: unreserved characters stay. */
static void
put_escaped(struct base_buf *out, struct base_span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~')
			base_buf_u8(out, c);
		else
			base_buf_fmt(out, "%%%02X", c);
	}
}

void
ident_otp_uri(const struct ident_otp_new *n, struct base_span issuer, struct base_span actor, struct base_buf *out)
{
	static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 section 6; 20 bytes need no padding */

	base_buf_str(out, "otpauth://totp/");
	put_escaped(out, issuer);
	base_buf_u8(out, ':');
	put_escaped(out, actor);
	base_buf_str(out, "?secret=");
	for (size_t bit = 0; bit < 8 * IDENT_OTP_SECRET; bit += 5) {
		unsigned two = (unsigned)n->secret[bit / 8] << 8 | (bit / 8 + 1 < IDENT_OTP_SECRET ? n->secret[bit / 8 + 1] : 0);
		base_buf_u8(out, (uint8_t)base32[two >> (11 - bit % 8) & 31]);
	}
	base_buf_str(out, "&issuer=");
	put_escaped(out, issuer);
	base_buf_str(out, "&algorithm=SHA1&digits=6&period=30");
}
