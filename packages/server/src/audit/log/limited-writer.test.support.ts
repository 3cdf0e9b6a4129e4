import { Fault } from '../../kernel/faults.ts'
import { auditHouse, tokenEvent } from '../audit.test.support.ts'

/* Started by token-log.test.ts with a limit on the size of files. Prints what became of each append. */
const house = await auditHouse(process.argv[2])
const audit = await house.open({ maxSegmentBytes: 1_000_000_000, maxSegmentAgeMs: 60_000 })
const outcomes: string[] = []

async function append(name: string, count: number): Promise<void> {
  const events = Array.from({ length: count }, () => tokenEvent(house.clock))
  try {
    await audit.append(events)
    outcomes.push(`${name}: written`)
  } catch (error) {
    outcomes.push(`${name}: ${error instanceof Fault ? error.code : String(error)}`)
  }
}

const large = 40_000
await append('small', 1)
await append('small', 1)
await append('large', large)
outcomes.push(`problem: ${audit.problem() === undefined ? 'none' : 'said'}`)
await append('small', 1)
outcomes.push(`problem: ${audit.problem() === undefined ? 'none' : 'said'}`)
await append('large', large)
house.clock.advance(100_000)
await append('first of a segment, large', large)
await append('first of a segment, small', 1)
await audit.close()
await house.db.destroy()
process.stdout.write(JSON.stringify({ logId: audit.logId, outcomes }))
