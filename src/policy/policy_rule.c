/* policy_rule: masks: which is the stronger, their words, and which types they suit. Pure. */
#include "policy_rule.h"

#include <stdio.h>

#include "base_num.h"
#include "base_text.h"
#include "base_time.h"

const struct policy_mask *
policy_mask_stronger(const struct policy_mask *a, const struct policy_mask *b)
{
	if (a->kind != b->kind)
		return a->kind > b->kind ? a : b;
	if ((a->kind == POLICY_MASK_LAST || a->kind == POLICY_MASK_FIRST) && a->n != b->n)
		return a->n < b->n ? a : b;
	/* Two fixed texts are equally strong; the order of their bytes decides, so that the order in the file does not. */
	return a->kind == POLICY_MASK_FIXED && base_span_cmp(b->fixed, a->fixed) < 0 ? b : a;
}

void
policy_mask_words(const struct policy_mask *m, char *dst, size_t size)
{
	static const char *const words[] = {"clear", "last", "first", "hash", "token", "year", "fixed", "hide"};
	if (m->kind == POLICY_MASK_LAST || m->kind == POLICY_MASK_FIRST)
		(void)snprintf(dst, size, "%s %u", words[m->kind], m->n);
	else
		(void)snprintf(dst, size, "%s", words[m->kind]);
}

/* A fixed value in the type's own form, one way to write it: mask_apply makes its wire forms from this text. */
static const char *
rule_fixed(struct base_span text, uint32_t type)
{
	int64_t number;
	uint64_t us;
	switch (type) {
	case 16: /* bool */
		return base_span_is(text, "true") || base_span_is(text, "false") ? NULL : "a fixed value of a boolean is \"true\" or \"false\"";
	case 20: /* int8 */
		return base_num_i64(text, INT64_MIN, INT64_MAX, &number) == 0 ? NULL : "a fixed value of a bigint is a whole number in its range";
	case 21: /* int2 */
		return base_num_i64(text, INT16_MIN, INT16_MAX, &number) == 0 ? NULL : "a fixed value of a smallint is a whole number in its range";
	case 23: /* int4 */
		return base_num_i64(text, INT32_MIN, INT32_MAX, &number) == 0 ? NULL : "a fixed value of an integer is a whole number in its range";
	case 1082: /* date */
		return text.n == 10 && base_time_parse(text, &us) == 0 ? NULL : "a fixed value of a date is written as 1970-01-01";
	default:
		return "a fixed value needs text, an integer, a date or a boolean; hide suits every type";
	}
}

const char *
policy_mask_unsuitable(const struct policy_mask *m, uint32_t type_oid)
{
	bool text = type_oid == 25 || type_oid == 1043 || type_oid == 1042 || type_oid == 19; /* text, varchar, bpchar, name */
	switch (m->kind) {
	case POLICY_MASK_NONE:
	case POLICY_MASK_HIDE:
		return NULL;
	case POLICY_MASK_LAST:
	case POLICY_MASK_FIRST:
		return text ? NULL : "characters can be shown of text only; hide and fixed suit other types";
	case POLICY_MASK_HASH:
		return text ? NULL : "a hash is text and can stand for text only; hide and fixed suit other types";
	case POLICY_MASK_TOKEN:
		return text ? NULL : "a token is text and can stand for text only; hide and fixed suit other types";
	case POLICY_MASK_YEAR: /* date, timestamp, timestamptz */
		return text || type_oid == 1082 || type_oid == 1114 || type_oid == 1184 ? NULL : "a year needs a date, a timestamp or text";
	case POLICY_MASK_FIXED:
		return text ? NULL : rule_fixed(m->fixed, type_oid);
	}
	return "the mask is not known";
}
