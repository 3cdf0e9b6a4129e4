import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import {
  createLogger,
  developmentConfig,
  startServer,
  systemClock,
  systemRandom,
  type RunningServer,
} from '@latchkey/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, runCliJson, type CliResult } from './testing/run-cli.ts'

/* `cert …` as the platform team uses it. The request is made by openssl; where that is not, all of this is skipped, and counted so. */

const run = promisify(execFile)
const hasOpenssl = await run('openssl', ['version']).then(
  ({ stdout }) => stdout.startsWith('OpenSSL 3'),
  () => false,
)

let home: string
let server: RunningServer
let clientId: string

beforeAll(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'lk-cert-'))
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
  await runCliJson(['api', 'create', 'shop', '--audience', 'urn:shop', '--scope', 'read'], { cwd: home })
  clientId = String(
    (await runCliJson(['client', 'create', 'acme', '--scope', 'shop/read'], { cwd: home }))['client_id'],
  )
})

afterAll(async () => {
  await server.stop()
  rmSync(home, { recursive: true })
})

const cli = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: home })

describe.skipIf(!hasOpenssl)('cert', () => {
  const newRequest = (curve: string, name: string) =>
    run(
      'openssl',
      [
        'req',
        '-new',
        '-newkey',
        'ec',
        '-pkeyopt',
        `ec_paramgen_curve:${curve}`,
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-subj',
        '/CN=me',
        '-out',
        `${name}.csr`,
      ],
      { cwd: home },
    )

  it('issue prints the chain for a file, which OpenSSL takes; what is said of it stands beside', async () => {
    await newRequest('P-256', 'client')
    const issued = await cli('cert', 'issue', clientId, '--csr', 'client.csr')
    expect(issued.code).toBe(0)
    expect(issued.stdout.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(3)
    expect(issued.stderr).toMatch(
      /^note: the subject of the request is ignored\nCertificate [0-9a-f]{32} holds until 20/,
    )
    writeFileSync(path.join(home, 'client.pem'), issued.stdout)
    const root = issued.stdout.slice(issued.stdout.lastIndexOf('-----BEGIN'))
    writeFileSync(path.join(home, 'root.pem'), root)
    const verified = await run(
      'openssl',
      ['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'client.pem', 'client.pem'],
      { cwd: home },
    )
    expect(verified.stdout).toBe('client.pem: OK\n')
    const key = await run('openssl', ['pkey', '-in', 'client.key', '-pubout'], { cwd: home })
    expect((await run('openssl', ['x509', '-in', 'client.pem', '-noout', '-pubkey'], { cwd: home })).stdout).toBe(
      key.stdout,
    )
  })

  it('issue --json, list and revoke', async () => {
    await newRequest('P-256', 'second')
    const issued = await runCliJson(['cert', 'issue', clientId, '--csr', '-', '--expires-in', '3600'], {
      cwd: home,
      input: readFileSync(path.join(home, 'second.csr'), 'utf8'),
    })
    expect(Object.keys(issued).toSorted()).toEqual(['certificate', 'chain', 'ignored', 'not_after', 'serial'])
    const serial = String(issued['serial'])
    const listed = await cli('cert', 'list', '--client', clientId, '--state', 'valid')
    expect(listed.stdout).toContain(serial)
    expect(await cli('cert', 'revoke', serial, '--reason', 'superseded')).toMatchObject({
      code: 0,
      stdout: `Certificate ${serial} is revoked.\n`,
    })
    const revoked = (await runCliJson(['cert', 'list', '--state', 'revoked'], { cwd: home }))['items']
    expect(revoked).toMatchObject([{ serial, revocation_reason: 'superseded' }])
  })

  it('issue without a request makes the key too, and prints it once before the certificate', async () => {
    const issued = await cli('cert', 'issue', clientId)
    expect(issued.code).toBe(0)
    writeFileSync(path.join(home, 'made.pem'), issued.stdout)
    const key = await run('openssl', ['pkey', '-in', 'made.pem', '-pubout'], { cwd: home })
    const certificate = await run('openssl', ['x509', '-in', 'made.pem', '-noout', '-pubkey'], { cwd: home })
    expect(key.stdout).toBe(certificate.stdout)
    expect(issued.stderr).not.toContain('PRIVATE')
  })

  it('issue --pkcs12 writes one file, which OpenSSL opens with the password that is printed and no other', async () => {
    const issued = await cli('cert', 'issue', clientId, '--pkcs12', 'client.p12')
    expect(issued).toMatchObject({ code: 0 })
    const password = /^client\.p12 has its password:\n([A-Za-z0-9]{20})\n$/.exec(issued.stdout)?.[1] ?? ''
    expect(statSync(path.join(home, 'client.p12')).mode & 0o777).toBe(0o600)
    const open = (secret: string) =>
      run('openssl', ['pkcs12', '-in', 'client.p12', '-passin', `pass:${secret}`, '-nodes', '-info'], { cwd: home })
    const opened = await open(password)
    expect(opened.stderr).toMatch(/MAC: sha256.*PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256/s)
    writeFileSync(path.join(home, 'opened.pem'), opened.stdout)
    const blocks = opened.stdout.match(/-----BEGIN [A-Z ]+-----/g)
    expect(blocks).toEqual(['-----BEGIN PRIVATE KEY-----', ...Array<string>(3).fill('-----BEGIN CERTIFICATE-----')])
    const key = await run('openssl', ['pkey', '-in', 'opened.pem', '-pubout'], { cwd: home })
    const certificate = await run('openssl', ['x509', '-in', 'opened.pem', '-noout', '-pubkey'], { cwd: home })
    expect(key.stdout).toBe(certificate.stdout)
    await expect(open('wrong')).rejects.toThrow(/invalid password|mac verify/i)
    // Neither a file that is there nor a request beside it.
    expect(await cli('cert', 'issue', clientId, '--pkcs12', 'client.p12')).toMatchObject({ code: 2, stdout: '' })
    const both = await cli('cert', 'issue', clientId, '--csr', 'client.csr', '--pkcs12', 'x.p12')
    expect(both).toMatchObject({ code: 2, stdout: '' })
  })

  it('renew issues the certificate that follows, for a new key and no other', async () => {
    const serial = String(
      (await runCliJson(['cert', 'issue', clientId, '--csr', 'client.csr'], { cwd: home }))['serial'],
    )
    await newRequest('P-256', 'next')
    const renewed = await cli('cert', 'renew', serial, '--csr', 'next.csr')
    expect(renewed).toMatchObject({ code: 0 })
    expect(renewed.stdout.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(3)
    const same = await cli('cert', 'renew', serial, '--csr', 'client.csr')
    expect(same).toMatchObject({ code: 1, stdout: '' })
    expect(same.stderr).toMatch(/make a new one/)
  })

  it('says what is wrong with a request, and what to do', async () => {
    await newRequest('P-384', 'wrong')
    const refused = await cli('cert', 'issue', clientId, '--csr', 'wrong.csr')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/its key is not P-256.*openssl req -new/s)
    const key = await cli('cert', 'issue', clientId, '--csr', 'wrong.key')
    expect(key.stderr).toMatch(/that is a private key: keep it/)
    expect(key.stderr).not.toContain(readFileSync(path.join(home, 'wrong.key'), 'utf8').split('\n')[1])
    expect(await cli('cert', 'revoke', '0'.repeat(32))).toMatchObject({ code: 1, stdout: '' })
  })

  it('register takes a name under an authority, or the key of a certificate, and unregister ends either', async () => {
    const partner = await cli('client', 'create', 'partner', '--scope', 'shop/read', '--auth', 'mtls', '--json')
    const { client_id: id } = JSON.parse(partner.stdout) as { client_id: string }
    const ca = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key']
    await run('openssl', [...ca, '-subj', '/O=Acme', '-out', 'ca.pem'], { cwd: home })
    const name = ['--subject-dn', 'CN=billing,O=Acme']
    const made = await cli('cert', 'register', id, ...name, '--anchor', 'ca.pem', '--json')
    expect(made.code).toBe(0)
    const registered = JSON.parse(made.stdout) as { id: string }
    expect(registered).toMatchObject({ kind: 'subject_dn', subject: 'CN=billing,O=Acme', state: 'active' })
    expect((await cli('client', 'show', id)).stdout).toMatch(/subject_dn +CN=billing,O=Acme +active/)
    const second = await cli('cert', 'register', id, '--san-dns', 'a.example', '--anchor', 'ca.pem')
    expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/registered as subject_dn CN=billing/)])
    const ended = await cli('cert', 'unregister', registered.id)
    expect([ended.code, ended.stdout]).toEqual([0, `${registered.id} is not registered any more.\n`])
    expect((await cli('cert', 'unregister', 'nosuchcredential')).code).toBe(1)
    for (const wrong of [
      [],
      name,
      ['--anchor', 'ca.pem'],
      [...name, '--san-dns', 'a.example', '--anchor', 'ca.pem'],
      [...name, '--anchor', 'ca.pem', '--certificate', 'ca.pem'],
      [...name, '--anchor', 'nosuchfile.pem'],
    ]) {
      expect((await cli('cert', 'register', id, ...wrong)).code).toBe(2)
    }
  })

  it('ca: another intermediate under the own root, then one that a company certified', async () => {
    const rotated = await cli('ca', 'rotate')
    expect([rotated.code, rotated.stdout]).toEqual([0, expect.stringMatching(/^Authority [0-9a-f]{16} signs/)])
    const shown = await cli('ca', 'show')
    expect(shown.stdout).toMatch(/signing +its root[^]*replaced +its root/)
    const asked = await cli('ca', 'csr')
    expect(asked.stdout).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----[^-]+-----END CERTIFICATE REQUEST-----\n$/)
    writeFileSync(path.join(home, 'ours.csr'), asked.stdout)
    expect((await cli('ca', 'show')).stdout).toMatch(/A request waits/)
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-nodes', '-keyout', 'company.key']
    const root = ['-subj', '/O=Company', '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-out', 'company.pem']
    await run('openssl', ['req', '-x509', ...key, ...root], { cwd: home })
    const extensions = 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n'
    writeFileSync(path.join(home, 'ours.cnf'), `${extensions}subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n`)
    const signing = ['-CA', 'company.pem', '-CAkey', 'company.key', '-days', '365', '-extfile', 'ours.cnf', '-sha384']
    await run('openssl', ['x509', '-req', '-in', 'ours.csr', ...signing, '-out', 'ours.pem'], { cwd: home })
    expect((await cli('ca', 'install')).code).toBe(2)
    expect((await cli('ca', 'import', '--certificate', 'ours.pem')).code).toBe(2)
    const wrong = await cli('ca', 'import', '--certificate', 'ours.pem', '--key', 'company.key')
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/key is another’s/)])
    const installed = await cli('ca', 'install', '--certificate', 'ours.pem')
    expect([installed.code, installed.stdout]).toEqual([0, expect.stringMatching(/signs certificates from now on/)])
    const issued = await cli('cert', 'issue', clientId)
    writeFileSync(path.join(home, 'by-company.pem'), issued.stdout)
    const verify = (...trust: string[]) =>
      run('openssl', ['verify', '-x509_strict', ...trust, 'by-company.pem'], { cwd: home })
    expect((await verify('-partial_chain', '-CAfile', 'ours.pem')).stdout).toBe('by-company.pem: OK\n')
    expect((await verify('-CAfile', 'company.pem', '-untrusted', 'ours.pem')).stdout).toBe('by-company.pem: OK\n')
    const again = await cli('ca', 'rotate')
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/no root of its own.*ca csr/)])
    expect((await cli('doctor')).stdout).toMatch(/client authority[^]*ends in 36\d days/)
  })
})

