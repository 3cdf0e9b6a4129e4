import type { AdminClient, DoctorFinding } from '@latchkey/admin-contract'
import type { Command } from 'commander'
import { localFindings } from '../doctor/local-findings.ts'
import { Failure, UnfavourableAnswer } from '../failure.ts'
import { printable } from '../output/printable.ts'
import { surroundings, verb } from '../verb.ts'

/** `doctor`: what can be seen from here, then what the server sees; exit code 1 when anything failed. */
export function doctorCommand(): Command {
  return verb({
    usage: 'doctor',
    summary: 'look for what is wrong, or soon will be, and say what to do',
    examples: ['latchkey doctor', 'latchkey doctor --json'],
    notes: 'Ends with 0 when nothing failed (warnings are printed), with 1 otherwise. Works without a running server.',
    async run({ options, admin, print }) {
      // What is here says nothing about a server elsewhere.
      const here = options.server === undefined ? localFindings(options.dataDir, surroundings()) : []
      const findings = [...here, ...(await serverFindings(admin))]
      const ok = findings.every((finding) => finding.status !== 'failed')
      print({ ok, findings }, () => findings.map((finding) => layOut(finding)).join(''))
      if (!ok) throw new UnfavourableAnswer()
    },
  })
}

async function serverFindings(admin: () => Promise<AdminClient>): Promise<DoctorFinding[]> {
  try {
    const { server } = await admin()
    const { issuer, version } = await server.status({})
    const { findings } = await server.doctor({})
    return [{ check: 'server', status: 'ok', message: `${issuer}, version ${version}, answers` }, ...findings]
  } catch (error) {
    if (error instanceof Failure) {
      const message =
        error.error === 'server.not_running' ? `the server is not running: ${error.message}` : error.message
      return [{ check: 'server', status: 'failed', message, remedy: error.hint }]
    }
    const message = error instanceof Error ? error.message : String(error)
    return [{ check: 'server', status: 'failed', message, remedy: 'look at the log of the server' }]
  }
}

function layOut({ check, status, message, remedy }: DoctorFinding): string {
  const first = `${status.padEnd(7)}  ${printable(check)}: ${printable(message)}\n`
  return remedy === undefined ? first : `${first}         ${printable(remedy)}\n`
}
