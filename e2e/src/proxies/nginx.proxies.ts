import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import path from 'node:path'
import { testBehind } from './behind-proxy.ts'
import { exampleFile, startProxy, substituted } from './proxy-process.ts'

await testBehind({
  name: 'nginx',
  version: ['-v'],
  headers: { addressHeader: 'x-real-ip', certificateHeader: 'x-ssl-client-cert' },
  start({ directory, ports, values }) {
    const template = exampleFile('nginx', 'latchkey.conf.template')
    writeFileSync(path.join(directory, 'latchkey.conf'), substituted(template, values))
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${path.join(directory, kind)};`,
    )
    // What the machine's own nginx.conf says elsewhere.
    const main = [
      'daemon off;',
      `pid ${path.join(directory, 'nginx.pid')};`,
      `user ${userInfo().username};`,
      'worker_processes 2;',
      'error_log stderr warn;',
      'events { worker_connections 256; }',
      `http { access_log off; ${temporary.join(' ')} include ${path.join(directory, 'latchkey.conf')}; }`,
    ]
    const file = path.join(directory, 'nginx.conf')
    writeFileSync(file, main.join('\n'))
    return startProxy('nginx', ['-c', file, '-e', 'stderr'], {}, [ports.login, ports.api])
  },
})
