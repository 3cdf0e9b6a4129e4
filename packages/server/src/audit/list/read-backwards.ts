import type { FileHandle } from 'node:fs/promises'

/** A line and where it begins. */
export interface LineAt {
  readonly start: number
  readonly line: Buffer
}

const chunkBytes = 64 * 1024
/** Longer lines are passed over: no writer of ours makes one. Bounds the memory that somebody else's file can take. */
const maxLineBytes = 16 * 1024 * 1024
const newline = 10

/**
 * Streams whole lines that end before the offset `end`, the last one first. An unfinished line just before `end` is left out.
 * `mayRead` is asked before every chunk; when it answers false, reading ends.
 */
export async function* readLinesBackwards(
  file: FileHandle,
  end: number,
  mayRead: (bytes: number) => boolean,
): AsyncGenerator<LineAt> {
  let held: Buffer = Buffer.alloc(0)
  let heldStart = end
  let isFinished = false
  while (heldStart > 0) {
    const wanted = Math.min(Math.max(chunkBytes, held.length), heldStart)
    if (!mayRead(wanted)) return
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, heldStart - wanted)
    // The file became shorter: what stood here is gone.
    if (bytesRead < wanted) return
    held = Buffer.concat([buffer, held])
    heldStart -= wanted
    if (!isFinished) {
      const last = held.lastIndexOf(newline)
      if (last === -1) {
        if (held.length > maxLineBytes) held = Buffer.alloc(0)
        continue
      }
      held = held.subarray(0, last + 1)
      isFinished = true
    }
    // `held` ends with a newline: what lies between the two last newlines is a line.
    while (held.length > 0) {
      // Not -1, which would mean the last byte.
      const before = held.length === 1 ? -1 : held.lastIndexOf(newline, held.length - 2)
      if (before === -1 && heldStart > 0) break
      yield { start: heldStart + before + 1, line: held.subarray(before + 1, held.length - 1) }
      held = held.subarray(0, before + 1)
    }
    if (held.length > maxLineBytes) {
      held = Buffer.alloc(0)
      isFinished = false
    }
  }
}
