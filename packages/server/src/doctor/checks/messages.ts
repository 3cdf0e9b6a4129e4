import { fine, warning, type Look } from '../subject.ts'

/** Retries come sooner than this at first, so that what waits for longer meets something that does not mend itself, in milliseconds. */
const waitsTooLongMs = 3_600_000

/** Mail and webhooks to partners and the team. */
export const messages: Look = async ({ database, config, clock }) => {
  const { waiting, waitingSince, givenUp } = await database.noticeCounts()
  const remedy = 'look at the log for the reason, and at the settings of mail server and webhook'
  if (waitingSince !== undefined && clock.now() - waitingSince > waitsTooLongMs) {
    const minutes = Math.floor((clock.now() - waitingSince) / 60_000)
    return warning(`${waiting} message(s) wait to be sent, the oldest for ${minutes} minutes`, remedy)
  }
  if (givenUp > 0) return warning(`${givenUp} message(s) were given up within the last 7 days`, remedy)
  if (config.mode === 'serve' && config.notices.smtp === undefined) {
    return fine('no mail server is set: no requests for access are taken, and delivery links are handed over by hand')
  }
  return fine(waiting === 0 ? 'no message waits to be sent' : `${waiting} message(s) are on their way`)
}
