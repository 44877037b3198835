/* cli_kind: see cli_kind.h. A name is split into words where case, digits or separators say so, then written without them: "Kunden_TelefonNr2" is "kundentelefonnr" with
 * words at 0, 6 and 13. A word of the table fits where it begins and ends at borders of words; one of five bytes or more also where only one of its ends is at a border
 * ("kundentelefon", "telefonliste"), because German and Chinese write words together.
 */
#include "cli_kind.h"

#include <string.h>

#include "base_defs.h"

#define LOOSE_MIN 5u /* bytes of a word that may stand inside another */

static const struct cli_kind_row kinds[] = {
#define TEXT CLI_FAMILY_TEXT
#define NUMBER CLI_FAMILY_NUMBER
#define DATE CLI_FAMILY_DATE
#define BOOL CLI_FAMILY_BOOL
#define INET CLI_FAMILY_INET
#define JSON CLI_FAMILY_JSON
#define OTHER CLI_FAMILY_OTHER
#define CLI_SHAPE_NONE CLI_SHAPES
#define CLI_KIND(name, words, rule, identifier, shape, families, points) {words, rule, identifier, CLI_SHAPE_##shape, families, points},
#include "cli_kind.def"
};
static const struct { enum cli_kind kind; bool certain; const char *words; } column_words[] = {
#define CLI_WORD(kind, certain, words) {CLI_KIND_##kind, certain, words},
#include "cli_kind.def"
};
static const struct { enum cli_role role; const char *name, *words; } table_words[] = {
#define CLI_TABLE(role, name, words) {CLI_ROLE_##role, name, words},
#include "cli_kind.def"
};
/* Behind or before such a word a name speaks about the thing, and does not hold it. */
static const char tails[] = " id ids at on type typ status state flag count cnt code verified confirmed confirmation validated optin sent enabled length label format hint error valid changed updated expires ok art ";
/* Of tables: "customer_orders" are no customers, "customer_master" are. */
static const char table_tails[] = " info infos information base basis data daten master main entity entities record records stamm stammdaten table tab list detail details xinxi biao row rows ";
static const char heads[] = " is has num nb count max min total can allow enable send show use require ";

const struct cli_kind_row *
cli_kind_row(enum cli_kind kind)
{
	return &kinds[kind];
}