describe('a client by certificate', () => {
  it('is made with a link, which delivers the certificate; --no-link makes none and says what comes next', async () => {
    const create = (...more: string[]) => cli('client', 'create', 'plant', '--scope', 'shop/read', '--auth', ...more)
    expect((await create('mtls')).stdout).toMatch(/delivery link +http.*\/claim\//)
    expect((await create('mtls', '--no-link')).stdout).toMatch(/latchkey cert issue \w+ --csr FILE/)
    expect((await create('self-signed-mtls', '--no-link')).stdout).toMatch(/latchkey cert register/)
    expect(await create('mtls', '--show-secret')).toMatchObject({ code: 1, stdout: '' })
  })

  it('gets another link, but no name for a secret that it does not take; the list says what was delivered', async () => {
    const made = await runCliJson(['client', 'create', 'x', '--scope', 'shop/read', '--auth', 'mtls'], { cwd: home })
    const id = String(made['client_id'])
    const linked = await runCliJson(['link', 'create', id], { cwd: home })
    expect(linked['delivery_link']).toMatch(/\/claim\//)
    const named = await cli('link', 'create', id, '--secret-name', 'x')
    expect(named).toMatchObject({ code: 1, stdout: '' })
    expect(named.stderr).toMatch(/authenticates by mtls, without a secret/)
    const [, link = '', key = ''] = /claim\/(\w+)#(.+)$/.exec(String(linked['delivery_link'])) ?? []
    const answer = await fetch(`${server.publicUrl}/claim/${link}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key, make_key: true }),
    })
    const { certificate } = (await answer.json()) as { certificate: { serial: string } }
    expect((await cli('link', 'list', '--client', id)).stdout).toContain(certificate.serial)
  })

  it('is approved in no way that nobody knows', async () => {
    const refused = await cli('request', 'approve', 'a'.repeat(24), '--revision', '2', '--auth', 'password')
    expect(refused).toMatchObject({ code: 2, stdout: '' })
  })
})
