/* policy_words: what a policy's numbers are called, in the language's own words, for errors, the ledger and the commands: everywhere the same. Pure.
 * Each writes at most size bytes with the NUL, and cuts what does not fit. Names of subjects go through base_text_quote.
 */
#ifndef POLICY_WORDS_H
#define POLICY_WORDS_H

#include "policy_file.h"

#define POLICY_WORDS_COUNT 220u /* room for a budget's words with any subject's name, which is cut at 120 bytes */

/* "hour", "2 hours", "90 seconds": the largest unit of which it is a whole number; parts of a second are not said. */
void policy_time_words(uint64_t us, char *dst, size_t size);
/* "actor", "employer", "group" */
const char *policy_holder_word(enum policy_holder h);
/* What is counted, as the name of an account: a subject's name, or "lookups". Good as long as f. */
struct base_span policy_count_what(const struct policy_file *f, const struct policy_count *c);
/* "clear customers per day", "lookups per hour": without the number, so two budgets of the same name are the same budget. */
void policy_count_name(const struct policy_file *f, const struct policy_count *c, char *dst, size_t size);
/* "40 clear customers per day" */
void policy_count_words(const struct policy_file *f, const struct policy_count *c, char *dst, size_t size);
/* "40 clear customers per day for each actor" */
void policy_budget_words(const struct policy_file *f, const struct policy_count *c, enum policy_holder h, char *dst, size_t size);

#endif
