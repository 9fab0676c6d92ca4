import { AppError } from "../../base/error.ts"
import type { Command, Entry, Group, Terminal, Values } from "../command.ts"
import { type Candidate, type Names, candidatesFor } from "../completions/candidates.ts"
import { isShell, scripts, shells } from "../completions/scripts.ts"
import { exitCodes } from "../exit-codes.ts"

/** `groups`: all commands. The table of commands loads this one, so it passes itself in. */
export function completionsOf(groups: readonly Group[]): Command {
  const entries = groups.flatMap(({ commands }) => commands)
  return {
    usage: [
      "Prints what bash, zsh or fish needs to complete commands, options, and the names in the config:",
      "  bash  mycelium completions bash > /etc/bash_completion.d/mycelium",
      "  zsh   mycelium completions zsh > FOLDER/_mycelium, in a folder that stands in $fpath",
      "  fish  mycelium completions fish > ~/.config/fish/completions/mycelium.fish",
      "After --, prints what may come next on such a line: the shells ask for it.",
    ].join("\n"),
    options: {},
    passes: true,
    looks: true,
    run: async (terminal, [shell, more], _, after = []) => {
      if (shell === undefined && after.length > 0) {
        const found = await candidatesFor(after, entries, namesFor(terminal, entries, after))
        for (const { word, summary } of found) terminal.stdout(`${word}\t${shortOf(summary)}`)
        return exitCodes.done
      }
      if (shell === undefined || more !== undefined || !isShell(shell))
        throw new AppError("usage", "name one shell", { hint: `one of ${shells.join(", ")}` })
      terminal.stdout(scripts[shell])
      return exitCodes.done
    },
  }
}

const widest = 72

/** One line in a list: the first clause, or what fits of it. */
function shortOf(summary: string): string {
  const [first = ""] = summary.split(/[:;.] |\n/)
  if (first.length <= widest) return first
  return `${first.slice(0, first.lastIndexOf(" ", widest))} …`
}

function namesFor(terminal: Terminal, entries: readonly Entry[], after: readonly string[]): Names {
  const at = after.indexOf("--config")
  const values = at === -1 ? {} : { config: after[at + 1] ?? "" }
  return {
    environments: () => environmentsIn(terminal, values),
    codes: async () => (await import("../explain/texts.ts")).allCodes(),
    topics: async () => topicsWith(entries),
    shells,
  }
}

/** A completion says nothing of a config that cannot be read: the command will. */
async function environmentsIn(
  terminal: Terminal,
  values: Values,
): ReturnType<Names["environments"]> {
  try {
    const { openConfig } = await import("../open-config.ts")
    const { environments } = await openConfig(terminal, values)
    return Object.entries(environments).map(([name, { secrets }]) => ({
      name,
      secrets: Object.keys(secrets),
    }))
  } catch {
    return []
  }
}

async function topicsWith(entries: readonly Entry[]): Promise<readonly Candidate[]> {
  const { topics } = await import("../help/topics.ts")
  return [
    ...topics.map(({ name, summary }) => ({ word: name, summary })),
    ...entries.map(({ name, summary }) => ({ word: name, summary })),
  ]
}
