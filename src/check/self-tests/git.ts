import { existsSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { present } from "../../base/present.ts"
import { type RunOptions, type RunResult } from "../../base/processes/spawn.ts"
import { type Report, defineCheck } from "./check.ts"
import { realPath } from "./path-stat.ts"

/**
 * A file with values that git may pick up sooner or later does: is each that lies in a work tree
 * ignored, and none tracked?
 */

export type Watched = {
  readonly path: string
  /** "an output of production". */
  readonly what: string
}
export type Git = {
  readonly files: readonly Watched[]
  readonly run: (argv: readonly string[], options: RunOptions) => Promise<RunResult>
  /** HOME and XDG_CONFIG_HOME, where they are set: git's own list of what is ignored everywhere. */
  readonly env: Readonly<Record<string, string>>
}

type Code = "output-tracked" | "output-not-ignored" | "git-not-asked"

export const git = defineCheck<Code, Git>({
  name: "git",
  faults: {
    "output-tracked": {
      severity: "error",
      remedy: "git rm --cached it, commit, and rotate what it shows: it stays in the history",
    },
    "output-not-ignored": { severity: "warning", remedy: "add it to .gitignore" },
    "git-not-asked": { severity: "info", remedy: "see by hand that git ignores it" },
  },
  inspect: async (subject, report) => {
    const trees = new Map<string, Watched[]>()
    for (const file of subject.files) {
      const tree = workTree(dirname(file.path))
      if (tree !== undefined) trees.set(tree, [...(trees.get(tree) ?? []), file])
    }
    await Promise.all([...trees].map(([tree, files]) => ask(tree, files, subject, report)))
    const inside = [...trees.values()].flat().length
    return inside === 0
      ? "no output lies in a git work tree"
      : `${inside} output${inside === 1 ? "" : "s"} in a git work tree, ignored and not tracked`
  },
})

/** The folder around this one that has a `.git` (a file in a linked work tree), links followed. */
function workTree(folder: string): string | undefined {
  const real = realPath(folder)
  if (existsSync(join(real, ".git"))) return real
  return dirname(real) === real ? undefined : workTree(dirname(real))
}

async function ask(
  tree: string,
  files: readonly Watched[],
  subject: Git,
  report: Report<Code>,
): Promise<void> {
  const named = files.map((file) => ({ ...file, name: nameIn(tree, file.path) }))
  const names = named.map(({ name }) => name)
  const [tracked, ignored] = await Promise.all([
    answer(["--literal-pathspecs", "ls-files", "-z", "--full-name", "--", ...names], tree, subject),
    // --no-index: by the rules alone, for what is tracked is told apart. It takes no
    // --literal-pathspecs, but "./" does as much.
    answer(
      ["check-ignore", "-z", "--stdin", "--no-index"],
      tree,
      subject,
      names.map((name) => `./${name}`).join("\0"),
    ),
  ])
  for (const file of named) tell(file, { tree, tracked, ignored }, report)
}

/** As git names it: from the top of the tree, links of its folders followed. */
function nameIn(tree: string, path: string): string {
  return relative(tree, join(realPath(dirname(path)), path.slice(path.lastIndexOf("/") + 1)))
}

type Answers = {
  readonly tree: string
  /** undefined: git did not say. */
  readonly tracked: ReadonlySet<string> | undefined
  readonly ignored: ReadonlySet<string> | undefined
}

function tell(
  { path, what, name }: Watched & { readonly name: string },
  { tree, tracked, ignored }: Answers,
  report: Report<Code>,
): void {
  if (tracked === undefined || ignored === undefined)
    report.found(
      "git-not-asked",
      `${path} (${what}) lies in the git work tree ${tree}, and git could not be asked whether it ignores it`,
    )
  else if (tracked.has(name))
    report.found("output-tracked", `${path} (${what}) is tracked by git`, {
      remedy: `git -C ${tree} rm --cached ${name}, commit, and rotate what it shows: it stays in the history`,
    })
  else if (!ignored.has(`./${name}`))
    report.found(
      "output-not-ignored",
      `${path} (${what}) is not ignored by git: the next git add . takes it`,
      { remedy: `echo '/${name}' >> ${tree}/.gitignore` },
    )
}

/**
 * The names that git prints; undefined where it does not answer. A work tree of another user it
 * refuses, and rightly: its config could make git run programs (so core.fsmonitor is off, too).
 */
async function answer(
  command: readonly string[],
  tree: string,
  { run, env }: Git,
  stdin?: string,
): Promise<ReadonlySet<string> | undefined> {
  const argv = ["git", "-c", "core.fsmonitor=false", ...command]
  const result = await run(argv, {
    timeoutMs: 5000,
    cwd: tree,
    env: { ...env, GIT_OPTIONAL_LOCKS: "0" },
    ...present({ stdin }),
  }).catch(() => undefined)
  // check-ignore ends with 1 where it ignores none of them.
  if (result === undefined || result.code === undefined || result.code > 1) return undefined
  return new Set(result.stdout.split("\0").filter((name) => name !== ""))
}
