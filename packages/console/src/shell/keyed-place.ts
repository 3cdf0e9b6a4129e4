/** What the page's address names: an id in the path, and the key to it in the fragment, which no server is sent. */
export interface KeyedPlace {
  readonly id: string
  readonly key: string
}

/** Undefined when the address was not copied whole. */
export function keyedPlace(): KeyedPlace | undefined {
  const id = globalThis.location.pathname.split('/').findLast((part) => part !== '') ?? ''
  const key = globalThis.location.hash.slice(1)
  return /^[a-z0-9]{8,64}$/.test(id) && /^[\w-]{43}$/.test(key) ? { id, key } : undefined
}
