"""4.12: the administrator changes the schema under statements that were judged before. What was changed is undone, and the gate must be of use again."""
from harness.corpus import attack
from lib.pgwire import bind, describe, execute, parse

ORDER_LIST = 'CREATE OR REPLACE VIEW order_list AS SELECT o.id, o.item, o.amount, %s AS province FROM orders o JOIN customers c ON c.id = o.customer_id'
PUBLIC = "CREATE OR REPLACE VIEW customers_public AS SELECT id, %s AS phone_masked, province FROM customers"
MASKED = "'+1-***-**' || right(phone, 2)"
PROVINCE = "CREATE OR REPLACE FUNCTION customer_province(bigint) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS 'SELECT %s FROM public.customers WHERE id = $1'"


def changed(name, sql, before, undo, after=None, **more):
    """A statement prepared in both ways and run; the change; run again, and written anew."""
    @attack('4.12', name, around=True, races=True, **more)
    def run(s):
        other = s.open(label='other')
        s.ask(parse(sql, 'p'), describe('S', 'p'))
        s.ask(bind(name='p'), execute())
        s.q('PREPARE q AS ' + sql)
        s.q('EXECUTE q')
        s.ask(parse(sql, 'never'))
        s.admin(before, undo=undo)
        s.ask(bind(name='p'), execute())
        s.ask(bind(name='p'), describe(), execute())
        s.q('EXECUTE q')
        s.ask(bind(name='never'), execute())
        s.q(after or sql)
        s.x(sql)
        other.q(sql)


changed('view replaced, names and types the same', 'SELECT province FROM order_list ORDER BY id LIMIT 9', ORDER_LIST % 'c.full_name', ORDER_LIST % 'c.province')
changed('view replaced, protected column in its test', 'SELECT count(*) FROM order_list', ORDER_LIST % 'c.province' + " WHERE c.phone LIKE ''+1-605%''".replace("''", "'"), ORDER_LIST % 'c.province')
changed('masked view column becomes another', 'SELECT id, name FROM contact_card ORDER BY id LIMIT 9',
        'CREATE OR REPLACE VIEW contact_card AS SELECT id, address AS name, phone AS contact, apple_id AS mail, province FROM customers',
        'CREATE OR REPLACE VIEW contact_card AS SELECT id, full_name AS name, phone AS contact, apple_id AS mail, province FROM customers')
changed('masked view column becomes an expression', 'SELECT id, name FROM contact_card ORDER BY id LIMIT 9',
        'CREATE OR REPLACE VIEW contact_card AS SELECT id, upper(address) AS name, phone AS contact, apple_id AS mail, province FROM customers',
        'CREATE OR REPLACE VIEW contact_card AS SELECT id, full_name AS name, phone AS contact, apple_id AS mail, province FROM customers')
changed('columns renamed crosswise', 'SELECT id, province FROM customers ORDER BY id LIMIT 30',
        'ALTER TABLE customers RENAME province TO x; ALTER TABLE customers RENAME address TO province; ALTER TABLE customers RENAME x TO address',
        'ALTER TABLE customers RENAME province TO x; ALTER TABLE customers RENAME address TO province; ALTER TABLE customers RENAME x TO address')
changed('masked columns renamed crosswise', 'SELECT id, phone, full_name FROM customers ORDER BY id LIMIT 30',
        'ALTER TABLE customers RENAME phone TO x; ALTER TABLE customers RENAME full_name TO phone; ALTER TABLE customers RENAME x TO full_name',
        'ALTER TABLE customers RENAME phone TO x; ALTER TABLE customers RENAME full_name TO phone; ALTER TABLE customers RENAME x TO full_name')
changed('protected column renamed away, open one takes its name', "SELECT id FROM customers WHERE province = 'ON' ORDER BY id",
        'ALTER TABLE customers RENAME full_name TO province2; ALTER TABLE customers RENAME province TO full_name; ALTER TABLE customers RENAME province2 TO province',
        'ALTER TABLE customers RENAME full_name TO province2; ALTER TABLE customers RENAME province TO full_name; ALTER TABLE customers RENAME province2 TO province',
        after="SELECT id FROM customers WHERE province LIKE 'M%' ORDER BY id")
changed('table renamed away, a view under its name', 'SELECT name FROM products ORDER BY 1 LIMIT 9',
        'ALTER TABLE products RENAME TO products_away; CREATE VIEW products AS SELECT full_name AS name, 1::numeric(10,2) AS price FROM customers; GRANT SELECT ON products TO clerk',
        'DROP VIEW products; ALTER TABLE products_away RENAME TO products')
