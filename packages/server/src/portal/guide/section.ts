import type { Html } from './html.ts'

/** One chapter of the guide. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly body: Html
}
