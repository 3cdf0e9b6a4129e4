#!/usr/bin/env node
// For containers: ends with 0 when the server in here is ready, with 1 when it is not. Plain JavaScript, because it runs every few seconds.
import { get } from 'node:http'

const port = process.env.LATCHKEY_ADMIN_PORT || '8401'
const request = get({ host: '127.0.0.1', port, path: '/readyz', timeout: 2000 }, (response) => {
  response.resume()
  process.exitCode = response.statusCode === 200 ? 0 : 1
})
request.once('timeout', () => request.destroy(new Error('timeout')))
request.once('error', () => {
  process.exitCode = 1
})
