/* cli_shape: see cli_shape.h. Each recogniser is a small grammar over bytes; check digits follow ISO 13616 (IBAN, mod 97), ISO/IEC 7812-1 (cards, IMEI: Luhn), GB 11643
 * (Chinese identity numbers: mod 11-2) and ISO 7064 mod 11,10 (German tax numbers). Values are cut by the sampling before they come here; none is kept or printed.
 */
#include "cli_shape.h"

#include "base_defs.h"
#include "base_text.h"

#define DIGITS_MAX 20u
#define NAME_BYTES_MAX 60u
#define CONTACT_BYTES_MIN 20u
#define BIRTH_FIRST 1900u /* whoever was born before is dead */
#define BIRTH_LAST 2100u /* what is plausible in this year, the caller knows */

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_letter(uint8_t c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static struct base_span
trim(struct base_span v)
{
	while (v.n > 0 && (v.p[0] == ' ' || v.p[0] == '\t')) {
		v.p++;
		v.n--;
	}
	while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
		v.n--;
	return v;
}

/* The digits of a value in which nothing else stands but `between`; 0: something else does, or there are more than DIGITS_MAX. */
static size_t
digits(struct base_span v, const char *between, uint8_t out[DIGITS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (is_digit(v.p[i])) {
			if (n == DIGITS_MAX)
				return 0;
			out[n++] = (uint8_t)(v.p[i] - '0');
		} else if (v.p[i] == 0 || !strchr(between, v.p[i])) {
			return 0;
		}
	}
	return n;
}

static bool
luhn(const uint8_t *d, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned x = d[n - 1 - i];
		if (i % 2)
			x = x * 2 > 9 ? x * 2 - 9 : x * 2;
		sum += x;
	}
	return sum % 10 == 0;
}

static bool
email_local(uint8_t c)
{
	return is_letter(c) || is_digit(c) || c >= 0x80 || (c != 0 && strchr(".!#$%&'*+/=?^_`{|}~-", c));
}

static bool
email_domain(uint8_t c)
{
	return is_letter(c) || is_digit(c) || c >= 0x80 || c == '-' || c == '.';
}

static bool
shape_email(struct base_span v)
{
	const uint8_t *at = v.n > 0 ? memchr(v.p, '@', v.n) : NULL;

	if (!at || at == v.p || v.n > 254)
		return false;
	size_t local = (size_t)(at - v.p), dot = 0;
	for (size_t i = 0; i < local; i++)
		if (!email_local(v.p[i]))
			return false;
	for (size_t i = local + 1; i < v.n; i++) {
		if (!email_domain(v.p[i]) || (v.p[i] == '.' && (v.p[i - 1] == '.' || v.p[i - 1] == '@')))
			return false;
		if (v.p[i] == '.')
			dot = i;
	}
	return dot > local + 1 && v.n - dot > 2 && !is_digit(v.p[v.n - 1]); /* a top-level domain of two letters or more */
}

static bool
shape_iban(struct base_span v)
{
	unsigned rest = 0;
	size_t n = 0;
	uint8_t text[34];

	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == ' ')
			continue;
		uint8_t c = v.p[i] >= 'a' && v.p[i] <= 'z' ? (uint8_t)(v.p[i] - 32) : v.p[i];
		if (n == sizeof(text) || (!is_upper(c) && !is_digit(c)))
			return false;
		text[n++] = c;
	}
	if (n < 15 || !is_upper(text[0]) || !is_upper(text[1]) || !is_digit(text[2]) || !is_digit(text[3]))
		return false;
	for (size_t i = 0; i < n; i++) { /* the first four characters go to the end */
		uint8_t c = text[(i + 4) % n];
		rest = is_digit(c) ? (rest * 10 + (unsigned)(c - '0')) % 97 : (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
	}
	return rest == 1;
}

