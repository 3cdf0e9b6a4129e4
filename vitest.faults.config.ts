import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['e2e/src/**/*.faults.ts'],
    // Processes are killed and disks filled here: one file at a time, with the time that recovery takes.
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
})
