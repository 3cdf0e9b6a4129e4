import type { AuditEntry } from '@latchkey/admin-contract'
import { Option, type Command } from 'commander'
import { Failure } from '../../failure.ts'
import { momentOption } from '../../option-values.ts'
import { csvLine } from '../../output/csv.ts'
import { moment } from '../../output/layout.ts'
import { printable, printableJson } from '../../output/printable.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly client?: string
  readonly event?: string
  readonly since?: number
  readonly format: string
}

/** Entries that are asked for at a time. */
const pageSize = 1000

/** `audit export`: every entry, page by page, as it comes; the last line says that nothing is missing. */
export function exportVerb(): Command {
  return verb<Options>({
    usage: 'export',
    summary: 'print all audit entries, newest first, one a line',
    examples: [
      'latchkey audit export > audit.jsonl',
      'latchkey audit export --since 2026-11-01 --event client',
      'latchkey audit export --format csv > audit.csv',
    ],
    notes: `Each line is one entry as JSON; the last is {"complete":true,"entries":N}. Without it the export was cut short: take it again. With --format csv the
last row is complete and the number of entries, and details are JSON in a cell. What happens while it runs is not in it. The entries carry no chain: \`latchkey audit verify\` checks the log itself.`,
    options: [
      new Option('--client <CLIENT>', 'entries of this client'),
      new Option('--event <EVENT>', 'an event, such as token.denied, or the part before its dot'),
      momentOption('--since <TIME>', 'entries from this moment on'),
      new Option('--format <FORMAT>', 'lines of JSON, or a table for spreadsheets')
        .choices(['jsonl', 'csv'])
        .default('jsonl'),
    ],
    async run({ options: { client, event, since, format }, admin }) {
      const { audit } = await admin()
      const form = format === 'csv' ? csv : jsonLines
      await write(form.head)
      let entries = 0
      let cursor: string | undefined
      do {
        const page = await audit.list({ query: { client_id: client, event, since, limit: pageSize, cursor } })
        entries += page.items.length
        await write(page.items.map((entry) => form.line(entry)).join(''))
        cursor = page.next_cursor
      } while (cursor !== undefined)
      await write(form.end(entries))
    },
  })
}

interface Form {
  readonly head: string
  line(entry: AuditEntry): string
  /** Says that nothing is missing. */
  end(entries: number): string
}

const jsonLines: Form = {
  head: '',
  line: (entry) => `${printableJson(entry)}\n`,
  end: (entries) => `${printableJson({ complete: true, entries })}\n`,
}

const csv: Form = {
  head: csvLine(['at', 'event', 'request_id', 'actor', 'subject', 'details']),
  line: ({ at, event, request_id: requestId, actor, subject, details }) =>
    csvLine([moment(at) ?? '', event, requestId, printable(actor), printable(subject ?? ''), printableJson(details)]),
  end: (entries) => csvLine(['complete', entries, '', '', '', '']),
}

/** Waits until it is written: a slow reader must not fill the memory. Fails with `output.closed` when nobody reads any more. */
function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve()
      else
        reject(
          new Failure(
            1,
            'output.closed',
            'the output was closed before the export was complete',
            'take the export again',
          ),
        )
    })
  })
}