static bool
day_of(unsigned month, unsigned day)
{
	static const uint8_t last[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month >= 1 && month <= 12 && day >= 1 && day <= last[month - 1];
}

static unsigned
number(const uint8_t *d, size_t n)
{
	unsigned x = 0;

	for (size_t i = 0; i < n; i++)
		x = x * 10 + d[i];
	return x;
}

static bool
shape_cn_id(struct base_span v)
{
	static const uint8_t weight[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
	uint8_t d[DIGITS_MAX];
	unsigned sum = 0;

	if (v.n != 18 || digits(base_span(v.p, 17), "", d) != 17 || d[0] == 0)
		return false;
	for (size_t i = 0; i < 17; i++)
		sum += d[i] * weight[i];
	uint8_t last = v.p[17] == 'x' ? 'X' : v.p[17];
	unsigned year = number(d + 6, 4);
	return last == "10X98765432"[sum % 11] && year >= BIRTH_FIRST && year <= BIRTH_LAST && day_of(number(d + 10, 2), number(d + 12, 2));
}

/* TAC of a reporting body: 35 (BABT), 86 (TAF), 01 (PTCRB), 99 (GHA). */
static bool
shape_imei(struct base_span v)
{
	uint8_t d[DIGITS_MAX];

	if (digits(v, " -", d) != 15 || !luhn(d, 15))
		return false;
	unsigned body = number(d, 2);
	return body == 35 || body == 86 || body == 1 || body == 99;
}

static bool
shape_card(struct base_span v)
{
	uint8_t d[DIGITS_MAX];
	size_t n = digits(v, " -", d);

	if (n < 14 || n > 19 || !luhn(d, n))
		return false;
	unsigned two = number(d, 2);
	if (n == 15)
		return two == 34 || two == 37; /* other numbers of fifteen digits are devices */
	return d[0] >= 3 && d[0] <= 6 ? d[0] != 3 || two == 30 || two == 35 || two == 36 || two == 38 || two == 39 : two >= 22 && two <= 27;
}

static bool
shape_de_tax(struct base_span v)
{
	uint8_t d[DIGITS_MAX];
	unsigned product = 10, seen[10] = {0}, most = 0;

	if (digits(v, " ", d) != 11 || d[0] == 0)
		return false;
	for (size_t i = 0; i < 10; i++) {
		unsigned sum = (d[i] + product) % 10;
		product = (sum == 0 ? 10 : sum) * 2 % 11;
		if (++seen[d[i]] > most)
			most = seen[d[i]];
	}
	/* Of the first ten digits exactly one comes twice or three times. */
	return (11 - product) % 10 == d[10] && (most == 2 || most == 3);
}

static bool
shape_us_ssn(struct base_span v)
{
	uint8_t d[DIGITS_MAX];

	if (v.n != 11 || v.p[3] != '-' || v.p[6] != '-' || digits(v, "-", d) != 9)
		return false;
	unsigned area = number(d, 3);
	return area != 0 && area != 666 && area < 900 && number(d + 3, 2) != 0 && number(d + 5, 4) != 0;
}

static bool
shape_ip(struct base_span v)
{
	unsigned parts = 0, colons = 0, part = 0, width = 0;
	bool hex = false;

	for (size_t i = 0; i < v.n && v.p[i] != '/'; i++) { /* inet shows a netmask */
		uint8_t c = v.p[i];
		if (c == ':' && parts == 0) {
			colons++;
			width = 0;
		} else if (c == '.') {
			if (width == 0 || part > 255 || hex)
				return false;
			parts++;
			width = part = 0;
		} else if (is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
			hex = hex || !is_digit(c);
			part = width < 4 && is_digit(c) ? part * 10 + (unsigned)(c - '0') : part;
			if (++width > 4)
				return false;
		} else {
			return false;
		}
	}
	if (colons == 0)
		return parts == 3 && width > 0 && width < 4 && part <= 255 && !hex;
	return colons == 7 || (colons >= 2 && colons < 7 && memmem(v.p, v.n, "::", 2)); /* not "12:30:00" */
}

/* -- telephone numbers -- */

static const unsigned two_digit_codes[] = {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84,
                                           86, 90, 91, 92, 93, 94, 95, 98};

/* E.164: 1 and 7 stand alone, the codes above have two digits, all others three. */
static unsigned
code_of(const uint8_t *d, size_t n)
{
	if (n < 8 || d[0] == 0)
		return 0;
	if (d[0] == 1 || d[0] == 7)
		return d[0];
	for (size_t i = 0; i < BASE_COUNT(two_digit_codes); i++)
		if (two_digit_codes[i] == number(d, 2))
			return two_digit_codes[i];
	return number(d, 3);
}

unsigned
cli_shape_country(struct base_span value)
{
	struct base_span v = trim(value);
	uint8_t d[DIGITS_MAX];
	bool plus = v.n > 0 && v.p[0] == '+';

	if (plus) {
		v.p++;
		v.n--;
	}
	size_t n = digits(v, " -/().", d);
	if (n < 7 || n > 15 + 2u)
		return 0;
	if (plus)
		return code_of(d, n);
	if (d[0] == 0 && d[1] == 0)
		return code_of(d + 2, n - 2);
	if (n == 11 && d[0] == 1 && d[1] >= 3)
		return 86;
	if (d[0] == 0 && d[1] == 1 && d[2] >= 5 && d[2] <= 7 && (n == 11 || n == 12))
		return 49;
	return d[0] == 0 && (d[1] == 6 || d[1] == 7) && n == 10 ? 33 : 0;
}

static bool
shape_phone(struct base_span value)
{
	struct base_span v = trim(value);
	uint8_t d[DIGITS_MAX];
	bool plus = v.n > 0 && v.p[0] == '+', apart = false;

	if (plus) {
		v.p++;
		v.n--;
	}
	for (size_t i = 0; i < v.n; i++)
		apart = apart || !is_digit(v.p[i]);
	size_t n = digits(v, " -/().", d);
	if (v.n > 0 && n > 0 && memchr(v.p, '.', v.n) && (d[0] != 0 && n < 10))
		return false; /* a decimal number */
	if (n == 8 && cli_shape_year(v) != 0)
		return false;
	if (plus || (n > 2 && d[0] == 0 && d[1] == 0))
		return n >= 8 && n <= 17;
	if (n > 1 && d[0] == 0)
		return n >= 7 && n <= 13 && d[1] != 0;
	if (n == 11 && d[0] == 1 && d[1] >= 3)
		return true; /* Chinese mobile */
	if (n == 10 || (n == 11 && d[0] == 1)) { /* North America, with or without its 1 */
		const uint8_t *area = d + (n - 10);
		return area[0] >= 2 && area[3] >= 2;
	}
	return apart && n >= 7 && n <= 12 && cli_shape_year(v) == 0 && !shape_us_ssn(v) && v.p[0] != '-';
}

/* -- dates -- */

unsigned
cli_shape_year(struct base_span value)
{
	struct base_span v = trim(value);
	uint8_t d[DIGITS_MAX];
	unsigned year, month, day;

	if (v.n > 10 && (v.p[10] == ' ' || v.p[10] == 'T'))
		v.n = 10;
	if (v.n != 8 && v.n != 10)
		return 0;
	if (digits(v, "-./", d) != 8)
		return 0;
	if (v.n == 8 || (!is_digit(v.p[4]) && v.p[4] == v.p[7])) {
		year = number(d, 4);
		month = number(d + 4, 2);
		day = number(d + 6, 2);
	} else if (!is_digit(v.p[2]) && v.p[2] == v.p[5]) {
		year = number(d + 4, 4);
		bool american = v.p[2] == '/' && number(d, 2) <= 12;
		month = american ? number(d, 2) : number(d + 2, 2);
		day = american ? number(d + 2, 2) : number(d, 2);
		if (american && day <= 12)
			return year >= 1800 && year <= 2200 ? year : 0; /* either way round */
	} else {
		return 0;
	}
	return year >= 1800 && year <= 2200 && day_of(month, day) ? year : 0;
}

static bool
shape_birth(struct base_span v)
{
	unsigned year = cli_shape_year(v);

	return year >= BIRTH_FIRST && year <= BIRTH_LAST;
}

static bool
shape_postal(struct base_span value)
{
	struct base_span v = trim(value);
	uint8_t d[DIGITS_MAX];
	size_t n = digits(v, "-", d), letters = 0, figures = 0;

	if (n == v.n)
		return n >= 4 && n <= 6;
	if (n > 0) /* 12345-6789, 12345-678, 12-345, 123-4567, 1234-567 */
		return n + 1 == v.n && ((n >= 8 && v.p[5] == '-') || (n == 5 && v.p[2] == '-') || (n == 7 && (v.p[3] == '-' || v.p[4] == '-')));
	for (size_t i = 0; i < v.n; i++) { /* SW1A 1AA, K1A 0B1, 1012 AB */
		letters += is_letter(v.p[i]);
		figures += is_digit(v.p[i]);
		if (!is_letter(v.p[i]) && !is_digit(v.p[i]) && v.p[i] != ' ')
			return false;
	}
	return v.n >= 5 && v.n <= 8 && letters >= 2 && letters <= 5 && figures >= 2;
}

/* -- names -- */

/* The commonest Chinese family names: they stand in front of nearly nine of ten names. */
static const char family[] = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾萧肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛阎闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向汤";

static bool
chinese_name(struct base_span v)
{
	if (v.n != 6 && v.n != 9 && v.n != 12)
		return false;
	for (size_t i = 0; i < v.n; i += 3)
		if (v.p[i] < 0xe4 || v.p[i] > 0xe9 || base_text_utf8_length(v.p + i, v.n - i) != 3)
			return false;
	for (size_t i = 0; i + 3 < sizeof(family); i += 3)
		if (memcmp(v.p, family + i, 3) == 0)
			return true;
	return false;
}

/* Two to five words of letters, each with a capital first ("von", "de" and the like may be small), with at most one comma: "Müller, Anna-Lena". A single word does not
 * count: too much else is one. */
static bool
shape_name(struct base_span value)
{
	struct base_span v = trim(value);
	size_t words = 0, capitals = 0, commas = 0, length = 0;
	bool all_upper = true;

	if (v.n < 4 || v.n > NAME_BYTES_MAX || !base_text_utf8(v))
		return false;
	if (v.p[0] >= 0xe4)
		return chinese_name(v);
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		bool start = length == 0;
		if (c == ' ' || c == ',') {
			commas += c == ',';
			length = 0;
			continue;
		}
		if (!is_letter(c) && c < 0x80 && (start || (c != '-' && c != '\'' && c != '.')))
			return false;
		if (start) {
			words++;
			capitals += is_upper(c) || c >= 0x80;
		}
		all_upper = all_upper && !(c >= 'a' && c <= 'z');
		length++;
	}
	return words >= 2 && words <= 5 && capitals >= 2 && commas <= 1 && !(all_upper && v.n < 5);
}

/* -- text in which somebody can be reached -- */

static bool
phone_inside(struct base_span v)
{
	for (size_t i = 0; i < v.n;) {
		if (!is_digit(v.p[i]) && v.p[i] != '+') {
			i++;
			continue;
		}
		size_t end = i + 1, figures = is_digit(v.p[i]);
		while (end < v.n && end - i < 24 && (is_digit(v.p[end]) || (v.p[end] != 0 && strchr(" -/().", v.p[end])))) {
			figures += is_digit(v.p[end]);
			end++;
		}
		struct base_span run = trim(base_span(v.p + i, end - i));
		while (run.n > 0 && !is_digit(run.p[run.n - 1]))
			run.n--;
		bool alone = i == 0 || !is_letter(v.p[i - 1]); /* not in "order-ab123456789" */
		if (alone && figures >= 9 && (run.p[0] == '+' || run.p[0] == '0' || cli_shape_country(run) != 0) && shape_phone(run))
			return true;
		i = end;
	}
	return false;
}

static bool
shape_contact(struct base_span v)
{
	if (v.n < CONTACT_BYTES_MIN || !memchr(v.p, ' ', v.n)) {
		bool wide = false; /* Chinese has no spaces */
		for (size_t i = 0; i < v.n && !wide; i++)
			wide = v.p[i] >= 0xe4;
		if (!wide || v.n < CONTACT_BYTES_MIN)
			return false;
	}
	for (size_t i = 1; i < v.n; i++) {
		if (v.p[i] != '@')
			continue;
		size_t from = i, to = i + 1;
		while (from > 0 && v.p[from - 1] < 0x80 && email_local(v.p[from - 1]))
			from--;
		while (to < v.n && v.p[to] < 0x80 && email_domain(v.p[to]))
			to++;
		while (to > i && (v.p[to - 1] == '.' || v.p[to - 1] == '-')) /* the sentence ends there */
			to--;
		if (shape_email(base_span(v.p + from, to - from)))
			return true;
	}
	return phone_inside(v);
}

/* -- the table -- */

static const struct { bool (*is)(struct base_span v); const char *words; unsigned share; } shapes[] = {
#define CLI_SHAPE(name, function, words, share) {function, words, share},
#include "cli_shape.def"
#undef CLI_SHAPE
};

bool
cli_shape_is(enum cli_shape shape, struct base_span value)
{
	return shapes[shape].is(trim(value));
}

const char *
cli_shape_words(enum cli_shape shape)
{
	return shapes[shape].words;
}

unsigned
cli_shape_share(enum cli_shape shape)
{
	return shapes[shape].share;
}

void
cli_tally_add(struct cli_tally *t, struct base_span value)
{
	struct base_span v = trim(value);

	if (v.n == 0)
		return;
	t->values++;
	for (unsigned s = 0; s < CLI_SHAPES; s++)
		t->hits[s] += shapes[s].is(v);
	unsigned year = cli_shape_year(v);
	if (year != 0) {
		t->year_first = t->year_first == 0 || year < t->year_first ? year : t->year_first;
		t->year_last = year > t->year_last ? year : t->year_last;
	}
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (size_t i = 0; i < v.n; i++)
		hash = (hash ^ v.p[i]) * 1099511628211u;
	hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u; /* its low bits alone are poor */
	t->seen[hash >> 54 & 15] |= (uint64_t)1 << (hash >> 58);
	unsigned code = cli_shape_country(v);
	for (size_t i = 0; i < CLI_TALLY_COUNTRIES && code != 0; i++)
		if (t->country[i].code == code || t->country[i].code == 0) {
			t->country[i].code = code;
			t->country[i].n++;
			break;
		}
}

unsigned
cli_tally_share(const struct cli_tally *t, enum cli_shape shape)
{
	return t->values > 0 ? (unsigned)((uint64_t)t->hits[shape] * 100 / t->values) : 0;
}

/* Linear counting: of 1,024 bits, u stay unset after about -1024 ln(u / 1024) different values; the logarithm from a table of one step in 32. */
unsigned
cli_tally_distinct(const struct cli_tally *t)
{
	static const uint16_t estimate[] = {0, 33, 66, 101, 137, 174, 213, 253, 295, 338, 384, 431, 481, 534, 589, 647, 710, 776, 846, 922, 1004, 1093, 1191, 1299, 1420, 1556, 1714};
	unsigned set = 0;

	for (size_t i = 0; i < BASE_COUNT(t->seen); i++)
		set += (unsigned)__builtin_popcountll(t->seen[i]);
	if (t->values == 0)
		return 0;
	size_t at = set / 32 < BASE_COUNT(estimate) - 1 ? set / 32 : BASE_COUNT(estimate) - 2;
	unsigned about = estimate[at] + (estimate[at + 1] - estimate[at]) * (set % 32) / 32u;
	unsigned share = (unsigned)((uint64_t)about * 100 / t->values);
	return share > 100 ? 100 : share;
}

unsigned
cli_tally_country(const struct cli_tally *t)
{
	size_t best = 0;

	for (size_t i = 1; i < CLI_TALLY_COUNTRIES; i++)
		if (t->country[i].n > t->country[best].n)
			best = i;
	return t->country[best].n * 2 > t->hits[CLI_SHAPE_PHONE] && t->country[best].n > 0 ? t->country[best].code : 0;
}
