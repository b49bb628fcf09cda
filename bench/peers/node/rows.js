// The jobs of bench/rows by node-postgres, Kysely and Drizzle.

import { drizzle } from 'drizzle-orm/node-postgres'
import { asc, desc, eq } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

const dsn = Object.fromEntries([...process.env.MOONPOOL_PRIMARY.matchAll(/(\w+)=(\S+)/g)].map((m) => [m[1], m[2]]))
const pool = new pg.Pool({ host: dsn.host, port: Number(dsn.port), user: dsn.user, database: dsn.dbname, max: 1 })
const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) })
const table = pgTable('bench_rows', { id: integer('id'), name: text('name'), age: integer('age') })
const sink = pgTable('bench_sink', { id: integer('id'), name: text('name'), age: integer('age') })
const orm = drizzle(pool)
const scan = process.env.BENCH_SCAN
const count = Number(process.env.BENCH_ROWS)

async function job (peer, name, work, times = 1) {
  let least = Infinity
  await work()
  for (let round = 0; round < 5; round++) {
    const begun = process.hrtime.bigint()
    await work()
    least = Math.min(least, Number(process.hrtime.bigint() - begun) / 1e9)
  }
  console.log(`${peer}\t${name}\t${(least / times).toFixed(9)}`)
}

function build (peer, one) {
  return job(peer, 'build', () => { for (let i = 0; i < 5000; i++) one(i) }, 5000)
}

await job('node-postgres', 'scan', async () => {
  let sum = 0
  for (const row of (await pool.query(scan)).rows) sum += row.id + row.name.length + row.age
  if (!(sum > 0)) throw new Error('no rows')
})
await job('node-postgres', 'numbers', async () => {
  let sum = 0
  for (const row of (await pool.query(process.env.BENCH_NUMBERS)).rows) sum += row.id + row.age
  if (!(sum > 0)) throw new Error('no rows')
})
await job('node-postgres', 'tables', async () => {
  if ((await pool.query(scan)).rows.length !== count) throw new Error('rows are missing')
})
await job('node-postgres', 'point', async () => {
  for (let i = 1; i <= 2000; i++) {
    const q = { name: 'by_key', text: 'select id, name, age from bench_rows where id = $1', values: [i] }
    if ((await pool.query(q)).rows[0].id !== i) throw new Error('wrong row')
  }
})
await job('Kysely', 'tables', async () => {
  const rows = await kysely.selectFrom('bench_rows').selectAll().execute()
  if (rows.length !== count) throw new Error('rows are missing')
})
await job('Kysely', 'point, built', async () => {
  for (let i = 1; i <= 2000; i++) {
    await kysely.selectFrom('bench_rows').select(['id', 'name', 'age']).where('id', '=', i).executeTakeFirstOrThrow()
  }
})
const many = Array.from({ length: 1000 }, (_, i) => ({ id: i + 1, name: `name ${i + 1}`, age: (i + 1) % 90 }))
await job('Kysely', 'insert', () => kysely.insertInto('bench_sink').values(many).execute())
await job('node-postgres', 'inserts', async () => {
  const client = await pool.connect()
  await client.query('begin')
  for (const row of many) {
    const text = 'insert into bench_sink (id, name, age) values ($1, $2, $3)'
    await client.query({ name: 'insert', text, values: [row.id, row.name, row.age] })
  }
  await client.query('commit')
  client.release()
})
await job('Drizzle', 'point, built', async () => {
  for (let i = 1; i <= 2000; i++) {
    if ((await orm.select().from(table).where(eq(table.id, i)).limit(1))[0].id !== i) throw new Error('wrong row')
  }
})
await job('Drizzle', 'insert', () => orm.insert(sink).values(many))
await job('Drizzle', 'tables', async () => {
  if ((await orm.select().from(table)).length !== count) throw new Error('rows are missing')
})
await build('Kysely', (i) => kysely.selectFrom('users').select(['id', 'name', 'age']).where('name', '=', 'Ann')
  .orderBy('age', 'desc').orderBy('id').limit(i % 50 + 1).compile())
await build('Drizzle', (i) => orm.select({ id: table.id, name: table.name, age: table.age }).from(table)
  .where(eq(table.name, 'Ann')).orderBy(desc(table.age), asc(table.id)).limit(i % 50 + 1).toSQL())
await pool.end()
