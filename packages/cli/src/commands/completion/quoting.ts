/** In single quotes, for bash, zsh and, but for the backslash, fish. */
export function quotedForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

export function quotedForFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`
}

export function quotedForPowershell(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
