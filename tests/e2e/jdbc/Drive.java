// The PostgreSQL JDBC driver through the gate: prints `ok NAME` or `not ok NAME: reason` for each check. lib/env.py says where to connect.
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.jdbc.PreferQueryMode;

public class Drive {
    static final Map<String, String> E = System.getenv();

    interface Body { void run(Connection c) throws Exception; }
    interface Check { void run() throws Exception; }

    static Connection connect(String... more) throws SQLException {
        Properties p = new Properties();
        p.put("user", E.get("E2E_USER"));
        p.put("password", E.get("E2E_PASSWORD"));
        if (E.containsKey("E2E_PLAIN")) {
            p.put("sslmode", "disable");
        } else {
            p.put("ssl", "true");
            p.put("sslmode", "verify-full");
        }
        p.put("sslrootcert", E.get("E2E_CA"));
        p.put("loginTimeout", "15");
        for (int i = 0; i < more.length; i += 2) p.put(more[i], more[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://localhost:" + E.get("E2E_PORT") + "/" + E.get("E2E_DB"), p);
    }

    static void with(Body body, String... more) throws Exception {
        try (Connection c = connect(more)) { body.run(c); }
    }

    static void equal(Object got, Object want) {
        if (!Objects.deepEquals(got, want)) throw new AssertionError("got " + got + ", wanted " + want);
    }

    static Object one(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) { r.next(); return r.getObject(1); }
    }

    static void fails(String state, Check check) throws Exception {
        try { check.run(); } catch (SQLException x) { equal(x.getSQLState(), state); return; }
        throw new AssertionError("no error, wanted " + state);
    }

    /** binaryTransfer and prepareThreshold=1: binary after the first execution; -1 forces binary at once; 0 is text and unnamed. */
    static void types(String threshold, String binary) throws Exception {
        with(c -> {
            String sql = "select ?::int2, ?::int4, ?::int8, ?::numeric, ?::float4, ?::float8, ?::text, ?::bool, ?::date, ?::timestamp, ?::uuid, ?::bytea, ?::int4[], ?::text";
            byte[] blob = new byte[256];
            for (int i = 0; i < 256; i++) blob[i] = (byte) i;
            UUID id = UUID.fromString("12345678-1234-5678-1234-567812345678");
            try (PreparedStatement s = c.prepareStatement(sql)) {
                for (int round = 0; round < 8; round++) {
                    s.setShort(1, (short) -7); s.setInt(2, 1 << 30); s.setLong(3, Long.MIN_VALUE); s.setBigDecimal(4, new java.math.BigDecimal("-12345.6789"));
                    s.setFloat(5, 0.5f); s.setDouble(6, 1e-300); s.setString(7, "Zoë '张伟'"); s.setBoolean(8, true);
                    s.setObject(9, LocalDate.of(1999, 12, 31)); s.setObject(10, LocalDateTime.of(2020, 1, 2, 3, 4, 5, 678000)); s.setObject(11, id);
                    s.setBytes(12, blob); s.setArray(13, c.createArrayOf("int4", new Integer[] {1, null, 3})); s.setNull(14, Types.VARCHAR);
                    try (ResultSet r = s.executeQuery()) {
                        r.next();
                        equal(r.getInt(1), -7); equal(r.getInt(2), 1 << 30); equal(r.getLong(3), Long.MIN_VALUE);
                        equal(r.getBigDecimal(4), new java.math.BigDecimal("-12345.6789")); equal(r.getFloat(5), 0.5f); equal(r.getDouble(6), 1e-300);
                        equal(r.getString(7), "Zoë '张伟'"); equal(r.getBoolean(8), true); equal(r.getObject(9, LocalDate.class), LocalDate.of(1999, 12, 31));
                        equal(r.getObject(10, LocalDateTime.class), LocalDateTime.of(2020, 1, 2, 3, 4, 5, 678000)); equal(r.getObject(11), id);
                        equal(r.getBytes(12), blob); equal(r.getArray(13).getArray(), new Integer[] {1, null, 3}); equal(r.getString(14), null);
                        equal(r.next(), false);
                    }
                }
            }
        }, "prepareThreshold", threshold, "binaryTransfer", binary);
    }

    static void prepared() throws Exception {
        for (String threshold : new String[] {"1", "5", "-1"})
            with(c -> {
                try (PreparedStatement s = c.prepareStatement("select phone from customers where id = ?")) {
                    for (int i = 1; i <= 60; i++) {
                        s.setLong(1, i);
                        try (ResultSet r = s.executeQuery()) { r.next(); equal(r.getString(1), String.format("138%08d", i)); }
                    }
                    s.setLong(1, -1);
                    try (ResultSet r = s.executeQuery()) { equal(r.next(), false); }
                }
                // More statements than the driver's cache holds: it closes old ones.
                for (int i = 0; i < 300; i++)
                    try (PreparedStatement s = c.prepareStatement("select " + i + " + ?")) {
                        s.setInt(1, 1);
                        try (ResultSet r = s.executeQuery()) { r.next(); equal(r.getInt(1), i + 1); }
                    }
            }, "prepareThreshold", threshold, "preparedStatementCacheQueries", "20");
    }

    static void modes() throws Exception {
        for (PreferQueryMode mode : PreferQueryMode.values())
            with(c -> {
                try (PreparedStatement s = c.prepareStatement("select id, title from products where id = ?")) {
                    for (int i = 1; i < 10; i++) {
                        s.setInt(1, i);
                        try (ResultSet r = s.executeQuery()) { r.next(); equal(r.getString(2), "product " + i); }
                    }
                }
            }, "preferQueryMode", mode.value());
    }

    static void fetchSize() throws Exception {
        with(c -> {
            c.setAutoCommit(false);
            try (PreparedStatement s = c.prepareStatement("select id from customers order by id")) {
                s.setFetchSize(77);
                try (ResultSet r = s.executeQuery()) {
                    for (int i = 1; i <= 2000; i++) { r.next(); equal(r.getInt(1), i); }
                    equal(r.next(), false);
                }
                try (ResultSet r = s.executeQuery()) { r.next(); equal(r.getInt(1), 1); } // closed early
            }
            c.commit();
            equal(one(c, "select 1"), 1);
        });
    }

    static void scrollable() throws Exception {
        with(c -> {
            try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY); ResultSet r = s.executeQuery("select id from products order by id")) {
                r.absolute(100); equal(r.getInt(1), 100); r.previous(); equal(r.getInt(1), 99); r.last(); equal(r.getInt(1), 500);
            }
        });
    }

    static void batches() throws Exception {
        with(c -> {
            one(c, "with x as (select 1) select 1");
            try (Statement s = c.createStatement()) { s.execute("create temp table b (a int primary key, t text)"); }
            try (PreparedStatement s = c.prepareStatement("insert into b values (?, ?)")) {
                for (int i = 0; i < 2000; i++) { s.setInt(1, i); s.setString(2, i % 3 == 0 ? null : "t" + i); s.addBatch(); }
                equal(Arrays.stream(s.executeBatch()).sum(), 2000);
                for (int i : new int[] {5000, 17, 5001}) { s.setInt(1, i); s.setString(2, "x"); s.addBatch(); }
                try { s.executeBatch(); throw new AssertionError("a duplicate key was taken"); } catch (BatchUpdateException x) { equal(x.getSQLState(), "23505"); }
            }
            try (Statement s = c.createStatement()) {
                s.addBatch("update b set t = 'u' where a < 10"); s.addBatch("delete from b where a >= 1990"); s.addBatch("insert into b values (9999, 'z')");
                equal(s.executeBatch(), new int[] {10, 10, 1});
            }
            equal(one(c, "select count(*) from b"), 1991L);
            try (PreparedStatement s = c.prepareStatement("insert into b values (?, 'k')", Statement.RETURN_GENERATED_KEYS)) {
                for (int i = 20000; i < 20100; i++) { s.setInt(1, i); s.addBatch(); }
                s.executeBatch();
                try (ResultSet r = s.getGeneratedKeys()) { int n = 0; while (r.next()) n++; equal(n, 100); }
            }
        }, "reWriteBatchedInserts", "false");
        with(c -> {
            try (Statement s = c.createStatement()) { s.execute("create temp table b (a int, t text)"); }
            try (PreparedStatement s = c.prepareStatement("insert into b values (?, ?)")) {
                for (int i = 0; i < 1000; i++) { s.setInt(1, i); s.setString(2, "x"); s.addBatch(); }
                s.executeBatch();
            }
            equal(one(c, "select count(*) from b"), 1000L);
        }, "reWriteBatchedInserts", "true");
    }

    /** Only what an enforced session may do: a table that is there. */
    static void batchesIntoATable() throws Exception {
        for (String rewrite : new String[] {"false", "true"})
            with(c -> {
                c.setAutoCommit(false);
                try (PreparedStatement s = c.prepareStatement("insert into scratch values (?, null, ?)")) {
                    for (int i = 0; i < 500; i++) { s.setInt(1, -i); s.setString(2, i % 3 == 0 ? null : "t" + i); s.addBatch(); }
                    s.executeBatch();
                }
                try (Statement s = c.createStatement()) {
                    s.addBatch("update scratch set t = 'u' where id between -9 and 0"); s.addBatch("delete from scratch where id between -499 and -400");
                    equal(s.executeBatch(), new int[] {10, 100});
                }
                equal(one(c, "select count(*) from scratch where id between -499 and 0"), 400L);
                try (PreparedStatement s = c.prepareStatement("insert into scratch values (?, null, 'k')", Statement.RETURN_GENERATED_KEYS)) {
                    for (int i = 1000; i < 1100; i++) { s.setInt(1, -i); s.addBatch(); }
                    s.executeBatch();
                    try (ResultSet r = s.getGeneratedKeys()) { int n = 0; while (r.next()) n++; equal(n, 100); }
                }
                c.rollback();
            }, "reWriteBatchedInserts", rewrite);
    }

    static void copy() throws Exception {
        with(c -> {
            CopyManager m = c.unwrap(PGConnection.class).getCopyAPI();
            for (String form : new String[] {"text", "csv", "binary"}) {
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                equal(m.copyOut("copy products to stdout (format " + form + ")", out), 500L);
                try (Statement s = c.createStatement()) { s.execute("create temp table p (like products)"); }
                equal(m.copyIn("copy p from stdin (format " + form + ")", new ByteArrayInputStream(out.toByteArray())), 500L);
                equal(one(c, "select count(*) from (select * from p except select * from products) x"), 0L);
                try (Statement s = c.createStatement()) { s.execute("drop table p"); }
            }
            try (Statement s = c.createStatement()) { s.execute("create temp table p (a int)"); }
            fails("22P02", () -> m.copyIn("copy p from stdin", new StringReader("1\nx\n")));
            equal(one(c, "select count(*) from p"), 0L);
        });
    }

    static void cancel() throws Exception {
        with(c -> {
            try (Statement s = c.createStatement()) {
                s.setQueryTimeout(1);
                long start = System.nanoTime();
                fails("57014", () -> s.execute("select pg_sleep(20)"));
                if (System.nanoTime() - start > 10_000_000_000L) throw new AssertionError("cancel took too long");
            }
            equal(one(c, "select 1"), 1);
            int pid = (Integer) one(c, "select pg_backend_pid()");
            try (Statement s = c.createStatement()) {
                Thread t = new Thread(() -> {
                    try {
                        with(d -> { while ((Long) one(d, "select count(*) from pg_stat_activity where pid = " + pid + " and wait_event = 'PgSleep'") == 0); });
                        s.cancel();
                    } catch (Exception x) {
                        x.printStackTrace();
                    }
                });
                t.start();
                fails("57014", () -> s.execute("select pg_sleep(20)"));
                t.join();
            }
            equal(one(c, "select 2"), 2);
        });
    }

    static void errors() throws Exception {
        with(c -> {
            fails("22012", () -> one(c, "select 1/0"));
            fails("42601", () -> one(c, "selec"));
            fails("42P01", () -> one(c, "select * from nowhere"));
            c.setAutoCommit(false);
            fails("22012", () -> one(c, "select 1/0"));
            fails("25P02", () -> one(c, "select 1"));
            c.rollback();
            Savepoint p = c.setSavepoint();
            fails("22012", () -> one(c, "select 1/0"));
            c.rollback(p);
            equal(one(c, "select 1"), 1);
            c.commit();
        });
        with(c -> {
            c.setAutoCommit(false);
            fails("22012", () -> one(c, "select 1/0"));
            equal(one(c, "select 1"), 1);
        }, "autosave", "always");
    }

    static void several() throws Exception {
        with(c -> {
            try (Statement s = c.createStatement()) {
                equal(s.execute("select 1; create temp table z (a int); insert into z values (1), (2); select count(*) from z"), true);
                int sets = 0, counts = 0;
                boolean set = true;
                for (;;) {
                    if (set) sets++; else if (s.getUpdateCount() == -1) break; else counts++;
                    set = s.getMoreResults();
                }
                equal(sets, 2); equal(counts, 2);
            }
        });
    }

    static void megabyte() throws Exception {
        with(c -> {
            String text = "ä".repeat(1 << 20);
            byte[] blob = new byte[1 << 20];
            try (PreparedStatement s = c.prepareStatement("select ?::text, ?::bytea")) {
                for (int i = 0; i < 6; i++) {
                    s.setString(1, text); s.setBytes(2, blob);
                    try (ResultSet r = s.executeQuery()) { r.next(); equal(r.getString(1), text); equal(r.getBytes(2), blob); }
                }
            }
        });
    }

    static void largeObject() throws Exception {
        with(c -> {
            c.setAutoCommit(false);
            org.postgresql.largeobject.LargeObjectManager m = c.unwrap(PGConnection.class).getLargeObjectAPI(); // through FunctionCall
            long oid = m.createLO();
            byte[] data = new byte[300000];
            new Random(1).nextBytes(data);
            org.postgresql.largeobject.LargeObject o = m.open(oid);
            o.write(data); o.seek(100);
            equal(o.read(50), Arrays.copyOfRange(data, 100, 150));
            o.close(); m.unlink(oid); c.commit();
        });
    }

    static void notifications() throws Exception {
        with(c -> {
            try (Statement s = c.createStatement()) { s.execute("listen jdbc_ring"); }
            with(d -> { try (Statement s = d.createStatement()) { s.execute("notify jdbc_ring, 'hello'"); } });
            org.postgresql.PGNotification[] n = c.unwrap(PGConnection.class).getNotifications(5000);
            equal(n.length, 1); equal(n[0].getName() + n[0].getParameter(), "jdbc_ringhello");
        });
    }

    static void metadata() throws Exception {
        with(c -> {
            DatabaseMetaData m = c.getMetaData();
            equal(m.getDatabaseMajorVersion(), 15);
            int n = 0;
            try (ResultSet r = m.getColumns(null, "public", "customers", null)) { while (r.next()) n++; }
            equal(n, 10);
            try (ResultSet r = m.getImportedKeys(null, "public", "orders")) { r.next(); equal(r.getString("PKTABLE_NAME"), "customers"); }
            try (ResultSet r = m.getIndexInfo(null, "public", "orders", false, false)) { r.next(); }
            try (ResultSet r = m.getPrimaryKeys(null, "public", "customers")) { r.next(); equal(r.getString("COLUMN_NAME"), "id"); }
            try (ResultSet r = m.getTables(null, null, "%", new String[] {"TABLE", "VIEW"})) { while (r.next()) n++; }
            try (PreparedStatement s = c.prepareStatement("select id, phone from customers where id = ?")) {
                equal(s.getMetaData().getColumnCount(), 2); equal(s.getParameterMetaData().getParameterTypeName(1), "int8");
            }
        });
    }

    static void notices() throws Exception {
        with(c -> {
            try (Statement s = c.createStatement()) {
                s.execute("do $$ begin raise notice 'n %', 1; raise warning 'w'; end $$");
                SQLWarning w = s.getWarnings();
                equal(w.getMessage(), "n 1"); equal(w.getNextWarning().getMessage(), "w");
                s.execute("set application_name = 'changed'");
            }
            equal(c.unwrap(PGConnection.class).getParameterStatus("application_name"), "changed");
        }, "ApplicationName", "jdbc-e2e");
    }

    static void wrongPassword() throws Exception {
        fails("28P01", () -> connect("password", "wrong"));
    }

    static void connections() throws Exception {
        for (int i = 0; i < 200; i++) {
            final int n = i;
            with(c -> equal(one(c, "select " + n), n));
        }
    }

    /** test_record.py looks for this in the ledger. */
    static void record() throws Exception {
        with(c -> {
            try (PreparedStatement s = c.prepareStatement("select id, full_name from customers where id = ?")) {
                for (long i = 601; i <= 607; i++) { // passes from unnamed text to named binary at the fifth
                    s.setLong(1, i);
                    try (ResultSet r = s.executeQuery()) { equal(r.next(), true); }
                }
            }
            try (PreparedStatement s = c.prepareStatement("select full_name, phone from customers where id = ?")) {
                s.setLong(1, 608);
                try (ResultSet r = s.executeQuery()) { equal(r.next(), true); }
            }
            c.setAutoCommit(false);
            try (PreparedStatement s = c.prepareStatement("select id, phone from customers where id between 611 and 615 order by id")) {
                s.setFetchSize(2);
                try (ResultSet r = s.executeQuery()) { int n = 0; while (r.next()) n++; equal(n, 5); }
            }
            c.commit();
        }, "ApplicationName", "record-jdbc");
    }

    public static void main(String[] args) {
        Map<String, Check> all = new LinkedHashMap<>();
        all.put("types_text", () -> types("0", "false"));
        all.put("types_binary", () -> types("1", "true"));
        all.put("types_force_binary", () -> types("-1", "true"));
        all.put("prepared", Drive::prepared);
        all.put("query_modes", Drive::modes);
        all.put("fetch_size", Drive::fetchSize);
        all.put("scrollable", Drive::scrollable);
        all.put("batches", Drive::batches);
        all.put("batches_into_a_table", Drive::batchesIntoATable);
        all.put("copy_both_ways", Drive::copy);
        all.put("cancel", Drive::cancel);
        all.put("errors", Drive::errors);
        all.put("several_statements", Drive::several);
        all.put("megabyte", Drive::megabyte);
        all.put("large_object", Drive::largeObject);
        all.put("notifications", Drive::notifications);
        all.put("metadata", Drive::metadata);
        all.put("notices_and_parameters", Drive::notices);
        all.put("wrong_password", Drive::wrongPassword);
        all.put("connections", Drive::connections);
        all.put("record", Drive::record);
        for (Map.Entry<String, Check> e : all.entrySet()) {
            if (E.containsKey("E2E_CHECKS") && !Arrays.asList(E.get("E2E_CHECKS").split(" ")).contains(e.getKey())) continue;
            try {
                e.getValue().run();
                System.out.println("ok " + e.getKey());
            } catch (Throwable x) {
                x.printStackTrace();
                System.out.println("not ok " + e.getKey() + ": " + String.valueOf(x).replace('\n', ' '));
            }
        }
    }
}
