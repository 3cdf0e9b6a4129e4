import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { misuse } from './failure.ts'

/** The text of a file that was named on the command line; `-` is standard input. Fails with `usage` when it cannot be read. */
export async function readInput(file: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw misuse(`${file} cannot be read (${code})`, 'name a file that this user may read')
  }
}
