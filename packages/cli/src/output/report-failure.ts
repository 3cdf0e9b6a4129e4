import type { ProblemErrorData } from '@latchkey/admin-contract'
import { CommanderError } from 'commander'
import { problemHints } from '../admin/problem-hints.ts'
import { Failure, UnfavourableAnswer } from '../failure.ts'
import { printable, printableJson } from './printable.ts'

/** What was thrown, as a failure; or the exit code when there is nothing to say any more. `usage` names the command that was given. */
export function toFailure(thrown: unknown, usage: string): Failure | 0 | 1 {
  if (thrown instanceof Failure) return thrown
  // oRPC wraps what goes wrong while it reads an answer.
  if (thrown instanceof Error && thrown.cause instanceof Failure) return thrown.cause
  if (thrown instanceof UnfavourableAnswer) return 1
  const help = `see \`${usage} --help\``
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return 0
    if (thrown.code === 'commander.help') return new Failure(2, 'usage', `what shall ${usage} do?`, help)
    return new Failure(2, 'usage', thrown.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' '), help)
  }
  return (
    faultFailure(thrown) ??
    problemFailure(thrown, help) ??
    new Failure(1, 'cli.fault', describe(thrown), 'this should not happen: please report it')
  )
}

/** One line: JSON, or the message and what to do about it. */
export function failureText(failure: Failure, asJson: boolean): string {
  const { error, message, hint } = failure
  if (asJson) return `${printableJson({ error, message, hint })}\n`
  return `latchkey: ${printable(message)} — ${printable(hint)}\n`
}

/**
 * A Fault of the server, which `dev` runs inside this process. Known by its shape: importing the class would load the server for every command.
 */
function faultFailure(thrown: unknown): Failure | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || !('remedy' in thrown)) return undefined
  const { code, message, remedy } = thrown
  if (typeof code !== 'string' || typeof remedy !== 'string') return undefined
  return new Failure(2, code, message, remedy)
}

/** A refusal ends with 1; a request that the server could not accept as one is misuse, which ends with 2. */
function problemFailure(thrown: unknown, help: string): Failure | undefined {
  if (!(thrown instanceof Error) || !('data' in thrown)) return undefined
  const data = thrown.data as Partial<ProblemErrorData> | undefined
  if (data?.reason === undefined) return undefined
  const { reason, errors = [], request_id } = data
  if (reason === 'request.invalid') {
    const faults = errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
    return new Failure(2, reason, faults.join('; ') || thrown.message, help)
  }
  const hint = problemHints[reason]
  const isFault = reason === 'server.fault'
  return new Failure(1, reason, isFault ? `${thrown.message} (request id ${request_id})` : thrown.message, hint)
}

function describe(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).replaceAll(/\s+/g, ' ')
}
