import { encodings, type Named, type Part, parsePlain, references } from "./parts.ts"

/** A template read backwards: which values stand in a text that was made of it. */

/** By secret, by field. */
export type Shown = Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * The fields that `rendered` shows, if it is a rendering of this template and can be read in one
 * way only. Templates with more than literals and `{{ secret.field }}`, alone or through one of
 * `encodings`, cannot be read backwards.
 */
export function readBackwards(text: string, rendered: string): Shown | undefined {
  const parts = parsePlain(text)
  if (parts === undefined || references(parts).length === 0) return undefined
  const found = readings(parts, rendered)
  const [only, ...others] = found
  return only !== undefined && others.length === 0 ? only : undefined
}

/** Beyond this the search is given up: such a template is ambiguous anyway. */
const mostSteps = 20_000

/** Up to two different ways to read `rendered`; the second one is why it is ambiguous. */
function readings(parts: readonly Part[], rendered: string): readonly Shown[] {
  const found = new Map<string, Shown>()
  let steps = 0
  const walk = (index: number, at: number, shown: Shown): void => {
    if (found.size > 1) return
    const part = parts[index]
    if (part === undefined) {
      if (at === rendered.length) found.set(JSON.stringify(shown), shown)
    } else if (typeof part === "string") {
      if (rendered.startsWith(part, at)) walk(index + 1, at + part.length, shown)
    } else {
      for (const end of ends(parts[index + 1], rendered, at)) {
        if (++steps > mostSteps) return
        const next = show(part, rendered.slice(at, end), shown)
        if (next !== undefined) walk(index + 1, end, next)
      }
    }
  }
  walk(0, 0, {})
  return steps > mostSteps ? [] : [...found.values()]
}

/** Where a value that begins at `at` may end: before each place where the next literal stands. */
function* ends(next: Part | undefined, rendered: string, at: number): Generator<number> {
  if (next === undefined) yield rendered.length
  else if (typeof next !== "string") for (let end = at + 1; end < rendered.length; end++) yield end
  else
    for (
      let end = rendered.indexOf(next, at + 1);
      end !== -1;
      end = rendered.indexOf(next, end + 1)
    )
      yield end
}

function show(part: Named, text: string, shown: Shown): Shown | undefined {
  const value = part.encoding === undefined ? text : encodings[part.encoding].read(text)
  if (value === undefined || value === "") return undefined
  const fields = shown[part.secret] ?? {}
  const before = fields[part.field]
  if (before !== undefined && before !== value) return undefined
  return { ...shown, [part.secret]: { ...fields, [part.field]: value } }
}
