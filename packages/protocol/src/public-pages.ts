/** Where people's pages stand, below the issuer. */
export const pagePaths = { claim: '/claim', accessRequests: '/access-requests', docs: '/docs' } as const

/** A link whose fragment is the key to what it names: `<issuer><page>/<id>#<key>`. The fragment never reaches a server's log or a Referer. */
export interface KeyedLink {
  readonly issuer: string
  readonly id: string
  /** 256 random bits, base64url: 43 characters. A secret. */
  readonly key: string
}

const idForm = /^[a-z0-9]{8,64}$/
const keyForm = /^[A-Za-z0-9_-]{43}$/

/** Writes a link to a page. */
export function formatKeyedLink(page: keyof typeof pagePaths, { issuer, id, key }: KeyedLink): string {
  return `${issuer}${pagePaths[page]}/${id}#${key}`
}

/** Reads one; `undefined` for anything else. Does not check that it leads anywhere. */
export function parseKeyedLink(page: keyof typeof pagePaths, text: string): KeyedLink | undefined {
  const url = URL.parse(text.trim())
  if (
    url === null ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.search !== '' ||
    url.username !== ''
  )
    return undefined
  const at = url.pathname.lastIndexOf(`${pagePaths[page]}/`)
  if (at === -1) return undefined
  const id = url.pathname.slice(at + pagePaths[page].length + 1)
  const key = url.hash.slice(1)
  if (!idForm.test(id) || !keyForm.test(key)) return undefined
  return { issuer: url.origin + url.pathname.slice(0, at), id, key }
}
