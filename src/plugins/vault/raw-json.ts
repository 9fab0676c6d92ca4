/**
 * The members of a JSON object as they are written: parsing and writing again would spoil the
 * numbers of others (1e400, 12345678901234567890). The text is JSON: JSON.parse has taken it.
 */
export function membersOf(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>()
  let key: string | undefined
  let begins = 0
  let depth = 0
  for (const { 0: token, index } of text.matchAll(
    /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g,
  )) {
    const ends = token === "}" || token === "]"
    if (depth === 1 && (token === "," || (ends && token === "}"))) {
      if (key !== undefined) members.set(key, text.slice(begins, index).trim())
      key = undefined
    } else if (depth === 1 && key === undefined) {
      key = String(JSON.parse(token))
      begins = -1
    } else if (depth === 1 && begins === -1 && token === ":") begins = index + 1
    if (token === "{" || token === "[") depth++
    if (ends) depth--
  }
  return members
}
