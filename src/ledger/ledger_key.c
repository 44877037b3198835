/* ledger_key: reads and makes the signing key's file.
 * Input: a file of our own, refused when others may read it. Secrets are wiped before their memory is given back; nothing of the
 * key ever goes into an error text.
 */
#include "ledger_key.h"

#include <fcntl.h>

#include "base_file.h"

#define KEY_FILE_MAX 1024u

static void
done_secret(struct base_buf *b)
{
	if (b->mem != NULL)
		base_secret_wipe(b->mem, b->cap);
	base_buf_done(b);
}

int
ledger_key_load(const char *path, const char *origin, struct ledger_signer *s_r, struct base_fail *fail)
{
	struct ledger_signer s;
	struct base_span text;
	struct base_buf b;
	int r;

	base_buf_init(&b, KEY_FILE_MAX);
	r = base_file_read_secret(AT_FDCWD, path, &b, fail);
	if (r == 0) {
		text = base_buf_span(&b);
		if (text.n > 0 && text.p[text.n - 1] == '\n')
			text.n--;
		r = ledger_signer_parse(text, &s, fail);
		if (r < 0)
			base_fail_where(fail, "%s", path);
	}
	done_secret(&b);
	if (r < 0)
		return r;
	if (origin != NULL && !base_span_is(base_span_str(s.vkey.name), origin)) {
		r = base_fail_set(fail, GH_E_VERIFY, "%s is the key of %s, not of %s", path, s.vkey.name, origin);
		ledger_signer_done(&s);
		return r;
	}
	*s_r = s;
	ledger_signer_done(&s);
	return 0;
}

int
ledger_key_create(const char *path, const char *origin, struct ledger_vkey *vkey_r, struct base_fail *fail)
{
	uint8_t seed[BASE_ED25519_SEED];
	struct ledger_signer s;
	struct base_buf b;
	int r;

	base_crypt_random(seed, sizeof seed);
	r = ledger_signer_make(base_span_str(origin), seed, &s, fail);
	base_secret_wipe(seed, sizeof seed);
	if (r < 0)
		return r;
	base_buf_init(&b, KEY_FILE_MAX);
	/* All of it in one piece: growing would leave a copy of the key in freed memory. */
	if (base_buf_reserve(&b, KEY_FILE_MAX) == NULL)
		b.bad = true;
	ledger_signer_print(&s, &b);
	base_buf_u8(&b, '\n');
	r = b.bad ? base_fail_set(fail, GH_E_NOMEM, "no memory for a key") : base_file_create_new(AT_FDCWD, path, 0600, base_buf_span(&b), fail);
	if (r == 0)
		*vkey_r = s.vkey;
	done_secret(&b);
	ledger_signer_done(&s);
	return r;
}
