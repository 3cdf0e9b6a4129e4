import { misuse } from '../../failure.ts'

/** What the operator decided about APIs, by their identifier in the export. */
export interface Choices {
  readonly nameOf: (identifier: string) => string | undefined
  readonly audienceOf: (identifier: string) => string | undefined
  /** Refuses choices about an API that is not in the export: a slip of the pen would go unnoticed. */
  readonly requireAllUsed: () => void
}

/** From `IDENTIFIER=VALUE`, split at the last `=`: an identifier may be a URL with a query. */
export function readChoices(names: readonly string[] = [], audiences: readonly string[] = []): Choices {
  const chosen = { '--map': pairs('--map', names), '--audience': pairs('--audience', audiences) }
  const used = new Set<string>()
  const take = (option: keyof typeof chosen) => (identifier: string) => {
    used.add(`${option} ${identifier}`)
    return chosen[option].get(identifier)
  }
  return {
    nameOf: take('--map'),
    audienceOf: take('--audience'),
    requireAllUsed() {
      for (const [option, map] of Object.entries(chosen)) {
        const idle = [...map.keys()].find((identifier) => !used.has(`${option} ${identifier}`))
        if (idle !== undefined)
          throw misuse(`${option} names ${idle}, which is no API of the export`, 'check how it is written')
      }
    },
  }
}

function pairs(option: string, given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((pair) => {
      const at = pair.lastIndexOf('=')
      if (at < 1 || at === pair.length - 1) throw misuse(`${option} ${pair} is no IDENTIFIER=VALUE`, `see \`--help\``)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
