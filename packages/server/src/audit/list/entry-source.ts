import type { AuditEntry } from './query.ts'

/** Entries of one origin, newest first. */
export interface EntrySource {
  /** The next entry, without taking it; `undefined` at the end, or where the budget ended. */
  peek(): Promise<AuditEntry | undefined>
  take(): void
  /** Whether the budget ended before the next entry was found. */
  isCutShort(): boolean
  close(): Promise<void>
}

/** What one call may read, in bytes; shared by all its sources. */
export interface ReadBudget {
  charge(bytes: number): void
  isOver(): boolean
}

export function readBudget(maxBytes: number): ReadBudget {
  let spent = 0
  return {
    charge: (bytes) => {
      spent += bytes
    },
    isOver: () => spent >= maxBytes,
  }
}

/** One source's share: its first read is always allowed, so that every call gets further, however small the budget. */
export interface BudgetShare {
  /** Whether this may be read; once it answered false, the source is cut short. */
  mayRead(bytes: number): boolean
  isCutShort(): boolean
}

export function budgetShare(budget: ReadBudget): BudgetShare {
  let isFirst = true
  let isCutShort = false
  return {
    mayRead(bytes) {
      if (!isFirst && budget.isOver()) {
        isCutShort = true
        return false
      }
      isFirst = false
      budget.charge(bytes)
      return true
    },
    isCutShort: () => isCutShort,
  }
}
