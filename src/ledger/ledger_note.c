/* ledger_note: notes, checkpoints and their keys.
 * Input: checkpoints from disk or from a stranger, key files. Hostile as far as the parsers go. No I/O, no clock, no randomness: the
 * seed of a new key is given. Formats: C2SP signed-note, tlog-checkpoint.
 */
#include "ledger_note.h"

#include "base_num.h"
#include "base_text.h"

#define KEY_ED25519 0x01u
#define SIGNATURE_MAX 8192u /* decoded bytes of one signature line: room for post-quantum ones that we skip */

static const char dash[] = "\xe2\x80\x94 "; /* U+2014 and a space */

/* White space as Unicode has it (the format forbids all of it in names), for valid UTF-8. */
static bool
has_space(struct base_span s)
{
	static const char *const wide[] = {"\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
		"\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
		"\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= 0x20 || s.p[i] == 0x7f)
			return true;
		for (size_t w = 0; s.p[i] >= 0x80 && w < BASE_COUNT(wide); w++) {
			size_t n = strlen(wide[w]);

			if (n <= s.n - i && memcmp(s.p + i, wide[w], n) == 0)
				return true;
		}
	}
	return false;
}

int
ledger_note_name_check(struct base_span name, struct base_fail *fail)
{
	char shown[128];

	if (name.n == 0 || name.n > LEDGER_NAME_MAX)
		return base_fail_set(fail, GH_E_PARSE, "a log name must have 1 to %u bytes", LEDGER_NAME_MAX);
	if (!base_text_utf8(name) || has_space(name) || memchr(name.p, '+', name.n) != NULL)
		return base_fail_set(fail, GH_E_PARSE, "log name %s has a space, a control character or a '+'",
			base_text_quote(shown, sizeof shown, name, 64));
	return 0;
}

static uint32_t
key_id(struct base_span name, const uint8_t pub[BASE_ED25519_PUB])
{
	static const uint8_t middle[2] = {'\n', KEY_ED25519};
	const struct base_span parts[3] = {name, base_span(middle, 2), base_span(pub, BASE_ED25519_PUB)};
	uint8_t hash[BASE_SHA256_SIZE];
	struct base_cursor c = base_cursor(base_span(hash, 4));

	base_crypt_sha256v(parts, 3, hash);
	return base_cursor_u32(&c);
}

static int
make_vkey(struct base_span name, const uint8_t pub[BASE_ED25519_PUB], struct ledger_vkey *k_r, struct base_fail *fail)
{
	int r = ledger_note_name_check(name, fail);

	if (r < 0)
		return r;
	memset(k_r, 0, sizeof *k_r);
	memcpy(k_r->name, name.p, name.n);
	memcpy(k_r->pub, pub, BASE_ED25519_PUB);
	k_r->id = key_id(name, pub);
	return 0;
}

int
ledger_signer_make(struct base_span name, const uint8_t seed[BASE_ED25519_SEED], struct ledger_signer *s_r, struct base_fail *fail)
{
	uint8_t pub[BASE_ED25519_PUB];
	struct ledger_vkey vkey;
	int r;

	base_ed25519_public(seed, pub);
	r = make_vkey(name, pub, &vkey, fail);
	if (r < 0)
		return r;
	s_r->vkey = vkey;
	memcpy(s_r->seed, seed, BASE_ED25519_SEED);
	return 0;
}

void
ledger_signer_done(struct ledger_signer *s)
{
	base_secret_wipe(s, sizeof *s);
}

/* "<name>+<hex8>+<base64(type || 32 bytes)>", the common part of both kinds of key. */
static void
print_key(const struct ledger_vkey *k, const uint8_t bytes[32], struct base_buf *out)
{
	uint8_t raw[33];

	raw[0] = KEY_ED25519;
	memcpy(raw + 1, bytes, 32);
	base_buf_fmt(out, "%s+%08x+", k->name, (unsigned)k->id);
	base_text_base64(out, base_span(raw, sizeof raw));
	base_secret_wipe(raw, sizeof raw);
}

