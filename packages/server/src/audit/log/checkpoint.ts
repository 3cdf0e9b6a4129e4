import { sign, verify } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { CheckpointKey } from '../../keys/signing-keys.ts'
import { emptyChain } from '../row-chain.ts'

/** A position in a token log that was on disk at a moment. */
export interface LogPosition {
  readonly segment: number
  /** Number of the last sealed record. */
  readonly n: number
  /** Its seal's MAC. */
  readonly mac: string
}

/** The last row of the administrative chain at a moment. */
export interface RowPosition {
  /** 0 before the first row. */
  readonly sequence: number
  readonly mac: string
}

/** The position of a chain without rows. */
export const noRows: RowPosition = { sequence: 0, mac: emptyChain }

/** What a checkpoint states: how far log and rows had come, and what the registration of the log says, so that neither can be changed unseen. */
export interface CheckpointStatement extends LogPosition {
  readonly log: string
  readonly host: string
  /** The log that was registered before this one; empty for the first. A registration that is gone is missed by its successor. */
  readonly after: string
  /** Segments before this one were deleted by the retention policy. */
  readonly firstSegment: number
  readonly row: RowPosition
  /** How long the process had run, in milliseconds by a clock that nobody can set. Absent in checkpoints of versions that did not say. */
  readonly ranMs?: number | undefined
}

/** A signed statement that a log had come this far. Kept in the database, away from the files that it vouches for. */
export interface Checkpoint extends CheckpointStatement {
  readonly at: EpochMs
  readonly kid: string
  /** Ed25519 (RFC 8032) over the other members, base64url. */
  readonly signature: string
}

export function signCheckpoint(key: CheckpointKey, statement: CheckpointStatement, at: EpochMs): Checkpoint {
  const { log, host, after, firstSegment, segment, n, mac, row, ranMs } = statement
  const unsigned = { log, host, after, firstSegment, segment, n, mac, row, ranMs, at, kid: key.kid }
  return { ...unsigned, signature: sign(null, canonical(unsigned), key.privateKey).toString('base64url') }
}

/**
 * Whether the checkpoint was signed by this installation: by the key that it names, which may be an earlier one. Does not say that it is the latest
 * one that was, nor that it belongs where it was found.
 */
export function isGenuineCheckpoint(key: CheckpointKey, checkpoint: Checkpoint): boolean {
  const publicKey = key.verifiers.get(checkpoint.kid)
  if (publicKey === undefined) return false
  return verify(null, canonical(checkpoint), publicKey, Buffer.from(checkpoint.signature, 'base64url'))
}

function canonical(checkpoint: Omit<Checkpoint, 'signature'>): Buffer {
  const { log, host, after, firstSegment, segment, n, mac, row, ranMs, at, kid } = checkpoint
  const members = [log, host, after, firstSegment, segment, n, mac, row.sequence, row.mac, at, kid]
  return Buffer.from(JSON.stringify(['latchkey audit checkpoint', ...members, ...(ranMs === undefined ? [] : [ranMs])]))
}
