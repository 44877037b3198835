/* pgclient: the two loads that pgbench cannot make. For bench/run.py; not installed.
 *   pgclient drain CONNINFO SQL TIMES    runs the statement and throws the answer away: "rows bytes seconds"
 *   pgclient idle CONNINFO SESSIONS SQL  logs in, runs SQL once in each ("" = nothing), prints "ready", holds them until stdin ends
 * libpq logs in; the answer is read(2) from its socket by us, since libpq's row handling would be the bottleneck. Hence no TLS for drain.
 * Input: a server of our own making. Checks message lengths only as far as it needs to stay in step; no error in an answer is passed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base_num.h"

#define BUFFER (1u << 20)

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static PGconn *
open_session(const char *conninfo)
{
	PGconn *c = PQconnectdb(conninfo);

	if (PQstatus(c) != CONNECTION_OK) {
		(void)fprintf(stderr, "pgclient: %s", PQerrorMessage(c));
		exit(1);
	}
	return c;
}

static void
send_query(int fd, const char *sql)
{
	size_t n = strlen(sql) + 1;
	uint32_t length = (uint32_t)n + 4;
	uint8_t head[5] = {'Q', (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};

	if (write(fd, head, sizeof head) != sizeof head || write(fd, sql, n) != (ssize_t)n) {
		perror("pgclient: write");
		exit(1);
	}
}

/* Reads up to ReadyForQuery. */
static void
read_answer(int fd, uint8_t *buffer, uint64_t *rows, uint64_t *bytes)
{
	uint8_t head[5];
	size_t have = 0;   /* bytes of head */
	uint64_t skip = 0; /* rest of the current message's body */

	for (;;) {
		ssize_t got = read(fd, buffer, BUFFER);
		if (got <= 0) {
			(void)fprintf(stderr, "pgclient: the connection ended: %s\n", got < 0 ? strerror(errno) : "closed");
			exit(1);
		}
		*bytes += (uint64_t)got;
		for (size_t at = 0, n = (size_t)got; at < n;) {
			if (skip > 0) {
				size_t step = skip < n - at ? (size_t)skip : n - at;
				at += step;
				skip -= step;
			} else {
				head[have++] = buffer[at++];
				if (have < sizeof head)
					continue;
				skip = (((uint64_t)head[1] << 24) | ((uint64_t)head[2] << 16) | ((uint64_t)head[3] << 8) | head[4]) - 4;
				have = 0;
				if (head[0] == 'E') {
					(void)fprintf(stderr, "pgclient: the server refused: %.*s\n", (int)(n - at), (const char *)buffer + at);
					exit(1);
				}
				*rows += head[0] == 'D';
			}
			if (skip == 0 && have == 0 && head[0] == 'Z')
				return;
		}
	}
}

static int
drain(const char *conninfo, const char *sql, uint64_t times)
{
	PGconn *c = open_session(conninfo);
	int fd = PQsocket(c);
	uint8_t *buffer = malloc(BUFFER);
	uint64_t rows = 0, bytes = 0;
	double start = now();

	if (!buffer || fcntl(fd, F_SETFL, 0) < 0) { /* libpq made it non-blocking */
		perror("pgclient");
		return 1;
	}
	for (uint64_t i = 0; i < times; i++) {
		send_query(fd, sql);
		read_answer(fd, buffer, &rows, &bytes);
	}
	(void)printf("%llu %llu %.6f\n", (unsigned long long)rows, (unsigned long long)bytes, now() - start);
	free(buffer);
	PQfinish(c);
	return 0;
}

static int
idle(const char *conninfo, uint64_t sessions, const char *sql)
{
	PGconn **all = calloc(sessions, sizeof *all);
	char byte;

	if (!all)
		return 1;
	for (uint64_t i = 0; i < sessions; i++) {
		all[i] = open_session(conninfo);
		if (*sql) {
			PGresult *r = PQexec(all[i], sql);
			if (PQresultStatus(r) != PGRES_TUPLES_OK) {
				(void)fprintf(stderr, "pgclient: %s", PQerrorMessage(all[i]));
				return 1;
			}
			PQclear(r);
		}
	}
	(void)puts("ready");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	for (uint64_t i = 0; i < sessions; i++)
		PQfinish(all[i]);
	free(all);
	return 0;
}

int
main(int argc, char **argv)
{
	bool is_idle = argc == 5 && strcmp(argv[1], "idle") == 0;
	uint64_t n;

	if (argc != 5 || base_num_u64(base_span_str(argv[is_idle ? 3 : 4]), 1, 100000, &n) < 0) {
		(void)fprintf(stderr, "usage: pgclient drain CONNINFO SQL TIMES | pgclient idle CONNINFO SESSIONS SQL\n");
		return 2;
	}
	return is_idle ? idle(argv[2], n, argv[4]) : drain(argv[2], argv[3], n);
}
