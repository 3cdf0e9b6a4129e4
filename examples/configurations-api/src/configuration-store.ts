import { randomUUID } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Configuration, ConfigurationInput } from './configuration.ts'
import { sampleConfigurations } from './sample-configurations.ts'

/** Part of all configurations, in the order in which they were made. */
export interface ConfigurationPage {
  readonly items: readonly Configuration[]
  /** Where the next page begins; `undefined` on the last. */
  readonly nextAfter: number | undefined
}

export interface PageRequest {
  readonly product?: string | undefined
  /** The position after which the page begins; 0 for the first. */
  readonly after: number
  readonly limit: number
}

type Row = Record<'id' | 'product' | 'name' | 'options' | 'created_at' | 'updated_at', string> &
  Record<'position' | 'revision', number>

const schema = `
  CREATE TABLE configurations (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    product TEXT NOT NULL,
    name TEXT NOT NULL,
    options TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    UNIQUE (product, name)
  ) STRICT`

/** Configurations in a SQLite file, `:memory:` included. A new file begins with a few samples. */
export class ConfigurationStore {
  readonly #database: DatabaseSync

  constructor(path: string) {
    // For this user alone; SQLite gives the files beside it the same mode.
    if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
    this.#database = new DatabaseSync(path)
    this.#database.exec('PRAGMA journal_mode = WAL')
    this.#database.exec('PRAGMA busy_timeout = 5000')
    this.#createOnce()
  }

  list({ product, after, limit }: PageRequest): ConfigurationPage {
    const rows = this.#database
      .prepare(
        'SELECT * FROM configurations WHERE position > ? AND (? IS NULL OR product = ?) ORDER BY position LIMIT ?',
      )
      .all(after, product ?? null, product ?? null, limit + 1) as Row[]
    const items = rows.slice(0, limit)
    return { items: items.map(toConfiguration), nextAfter: rows.length > limit ? items.at(-1)?.position : undefined }
  }

  find(id: string): Configuration | undefined {
    const row = this.#database.prepare('SELECT * FROM configurations WHERE id = ?').get(id) as Row | undefined
    return row && toConfiguration(row)
  }

  create(input: ConfigurationInput): Configuration | 'name_taken' {
    if (this.#nameIsTaken(input, '')) return 'name_taken'
    const now = new Date().toISOString()
    const row = this.#database
      .prepare(
        `INSERT INTO configurations (id, product, name, options, created_at, updated_at, revision)
         VALUES (?, ?, ?, ?, ?, ?, 1) RETURNING *`,
      )
      .get(randomUUID(), input.product, input.name, JSON.stringify(input.options), now, now) as Row
    return toConfiguration(row)
  }

  replace(id: string, input: ConfigurationInput): Configuration | 'unknown' | 'name_taken' {
    if (this.#nameIsTaken(input, id)) return 'name_taken'
    const row = this.#database
      .prepare(
        `UPDATE configurations SET product = ?, name = ?, options = ?, updated_at = ?, revision = revision + 1
         WHERE id = ? RETURNING *`,
      )
      .get(input.product, input.name, JSON.stringify(input.options), new Date().toISOString(), id) as Row | undefined
    return row === undefined ? 'unknown' : toConfiguration(row)
  }

  remove(id: string): void {
    this.#database.prepare('DELETE FROM configurations WHERE id = ?').run(id)
  }

  close(): void {
    this.#database.close()
  }

  #nameIsTaken({ product, name }: ConfigurationInput, exceptId: string): boolean {
    const sql = 'SELECT 1 FROM configurations WHERE product = ? AND name = ? AND id <> ?'
    return this.#database.prepare(sql).get(product, name, exceptId) !== undefined
  }

  /** Table and samples in one transaction: a table that exists is never filled again, even when all was deleted. */
  #createOnce(): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'configurations'"
      if (this.#database.prepare(table).get() === undefined) {
        this.#database.exec(schema)
        for (const sample of sampleConfigurations) this.create(sample)
      }
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }
}

function toConfiguration({ position: _position, ...row }: Row): Configuration {
  return { ...row, options: JSON.parse(row.options) as Configuration['options'] }
}
