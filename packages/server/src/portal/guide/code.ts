import { markup, type Html } from './html.ts'

/** Something to copy; with an id, a sample that the tests run as it stands. */
export function code(text: string, id?: string): Html {
  return id === undefined
    ? markup`<pre tabindex="0"><code>${text}</code></pre>`
    : markup`<pre tabindex="0" data-sample="${id}"><code>${text}</code></pre>`
}
