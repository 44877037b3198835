// node-postgres through the gate: prints `ok NAME` or `not ok NAME: reason` for each check. The environment says where (lib/env.py).
'use strict'
const assert = require('node:assert')
const fs = require('node:fs')
const path = require('node:path')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
// The packages are installed outside the source tree: NODE_PATH points there.
const { Client, Pool, types } = require('pg')
const Cursor = require('pg-cursor')
const copy = require('pg-copy-streams')

const e = process.env
const config = {
  host: 'localhost', port: Number(e.E2E_PORT), database: e.E2E_DB, user: e.E2E_USER, password: e.E2E_PASSWORD,
  ssl: { ca: fs.readFileSync(e.E2E_CA, 'utf8') }, enableChannelBinding: true, connectionTimeoutMillis: 15000
}
if (e.E2E_PLAIN) Object.assign(config, { ssl: false, enableChannelBinding: false })
const only = (e.E2E_CHECKS || '').split(' ').filter(Boolean) // empty: all
const socket = { ...config, host: e.E2E_SOCKDIR, ssl: false, enableChannelBinding: false }

async function using (more, body) {
  const c = new Client({ ...config, ...more })
  await c.connect()
  try { return await body(c) } finally { await c.end() }
}

const checks = {
  async types () {
    await using({}, async c => {
      const blob = Buffer.from([...Array(256).keys()])
      const when = new Date('2024-02-29T12:34:56.789Z')
      const r = await c.query('select $1::int4 a, $2::int8 b, $3::numeric c, $4::float8 d, $5::text e, $6::bool f, $7::timestamptz g, $8::bytea h, ' +
        '$9::jsonb i, $10::int4[] j, $11::text[] k, $12::text l, $13::date::text m',
      [1, '9007199254740993', '1.50', 0.1, "Zoë 'q' 张伟", true, when, blob, { a: [1, null] }, [1, null, 3], ['a', 'b"c'], null, '2000-01-01'])
      assert.deepStrictEqual({ ...r.rows[0] }, { a: 1, b: '9007199254740993', c: '1.50', d: 0.1, e: "Zoë 'q' 张伟", f: true, g: when, h: blob, i: { a: [1, null] }, j: [1, null, 3], k: ['a', 'b"c'], l: null, m: '2000-01-01' })
      const names = r.fields.map(f => f.name).join('')
      assert.strictEqual(names, 'abcdefghijklm')
    })
  },
  async binary () {
    await using({}, async c => {
      const r = await c.query({ text: "select 258::int4, 'x'::text, null::int4, true", binary: true, rowMode: 'array' })
      assert.deepStrictEqual(r.rows[0], [258, 'x', null, true])
    })
  },
  async unix_socket () {
    await using(socket, async c => assert.strictEqual((await c.query('select current_user u')).rows[0].u, e.E2E_USER))
  },
  async prepared () {
    await using({}, async c => {
      for (let i = 1; i <= 60; i++) {
        const r = await c.query({ name: 'find', text: 'select id, phone from customers where id = $1', values: [i] })
        assert.strictEqual(r.rows[0].phone, '138' + String(i).padStart(8, '0'))
      }
      const none = await c.query({ name: 'find', text: 'select id, phone from customers where id = $1', values: [-1] })
      assert.strictEqual(none.rowCount, 0)
    })
  },
  async cursor () {
    await using({}, async c => {
      const cursor = c.query(new Cursor('select id from customers where id > $1 order by id', [100]))
      const seen = []
      for (;;) {
        const rows = await cursor.read(137)
        if (!rows.length) break
        seen.push(...rows.map(r => Number(r.id)))
      }
      assert.deepStrictEqual(seen, [...Array(1900).keys()].map(i => i + 101))
      const early = c.query(new Cursor('select id from products order by id'))
      assert.strictEqual((await early.read(3)).length, 3)
      await early.close()
      assert.strictEqual((await c.query('select 1 a')).rows[0].a, 1)
    })
  },
  async copy_both_ways () {
    await using({}, async c => {
      const chunks = []
      const out = c.query(copy.to('copy products to stdout with (format csv)'))
      for await (const chunk of out) chunks.push(chunk)
      assert.strictEqual(Buffer.concat(chunks).toString().trim().split('\n').length, 500)
      await c.query('create temp table p (like products)')
      await pipeline(Readable.from(chunks), c.query(copy.from('copy p from stdin with (format csv)')))
      const r = await c.query('select count(*)::int n from (select * from p except select * from products) x')
      assert.strictEqual(r.rows[0].n, 0)
      await assert.rejects(pipeline(Readable.from([Buffer.from('1,a,2\nx,y,z\n')]), c.query(copy.from('copy p from stdin with (format csv)'))), { code: '22P02' })
      assert.strictEqual((await c.query('select count(*)::int n from p')).rows[0].n, 500)
    })
  },
  async cancel () {
    for (const more of [{}, socket]) {
      await using(more, async c => {
        // The driver's own cancel opens a connection without TLS, so the database is asked to, and once more by statement_timeout.
        await using(more, async d => {
          const pid = (await c.query('select pg_backend_pid() p')).rows[0].p
          const asleep = assert.rejects(c.query('select pg_sleep(20)'), { code: '57014' })
          while (!(await d.query("select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'", [pid])).rowCount);
          await d.query('select pg_cancel_backend($1)', [pid])
          await asleep
        })
        await c.query("set statement_timeout = '1s'")
        await assert.rejects(c.query('select pg_sleep(20)'), { code: '57014' })
        assert.strictEqual((await c.query('select 1 a')).rows[0].a, 1)
      })
    }
  },
  async errors () {
    await using({}, async c => {
      const queue = [c.query('select 1 a'), c.query('select $1::int / 0', [1]), c.query('selec'), c.query('select 2 a'), c.query('select * from nowhere where a = $1', [1]), c.query('select 3 a')]
      const done = await Promise.allSettled(queue)
      assert.deepStrictEqual(done.map(d => d.status === 'fulfilled' ? d.value.rows[0].a : d.reason.code), [1, '22012', '42601', 2, '42P01', 3])
      await c.query('begin')
      await assert.rejects(c.query('select 1/0'))
      await assert.rejects(c.query('select 1'), { code: '25P02' })
      await c.query('rollback')
      const many = await c.query('select 1 a; select 2 b; create temp table z (a int)')
      assert.deepStrictEqual(many.map(r => r.command), ['SELECT', 'SELECT', 'CREATE'])
      await assert.rejects(c.query('select 1; select 1/0; select 2'), { code: '22012' })
    })
  },
  async megabyte () {
    await using({}, async c => {
      const text = 'ä'.repeat(1 << 20)
      assert.strictEqual((await c.query('select $1::text t', [text])).rows[0].t, text)
      const blob = Buffer.alloc(1 << 20, 7)
      assert.ok((await c.query('select $1::bytea b', [blob])).rows[0].b.equals(blob))
    })
  },
  async notify () {
    await using({}, async c => using({}, async d => {
      const got = new Promise(resolve => c.once('notification', resolve))
      await c.query('listen node_ring')
      await d.query("notify node_ring, 'hello'")
      const n = await got
      assert.deepStrictEqual([n.channel, n.payload], ['node_ring', 'hello'])
    }))
  },
  async notices_and_parameters () {
    await using({ application_name: 'node-e2e', options: '-c timezone=Asia/Tokyo' }, async c => {
      const notices = []
      const changed = []
      c.on('notice', n => notices.push(n.severity + ' ' + n.message))
      c.connection.on('parameterStatus', p => changed.push(p.parameterName + '=' + p.parameterValue))
      await c.query("do $$ begin raise notice 'n %', 1; raise warning 'w'; end $$")
      assert.deepStrictEqual(notices, ['NOTICE n 1', 'WARNING w'])
      await c.query("set timezone = 'UTC'")
      assert.deepStrictEqual(changed, ['TimeZone=UTC'])
      assert.strictEqual((await c.query('show application_name')).rows[0].application_name, 'node-e2e')
    })
  },
  async wrong_password () {
    for (const more of [{}, socket]) {
      await assert.rejects(using({ ...more, password: 'wrong' }, async () => {}), { code: '28P01' })
    }
  },
  async pool () {
    const pool = new Pool({ ...config, max: 10 })
    const got = await Promise.all([...Array(500).keys()].map(async i => (await pool.query('select $1::int v', [i])).rows[0].v))
    assert.deepStrictEqual(got, [...Array(500).keys()])
    await pool.end()
  },
  async connections () {
    for (let i = 0; i < 200; i += 4) {
      await Promise.all([0, 1, 2, 3].map(j => using(j % 2 ? socket : {}, async c => assert.strictEqual((await c.query('select $1::int v', [i + j])).rows[0].v, i + j))))
    }
  },
  async record () { // test_record.py looks for this in the ledger
    await using({ application_name: 'record-node' }, async c => {
      assert.strictEqual((await c.query('select id, full_name from customers where id = $1', [601])).rowCount, 1)
      assert.strictEqual((await c.query({ name: 'r', text: 'select full_name, phone from customers where id = $1', values: [602] })).rowCount, 1)
      const cursor = c.query(new Cursor('select id from customers where id between 603 and 605 order by id'))
      await cursor.read(2)
      await cursor.read(2)
      await cursor.close()
    })
  }
}

async function main () {
  for (const [name, check] of Object.entries(checks)) {
    if (only.length && !only.includes(name)) continue
    try {
      await check()
      console.log('ok ' + name)
    } catch (error) {
      console.error(error)
      console.log('not ok ' + name + ': ' + String(error.message).split('\n').slice(0, 4).join(' '))
    }
  }
}
main().then(() => process.exit(0))
