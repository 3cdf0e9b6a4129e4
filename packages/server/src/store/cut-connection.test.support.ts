import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Where a change loses its database. */
export type Cut =
  /** Before its statement of this number is heard; the first is the one that waits for its turn. */
  | { readonly at: number }
  /** Before its COMMIT is heard, or after that was done and before its answer is. */
  | { readonly at: 'commit' | 'answer' }
  /** It is done and answered, and then nothing is heard any more, on whatever connection, until the cut is lifted. */
  | { readonly at: 'afterwards' }

/** What stands between a server and its PostgreSQL, on the way that every statement takes. */
export interface CuttingProxy {
  /** The URL of a database, by way of it. */
  through(url: string): string
  /** From now on the next change is cut off there; once, except for `afterwards`. */
  cutNextChange(cut: Cut): void
  /** Lets everything pass again; answers whether a change was cut off. */
  lift(): boolean
  close(): Promise<void>
}

/** One that listens on loopback, and knows of PostgreSQL's protocol how a client's messages begin (manual, §55.7). */
export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  let armed: Cut | undefined
  let hasCut = false
  const open = new Set<Socket>()

  const isSilent = () => hasCut && armed?.at === 'afterwards'

  const proxy = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    const hangUp = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      open.add(socket)
      // Each message is written by itself: held back, every statement would take 40 ms.
      socket.setNoDelay(true)
      socket.on('error', hangUp)
      socket.on('close', () => {
        open.delete(socket)
        hangUp()
      })
    }
    if (isSilent()) hangUp()
    let statements = 0
    let isChange = false
    let isCommitting = false

    /** Whether this statement is the one that is not heard. */
    function isCut(sql: string): boolean {
      if (isSilent()) return true
      if (/^(begin|start transaction)/i.test(sql)) {
        statements = 0
        isChange = false
        return false
      }
      statements += 1
      if (statements === 1) isChange = /^update "sequences"/i.test(sql)
      if (!isChange) return false
      isCommitting = sql === 'commit'
      // What follows on this connection belongs to no change.
      isChange = !isCommitting && sql !== 'rollback'
      if (armed === undefined || hasCut) return false
      hasCut = armed.at === statements || (armed.at === 'commit' && isCommitting)
      return hasCut
    }

    const messages = readMessages()
    client.on('data', (chunk: Buffer) => {
      for (const { bytes, sql } of messages(chunk)) {
        if (sql !== undefined && isCut(sql)) {
          hangUp()
          return
        }
        upstream.write(bytes)
      }
    })
    upstream.on('data', (chunk) => {
      const isDone = isCommitting && !hasCut
      isCommitting = false
      if (isDone) hasCut = armed?.at === 'answer' || armed?.at === 'afterwards'
      if (isDone && hasCut && armed?.at === 'answer') hangUp()
      else client.write(chunk)
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const own = (proxy.address() as AddressInfo).port

  return {
    through: (url) => Object.assign(new URL(url), { port: String(own) }).href,
    cutNextChange(cut) {
      armed = cut
      hasCut = false
    },
    lift() {
      const did = hasCut
      armed = undefined
      hasCut = false
      return did
    },
    async close() {
      for (const socket of open) socket.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}

interface Message {
  readonly bytes: Buffer
  /** Of a Query or a Parse. */
  readonly sql: string | undefined
}

/** Cuts what a client sends into its messages. The first has no type. */
function readMessages(): (chunk: Buffer) => Message[] {
  let rest: Buffer = Buffer.alloc(0)
  let typeBytes = 0
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    const found: Message[] = []
    while (rest.length >= typeBytes + 4) {
      const length = typeBytes + rest.readUInt32BE(typeBytes)
      if (rest.length < length) break
      const bytes = rest.subarray(0, length)
      found.push({ bytes, sql: typeBytes === 0 ? undefined : sqlOf(bytes) })
      rest = rest.subarray(length)
      typeBytes = 1
    }
    return found
  }
}

function sqlOf(message: Buffer): string | undefined {
  const type = String.fromCodePoint(message[0] ?? 0)
  const [first = '', second = ''] = message.subarray(5).toString('utf8').split('\0', 2)
  if (type === 'Q') return first
  // A Parse names the prepared statement first.
  return type === 'P' ? second : undefined
}
