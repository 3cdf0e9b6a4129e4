import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['e2e/src/**/*.interop.ts'],
    // Compilers run here.
    testTimeout: 300_000,
  },
})
