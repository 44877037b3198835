// node-postgres' Pool in an application that speaks for many people: `ok NAME` or `not ok NAME: reason`. E2E_AGENTS names the file of who sees what (test_pools.py).
'use strict'
const assert = require('node:assert')
const fs = require('node:fs')
const { Pool } = require('pg')
const Cursor = require('pg-cursor')

const e = process.env
const { agents, hidden, bad, count } = JSON.parse(fs.readFileSync(e.E2E_AGENTS, 'utf8'))
const config = {
  host: 'localhost', port: Number(e.E2E_PORT), database: e.E2E_DB, user: e.E2E_USER, password: e.E2E_PASSWORD,
  ssl: { ca: fs.readFileSync(e.E2E_CA, 'utf8') }, enableChannelBinding: true, connectionTimeoutMillis: 15000
}
const FIND = 'select id, full_name, phone, email, account_id from customers where id = any($1::bigint[]) order by id'
let seed = Number(e.E2E_SEED || 4)
const random = () => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648 }
const one = list => list[Math.floor(random() * list.length)]
const some = agent => [...new Set([1, 2, 3, 4].map(() => agent ? one(agent.ids) : 1 + Math.floor(random() * 300)))].sort((a, b) => a - b)

// doc: node-postgres
async function speakingFor (pool, token, work) {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query(`SET LOCAL gatehouse.token = ${client.escapeLiteral(token)}`)
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}
// end

async function right (client, agent, named = true) {
  const ids = some(agent)
  const got = await client.query({ name: named ? 'find' : undefined, text: FIND, values: [ids], rowMode: 'array' })
  assert.deepStrictEqual(got.rows, ids.map(i => [String(i), ...(agent ? agent.sees[i] : hidden)]))
  const work = await client.query({ name: 'work', text: 'select id, note from worklist order by id', rowMode: 'array' })
  assert.deepStrictEqual(work.rows, agent ? agent.work : [])
}

async function nobody (client) {
  for (const name of ['actor', 'case', 'purpose']) assert.deepStrictEqual((await client.query('show gatehouse.' + name)).rows.map(Object.values), [['']])
}

const kinds = {
  async committed (pool, agent) {
    await speakingFor(pool, agent.token, async c => { await right(c, agent); await right(c, agent, false) })
  },
  async thrown (pool, agent) {
    await assert.rejects(speakingFor(pool, agent.token, async c => {
      await c.query("SET gatehouse.purpose = 'to be forgotten'")
      await right(c, agent)
      throw new Error('thrown')
    }), { message: 'thrown' })
  },
  async failed (pool, agent) {
    await assert.rejects(speakingFor(pool, agent.token, async c => { await right(c, agent); await c.query('select 1 / 0') }), { code: '22012' })
  },
  async refused (pool, agent) {
    await assert.rejects(speakingFor(pool, agent.token, async c => { await right(c, agent); await c.query(`set local gatehouse.token = '${bad}'`) }), { code: '28000' })
  },
  async two (pool, agent) { // one after the other in a transaction, and a block that is rolled back
    const other = one(agents)
    await speakingFor(pool, agent.token, async c => {
      await right(c, agent)
      await c.query('SAVEPOINT s')
      await c.query(`SET LOCAL gatehouse.token = '${other.token}'`)
      await right(c, other)
      await c.query('ROLLBACK TO s')
      await right(c, agent)
      await c.query(`SET LOCAL gatehouse.token = '${other.token}'`)
      await right(c, other)
    })
  },
  async cursor (pool, agent) {
    await speakingFor(pool, agent.token, async c => {
      const ids = some(agent)
      const cursor = c.query(new Cursor(FIND, [ids], { rowMode: 'array' }))
      const seen = []
      for (let rows; (rows = await cursor.read(2)).length;) seen.push(...rows)
      assert.deepStrictEqual(seen, ids.map(i => [String(i), ...agent.sees[i]]))
    })
  },
  async queued (pool, agent) { // sent without waiting for the answers
    const client = await pool.connect()
    try {
      const answers = ['BEGIN', `SET LOCAL gatehouse.token = '${agent.token}'`, 'show gatehouse.actor', 'COMMIT', 'show gatehouse.actor'].map(q => client.query({ text: q, rowMode: 'array' }))
      const got = await Promise.all(answers)
      assert.deepStrictEqual([got[2].rows, got[4].rows], [[[agent.name]], [['']]])
    } finally { client.release() }
  },
  async session (pool, agent) { // for the whole session, taken back before the connection is given away
    const client = await pool.connect()
    try {
      await client.query(`SET gatehouse.token = '${agent.token}'`)
      await right(client, agent)
      await client.query(one(['RESET ALL', 'RESET gatehouse.token']))
    } finally { client.release() }
  },
  async nobody (pool) {
    const client = await pool.connect()
    try { await nobody(client); await right(client, null) } finally { client.release() }
  }
}

async function main () {
  const pool = new Pool({ ...config, max: 4 })
  const done = {}
  await Promise.all([...Array(8)].map(async () => {
    for (let i = 0; i < count; i++) {
      const [name, kind] = one(Object.entries(kinds))
      if (done[name] instanceof Error) return
      try {
        await kind(pool, one(agents))
        done[name] = done[name] || true
      } catch (error) {
        console.error(name, error)
        done[name] = error
      }
    }
  }))
  for (const name of Object.keys(kinds)) console.log(done[name] === true ? 'ok ' + name : 'not ok ' + name + ': ' + String(done[name] && done[name].message).split('\n').slice(0, 4).join(' '))
  await pool.end()
}
main().then(() => process.exit(0))
