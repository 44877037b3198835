/* Fuzz: files of one-time passwords, and the same bytes as a code. Nothing but a sealed line is a person; a code is never right by chance. */
#include <stdlib.h>

#include "base_crypt.h"
#include "ident_otp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[IDENT_OTP_KEY] = {1};
	struct ident_otp_file *f = NULL;
	struct ident_otp_new n = {.secret = {1}};
	uint64_t counter;
	struct base_fail fail;

	if (ident_otp_parse(base_span(data, size), "fuzz", key, &f, &fail) == 0 &&
	    ident_otp_check(f, base_span_str("anna"), base_span(data, size), 1800000000000000, 0, 0, &counter) != IDENT_OTP_UNKNOWN)
		abort(); /* no input is sealed under this key */
	(void)ident_otp_new_check(&n, base_span(data, size), 1800000000000000); /* may be right: only that it ends and stays inside */
	ident_otp_unref(&f);
	return 0;
}
