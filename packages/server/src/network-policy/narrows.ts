import type { EpochMs } from '@latchkey/protocol'
import { endsOf, entriesAt, type CoveredApi, type NetworkCoverage, type NetworkRules } from './network-policy.ts'
import { includesRanges, mergeRanges, rangeOf, type AddressRange } from './ranges.ts'

/**
 * Whether a call that `before` lets pass, now or later, is refused by `after`. Where that would take much to find out (patterns that are written
 * differently and mean the same) it is taken for narrower. What only reports refuses nothing.
 */
export function narrows(before: NetworkRules | undefined, after: NetworkRules | undefined, now: EpochMs): boolean {
  if (after?.mode !== 'enforce') return false
  if (before?.mode !== 'enforce') return true
  return coversMore(before.covers, after.covers) || allowsLess(before, after, now)
}

/** At some moment: now, or when an entry of either has ended. */
function allowsLess(before: NetworkRules, after: NetworkRules, now: EpochMs): boolean {
  const moments = [now, ...[...endsOf(before), ...endsOf(after)].filter((end) => end > now)]
  // Read once: there are as many moments as entries.
  const [had, has] = [rangesOf(before), rangesOf(after)]
  return moments.some((moment) => !includesRanges(has(moment), had(moment)))
}

function rangesOf(rules: NetworkRules): (moment: EpochMs) => AddressRange[] {
  const ranges = new Map(rules.allow.map(({ cidr }) => [cidr, rangeOf(cidr)]))
  return (moment) => mergeRanges(entriesAt(rules, moment).flatMap(({ cidr }) => ranges.get(cidr) ?? []))
}

function coversMore(before: NetworkCoverage | undefined, after: NetworkCoverage | undefined): boolean {
  if (before === undefined) return false
  if (after === undefined || (after.tokenEndpoint && !before.tokenEndpoint)) return true
  return after.apis.some(
    (api) =>
      !isWithin(
        api,
        before.apis.find(({ name }) => name === api.name),
      ),
  )
}

function isWithin(after: CoveredApi, before: CoveredApi | undefined): boolean {
  if (before === undefined) return false
  const { endpoints } = before
  return endpoints === undefined || (after.endpoints?.every((endpoint) => endpoints.includes(endpoint)) ?? false)
}
