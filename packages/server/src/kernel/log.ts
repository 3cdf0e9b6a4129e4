import { pino, type DestinationStream, type Logger } from 'pino'
import { redact } from './redaction.ts'

export type { Logger } from 'pino'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * A structured log: one JSON object a line, on standard error unless `destination` says otherwise.
 * Every line passes {@link redact} whole, so that a secret inside a nested error cannot leave either.
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const target = destination ?? pino.destination({ fd: 2, sync: true })
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line) {
        target.write(redact(line))
      },
    },
  )
}