changed('table renamed away, a table under its name', 'SELECT name FROM products ORDER BY 1 LIMIT 9',
        'ALTER TABLE products RENAME TO products_away; CREATE TABLE products AS SELECT phone::text AS name, 1::numeric(10,2) AS price FROM customers; GRANT SELECT ON products TO clerk',
        'DROP TABLE products; ALTER TABLE products_away RENAME TO products')
changed('protected table takes an open one\'s name', 'SELECT item FROM orders ORDER BY 1 LIMIT 9',
        'ALTER TABLE orders RENAME TO orders_away; ALTER TABLE staff_notes RENAME TO orders; ALTER TABLE orders RENAME body TO item',
        'ALTER TABLE orders RENAME item TO body; ALTER TABLE orders RENAME TO staff_notes; ALTER TABLE orders_away RENAME TO orders')
changed('a schema of the person in front', 'SELECT name FROM products ORDER BY 1 LIMIT 9',
        'CREATE SCHEMA mira; CREATE VIEW mira.products AS SELECT apple_id AS name, 1::numeric(10,2) AS price FROM public.customers; GRANT USAGE ON SCHEMA mira TO clerk; GRANT SELECT ON mira.products TO clerk',
        'DROP SCHEMA mira CASCADE')
changed('body of the trusted function replaced', 'SELECT customer_province(7)', PROVINCE % 'phone::text', PROVINCE % 'province')
changed('an overload that fits better', 'SELECT customer_province(7)',
        "CREATE FUNCTION customer_province(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT full_name FROM public.customers WHERE id = $1'", 'DROP FUNCTION customer_province(int)')
changed('trusted view replaced', 'SELECT phone_masked FROM customers_public ORDER BY id LIMIT 9', PUBLIC % "phone || ''", PUBLIC % MASKED)
changed('trusted view replaced, used in a test', "SELECT id FROM customers_public WHERE phone_masked LIKE '%05%' ORDER BY id", PUBLIC % "phone || ''", PUBLIC % MASKED)
changed('trusted view replaced by its bare column', 'SELECT phone_masked FROM customers_public ORDER BY id LIMIT 9', PUBLIC % 'phone::text', PUBLIC % MASKED)
changed('new column', 'SELECT * FROM customers ORDER BY id LIMIT 9', "ALTER TABLE customers ADD mail text GENERATED ALWAYS AS (upper(apple_id)) STORED", 'ALTER TABLE customers DROP mail',
        after='SELECT mail FROM customers ORDER BY id LIMIT 9')
changed('column dropped, another under its name', 'SELECT id, model FROM devices ORDER BY serial COLLATE "C", id',
        "ALTER TABLE devices RENAME model TO model_away; ALTER TABLE devices ADD model text GENERATED ALWAYS AS ('m' || serial) STORED",
        'ALTER TABLE devices DROP model; ALTER TABLE devices RENAME model_away TO model', after='SELECT model FROM devices ORDER BY customer_id')
changed('new view', 'SELECT 1', "CREATE VIEW news AS SELECT upper(full_name) AS n FROM customers; GRANT SELECT ON news TO clerk", 'DROP VIEW news', after='SELECT n FROM news')
changed('new table', 'SELECT 1', "CREATE TABLE news AS SELECT full_name AS n FROM customers; GRANT SELECT ON news TO clerk", 'DROP TABLE news', after='SELECT n FROM news')
changed('new function', 'SELECT 1', "CREATE FUNCTION news() RETURNS SETOF text LANGUAGE sql AS 'SELECT full_name FROM public.customers'", 'DROP FUNCTION news()', after='SELECT news()')
changed('function that shadows by search_path', "SELECT upper(name) FROM products ORDER BY 1 LIMIT 3",
        "CREATE FUNCTION public.upper(bigint) RETURNS text LANGUAGE sql STABLE AS 'SELECT full_name FROM public.customers WHERE id = $1'", 'DROP FUNCTION public.upper(bigint)',
        after='SELECT upper(id) FROM orders ORDER BY id LIMIT 3')
changed('cast that runs a function', 'SELECT id FROM orders WHERE id < 4 ORDER BY id',
        "CREATE FUNCTION card_of(bigint) RETURNS card LANGUAGE sql STABLE AS 'SELECT full_name, phone::text FROM public.customers WHERE id = $1'; CREATE CAST (bigint AS card) WITH FUNCTION card_of(bigint)",
        'DROP CAST (bigint AS card); DROP FUNCTION card_of(bigint)', after='SELECT id::card FROM orders WHERE id < 4 ORDER BY id')
