/* cli_since: see cli_since.h. Input: the operator's word. */
#include "cli_since.h"

#include "base_num.h"
#include "base_text.h"
#include "base_time.h"

#define AGO_MAX_US (100ull * 366 * 86400 * 1000000)

int
cli_since_parse(const char *text, const char *none, uint64_t now_us, uint64_t *since_us_r, struct base_fail *fail)
{
	struct base_span s = base_span_str(text ? text : none);
	uint64_t ago = 0;
	char shown[80];

	if (base_num_duration(s, AGO_MAX_US, &ago) == 0) {
		*since_us_r = ago < now_us ? now_us - ago : 0;
		return 0;
	}
	if (base_time_parse(s, since_us_r) == 0)
		return 0;
	base_fail_set(fail, GH_E_PARSE, "--since: neither a time nor how long ago: %s", base_text_quote(shown, sizeof(shown), s, 40));
	base_fail_hint(fail, "30d, 12h, 2026-11-22, 2026-11-22T16:07Z or 2026-11-22T16:07:54+08:00");
	return GH_E_PARSE;
}
