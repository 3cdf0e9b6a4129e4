import { testBehind } from './behind-proxy.ts'
import { exampleFile, startProxy } from './proxy-process.ts'

await testBehind({
  name: 'caddy',
  version: ['version'],
  headers: { addressHeader: 'x-forwarded-for', certificateHeader: 'x-ssl-client-der' },
  start({ directory, ports, values }) {
    const places = { HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory }
    const file = exampleFile('caddy', 'Caddyfile')
    const environment = { ...values, ...places }
    return startProxy('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], environment, [
      ports.login,
      ports.api,
    ])
  },
})
