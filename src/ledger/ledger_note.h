/* ledger_note: C2SP signed notes, checkpoints, verifier and signer keys (Ed25519, type 0x01). Pure.
 *
 *   note        body (lines), blank line, then lines "— <name> <base64(key id[4] || signature)>" (U+2014)
 *   checkpoint  a note whose body is "<origin>\n<size>\n<base64 of the root>\n" and perhaps extension lines
 *   key id      first 4 bytes of SHA-256(name || '\n' || 0x01 || public key)
 *   vkey        "<name>+<hex8 of the key id>+<base64(0x01 || public key)>"
 *   skey        "PRIVATE+KEY+<name>+<hex8>+<base64(0x01 || seed)>"
 */
#ifndef LEDGER_NOTE_H
#define LEDGER_NOTE_H

#include "base_buf.h"
#include "base_crypt.h"
#include "base_fail.h"
#include "ledger_merkle.h"

#define LEDGER_NAME_MAX 255u
#define LEDGER_NOTE_MAX 65536u     /* bytes of a note that we read */
#define LEDGER_NOTE_SIGNATURES 64u /* signature lines that we accept */

struct ledger_vkey {
	char name[LEDGER_NAME_MAX + 1];
	uint32_t id;
	uint8_t pub[BASE_ED25519_PUB];
};
/* Secret: wipe with ledger_signer_done. */
struct ledger_signer {
	struct ledger_vkey vkey;
	uint8_t seed[BASE_ED25519_SEED];
};

/* A key name: 1..LEDGER_NAME_MAX bytes of valid UTF-8, no white space, no control characters, no '+'. */
BASE_CHECK int ledger_note_name_check(struct base_span name, struct base_fail *fail);
BASE_CHECK int ledger_signer_make(struct base_span name, const uint8_t seed[BASE_ED25519_SEED], struct ledger_signer *s_r,
	struct base_fail *fail);
void ledger_signer_done(struct ledger_signer *s);
/* Text without a newline. Parsers want the whole span; GH_E_PARSE, GH_E_UNSUPPORTED (key type), GH_E_VERIFY (wrong key id). */
void ledger_vkey_print(const struct ledger_vkey *k, struct base_buf *out);
BASE_CHECK int ledger_vkey_parse(struct base_span text, struct ledger_vkey *k_r, struct base_fail *fail);
void ledger_signer_print(const struct ledger_signer *s, struct base_buf *out);
BASE_CHECK int ledger_signer_parse(struct base_span text, struct ledger_signer *s_r, struct base_fail *fail);

/* The body of a note and its signatures; spans borrow from the input. */
struct ledger_note {
	struct base_span body;       /* with its last newline, without the blank line */
	struct base_span signatures; /* the signature lines */
	unsigned verified;           /* bit i: keys[i] signed it */
};
/* Splits at the last blank line. Unknown (name, id) pairs are ignored; a bad signature of a known key rejects the note, and so does
 * a malformed line. At most 32 keys. 0 also when no key signed: look at `verified`. GH_E_PARSE, GH_E_VERIFY, GH_E_LIMIT. */
BASE_CHECK int ledger_note_open(struct base_span text, const struct ledger_vkey *keys, size_t nkeys, struct ledger_note *note_r,
	struct base_fail *fail);
/* Appends body, blank line and one signature line. body must end in a newline and be valid. */
BASE_CHECK int ledger_note_sign(struct base_span body, const struct ledger_signer *s, struct base_buf *out, struct base_fail *fail);

struct ledger_checkpoint {
	struct base_span origin; /* borrow */
	uint64_t size;
	struct ledger_hash root;
};
/* Body of a note to a checkpoint and back. Extension lines are accepted (and ignored) as the format demands. */
BASE_CHECK int ledger_checkpoint_parse(struct base_span body, struct ledger_checkpoint *c_r, struct base_fail *fail);
void ledger_checkpoint_print(const struct ledger_checkpoint *c, struct base_buf *out);
/* Both steps, and the origin must be the key's name: 0 only when `key` signed it. GH_E_VERIFY when it did not. */
BASE_CHECK int ledger_checkpoint_open(struct base_span text, const struct ledger_vkey *key, struct ledger_checkpoint *c_r,
	struct base_fail *fail);

#endif
