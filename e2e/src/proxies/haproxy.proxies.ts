import { testBehind } from './behind-proxy.ts'
import { exampleFile, startProxy } from './proxy-process.ts'

await testBehind({
  name: 'haproxy',
  version: ['-v'],
  headers: { addressHeader: 'x-forwarded-for', certificateHeader: 'client-cert' },
  start: ({ ports, values }) =>
    startProxy('haproxy', ['-db', '-f', exampleFile('haproxy', 'haproxy.cfg')], values, [ports.login, ports.api]),
})
