import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands before another TCP server and passes bytes on, each piece as late as it is told. */
export interface SlowProxy {
  readonly port: number
  /** Milliseconds by which every piece is late, in each direction. */
  delay(ms: number): void
  close(): Promise<void>
}

export async function startSlowProxy(targetPort: number): Promise<SlowProxy> {
  let delayMs = 0
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1')
    join(near, far)
    join(far, near)
  })
  function join(from: Socket, to: Socket): void {
    sockets.add(from)
    // One after the other, so that a delay that became shorter overtakes nothing.
    let last = Promise.resolve()
    const later = (work: () => void) => {
      const due = delayMs
      last = last.then(() => (due === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, due)))).then(work)
    }
    from.on('data', (chunk) => {
      later(() => void to.write(chunk))
    })
    from.on('end', () => {
      later(() => void to.end())
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    delay(ms) {
      delayMs = ms
    },
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
