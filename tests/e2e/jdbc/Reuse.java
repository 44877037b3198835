// JDBC connections that are given from one to the next, as HikariCP does it: `ok NAME` or `not ok NAME: reason`. E2E_AGENTS names the file of who sees what (test_pools.py).
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.sql.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

public class Reuse {
    static final Map<String, String> E = System.getenv();
    static final String FIND = "select id, full_name, phone, email, account_id from customers where id = any(?) order by id";

    static class Agent { String name, token; List<Long> ids = new ArrayList<>(); Map<Long, String[]> sees = new HashMap<>(); List<String> work = new ArrayList<>(); }
    static final List<Agent> AGENTS = new ArrayList<>();
    static String bad;
    static int count;

    /** Lines of words between tabs: agent NAME TOKEN; sees ID V V V V (\N: null); work "ID NOTE"; bad TOKEN; count N. */
    static void read() throws IOException {
        Agent a = null;
        for (String line : Files.readAllLines(Paths.get(E.get("E2E_AGENTS")), StandardCharsets.UTF_8)) {
            String[] w = line.split("\t", -1);
            switch (w[0]) {
            case "agent": AGENTS.add(a = new Agent()); a.name = w[1]; a.token = w[2]; break;
            case "sees":
                String[] v = Arrays.copyOfRange(w, 2, 6);
                for (int i = 0; i < 4; i++) if (v[i].equals("\\N")) v[i] = null;
                a.ids.add(Long.valueOf(w[1]));
                a.sees.put(Long.valueOf(w[1]), v);
                break;
            case "work": a.work.add(w[1]); break;
            case "bad": bad = w[1]; break;
            case "count": count = Integer.parseInt(w[1]); break;
            }
        }
    }

    static Connection connect(String... more) throws SQLException {
        Properties p = new Properties();
        p.put("user", E.get("E2E_USER"));
        p.put("password", E.get("E2E_PASSWORD"));
        p.put("sslmode", "verify-full");
        p.put("sslrootcert", E.get("E2E_CA"));
        for (int i = 0; i < more.length; i += 2) p.put(more[i], more[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://localhost:" + E.get("E2E_PORT") + "/" + E.get("E2E_DB"), p);
    }

    /** What HikariCP does with a connection that comes back: rolls back what is open, sets what was changed to what it was, clears warnings. */
    static class Pool {
        final BlockingQueue<Connection> idle = new LinkedBlockingQueue<>();
        Pool(int n) throws SQLException { for (int i = 0; i < n; i++) idle.add(connect("prepareThreshold", i % 2 == 0 ? "5" : "2")); }
        Connection take() throws Exception { return idle.take(); }
        void give(Connection c) throws SQLException {
            if (!c.getAutoCommit()) { c.rollback(); c.setAutoCommit(true); }
            c.clearWarnings();
            idle.add(c);
        }
    }
    static Pool pool;

    interface Work { void run(Connection c) throws Exception; }

    // doc: JDBC
    static void speakingFor(String token, Work work) throws Exception {
        Connection c = pool.take();
        try {
            c.setAutoCommit(false);
            try (Statement s = c.createStatement()) {
                s.execute("SET LOCAL gatehouse.token = '" + token + "'");
            }
            work.run(c);
            c.commit();
        } catch (Exception e) {
            c.rollback();
            throw e;
        } finally {
            pool.give(c);
        }
    }
    // end

    static void equal(Object got, Object want) {
        if (!Objects.deepEquals(got, want)) throw new AssertionError("got " + got + ", wanted " + want);
    }

    static void set(Connection c, String token) throws SQLException {
        try (Statement s = c.createStatement()) { s.execute("SET LOCAL gatehouse.token = '" + token + "'"); }
    }

    static String show(Connection c, String name) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("show gatehouse." + name)) { r.next(); return r.getString(1); }
    }

    /** a null: nobody. fetch: rows at once, through a portal. */
    static void right(Connection c, Agent a, int fetch) throws Exception {
        Random random = ThreadLocalRandom.current();
        TreeSet<Long> ids = new TreeSet<>();
        for (int i = 0; i < 4; i++) ids.add(a == null ? Long.valueOf(1 + random.nextInt(300)) : a.ids.get(random.nextInt(a.ids.size())));
        try (PreparedStatement s = c.prepareStatement(FIND)) {
            s.setFetchSize(fetch);
            s.setArray(1, c.createArrayOf("int8", ids.toArray()));
            try (ResultSet r = s.executeQuery()) {
                for (Long id : ids) {
                    equal(r.next(), true);
                    equal(r.getLong(1), id);
                    for (int i = 0; i < 4; i++) equal(r.getString(2 + i), a == null ? null : a.sees.get(id)[i]);
                }
                equal(r.next(), false);
            }
        }
        try (PreparedStatement s = c.prepareStatement("select id, note from worklist order by id")) {
            s.setFetchSize(fetch);
            try (ResultSet r = s.executeQuery()) {
                List<String> work = new ArrayList<>();
                while (r.next()) work.add(r.getInt(1) + " " + r.getString(2));
                equal(work, a == null ? new ArrayList<String>() : a.work);
            }
        }
    }

