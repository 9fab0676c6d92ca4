import { AppError } from "../../../base/error.ts"
import type { Values } from "../../../core/ports.ts"
import { toBinary } from "../dotenv/readers/reader.ts"
import { inspectTemplate, renderTemplate } from "../liquid.ts"

/**
 * What every kind of output has in common: names, each with a template. Values are binary strings,
 * one character a byte.
 */

export type Variable = {
  /** Of a variable, a key or a file; "" where the whole file is one template. */
  readonly name: string
  readonly template: string
  readonly secrets: readonly string[]
}
export type Showing = {
  readonly target: string
  /** Who reads it, for errors: "compose", "JSON". */
  readonly readerName: string
  /** How to make an unclear value clear, for people. */
  readonly toTell: string
  /** In the order of the config. */
  readonly variables: readonly Variable[]
}
/** By variable: what it shall hold. */
export type Rendered = ReadonlyMap<string, string>
/**
 * What a variable holds now, as its reader sees it; undefined where the file alone does not tell.
 */
export type Held = { readonly value: string | undefined }

export function variableOf(name: string, template: string): Variable {
  return {
    name,
    template,
    secrets: [...new Set(inspectTemplate(template).references.map(({ secret }) => secret))],
  }
}

export function showsOf({ variables }: Pick<Showing, "variables">): readonly string[] {
  return [...new Set(variables.flatMap(({ secrets }) => secrets))]
}

export function render(showing: Showing, values: Values): Rendered {
  return new Map(
    showing.variables.map((variable) => [variable.name, renderVariable(showing, variable, values)]),
  )
}

/**
 * The same where a secret has no value yet, which holds up no other: what stands there for it
 * stays, and where nothing stands nothing comes. A text that shows it beside one that has a value
 * cannot be made.
 */
export function renderBeside(
  showing: Showing,
  values: Values,
  present: ReadonlyMap<string, Held>,
): Rendered {
  const shown = showing.variables.flatMap((variable): readonly (readonly [string, string])[] => {
    const { name } = variable
    if (name === "" || !isWithoutValue(variable, values))
      return [[name, renderVariable(showing, variable, values)]]
    const held = present.get(name)
    if (held === undefined) return []
    return [[name, held.value ?? renderVariable(showing, variable, values)]]
  })
  return new Map(shown)
}

/** None of what it shows has a value yet. */
export function isWithoutValue({ secrets }: Variable, values: Values): boolean {
  return secrets.length > 0 && secrets.every((name) => values[name] === undefined)
}

/** Of all that an output shows: one that differs counts before one that is missing. */
export function worstOf(
  states: readonly ("same" | "differs" | "missing")[],
): "same" | "differs" | "missing" {
  if (states.includes("differs")) return "differs"
  return states.includes("missing") ? "missing" : "same"
}

export function renderVariable(showing: Showing, variable: Variable, values: Values): string {
  try {
    return toBinary(renderTemplate(variable.template, values))
  } catch (error) {
    throw error instanceof AppError ? error.within(placeOf(showing, variable.name)) : error
  }
}

/** "/srv/.env: PASSWORD". */
export function placeOf({ target }: Pick<Showing, "target">, name: string): string {
  return name === "" ? target : `${target}: ${name}`
}

export type Templates = readonly {
  readonly path: readonly (string | number)[]
  readonly template: string
}[]

/**
 * For `inspect` of an output: the secrets that its templates name, and what is wrong with them,
 * each at its place in the options.
 */
export function inspectAll(templates: Templates): {
  readonly shows: readonly string[]
  readonly problems: readonly {
    readonly path: readonly (string | number)[]
    readonly message: string
  }[]
} {
  const found = templates.map(({ path, template }) => ({ path, ...inspectTemplate(template) }))
  return {
    shows: [...new Set(found.flatMap(({ references }) => references.map(({ secret }) => secret)))],
    problems: found.flatMap(({ path, problems }) => problems.map((message) => ({ path, message }))),
  }
}
