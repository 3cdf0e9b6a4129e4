import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '../../kernel/faults.ts'

/** A file beside the pages, read into memory. */
export interface SiteFile {
  /** Below the issuer. */
  readonly path: string
  readonly type: string
  readonly isHashed: boolean
  readonly plain: Buffer
  readonly gzip: Buffer | undefined
  readonly brotli: Buffer | undefined
}

export interface Site {
  readonly claim: string
  readonly request: string
  readonly status: string
  readonly files: readonly SiteFile[]
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
}

/** Reads the pages that `@latchkey/console` holds, for an issuer with this path. Throws Fault `pages.missing` when they were not built. */
export function readSite(basePath: string): Site {
  const folder = path.dirname(fileURLToPath(import.meta.resolve('@latchkey/console/pages/claim.html')))
  try {
    const html = (name: string) =>
      readFileSync(path.join(folder, `${name}.html`), 'utf8').replace(
        '<base href="/" />',
        `<base href="${basePath}/" />`,
      )
    const hashed = readdirSync(path.join(folder, 'pages'))
      .filter((name) => path.extname(name) in types)
      .map((name) => readFile(folder, `pages/${name}`, true))
    return {
      claim: html('claim'),
      request: html('request'),
      status: html('status'),
      files: [...hashed, readFile(folder, 'icon.svg', false)],
    }
  } catch (error) {
    throw new Fault(
      'pages.missing',
      'the pages in the browser are not there: this checkout was not built, or the installation is damaged',
      'run `npm start` or `npm run build` in a checkout, or install again',
      { cause: error },
    )
  }
}

function readFile(folder: string, name: string, isHashed: boolean): SiteFile {
  const file = path.join(folder, name)
  const compressed = (ending: string) => (existsSync(file + ending) ? readFileSync(file + ending) : undefined)
  return {
    path: name,
    type: types[path.extname(name)] ?? 'application/octet-stream',
    isHashed,
    plain: readFileSync(file),
    gzip: compressed('.gz'),
    brotli: compressed('.br'),
  }
}