enum cli_family
cli_kind_family(const char *type, char category)
{
	struct base_span t = base_span_str(type);

	if (base_span_is(t, "uuid"))
		return CLI_FAMILY_UUID;
	if (base_span_is(t, "json") || base_span_is(t, "jsonb") || base_span_is(t, "xml") || base_span_is(t, "hstore"))
		return CLI_FAMILY_JSON;
	if (base_span_is(t, "citext"))
		return CLI_FAMILY_TEXT;
	switch (category) {
	case 'S':
	case 'E': /* an enumeration: gender, say */
		return CLI_FAMILY_TEXT;
	case 'N':
		return CLI_FAMILY_NUMBER;
	case 'D':
		return base_span_is(t, "time") || base_span_is(t, "timetz") ? CLI_FAMILY_OTHER : CLI_FAMILY_DATE;
	case 'B':
		return CLI_FAMILY_BOOL;
	case 'I':
		return CLI_FAMILY_INET;
	default:
		return CLI_FAMILY_OTHER;
	}
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

size_t
cli_kind_plain(struct base_span name, char out[CLI_PLAIN_MAX], uint64_t *starts_r)
{
	uint64_t starts = 0;
	size_t n = 0;
	bool border = true, was_lower = false;

	for (size_t i = 0; i < name.n && n < CLI_PLAIN_MAX; i++) {
		uint8_t c = name.p[i];
		bool upper = c >= 'A' && c <= 'Z', letter = upper || (c >= 'a' && c <= 'z') || c >= 0x80;
		if (!letter) {
			/* A number behind a word counts lines ("tel_2"); inside one it belongs to it ("icd10") and is left out alike. */
			border = border || !is_digit(c);
			was_lower = false;
			continue;
		}
		if (upper && was_lower)
			border = true;
		if (border)
			starts |= (uint64_t)1 << n;
		border = false;
		was_lower = !upper && c < 0x80;
		if (c == 0xc3 && i + 1 < name.n && name.p[i + 1] >= 0x80 && name.p[i + 1] <= 0x9e && n + 1 < CLI_PLAIN_MAX) { /* Latin-1 capitals */
			out[n++] = (char)c;
			out[n++] = (char)(name.p[++i] + 0x20);
			was_lower = true;
			continue;
		}
		out[n++] = (char)(upper ? c + 32 : c);
	}
	*starts_r = starts;
	return n;
}

static bool
at_border(size_t at, size_t n, uint64_t starts)
{
	return at == n || at == 0 || (starts >> at & 1);
}

/* Does the word stand in the name? tail: what is behind it begins here. */
static bool
fits(const char *plain, size_t n, uint64_t starts, const char *word, size_t length, size_t *tail_r)
{
	for (size_t at = 0; length <= n && at <= n - length; at++) {
		if (memcmp(plain + at, word, length) != 0)
			continue;
		bool begins = at_border(at, n, starts), ends = at_border(at + length, n, starts);
		if ((begins && ends) || (length >= LOOSE_MIN && (begins || ends))) {
			*tail_r = at + length;
			return true;
		}
	}
	return false;
}

size_t
cli_kind_match(const char *plain, size_t n, uint64_t starts, const char *words, bool *tail_r)
{
	size_t best = 0;

	for (const char *p = words; *p;) {
		size_t length = strcspn(p, " "), plain_length = length, tail = 0;
		while (plain_length > 0 && is_digit((uint8_t)p[plain_length - 1])) /* "tel1": names come without numbers */
			plain_length--;
		if (plain_length > best && fits(plain, n, starts, p, plain_length, &tail)) {
			best = plain_length;
			*tail_r = tail < n;
		}
		p += length;
		p += strspn(p, " ");
	}
	return best;
}

/* Is the first, or the last, word of the name in this list? */
static bool
border_word(const char *plain, size_t n, uint64_t starts, bool last, const char *list)
{
	size_t from = 0, to = n;
	char word[CLI_PLAIN_MAX + 3] = " ";

	for (size_t i = 1; i < n; i++)
		if (starts >> i & 1) {
			if (last) {
				from = i;
			} else {
				to = i;
				break;
			}
		}
	memcpy(word + 1, plain + from, to - from);
	word[1 + to - from] = ' ';
	word[2 + to - from] = '\0';
	return strstr(list, word) != NULL;
}

enum cli_kind
cli_kind_of_column(struct base_span name, enum cli_family family, bool *certain_r)
{
	char plain[CLI_PLAIN_MAX];
	uint64_t starts = 0;
	size_t n = cli_kind_plain(name, plain, &starts), best = 0;
	enum cli_kind kind = CLI_KIND_NONE;
	bool certain = false, behind = false;

	for (size_t i = 0; i < BASE_COUNT(column_words); i++) {
		bool tail = false;
		size_t length = cli_kind_match(plain, n, starts, column_words[i].words, &tail);
		if (length > best) {
			best = length;
			kind = column_words[i].kind;
			certain = column_words[i].certain;
			behind = tail;
		}
	}
	if (best == 0 || !(kinds[kind].families & (unsigned)family))
		return CLI_KIND_NONE;
	if ((behind && border_word(plain, n, starts, true, tails)) || (best < n && border_word(plain, n, starts, false, heads)))
		return CLI_KIND_NONE;
	*certain_r = certain;
	return kind;
}

enum cli_role
cli_kind_of_table(struct base_span name, const char **name_r)
{
	char plain[CLI_PLAIN_MAX];
	uint64_t starts = 0;
	size_t n = cli_kind_plain(name, plain, &starts), best = 0;
	enum cli_role role = CLI_ROLE_NONE;
	const char *called = NULL;
	bool behind = false;

	for (size_t i = 0; i < BASE_COUNT(table_words); i++) {
		bool tail = false;
		size_t length = cli_kind_match(plain, n, starts, table_words[i].words, &tail);
		if (length > best) {
			best = length;
			role = table_words[i].role;
			behind = tail;
			called = table_words[i].name;
		}
	}
	if (role != CLI_ROLE_NONE && behind && !border_word(plain, n, starts, true, table_tails))
		role = CLI_ROLE_NONE;
	*name_r = role == CLI_ROLE_NONE ? NULL : called;
	return role;
}
