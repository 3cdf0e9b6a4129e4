import { misuse } from '../../failure.ts'

/** Longest token that is read, in bytes; the server takes less. */
const maxTokenBytes = 65_536

/** The token given as the argument, or the first thing on standard input for `-`: there it stands in no process list and no history. */
export async function readToken(argument: string): Promise<string> {
  if (argument !== '-') return argument
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxTokenBytes)
      throw misuse('what is on standard input is too long for a token', 'pipe one token into the command')
  }
  const token = Buffer.concat(chunks).toString().trim()
  if (token === '') throw misuse('there is no token on standard input', 'pipe one into the command')
  return token
}
