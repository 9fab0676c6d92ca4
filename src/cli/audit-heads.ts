import { AppError } from "../base/error.ts"
import type { Heads } from "../record/audit-verify.ts"
import type { Terminal } from "./command.ts"
import { readInput } from "./input.ts"

/** Some years of a journal. */
const largest = 256 * 1024 * 1024

export type KeptHeads = {
  /** By environment, of this project. */
  readonly heads: ReadonlyMap<string, Heads>
  /** Lines of the file that hold no head of this project. */
  readonly others: number
}

/**
 * ENV N HEAD, or PROJECT/ENV N HEAD: a whole line, the end of one (`journalctl -t mycelium-audit`),
 * or a field (`-o export`, `-o json`).
 */
const head =
  /(?:^|[\s="])(?:([a-z0-9][a-z0-9_-]*)\/)?([A-Za-z0-9][A-Za-z0-9_-]*) (\d{1,15}) ([0-9a-f]{64})(?=$|["\s])/

/** Reads heads that were kept elsewhere, in whichever form they come back. */
export async function readHeads(
  { stop }: Pick<Terminal, "stop">,
  file: string,
  project: string,
): Promise<KeptHeads> {
  const text = await readInput({ file, stop, unchanged: "" }, largest)
  const heads = new Map<string, Map<number, Set<string>>>()
  let others = 0
  for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
    const [, of = project, environment = "", n, hash = ""] = head.exec(line) ?? []
    if (n === undefined || of !== project) {
      others++
      continue
    }
    const known = heads.get(environment) ?? new Map<number, Set<string>>()
    heads.set(environment, known.set(Number(n), (known.get(Number(n)) ?? new Set()).add(hash)))
  }
  if (heads.size === 0)
    throw new AppError("usage", `${file} holds no head of ${project}`, {
      hint:
        "a line is ENVIRONMENT NUMBER HEAD, as mycelium audit verify prints them, or as they " +
        "left the machine",
    })
  return { heads, others }
}
