import { statSync } from 'node:fs'
import type { DoctorFinding } from '@latchkey/admin-contract'
import { locateDataDirectory, type Surroundings } from '../admin/locate-socket.ts'

/** Oldest Node that runs the server: [major, minor]. */
const oldestNode = [24, 12] as const

/** What can be said without a server: this Node, and the data directory when there is one to look at. */
export function localFindings(dataDirectoryOption: string | undefined, surroundings: Surroundings): DoctorFinding[] {
  const findings = [nodeFinding(process.versions.node)]
  const isNamed = dataDirectoryOption !== undefined || !surroundings.environment['LATCHKEY_ADMIN_SOCKET']
  // With the socket named directly, the data directory is the server's affair.
  if (isNamed) findings.push(dataDirectoryFinding(locateDataDirectory(dataDirectoryOption, surroundings)))
  return findings
}

function nodeFinding(version: string): DoctorFinding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isNewEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  if (isNewEnough) return { check: 'node', status: 'ok', message: `version ${version}` }
  return {
    check: 'node',
    status: 'failed',
    message: `version ${version} is older than ${oldestNode.join('.')}`,
    remedy: 'install a newer Node, or run `npm ci` in the checkout, which brings one',
  }
}

function dataDirectoryFinding(directory: string | undefined): DoctorFinding {
  const check = 'data directory'
  const remedy = 'name it with --data-dir, or let `latchkey dev` make one'
  if (directory === undefined)
    return { check, status: 'failed', message: 'there is no .latchkey here or above', remedy }
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found === undefined) return { check, status: 'failed', message: `${directory} does not exist`, remedy }
  if (!found.isDirectory()) return { check, status: 'failed', message: `${directory} is not a directory`, remedy }
  if (found.uid !== process.geteuid?.()) {
    return {
      check,
      status: 'failed',
      message: `${directory} belongs to user ${found.uid}`,
      remedy: 'run the command as the user that the server runs as',
    }
  }
  const mode = found.mode & 0o777
  if ((mode & 0o077) !== 0) {
    const text = mode.toString(8).padStart(4, '0')
    return {
      check,
      status: 'warning',
      message: `others may enter ${directory} (mode ${text})`,
      remedy: `chmod 700 ${directory}`,
    }
  }
  return { check, status: 'ok', message: directory }
}