void
ledger_vkey_print(const struct ledger_vkey *k, struct base_buf *out)
{
	print_key(k, k->pub, out);
}

void
ledger_signer_print(const struct ledger_signer *s, struct base_buf *out)
{
	base_buf_str(out, "PRIVATE+KEY+");
	print_key(&s->vkey, s->seed, out);
}

/* Base64 may contain '+': only the first two count. */
static int
parse_key(struct base_span text, struct base_span *name_r, uint32_t *id_r, uint8_t bytes_r[32], struct base_fail *fail)
{
	struct base_cursor c = base_cursor(text);
	struct base_span name, hex, rest, raw;
	struct base_buf b;
	uint8_t id[4];
	int r;

	if (!base_cursor_until(&c, '+', &name) || !base_cursor_until(&c, '+', &hex) || hex.n != 8 || base_text_unhex(hex, id, 4) != 0)
		return base_fail_set(fail, GH_E_PARSE, "not a key: expected name+8 hex digits+base64");
	for (size_t i = 0; i < hex.n; i++)
		if (hex.p[i] >= 'A' && hex.p[i] <= 'F')
			return base_fail_set(fail, GH_E_PARSE, "not a key: its id must be in lower case");
	r = ledger_note_name_check(name, fail);
	if (r < 0)
		return r;
	rest = base_cursor_take(&c, c.left);
	base_buf_init(&b, 256);
	r = base_text_unbase64(rest, &b);
	raw = base_buf_span(&b);
	if (r < 0 || raw.n < 1)
		r = base_fail_set(fail, GH_E_PARSE, "not a key: bad base64");
	else if (raw.p[0] != KEY_ED25519)
		r = base_fail_set(fail, GH_E_UNSUPPORTED, "key type %u is not Ed25519", raw.p[0]);
	else if (raw.n != 33)
		r = base_fail_set(fail, GH_E_PARSE, "not a key: 33 bytes expected, %zu found", raw.n);
	if (r == 0) {
		struct base_cursor idc = base_cursor(base_span(id, 4));

		*id_r = base_cursor_u32(&idc);
		*name_r = name;
		memcpy(bytes_r, raw.p + 1, 32);
	}
	if (b.mem != NULL)
		base_secret_wipe(b.mem, b.cap); /* it may have been a private key */
	base_buf_done(&b);
	return r;
}

int
ledger_vkey_parse(struct base_span text, struct ledger_vkey *k_r, struct base_fail *fail)
{
	uint8_t pub[BASE_ED25519_PUB];
	struct ledger_vkey k;
	struct base_span name;
	uint32_t id = 0;
	int r = parse_key(text, &name, &id, pub, fail);

	if (r == 0)
		r = make_vkey(name, pub, &k, fail);
	if (r < 0)
		return r;
	if (k.id != id)
		return base_fail_set(fail, GH_E_VERIFY, "key id %08x does not belong to this key (%08x)", (unsigned)id, (unsigned)k.id);
	*k_r = k;
	return 0;
}

int
ledger_signer_parse(struct base_span text, struct ledger_signer *s_r, struct base_fail *fail)
{
	static const char head[] = "PRIVATE+KEY+";
	const size_t n = sizeof head - 1;
	uint8_t seed[BASE_ED25519_SEED];
	struct ledger_signer s;
	struct base_span name;
	uint32_t id = 0;
	int r;

	if (text.n < n || memcmp(text.p, head, n) != 0)
		return base_fail_set(fail, GH_E_PARSE, "not a signing key: expected PRIVATE+KEY+name+id+base64");
	r = parse_key(base_span(text.p + n, text.n - n), &name, &id, seed, fail);
	if (r == 0)
		r = ledger_signer_make(name, seed, &s, fail);
	base_secret_wipe(seed, sizeof seed);
	if (r < 0)
		return r;
	if (s.vkey.id != id) {
		ledger_signer_done(&s);
		return base_fail_set(fail, GH_E_VERIFY, "key id %08x does not belong to this key", (unsigned)id);
	}
	*s_r = s;
	ledger_signer_done(&s);
	return 0;
}

