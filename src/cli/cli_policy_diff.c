/* cli_policy_diff: `gatehouse policy diff OLD NEW`: what each group gains or loses, a line for each column, with the places in both files. Needs no database; with a
 * configuration it says how many people are in each group, and what people in several groups gain or lose by having them together. Exit status like diff(1): 0 nothing
 * differs, 1 something does, 2 no answer. Input: trusted files.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base_file.h"
#include "base_map.h"
#include "base_mem.h"
#include "base_text.h"
#include "cli_diff.h"
#include "cli_files.h"
#include "cli_out.h"
#include "cli_table.h"

#define OUT_MAX (64u << 20)

struct diff {
	struct policy_file *old, *new;
	struct policy_people *people; /* shared; NULL: not asked for */
	struct cli_changes changes;
};

static int
read_policy(const char *file, struct policy_file **f_r, struct base_fail *fail)
{
	struct base_buf text;

	base_buf_init(&text, POLICY_FILE_SIZE_MAX);
	int rc = base_file_read(AT_FDCWD, file, &text, fail);
	if (rc >= 0)
		rc = policy_file_parse(base_buf_span(&text), file, f_r, fail);
	base_buf_done(&text);
	return rc < 0 ? rc : 0;
}

static int
read_people(const struct cli_args *args, struct diff *x, struct base_fail *fail)
{
	struct proc_conf *conf = NULL;
	int rc = cli_files_conf(args, &conf, fail);

	if (rc >= 0)
		rc = cli_files_people(conf, &x->people, fail);
	proc_conf_free(&conf);
	return rc;
}

/* People in several groups: what these give together is not the sum of the groups' own lines. Each set of groups once. */
static void
together(struct diff *x)
{
	struct base_map *seen = base_map_new(0, NULL);

	for (size_t i = 0; x->people && i < policy_people_count(x->people); i++) {
		const struct policy_person *p = policy_people_at(x->people, i);
		struct base_buf key;
		if (p->ngroups < 2)
			continue;
		base_buf_init(&key, POLICY_PEOPLE_SIZE_MAX);
		for (size_t g = 0; g < p->ngroups; g++) {
			base_buf_put(&key, p->groups[g]);
			base_buf_u8(&key, 0);
		}
		if (!base_map_get(seen, base_buf_span(&key)) && base_map_put(seen, base_buf_span(&key), seen) == 0)
			cli_diff_together(x->old, x->new, p->groups, p->ngroups, &x->changes);
		base_buf_done(&key);
	}
	base_map_free(&seen);
}

/* How many groups have a line of this way; "everybody" is not one. */
static size_t
groups_that(const struct cli_changes *c, enum cli_way way)
{
	struct base_map *seen = base_map_new(0, NULL);

	for (size_t i = 0; i < c->n; i++)
		if (c->item[i].way == way && strcmp(c->item[i].who, "everybody") != 0 && base_map_put(seen, base_span_str(c->item[i].who), seen) < 0)
			abort(); /* a command without memory has no answer */
	size_t n = base_map_count(seen);
	base_map_free(&seen);
	return n;
}

static size_t
lines_of(const struct cli_changes *c, enum cli_way way)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->item[i].way == way;
	return n;
}

static size_t
people_in(const struct diff *x, const char *group)
{
	size_t n = 0;

	for (size_t i = 0; x->people && i < policy_people_count(x->people); i++) {
		const struct policy_person *p = policy_people_at(x->people, i);
		bool in = false;
		for (size_t g = 0; g < p->ngroups && !in; g++)
			in = base_span_is(p->groups[g], group);
		n += in;
	}
	return n;
}

static void
summary(const struct diff *x, char *dst, size_t size)
{
	size_t gain = groups_that(&x->changes, CLI_GAINS), lose = groups_that(&x->changes, CLI_LOSES), other = lines_of(&x->changes, CLI_CHANGES);

	if (x->changes.n == 0)
		(void)snprintf(dst, size, "nothing: no group gains or loses anything%s", memcmp(x->old->hash, x->new->hash, sizeof(x->old->hash)) == 0 ? "; the files are the same" : "; the files differ in comments, order, version or tests only");
	else
		(void)snprintf(dst, size, "%zu %s, %zu %s; %zu %s to more, %zu to less, %zu otherwise", gain, gain == 1 ? "group gains" : "groups gain", lose, lose == 1 ? "loses" : "lose",
		               lines_of(&x->changes, CLI_GAINS), lines_of(&x->changes, CLI_GAINS) == 1 ? "line" : "lines", lines_of(&x->changes, CLI_LOSES), other);
}

