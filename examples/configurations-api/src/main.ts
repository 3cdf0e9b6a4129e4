import { startConfigurationsApi } from './start-configurations-api.ts'

/** An empty variable means unset. */
function read(name: string, fallback: string): string {
  return process.env[name] || fallback
}

const port = read('LATCHKEY_API_PORT', '8402')
if (!/^\d{1,5}$/.test(port)) {
  console.error(`LATCHKEY_API_PORT is ${JSON.stringify(port)}. Give a port number, 0 for any free one.`)
  process.exit(2)
}

try {
  const api = await startConfigurationsApi({
    host: '127.0.0.1',
    port: Number(port),
    databasePath: read('LATCHKEY_API_DATABASE', 'configurations.sqlite'),
    issuer: read('LATCHKEY_ISSUER', 'http://127.0.0.1:8400'),
    audience: read('LATCHKEY_API_AUDIENCE', `http://127.0.0.1:${port}`),
    // A free port is not known yet: then the audience has to be where callers reach it.
    publicUrl: Number(port) === 0 ? undefined : `http://127.0.0.1:${port}`,
  })
  console.log(`configurations API: ${api.url}/configurations`)
  // A second signal changes nothing: the first is being obeyed.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void api.close())
} catch (error) {
  console.error(`The configurations API cannot start: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
