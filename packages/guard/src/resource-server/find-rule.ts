import { coversCall, matchesCall, readPathSegments } from '@latchkey/protocol'
import { pathOf } from '../network/judge-address.ts'
import { fail, pass, type Step } from '../step.ts'
import type { Rule, Rules } from './read-rules.ts'

/**
 * The rule that decides a call: the first whose pattern matches. A call that an earlier rule may mean in the eyes of a back end (which may not care for letter
 * case) and that only a later one surely matches is refused: the later one may ask for less.
 */
export function findRule({ list }: Rules, method: string | undefined, target: string | undefined): Step<Rule> {
  if (method === undefined || target === undefined) return fail('request.ambiguous_path', 'method and path are unknown')
  const segments = readPathSegments(pathOf(target))
  if (segments === undefined) return fail('request.ambiguous_path')
  for (const rule of list) {
    if (matchesCall(rule.pattern, method, segments)) return pass(rule)
    if (coversCall(rule.pattern, method, segments)) return fail('request.ambiguous_path', rule.pattern.text)
  }
  return fail('route.no_rule')
}