/* Offset of the blank line's second newline of the last "\n\n", or 0 (never a valid place). */
static size_t
last_blank(struct base_span t)
{
	for (size_t i = t.n; i-- > 1;)
		if (t.p[i] == '\n' && t.p[i - 1] == '\n')
			return i;
	return 0;
}

static bool
clean_text(struct base_span t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((t.p[i] < 0x20 && t.p[i] != '\n') || t.p[i] == 0x7f)
			return false;
	return base_text_utf8(t);
}

/* One line without its newline: *sig_r gets id || signature. */
static int
parse_line(struct base_span line, struct base_span *name_r, struct base_buf *sig, struct base_fail *fail)
{
	struct base_cursor c;
	struct base_span name;

	if (line.n < sizeof dash - 1 || memcmp(line.p, dash, sizeof dash - 1) != 0)
		return base_fail_set(fail, GH_E_PARSE, "signature line does not begin with a dash");
	c = base_cursor(base_span(line.p + sizeof dash - 1, line.n - (sizeof dash - 1)));
	if (!base_cursor_until(&c, ' ', &name))
		return base_fail_set(fail, GH_E_PARSE, "signature line without a signature");
	base_buf_clear(sig);
	if (ledger_note_name_check(name, fail) != 0 || base_text_unbase64(base_cursor_take(&c, c.left), sig) != 0 || base_buf_len(sig) < 5)
		return base_fail_set(fail, GH_E_PARSE, "malformed signature line");
	*name_r = name;
	return 0;
}

/* Checks one signature against the keys; a repeated signature of a key that has signed already is ignored. */
static int
check_line(struct base_span name, struct base_span sig, const struct ledger_vkey *keys, size_t nkeys, struct ledger_note *n,
	struct base_fail *fail)
{
	struct base_cursor c = base_cursor(sig);
	uint32_t id = base_cursor_u32(&c);
	struct base_span raw = base_cursor_take(&c, c.left);

	for (size_t i = 0; i < nkeys; i++) {
		if (keys[i].id != id || !base_span_is(name, keys[i].name) || (n->verified >> i & 1) != 0)
			continue;
		if (raw.n != BASE_ED25519_SIG || !base_ed25519_verify(keys[i].pub, n->body, raw))
			return base_fail_set(fail, GH_E_VERIFY, "the signature of %s is wrong", keys[i].name);
		n->verified |= 1u << i;
	}
	return 0;
}

int
ledger_note_open(struct base_span text, const struct ledger_vkey *keys, size_t nkeys, struct ledger_note *note_r,
	struct base_fail *fail)
{
	struct ledger_note n = {.verified = 0};
	struct base_cursor c;
	struct base_span line, name = {NULL, 0};
	struct base_buf sig;
	size_t blank, lines = 0;
	int r = 0;

	if (text.n > LEDGER_NOTE_MAX || nkeys > 32)
		return base_fail_set(fail, GH_E_LIMIT, "note of %zu bytes, %zu keys", text.n, nkeys);
	if (!clean_text(text))
		return base_fail_set(fail, GH_E_PARSE, "note is not clean UTF-8 text");
	blank = last_blank(text);
	if (blank == 0)
		return base_fail_set(fail, GH_E_PARSE, "note has no blank line");
	n.body = base_span(text.p, blank);
	n.signatures = base_span(text.p + blank + 1, text.n - blank - 1);
	if (n.signatures.n == 0)
		return base_fail_set(fail, GH_E_PARSE, "note has no signature");
	base_buf_init(&sig, SIGNATURE_MAX);
	c = base_cursor(n.signatures);
	while (r == 0 && c.left > 0) {
		if (!base_cursor_until(&c, '\n', &line))
			r = base_fail_set(fail, GH_E_PARSE, "last signature line has no newline");
		else if (++lines > LEDGER_NOTE_SIGNATURES)
			r = base_fail_set(fail, GH_E_LIMIT, "more than %u signatures", LEDGER_NOTE_SIGNATURES);
		else
			r = parse_line(line, &name, &sig, fail);
		if (r == 0)
			r = check_line(name, base_buf_span(&sig), keys, nkeys, &n, fail);
	}
	base_buf_done(&sig);
	if (r == 0)
		*note_r = n;
	return r;
}

