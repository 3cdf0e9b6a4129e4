import type { EpochMs } from '@latchkey/protocol'
import type { ChangeContext } from '../audit/change.ts'
import { done, refused } from '../kernel/result.ts'
import type { RequestDesk } from './desk.ts'
import { isOver } from './request-state.ts'

const dayMs = 86_400_000

/**
 * Removes requests that have been over for as long as they are kept, with everything that was written in them: names, addresses, messages. Its time of thirty
 * days runs first, whenever it was decided. The audit log keeps what was done, and clients and links what came of it.
 */
export async function forgetRequests(
  { reads, change, retentionDays }: Pick<RequestDesk, 'reads' | 'change' | 'retentionDays'>,
  context: () => ChangeContext,
): Promise<void> {
  // For ever.
  if (retentionDays === 0) return
  const before = (context().now - retentionDays * dayMs) as EpochMs
  for (const { id } of await reads.over(before)) {
    await change(context(), async (tx) => {
      const request = await tx.requests.find(id)
      // Another server was first.
      if (request === undefined || !isOver(request.state) || request.expiresAt > before) return refused(undefined)
      await tx.requests.remove(id)
      return {
        ...done(undefined),
        event: { name: 'request.forgotten', subject: id, details: { state: request.state } },
      }
    })
  }
}
