import type { GuideFacts } from './facts.ts'
import { Html, markup } from './html.ts'
import { sections } from './sections.ts'
import { style } from './style.ts'

/** The partner's guide as one page: no script, one style sheet, nothing from anywhere else. */
export function guidePage(facts: GuideFacts): string {
  const chapters = sections(facts)
  const title = `Access to the APIs of ${facts.host}`
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="How a program gets a token from ${facts.host} and calls an API with it.">
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<h1>${title}</h1>
<p class="lead">For developers of programs that call these APIs: from the request for access to the first call, and what to do when something is refused.</p>
<nav aria-label="Contents"><ol>${chapters.map(({ id, title: name }) => markup`<li><a href="#${id}">${name}</a></li>`)}</ol></nav>
</header>
<main id="main">
${chapters.map(({ id, title: name, body }) => markup`<section aria-labelledby="${id}"><h2 id="${id}">${name}</h2>${body}</section>\n`)}
</main>
<footer><p>Made by this server from its own settings and catalogue: what stands here is what holds. Issuer: <code>${facts.issuer}</code></p></footer>
</body>
</html>
`
  return page.text
}
