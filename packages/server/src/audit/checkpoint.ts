import { sign, verify } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { SigningKey } from '../keys/signing-keys.ts'

/** A position in a token log that was on disk at a moment. */
export interface LogPosition {
  readonly segment: number
  /** Number of the last sealed record. */
  readonly n: number
  /** Its seal's MAC. */
  readonly mac: string
}

/** A signed statement that a log had come this far. Kept in the database, away from the files that it vouches for. */
export interface Checkpoint extends LogPosition {
  readonly log: string
  readonly at: EpochMs
  readonly kid: string
  /** Ed25519 (RFC 8032) over the other members, base64url. */
  readonly signature: string
}

export function signCheckpoint(key: SigningKey, log: string, position: LogPosition, at: EpochMs): Checkpoint {
  const { segment, n, mac } = position
  const statement = { log, segment, n, mac, at, kid: key.kid }
  return { ...statement, signature: sign(null, canonical(statement), key.privateKey).toString('base64url') }
}

/** Whether the checkpoint was signed by this key. Does not say that it is the latest one that was. */
export function isGenuineCheckpoint(key: SigningKey, checkpoint: Checkpoint): boolean {
  if (checkpoint.kid !== key.kid) return false
  return verify(null, canonical(checkpoint), key.publicKey, Buffer.from(checkpoint.signature, 'base64url'))
}

function canonical({ log, segment, n, mac, at, kid }: Omit<Checkpoint, 'signature'>): Buffer {
  return Buffer.from(JSON.stringify(['latchkey audit checkpoint', log, segment, n, mac, at, kid]))
}