int
ledger_note_sign(struct base_span body, const struct ledger_signer *s, struct base_buf *out, struct base_fail *fail)
{
	uint8_t raw[4 + BASE_ED25519_SIG];

	if (body.n == 0 || body.p[body.n - 1] != '\n' || !clean_text(body))
		return base_fail_set(fail, GH_E_PARSE, "a note's body must be clean text that ends in a newline");
	for (unsigned i = 0; i < 4; i++)
		raw[i] = (uint8_t)(s->vkey.id >> (24 - 8 * i));
	base_ed25519_sign(s->seed, body, raw + 4);
	base_buf_put(out, body);
	base_buf_fmt(out, "\n%s%s ", dash, s->vkey.name);
	base_text_base64(out, base_span(raw, sizeof raw));
	base_buf_u8(out, '\n');
	return out->bad ? base_fail_set(fail, GH_E_NOMEM, "no room for a note") : 0;
}

int
ledger_checkpoint_parse(struct base_span body, struct ledger_checkpoint *c_r, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(body);
	struct ledger_checkpoint cp;
	struct base_span size, root, line;
	struct base_buf b;

	if (!base_cursor_until(&c, '\n', &cp.origin) || cp.origin.n == 0 || !base_cursor_until(&c, '\n', &size) ||
		!base_cursor_until(&c, '\n', &root))
		return base_fail_set(fail, GH_E_PARSE, "checkpoint needs three lines");
	if ((size.n > 1 && size.p[0] == '0') || base_num_u64(size, 0, UINT64_MAX, &cp.size) != 0)
		return base_fail_set(fail, GH_E_PARSE, "checkpoint's size is not a number");
	base_buf_init(&b, 64);
	if (root.n != 44 || base_text_unbase64(root, &b) != 0 || base_buf_len(&b) != LEDGER_HASH_SIZE) {
		base_buf_done(&b);
		return base_fail_set(fail, GH_E_PARSE, "checkpoint's root is not base64 of 32 bytes");
	}
	memcpy(cp.root.b, base_buf_span(&b).p, LEDGER_HASH_SIZE);
	base_buf_done(&b);
	while (c.left > 0)
		if (!base_cursor_until(&c, '\n', &line) || line.n == 0)
			return base_fail_set(fail, GH_E_PARSE, "checkpoint has an empty or unfinished extension line");
	*c_r = cp;
	return 0;
}

void
ledger_checkpoint_print(const struct ledger_checkpoint *c, struct base_buf *out)
{
	base_buf_put(out, c->origin);
	base_buf_fmt(out, "\n%llu\n", (unsigned long long)c->size);
	base_text_base64(out, base_span(c->root.b, LEDGER_HASH_SIZE));
	base_buf_u8(out, '\n');
}

int
ledger_checkpoint_open(struct base_span text, const struct ledger_vkey *key, struct ledger_checkpoint *c_r, struct base_fail *fail)
{
	struct ledger_checkpoint c;
	struct ledger_note n;
	char shown[160];
	int r = ledger_note_open(text, key, 1, &n, fail);

	if (r == 0)
		r = ledger_checkpoint_parse(n.body, &c, fail);
	if (r < 0)
		return r;
	if (!base_span_is(c.origin, key->name))
		return base_fail_set(fail, GH_E_VERIFY, "checkpoint belongs to %s, not to %s",
			base_text_quote(shown, sizeof shown, c.origin, 80), key->name);
	if ((n.verified & 1) == 0)
		return base_fail_set(fail, GH_E_VERIFY, "checkpoint is not signed by %s+%08x", key->name, (unsigned)key->id);
	*c_r = c;
	return 0;
}
