import type { PortalProblem, PortalReason } from '@latchkey/portal-contract'

/** What the page is told when something was not done. */
export interface Problem {
  readonly reason: PortalReason | 'network'
  readonly title: string
  readonly detail: string
  readonly errors: readonly { readonly field: string; readonly message: string }[]
}

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem }

/** POSTs JSON below the page's base. Never throws: what went wrong is a Problem. */
export function post<T>(
  path: string,
  body: unknown,
  options: { readonly outlivesPage?: boolean } = {},
): Promise<Answer<T>> {
  return ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // Browsers take no more than 64 KiB so: for short words alone.
    keepalive: options.outlivesPage === true,
  })
}

export function get<T>(path: string): Promise<Answer<T>> {
  return ask(path, { method: 'GET' })
}

async function ask<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  try {
    const response = await fetch(new URL(path, document.baseURI), {
      ...init,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
    })
    const answered = (await response.json()) as T | PortalProblem
    if (response.ok) return { ok: true, value: answered as T }
    const { reason, title, detail, errors = [] } = answered as PortalProblem
    return { ok: false, problem: { reason: reason as PortalReason, title, detail, errors } }
  } catch {
    return {
      ok: false,
      problem: {
        reason: 'network',
        title: 'The server was not reached.',
        detail: 'Look at your connection and try again. Nothing was changed, as far as this page knows.',
        errors: [],
      },
    }
  }
}
