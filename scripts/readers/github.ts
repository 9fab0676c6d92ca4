import { readFileSync } from "node:fs"
import type { Answers } from "./ask.ts"

/**
 * What a runner of GitHub Actions makes of the file that $GITHUB_ENV names, after its own rules;
 * the runner itself cannot be run here.
 */
export function askGithub(paths: readonly string[]): Answers {
  return new Map(paths.flatMap((path) => [...(entries(readFileSync(path, "latin1")) ?? [])]))
}

function entries(text: string): Answers | undefined {
  const found: Answers = new Map()
  const lines = text.split("\n")
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ""
    if (line === "") continue
    const [sign, block] = [line.indexOf("="), line.indexOf("<<")]
    if (sign >= 0 && (block < 0 || sign < block)) {
      found.set(line.slice(0, sign), line.slice(sign + 1))
      continue
    }
    const [name, delimiter] = [line.slice(0, block), line.slice(block + 2)]
    const end = lines.indexOf(delimiter, at + 1)
    if (block <= 0 || delimiter === "" || end === -1) return undefined
    found.set(name, lines.slice(at + 1, end).join("\n"))
    at = end
  }
  return found
}
