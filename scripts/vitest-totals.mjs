// A vitest reporter that writes the totals for scripts/test.mjs. A file that fails to load and an error outside any test
// count as one failure each: vitest's own totals of tests would not show them.
import * as fs from 'node:fs'

export default class Totals {
  onTestRunEnd(modules, unhandledErrors) {
    const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      const failedBefore = totals.failed
      for (const test of module.children.allTests()) {
        const state = test.result().state
        // "pending" at the end means that the run was cut off before the test.
        totals[state === 'passed' || state === 'skipped' ? state : 'failed'] += 1
      }
      // The hooks of a suite or the module itself failed, although every test that ran passed.
      if (module.state() === 'failed' && totals.failed === failedBefore) totals.failed += 1
    }
    fs.writeFileSync(process.env.VITEST_TOTALS_FILE, JSON.stringify(totals))
  }
}