static void
say_place(char *dst, size_t size, const struct policy_file *f, unsigned line)
{
	char file[512];

	if (line == 0)
		(void)snprintf(dst, size, "-");
	else
		(void)snprintf(dst, size, "%s:%u", base_text_quote(file, sizeof(file), f->file, 480), line);
}

static int
say_table(const struct diff *x)
{
	static const struct cli_table_column columns[] = {{"GROUP", false, false}, {"WHAT", false, true}, {"BEFORE", false, true}, {"", false, false}, {"AFTER", false, true},
	    {"", false, false}, {"OLD RULE", false, true}, {"NEW RULE", false, true}};
	struct cli_table *t = cli_table_new(columns, BASE_COUNT(columns));
	char old[560], new[560], who[300], text[400];

	for (size_t i = 0; i < x->changes.n; i++) {
		const struct cli_change *c = &x->changes.item[i];
		size_t n = people_in(x, c->who);
		(void)snprintf(who, sizeof(who), n ? "%s (%zu %s)" : "%s", c->who, n, n == 1 ? "person" : "people");
		say_place(old, sizeof(old), x->old, c->line_old);
		say_place(new, sizeof(new), x->new, c->line_new);
		cli_table_row(t, (const char *const[]){who, c->what, c->before, "->", c->after, cli_way_word(c->way), old, new});
	}
	bool ok = x->changes.n == 0 || cli_table_print(&t);
	cli_table_free(&t);
	summary(x, text, sizeof(text));
	printf("%s%s\n", x->changes.n ? "\n" : "", text);
	return ok && fflush(stdout) == 0 ? 0 : GH_E_IO;
}

static void
json_line(struct base_buf *b, const char *name, unsigned line)
{
	if (line)
		base_buf_fmt(b, ",\"%s\":%u", name, line);
}

static int
say_json(const struct diff *x)
{
	struct base_buf b;
	char text[400];

	base_buf_init(&b, OUT_MAX);
	summary(x, text, sizeof(text));
	base_buf_str(&b, "{\"old\":");
	cli_out_json(&b, x->old->file);
	base_buf_str(&b, ",\"new\":");
	cli_out_json(&b, x->new->file);
	base_buf_str(&b, ",\"changes\":[");
	for (size_t i = 0; i < x->changes.n; i++) {
		const struct cli_change *c = &x->changes.item[i];
		static const char *const way[] = {"gains", "loses", "changes"};
		base_buf_fmt(&b, "%s{\"way\":\"%s\",\"group\":", i ? "," : "", way[c->way]);
		cli_out_json(&b, base_span_str(c->who));
		base_buf_str(&b, ",\"what\":");
		cli_out_json(&b, base_span_str(c->what));
		base_buf_str(&b, ",\"before\":");
		cli_out_json(&b, base_span_str(c->before));
		base_buf_str(&b, ",\"after\":");
		cli_out_json(&b, base_span_str(c->after));
		json_line(&b, "line_old", c->line_old);
		json_line(&b, "line_new", c->line_new);
		base_buf_u8(&b, '}');
	}
	base_buf_fmt(&b, "],\"groups_that_gain\":%zu,\"groups_that_lose\":%zu,\"summary\":", groups_that(&x->changes, CLI_GAINS), groups_that(&x->changes, CLI_LOSES));
	cli_out_json(&b, base_span_str(text));
	base_buf_str(&b, "}\n");
	bool ok = cli_out_write(&b);
	base_buf_done(&b);
	return ok ? 0 : GH_E_IO;
}

int
cli_policy_diff(const struct cli_args *args)
{
	struct diff x = {0};
	struct base_fail fail = {0};
	int status = CLI_EXIT_ERROR, rc;

	if ((rc = read_policy(args->operand[0], &x.old, &fail)) < 0 || (rc = read_policy(args->operand[1], &x.new, &fail)) < 0 ||
	    (cli_args_get(args, "config") && (rc = read_people(args, &x, &fail)) < 0)) {
		status = cli_out_fail(&fail);
		goto out;
	}
	cli_diff_files(x.old, x.new, &x.changes);
	together(&x);
	if ((cli_args_get(args, "json") ? say_json(&x) : say_table(&x)) < 0)
		status = cli_out_error("cannot write to standard output");
	else
		status = x.changes.n ? CLI_EXIT_NONE : CLI_EXIT_OK;
out:
	cli_changes_done(&x.changes);
	policy_people_unref(&x.people);
	policy_file_free(&x.old);
	policy_file_free(&x.new);
	return status;
}
