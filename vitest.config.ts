import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Only this one condition: adding `import` changes how CommonJS packages resolve.
  ssr: { resolve: { conditions: ['latchkey-source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'e2e/src/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two forks: the tests start real servers, and the smallest machine we support has two cores.
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=latchkey-source'],
  },
})
