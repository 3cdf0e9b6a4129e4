import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** Mails that `dev` wrote of one kind, oldest first. */
export function mails(dataDirectory: string, kind: string): string[] {
  const directory = path.join(dataDirectory, 'mail')
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .toSorted()
    .filter((file) => file.includes(`-${kind}-`))
    .map((file) => readFileSync(path.join(directory, file), 'utf8'))
}

/** Waits for a mail of this kind that holds `words`, and answers the link in it. */
export async function mailedLink(dataDirectory: string, kind: string, words = ''): Promise<string> {
  for (let i = 0; i < 100; i++) {
    const mail = mails(dataDirectory, kind).findLast((one) => one.includes(words))
    const link = mail === undefined ? undefined : /^http\S+#[\w-]{43}$/m.exec(mail)?.[0]
    if (link !== undefined) return link
    await wait(100)
  }
  throw new Error(`no ${kind} mail came`)
}
