/** What a verification cannot find, said in every report; SECURITY.md speaks of those that decide how far to trust it. */
export const verificationLimits: readonly string[] = [
  'Whoever holds the master key, or runs code as the server, can write the whole log anew; only a copy kept elsewhere shows that.',
  'A log of a process that has ended is vouched for up to its last checkpoint, normally its end; what a process wrote in the second before it was killed can be cut off or damaged in a way that looks like the crash itself. While the database is away no checkpoints are made, and this time grows.',
  'Whoever can write both the database and the files can put back an older state of both, with the genuine checkpoints of that time; only a copy of a later checkpoint kept elsewhere shows that.',
  'An older state of the database alone, put back, is noticed by the logs that it does not know, and by those that vouch for a later row: each does where a segment begins and where the process ended in order. Rows written after the last of these, before a process was killed, are not missed.',
  'What is in force is not compared with the rows: whoever writes the database directly can give a client a scope, a state or a key without a row, and that is not found.',
  'Administrative rows removed from the end are noticed only if a checkpoint was made after them: normally within a second.',
  'The log of the last process that ended, if its files and its registration are both removed before another process starts, is not missed.',
  'Tails that were set aside after a crash are kept, but nothing vouches for what is in them.',
  'Logs whose files are on other machines are not checked here.',
  'The hourly counters and the list of recent refusals are a convenience, not evidence, and are not checked.',
]
