/** Resolves at the first signal that asks to stop. Later ones are ignored while the server drains: npm passes every signal on a second time. */
export function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
  })
}
