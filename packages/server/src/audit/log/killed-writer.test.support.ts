import { auditHouse, tokenEvent } from '../audit.test.support.ts'

/* Started by recovery.test.ts, and killed. Prints the id of every event after it was recorded, as a server answers then. */
const house = await auditHouse(process.argv[2])
const audit = await house.open({ checkpointIntervalMs: 20, maxSegmentBytes: 20_000 })

for (;;) {
  const events = Array.from({ length: 5 }, () => tokenEvent(house.clock))
  await audit.append(events)
  process.stdout.write(`${events.map((event) => event.requestId).join('\n')}\n`)
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}
