import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['e2e/src/**/*.proxies.ts'],
    hookTimeout: 60_000,
  },
})
