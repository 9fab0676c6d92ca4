import type { Liquid } from "liquidjs"
import { distinct, type Reference } from "./parts.ts"

/** LiquidJS, for the templates that have more than plain references. */

export type Inspection = {
  /** Each field that the template may show, once. */
  readonly references: readonly Reference[]
  /** What is wrong with it, said for people; never its text. */
  readonly problems: readonly string[]
}

/**
 * Tags that read files, and filters that answer differently each time: the same values must give
 * the same bytes.
 */
const without = {
  tags: ["include", "render", "layout", "block"],
  filters: [
    "date",
    "date_to_xmlschema",
    "date_to_rfc822",
    "date_to_string",
    "date_to_long_string",
    "sample",
  ],
} as const

let engine: Liquid | undefined
export function liquid(): Liquid {
  if (engine !== undefined) return engine
  // Not an import: this must be synchronous for the config loader, and must not be paid for by
  // those who need no LiquidJS.
  const { Liquid: Engine } = require("liquidjs") as { readonly Liquid: typeof Liquid }
  engine = new Engine({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    templates: {},
    parseLimit: 100_000,
    renderLimit: 1000,
    memoryLimit: 1_000_000,
  })
  for (const tag of without.tags) delete engine.tags[tag]
  for (const filter of without.filters) delete engine.filters[filter]
  return engine
}

export function inspectLiquid(text: string): Inspection {
  let variables: readonly (readonly unknown[])[]
  try {
    variables = liquid().globalVariableSegmentsSync(text, { partials: false })
  } catch {
    return {
      references: [],
      problems: [
        "the template cannot be read: check its braces, tags and filters; " +
          "tags that read files and filters for dates do not exist here",
      ],
    }
  }
  const named: Reference[] = []
  const problems: string[] = []
  for (const [secret, field, ...rest] of variables) {
    const [inner, ...more] = rest
    if (typeof secret === "string" && typeof field === "string" && rest.length === 0)
      named.push({ secret, field })
    else if (
      typeof secret === "string" &&
      field === "previous" &&
      typeof inner === "string" &&
      more.length === 0
    )
      named.push({ secret, field: `previous.${inner}` })
    else
      problems.push(
        `the template uses ${typeof secret === "string" ? `"${secret}"` : "a variable"} other ` +
          "than as secret.field, like {{ postgres.password }}",
      )
  }
  return { references: distinct(named), problems: [...new Set(problems)] }
}
