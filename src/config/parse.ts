import type { Plugins, Surroundings } from "./context.ts"
import { judge } from "./judge.ts"
import type { Config } from "./model.ts"
import {
  ConfigProblems,
  type Fault,
  formatPath,
  type Problem,
  shownPath,
  withoutEchoes,
} from "./problems.ts"
import { parseYaml, type Yaml } from "./yaml.ts"

/**
 * The config of a text, or `ConfigProblems`, each with its place. Apart from load.ts, which seldom
 * needs the parser that knows places.
 */
export function parseConfig(
  text: string,
  file: string,
  plugins: Plugins,
  surroundings: Surroundings,
): Config {
  const yaml = parseYaml(text)
  const { config, faults } = yaml.usable
    ? judge(yaml.value, file, plugins, surroundings)
    : { config: undefined, faults: [] }
  const problems = placeProblems(yaml, faults, file)
  if (config === undefined || problems.length > 0)
    throw new ConfigProblems(problems, config !== undefined || !yaml.usable)
  return config
}

function placeProblems(yaml: Yaml, faults: readonly Fault[], file: string): readonly Problem[] {
  const hidden = new Set(yaml.spots.flatMap(({ hides, line }) => (hides ? [line] : [])))
  const syntax = yaml.spots.map((spot) => ({
    file,
    line: spot.line,
    column: spot.column,
    path: formatPath(spot.path ?? []),
    ...wordsOf(spot),
  }))
  const data = withoutEchoes(faults).map((fault) => ({
    file,
    ...yaml.place(fault.path, fault.at),
    path: shownPath(fault),
    ...wordsOf(fault),
  }))
  const all = [...syntax, ...data.filter(({ line }) => !hidden.has(line))]
  // What is inherited is judged once for each heir.
  const distinct = new Map(all.map((problem) => [JSON.stringify(problem), problem]))
  return [...distinct.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

function wordsOf({ message, hint }: { readonly message: string; readonly hint?: string }): {
  readonly message: string
  readonly hint?: string
} {
  return hint === undefined ? { message } : { message, hint }
}