changed('operator of the same name', "SELECT id FROM orders WHERE item = 'item 1' ORDER BY id LIMIT 3",
        "CREATE FUNCTION eq(bigint, text) RETURNS bool LANGUAGE sql STABLE AS 'SELECT full_name LIKE $2 FROM public.customers WHERE id = $1'; CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = text, FUNCTION = eq)",
        'DROP OPERATOR = (bigint, text); DROP FUNCTION eq(bigint, text)', after="SELECT id FROM orders WHERE customer_id = 'M%'::text ORDER BY id")
changed('rule on a table that is written', "INSERT INTO tickets (id, customer_id, note) VALUES ((SELECT max(id) + 1 FROM tickets), 7, 'x')",
        'CREATE RULE r AS ON INSERT TO tickets DO ALSO SELECT full_name FROM customers WHERE id = NEW.customer_id', 'DROP RULE r ON tickets')
changed('rule that writes instead', "UPDATE tickets SET note = 'x' WHERE id = 7 RETURNING note",
        "CREATE RULE r AS ON UPDATE TO tickets DO INSTEAD UPDATE tickets SET note = (SELECT full_name FROM customers c WHERE c.id = 7) WHERE id = 8 RETURNING tickets.*",
        'DROP RULE r ON tickets', direct='PostgreSQL refuses a rule that applies itself again')
changed('type of a masked column', 'SELECT id, number FROM calls ORDER BY id LIMIT 9', 'ALTER TABLE calls ALTER number TYPE varchar(40)', 'ALTER TABLE calls ALTER number TYPE text')
changed('partition attached', 'SELECT id, number FROM calls ORDER BY id LIMIT 9',
        "CREATE TABLE calls_2023 PARTITION OF calls FOR VALUES FROM ('2023-01-01') TO ('2024-01-01'); INSERT INTO calls SELECT 0, 1, phone, '2023-05-05' FROM customers WHERE id = 7",
        'DROP TABLE calls_2023')


@attack('4.12', 'view replaced in the middle of a portal', around=True, races=True)
def _(s):
    s.q('BEGIN')
    s.ask(parse('SELECT id, name FROM contact_card ORDER BY id'), bind(portal='p'), execute('p', 3))
    s.ask(execute('p', 3))
    s.q('COMMIT')
    s.admin(ORDER_LIST % 'c.full_name', undo=ORDER_LIST % 'c.province')
    s.q('BEGIN')
    s.ask(parse('SELECT province FROM order_list ORDER BY id'), bind(portal='p'), execute('p', 3), execute('p', 3))
    s.q('COMMIT')


@attack('4.12', 'view replaced to and fro', around=True, races=True)
def _(s):
    s.ask(parse('SELECT province FROM order_list ORDER BY id LIMIT 5', 'p'))
    s.undone.append(ORDER_LIST % 'c.province')
    for _ in range(6):
        s.ask(bind(name='p'), execute())
        s.admin(ORDER_LIST % 'c.full_name')
        s.ask(bind(name='p'), execute())
        s.admin(ORDER_LIST % 'c.province')


@attack('4.12', 'temp table goes, the real one comes back')
def _(s):
    s.q('CREATE TEMP TABLE customers (id bigint, phone varchar(32))')
    s.ask(parse("SELECT phone || '' FROM customers WHERE id = 7", 'p'), bind(name='p'), execute())
    s.q('DROP TABLE pg_temp.customers')
    s.ask(bind(name='p'), execute())


@attack('4.12', 'search_path changed under a prepared statement', around=True, races=True)
def _(s):
    s.admin('CREATE SCHEMA shadow; CREATE VIEW shadow.products AS SELECT phone::text AS name FROM public.customers ORDER BY id; GRANT USAGE ON SCHEMA shadow TO clerk; GRANT SELECT ON shadow.products TO clerk',
            undo='DROP SCHEMA shadow CASCADE')
    s.ask(parse('SELECT name FROM products LIMIT 5', 'p'), bind(name='p'), execute())
    s.q('SET search_path = shadow, public')
    s.ask(bind(name='p'), execute())
    s.q("SELECT set_config('search_path', 'shadow,public', false)")
    s.ask(bind(name='p'), execute())
    s.q('SELECT name FROM products LIMIT 5')
    s.q('SELECT name FROM shadow.products LIMIT 5')


@attack('4.12', 'search_path by alter role of the administrator', around=True, races=True)
def _(s):
    s.admin('CREATE SCHEMA shadow; CREATE VIEW shadow.products AS SELECT phone::text AS name FROM public.customers ORDER BY id; GRANT USAGE ON SCHEMA shadow TO clerk; GRANT SELECT ON shadow.products TO clerk; '
            'ALTER ROLE mira SET search_path = shadow, public', undo='DROP SCHEMA shadow CASCADE; ALTER ROLE mira RESET search_path')
    s.q('SELECT name FROM products LIMIT 5')
