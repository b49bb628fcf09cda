// Tasks side by side by node-postgres or postgres.js: node tasks.js pg|postgres

const dsn = Object.fromEntries([...process.env.MOONPOOL_PRIMARY.matchAll(/(\w+)=(\S+)/g)].map((m) => [m[1], m[2]]))
const tasks = Number(process.env.BENCH_TASKS)
const each = Number(process.env.BENCH_EACH)
const max = Number(process.env.BENCH_CONNECTIONS)
const point = process.env.BENCH_POINT

async function nodePostgres () {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ host: dsn.host, port: Number(dsn.port), user: dsn.user, database: dsn.dbname, max })
  return {
    name: 'node-postgres',
    ask: async (id) => (await pool.query({ name: 'point', text: point, values: [id] })).rows[0].id,
    end: () => pool.end()
  }
}

async function postgresJs () {
  const { default: postgres } = await import('postgres')
  const path = `${dsn.host}/.s.PGSQL.${dsn.port}`
  const sql = postgres({ path, user: dsn.user, database: dsn.dbname, max })
  return {
    name: 'postgres.js',
    ask: async (id) => (await sql`select id, name, age from bench_point where id = ${id}`)[0].id,
    end: () => sql.end()
  }
}

const peer = await (process.argv[2] === 'pg' ? nodePostgres() : postgresJs())

async function task (start, n) {
  for (let i = 0; i < n; i++) {
    const id = (start * 7919 + i * 31) % 10000 + 1
    if (await peer.ask(id) !== id) throw new Error('wrong row')
  }
}

const all = (n) => Promise.all(Array.from({ length: tasks }, (_, i) => task(i, n)))

await all(20)
const begun = process.hrtime.bigint()
await all(each)
const seconds = Number(process.hrtime.bigint() - begun) / 1e9
console.log(`${(tasks * each / seconds).toFixed(0)} ${peer.name}`)
await peer.end()
