import type { RequestDesk } from '../../access-requests/desk.ts'
import type { AdminServices } from '../services.ts'

/** The desk with this request's own change: it knows what the caller may. */
export function deskOf({ requests, change }: AdminServices): RequestDesk {
  return { ...requests, change }
}
