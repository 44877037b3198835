/* cli_ledger_print: `gatehouse ledger print` and `gatehouse ledger tail`: entries as lines for people, or as JSON with their index.
 * Input: the ledger. The JSON form repeats the entry byte for byte; the other form quotes every text for a terminal.
 */
#include "cli_files.h"
#include "cli_ledger.h"
#include "cli_out.h"

#include <signal.h>
#include <time.h>

#include "base_num.h"
#include "event_print.h"

#define TEXT_SHOWN 160u  /* bytes of a statement in a line for people */
#define LINES_DEFAULT 10u
#define LINES_MAX 1000000000u
#define OUT_MAX (256u * 1024u)
#define FOLLOW_NS 300000000

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static bool
put_record(struct base_buf *out, const struct cli_record *rec, bool json)
{
	if (json) {
		base_buf_fmt(out, "{\"index\":%llu,\"entry\":", (unsigned long long)rec->index);
		base_buf_put(out, rec->line);
		base_buf_str(out, "}\n");
	} else {
		base_buf_fmt(out, "%8llu  ", (unsigned long long)rec->index);
		event_print_line(rec->e, TEXT_SHOWN, out);
		base_buf_u8(out, '\n');
	}
	return !out->bad;
}

/* From the ledger's position to the snapshot's end. */
static int
print_rest(struct cli_ledger *ledger, const struct cli_filter *filter, bool json, struct base_fail *fail)
{
	struct base_buf out;
	struct cli_record rec;
	int rc;

	base_buf_init(&out, OUT_MAX);
	while ((rc = cli_ledger_next(ledger, &rec, fail)) > 0) {
		if (!cli_filter_passes(filter, rec.e))
			continue;
		if (!put_record(&out, &rec, json) || (base_buf_len(&out) > OUT_MAX / 2 && !cli_out_write(&out))) {
			rc = base_fail_set(fail, GH_E_IO, "cannot write to standard output");
			break;
		}
	}
	if (rc >= 0 && !cli_out_write(&out))
		rc = base_fail_set(fail, GH_E_IO, "cannot write to standard output");
	base_buf_done(&out);
	return rc;
}

int
cli_ledger_print(const struct cli_args *args)
{
	struct proc_conf *conf = NULL;
	struct cli_ledger *ledger = NULL;
	struct cli_filter filter;
	struct base_fail fail = {0};
	int rc;

	if ((rc = cli_filter_parse(args, true, &filter, &fail)) >= 0 && (rc = cli_files_conf(args, &conf, &fail)) >= 0 &&
	    (rc = cli_ledger_open(conf, &ledger, &fail)) >= 0) {
		cli_ledger_seek(ledger, 0);
		rc = print_rest(ledger, &filter, cli_args_get(args, "json") != NULL, &fail);
	}
	cli_ledger_close(&ledger);
	proc_conf_free(&conf);
	return rc < 0 ? cli_out_fail(&fail) : CLI_EXIT_OK;
}

static int
follow(struct cli_ledger *ledger, const struct cli_filter *filter, bool json, struct base_fail *fail)
{
	const struct timespec pause = {0, FOLLOW_NS};
	struct sigaction act = {.sa_handler = on_signal};
	int rc = 0;

	/* Ctrl-C ends this between two lines, with success: it is the only way that it ends. */
	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	while (rc >= 0 && !stopped) {
		(void)nanosleep(&pause, NULL);
		rc = cli_ledger_refresh(ledger, fail);
		if (rc >= 0)
			rc = print_rest(ledger, filter, json, fail);
	}
	return rc;
}

int
cli_ledger_tail(const struct cli_args *args)
{
	const struct cli_filter all = {.to_us = UINT64_MAX};
	const char *lines = cli_args_get(args, "lines");
	bool json = cli_args_get(args, "json") != NULL;
	struct proc_conf *conf = NULL;
	struct cli_ledger *ledger = NULL;
	struct base_fail fail = {0};
	uint64_t n = LINES_DEFAULT;
	int rc;

	if (lines && base_num_u64(base_span_str(lines), 0, LINES_MAX, &n) < 0)
		return cli_out_error("ledger tail: --lines must be a number from 0 to %u", LINES_MAX);
	if ((rc = cli_files_conf(args, &conf, &fail)) >= 0 && (rc = cli_ledger_open(conf, &ledger, &fail)) >= 0) {
		uint64_t size = cli_ledger_size(ledger);
		cli_ledger_seek(ledger, size > n ? size - n : 0);
		rc = print_rest(ledger, &all, json, &fail);
		if (rc >= 0 && cli_args_get(args, "follow"))
			rc = follow(ledger, &all, json, &fail);
	}
	cli_ledger_close(&ledger);
	proc_conf_free(&conf);
	return rc < 0 ? cli_out_fail(&fail) : CLI_EXIT_OK;
}
