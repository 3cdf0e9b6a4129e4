import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { Client, Pool, type ClientBase, type PoolClient } from 'pg'
import { Fault, OutcomeUnknown } from '../../kernel/faults.ts'
import { refuseUnstorable } from '../sql/storable.ts'
import { circuit } from './circuit.ts'
import type { ConnectionSettings } from './connection-settings.ts'
import { endsConnection, explain, isUnreachable, NoAnswer, NoConnectionFree } from './faults.ts'

/** How long each thing may take, in milliseconds. */
export interface Patience {
  /** To get a connection: a free one, or a new one. */
  readonly connectMs: number
  /** For the database to do one statement, waits for locks included; it ends a longer one itself. */
  readonly statementMs: number
  /** For any answer to one statement. Longer than `statementMs`, so that silence means that nobody is there. */
  readonly answerMs: number
  /** How long a transaction may lie idle: a frozen process must not keep the others from changing anything. */
  readonly idleTransactionMs: number
}

/** On the way of a request: whoever waits, waits two seconds at most. */
export const requestPatience: Patience = { connectMs: 1500, statementMs: 1500, answerMs: 1900, idleTransactionMs: 5000 }

/** For migrations, which wait for one another and may rewrite tables. */
export const migrationPatience: Patience = {
  connectMs: 5000,
  statementMs: 600_000,
  answerMs: 610_000,
  idleTransactionMs: 0,
}

/** How long closed connections may take to close, in milliseconds. */
const goodbyeMs = 500

/** Connections of one process when nothing else is said; a database takes 100 by default. */
export const defaultConnections = 10

/** A pool whose every failure is a Fault or a mistake of ours, and in which nothing waits for a database that does not answer. */
export function boundedPool(
  settings: ConnectionSettings,
  patience: Patience,
  max: number = defaultConnections,
): PostgresPool {
  const pool = new Pool({
    ...settings.client,
    max,
    connectionTimeoutMillis: patience.connectMs,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1800,
    allowExitOnIdle: true,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
    onConnect: (client) => {
      // One that breaks while it is in use says so by its statement too; unheard, this would end the process.
      client.on('error', () => undefined)
      return prepareSession(client, patience)
    },
  })
  // An idle connection that breaks is replaced when the next one is needed.
  pool.on('error', () => undefined)
  const clients = new Set<PoolClient>()
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client))
  const state = circuit(
    () => probe(settings),
    (error) => explain(error, settings),
  )

  async function connect(): Promise<PostgresPoolClient> {
    const away = state.away()
    if (away !== undefined) throw away
    let client: PoolClient
    try {
      client = await pool.connect()
    } catch (error) {
      throw failure(connectError(error, pool.totalCount >= max))
    }
    return boundedClient(client, patience, failure)
  }

  function failure(error: unknown): Error {
    const explained = explain(error, settings)
    if (isUnreachable(error)) state.open(explained as Fault)
    return explained
  }

  return {
    connect,
    async end() {
      state.close()
      // A server that is frozen says no goodbye.
      const timer = setTimeout(() => clients.forEach(hangUp), goodbyeMs)
      await pool.end()
      clearTimeout(timer)
    },
    options: {},
  }
}

/** Limits that the database keeps even when this process is frozen or gone. Sent as a statement: poolers refuse them among the parameters. */
export async function prepareSession(client: ClientBase, patience: Patience): Promise<void> {
  const { statementMs, idleTransactionMs } = patience
  // A little less for locks: then it is said that others were in the way.
  const settings = client.query(
    `set statement_timeout = ${statementMs}; set lock_timeout = ${statementMs - 200}; set idle_in_transaction_session_timeout = ${idleTransactionMs}`,
  )
  await answered(client, settings, patience.connectMs)
}

/** Opens a connection that belongs to no pool, and may be silent only for as long as requests may. The caller ends it. */
export async function connectAlone(settings: ConnectionSettings): Promise<Client> {
  const client = new Client({ ...settings.client, connectionTimeoutMillis: requestPatience.connectMs })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    hangUp(client)
    throw connectError(error)
  }
}

/** Closes a connection without asking the other side, which may not answer. */
export function hangUp(client: ClientBase): void {
  const { connection } = client as unknown as { readonly connection?: { readonly stream?: { destroy(): void } } }
  connection?.stream?.destroy()
}

async function probe(settings: ConnectionSettings): Promise<void> {
  const client = await connectAlone(settings)
  try {
    await answered(client, client.query('select 1'), requestPatience.answerMs)
  } finally {
    hangUp(client)
  }
}

/** Fails with {@link NoAnswer}, and hangs up, when nothing comes back in time. */
export async function answered<T>(client: ClientBase, answer: Promise<T>, withinMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new NoAnswer('no answer'))
      hangUp(client)
    }, withinMs)
  })
  try {
    return await Promise.race([answer, silence])
  } finally {
    clearTimeout(timer)
    // It may still come, after its lack was reported.
    answer.catch(() => undefined)
  }
}

function boundedClient(client: PoolClient, patience: Patience, failure: (error: unknown) => Error): PostgresPoolClient {
  let isBroken = false
  return {
    // Only cursors are no text, and there are none here.
    query: (async (sql: string, parameters: readonly unknown[]) => {
      // What is gone is rolled back already; saying so again would hide why.
      if (isBroken && sql === 'rollback') return { command: 'ROLLBACK', rowCount: 0, rows: [] }
      try {
        refuseUnstorable(parameters)
        return await answered(client, client.query(sql, [...parameters]), patience.answerMs)
      } catch (error) {
        const breaks = endsConnection(error)
        isBroken ||= breaks
        const explained = failure(error)
        throw breaks && sql === 'commit' && explained instanceof Fault ? outcomeUnknown(explained) : explained
      }
    }) as unknown as PostgresPoolClient['query'],
    release: () => client.release(isBroken),
  }
}

function outcomeUnknown({ code, message, cause }: Fault): Fault {
  return new OutcomeUnknown(
    code,
    `${message}; whether the change was made is not known`,
    'look at it before you try again',
    {
      cause,
    },
  )
}

/** The pool and the driver say by their messages alone that something took too long. */
function connectError(error: unknown, allInUse = false): unknown {
  if (!(error instanceof Error) || !/timeout/i.test(error.message)) return error
  const isFull = allInUse && /exceeded/.test(error.message)
  return isFull ? new NoConnectionFree('no connection became free', { cause: error }) : new NoAnswer(error.message)
}
