import type { AuditReport } from '@latchkey/admin-contract'
import type { Command } from 'commander'
import { UnfavourableAnswer } from '../../failure.ts'
import { table } from '../../output/layout.ts'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'

/** `audit verify`: exit code 1 when anything was changed or is missing; warnings alone leave it 0. */
export function verifyVerb(): Command {
  return verb({
    usage: 'verify',
    summary: 'verify that nothing in the audit log was changed, removed or moved',
    examples: ['latchkey audit verify', 'latchkey audit verify --json'],
    notes: 'Ends with 0 when the log is intact (warnings are printed), with 1 when it is not.',
    async run({ admin, print }) {
      const { audit } = await admin()
      const report = await audit.verify({})
      print(report, () => layOut(report))
      if (!report.intact) throw new UnfavourableAnswer()
    },
  })
}

function layOut({ intact, checked, findings, limits }: AuditReport): string {
  const { rows, logs, segments, records } = checked
  const found = findings.length === 0 ? '' : `\n${findingTable(findings)}`
  const unseen =
    limits.length === 0 ? '' : `\nNot covered:\n${limits.map((limit) => `  ${printable(limit)}\n`).join('')}`
  return (
    `The audit log is ${intact ? 'intact' : 'NOT intact'}.\n` +
    `Checked: administrative rows ${rows}, logs ${logs}, segments ${segments}, token records ${records}.\n${found}${unseen}`
  )
}

function findingTable(findings: AuditReport['findings']): string {
  return table(
    findings,
    [
      { title: 'SEVERITY', value: (finding) => finding.severity },
      { title: 'KIND', value: (finding) => finding.kind },
      { title: 'WHERE', value: (finding) => finding.where },
      { title: 'MESSAGE', value: (finding) => finding.message },
    ],
    '',
  )
}
