/* ident_otp: one-time passwords: RFC 6238 (TOTP, SHA-1, 30 s, six digits; by liboath) and recovery codes. The file of sealed secrets. Pure.
 *
 * The file, one line for each actor:   ACTOR TAB enrolled-date TAB base64(nonce[24] || sealed)
 * sealed: XChaCha20-Poly1305 (libsodium) under the key file's 32 bytes, the actor's name as associated data: secret[20] || 10 x SHA-256(recovery code)[16].
 */
#ifndef IDENT_OTP_H
#define IDENT_OTP_H

#include "base_buf.h"
#include "base_fail.h"

#define IDENT_OTP_SECRET 20u
#define IDENT_OTP_KEY 32u
#define IDENT_OTP_RECOVERY 10u
#define IDENT_OTP_STEP_US 30000000ull

/* The key file: one line, base64 of 32 bytes. */
BASE_CHECK int ident_otp_key_parse(struct base_span text, const char *file, uint8_t key_r[IDENT_OTP_KEY], struct base_fail *fail);
void ident_otp_key_make(struct base_buf *out); /* appends such a line with a new key */

#define IDENT_OTP_SIZE_MAX (8u << 20)
struct ident_otp_file; /* immutable, reference-counted */
BASE_CHECK int ident_otp_parse(struct base_span text, const char *file, const uint8_t key[IDENT_OTP_KEY], struct ident_otp_file **f_r, struct base_fail *fail); /* opens every line */
void ident_otp_ref(struct ident_otp_file *f);
void ident_otp_unref(struct ident_otp_file **f); /* wipes */
bool ident_otp_has(const struct ident_otp_file *f, struct base_span actor);
size_t ident_otp_count(const struct ident_otp_file *f);
/* The i-th (i < count, asserted) in the order of names. Both live as long as f; date_r is "2026-11-22". */
struct base_span ident_otp_actor(const struct ident_otp_file *f, size_t i, const char **date_r);

enum ident_otp_answer {
	IDENT_OTP_RIGHT,     /* counter_r: the time step that it belongs to: greater than `last` */
	IDENT_OTP_RECOVERED, /* counter_r: index of the recovery code, which is not in `used` (bits) */
	IDENT_OTP_REPLAYED,  /* right, but of a time step not after `last`, or a recovery code in `used` */
	IDENT_OTP_WRONG, IDENT_OTP_UNKNOWN /* the actor is not enrolled */
};
/* code: six digits, or a recovery code (ten letters and digits); blanks and hyphens are ignored, letters read as their case and look allow (O is 0, I and L are 1).
 * One step before and after now is right too. Constant time in the code's characters. */
BASE_CHECK enum ident_otp_answer ident_otp_check(const struct ident_otp_file *f, struct base_span actor, struct base_span code, uint64_t now_us, uint64_t last, uint32_t used, uint64_t *counter_r);

struct ident_otp_new { uint8_t secret[IDENT_OTP_SECRET]; char recovery[IDENT_OTP_RECOVERY][12]; /* "k7q2m-9xw4a" */ };
void ident_otp_make(struct ident_otp_new *n); /* random; the caller wipes it */
/* Is this the secret's code of now (one step before and after too)? For the proof at enrolment. */
BASE_CHECK bool ident_otp_new_check(const struct ident_otp_new *n, struct base_span code, uint64_t now_us);
/* Appends the file with actor's line put in or replaced (or taken out: n NULL; GH_E_MISSING: there is none). The other lines are copied
 * as they are, after all of them were opened: a file never holds lines of two keys. date: "2026-11-22". */
BASE_CHECK int ident_otp_change(struct base_span text, const uint8_t key[IDENT_OTP_KEY], struct base_span actor, const char date[11], const struct ident_otp_new *n, struct base_buf *out, struct base_fail *fail);
/* otpauth://totp/ISSUER:ACTOR?secret=BASE32&issuer=ISSUER&algorithm=SHA1&digits=6&period=30, percent-encoded */
void ident_otp_uri(const struct ident_otp_new *n, struct base_span issuer, struct base_span actor, struct base_buf *out);

#endif
