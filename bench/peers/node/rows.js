// The builder's and the rows' jobs by node-postgres, Kysely and Drizzle.

import { drizzle } from 'drizzle-orm/node-postgres'
import { asc, desc, eq } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

const dsn = Object.fromEntries([...process.env.MOONPOOL_PRIMARY.matchAll(/(\w+)=(\S+)/g)].map((m) => [m[1], m[2]]))
const pool = new pg.Pool({ host: dsn.host, port: Number(dsn.port), user: dsn.user, database: dsn.dbname, max: 1 })
const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) })
const table = pgTable('bench_rows', { id: integer('id'), name: text('name'), age: integer('age') })
const orm = drizzle(pool)
const scan = process.env.BENCH_SCAN
const count = Number(process.env.BENCH_ROWS)

const print = (peer, name, value, unit) =>
  console.log(`  ${peer.padEnd(16)} ${name.padEnd(44)} ${value.padStart(9)} ${unit}`)

async function best (peer, name, work) {
  let least = Infinity
  for (let round = 0; round < 5; round++) {
    const begun = process.hrtime.bigint()
    await work()
    least = Math.min(least, Number(process.hrtime.bigint() - begun) / 1e6)
  }
  print(peer, name, least.toFixed(2), 'ms')
}

function built (peer, build) {
  const n = 20000
  let least = Infinity
  for (let round = 0; round < 5; round++) {
    const begun = process.hrtime.bigint()
    for (let i = 0; i < n; i++) build(i)
    least = Math.min(least, Number(process.hrtime.bigint() - begun) / 1e9 / n)
  }
  print(peer, 'builder, statements a second', (1 / least).toFixed(0), '/s')
}

await best('node-postgres', 'scan, every column read', async () => {
  let sum = 0
  for (const row of (await pool.query(scan)).rows) sum += row.id + row.name.length + row.age
  if (!(sum > 0)) throw new Error('no rows')
})
await best('node-postgres', '2,000 selects by key, one after the other', async () => {
  for (let i = 1; i <= 2000; i++) {
    const q = { name: 'by_key', text: 'select id, name, age from bench_rows where id = $1', values: [i] }
    if ((await pool.query(q)).rows[0].id !== i) throw new Error('wrong row')
  }
})
await best('Kysely', 'scan into tables', async () => {
  const rows = await kysely.selectFrom('bench_rows').selectAll().execute()
  if (rows.length !== count) throw new Error('rows are missing')
})
await best('Kysely', '2,000 selects by key, one after the other', async () => {
  for (let i = 1; i <= 2000; i++) {
    await kysely.selectFrom('bench_rows').select(['id', 'name', 'age']).where('id', '=', i).executeTakeFirstOrThrow()
  }
})
const many = Array.from({ length: 1000 }, (_, i) => ({ id: i + 1, name: `name ${i + 1}`, age: (i + 1) % 90 }))
await best('Kysely', '1,000 rows inserted by one statement', () => kysely.insertInto('bench_sink').values(many).execute())
await best('Drizzle', 'scan into tables', async () => {
  if ((await orm.select().from(table)).length !== count) throw new Error('rows are missing')
})
built('Kysely', (i) => kysely.selectFrom('users').select(['id', 'name', 'age']).where('name', '=', 'Ann')
  .orderBy('age', 'desc').orderBy('id').limit(i % 50 + 1).compile())
built('Drizzle', (i) => orm.select({ id: table.id, name: table.name, age: table.age }).from(table)
  .where(eq(table.name, 'Ann')).orderBy(desc(table.age), asc(table.id)).limit(i % 50 + 1).toSQL())
await pool.end()
