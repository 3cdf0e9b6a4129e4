/*
 * Texts of strangers inside our messages. They must not be able to look like ours, to begin a line, or to reach a terminal or a mail reader as
 * anything but letters.
 */

/** What no reader should be handed raw: control and formatting characters, line and paragraph separators, halves of surrogate pairs. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu

/** On one line, cut at `max` UTF-16 units. */
export function oneLine(text: string, max = 120): string {
  const line = text.replace(unprintable, ' ').replace(/ {2,}/g, ' ').trim()
  return cut(line, max)
}

/** Over several lines, each behind a `>`, cut at `max` UTF-16 units. */
export function quoted(text: string, max = 2000): string {
  return cut(text.replace(/\r\n?/g, '\n'), max)
    .split('\n')
    .map((line) => `> ${line.replace(unprintable, ' ').trimEnd()}`)
    .join('\n')
}

/** Never within a surrogate pair. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
