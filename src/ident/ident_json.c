/* ident_json: the two encodings that tokens and key sets are made of. Input: hostile text. Never: repeats a byte of it in an error. */
#include "ident_int.h"

#include "base_text.h"

#define TEXT_MAX 255u

int
ident_unbase64url(struct base_span s, struct base_buf *b)
{
	struct base_buf plain; /* the same in the other alphabet, padded: one decoder is enough */
	size_t pad = (4 - s.n % 4) % 4;
	int err = pad == 3 ? GH_E_PARSE : 0; /* one digit is no byte */

	base_buf_init(&plain, IDENT_JWKS_MAX + 4);
	for (size_t i = 0; i < s.n && err == 0; i++) {
		uint8_t c = s.p[i];
		if (c == '+' || c == '/' || c == '=')
			err = GH_E_PARSE;
		base_buf_u8(&plain, c == '-' ? '+' : c == '_' ? '/' : c);
	}
	for (size_t i = 0; i < pad; i++)
		base_buf_u8(&plain, '=');
	if (err == 0 && plain.bad)
		err = GH_E_LIMIT;
	if (err == 0 && s.n > 0)
		err = base_text_unbase64(base_buf_span(&plain), b);
	if (plain.mem)
		base_secret_wipe(plain.mem, plain.cap);
	base_buf_done(&plain);
	return err;
}

json_t *
ident_json_object(struct base_span text)
{
	json_t *v = json_loadb(text.n == 0 ? "" : (const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	if (v && !json_is_object(v)) {
		json_decref(v);
		return NULL;
	}
	return v;
}

bool
ident_text_plain(struct base_span s)
{
	if (s.n == 0 || s.n > TEXT_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f || (s.p[i] == 0xc2 && i + 1 < s.n && s.p[i + 1] < 0xa0)) /* U+0080..U+009F */
			return false;
	return true;
}

bool
ident_json_text(const json_t *v, struct base_span *s_r)
{
	if (!json_is_string(v))
		return false;
	struct base_span s = base_span(json_string_value(v), json_string_length(v));
	if (!ident_text_plain(s))
		return false;
	*s_r = s;
	return true;
}