    static void nobody(Connection c) throws Exception {
        for (String name : new String[] {"actor", "case", "purpose"}) equal(show(c, name), "");
    }

    static void fails(String state, Work work, Connection c) throws Exception {
        try { work.run(c); } catch (SQLException x) { equal(x.getSQLState(), state); return; }
        throw new AssertionError("no error, wanted " + state);
    }

    interface Kind { void run(Agent a, Agent other) throws Exception; }
    static final Map<String, Kind> KINDS = new LinkedHashMap<>();
    static {
        KINDS.put("committed", (a, b) -> speakingFor(a.token, c -> { right(c, a, 0); equal(show(c, "actor"), a.name); right(c, a, 0); }));
        KINDS.put("portals", (a, b) -> speakingFor(a.token, c -> { right(c, a, 2); right(c, a, 3); }));
        KINDS.put("thrown", (a, b) -> fails("22012", x -> speakingFor(a.token, c -> {
            try (Statement s = c.createStatement()) { s.execute("SET gatehouse.purpose = 'to be forgotten'"); }
            right(c, a, 0);
            try (Statement s = c.createStatement()) { s.executeQuery("select 1 / 0"); }
        }), null));
        KINDS.put("refused", (a, b) -> fails("28000", x -> speakingFor(a.token, c -> { right(c, a, 0); set(c, bad); }), null));
        KINDS.put("savepoints", (a, b) -> speakingFor(a.token, c -> {
            right(c, a, 0);
            Savepoint p = c.setSavepoint(), q = c.setSavepoint("named");
            set(c, b.token);
            right(c, b, 0);
            fails("22012", d -> { try (Statement s = d.createStatement()) { s.executeQuery("select 1 / 0"); } }, c);
            c.rollback(q);
            right(c, a, 2);
            c.releaseSavepoint(p);
            set(c, b.token);
            right(c, b, 0);
        }));
        KINDS.put("left_open", (a, b) -> { // the pool rolls it back
            Connection c = pool.take();
            try { c.setAutoCommit(false); set(c, a.token); right(c, a, 0); } finally { pool.give(c); }
        });
        KINDS.put("session", (a, b) -> {
            Connection c = pool.take();
            try (Statement s = c.createStatement()) {
                s.execute("SET gatehouse.token = '" + a.token + "'");
                right(c, a, 0);
                s.execute(ThreadLocalRandom.current().nextBoolean() ? "RESET ALL" : "SET gatehouse.token TO DEFAULT");
                nobody(c);
            } finally { pool.give(c); }
        });
        KINDS.put("nobody", (a, b) -> {
            Connection c = pool.take();
            try { nobody(c); right(c, null, 0); } finally { pool.give(c); }
        });
        KINDS.put("options", (a, b) -> { // a token in the connection's address
            try (Connection c = connect("options", "-c gatehouse.token=" + a.token, "prepareThreshold", "1")) {
                right(c, a, 0);
                c.setAutoCommit(false);
                set(c, b.token);
                right(c, b, 2);
                c.rollback();
                right(c, a, 0);
            }
        });
    }

    public static void main(String[] args) throws Exception {
        read();
        pool = new Pool(4);
        Map<String, Throwable> faults = new ConcurrentHashMap<>();
        List<Thread> threads = new ArrayList<>();
        List<String> names = new ArrayList<>(KINDS.keySet());
        AtomicInteger left = new AtomicInteger(count);
        for (int t = 0; t < 6; t++) {
            Thread thread = new Thread(() -> {
                for (int n; (n = left.decrementAndGet()) >= 0 && faults.isEmpty();) {
                    Random random = ThreadLocalRandom.current();
                    String name = names.get(n % names.size());
                    if (name.equals("options") && n > names.size() * 8) name = "committed"; // a log-in each: not too many
                    try {
                        KINDS.get(name).run(AGENTS.get(random.nextInt(AGENTS.size())), AGENTS.get(random.nextInt(AGENTS.size())));
                    } catch (Throwable x) {
                        x.printStackTrace();
                        faults.put(name, x);
                    }
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread t : threads) t.join();
        for (String name : names) System.out.println(faults.containsKey(name) ? "not ok " + name + ": " + String.valueOf(faults.get(name)).replace('\n', ' ') : "ok " + name);
    }
}
