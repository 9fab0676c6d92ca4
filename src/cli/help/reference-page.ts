import { present } from "../../base/present.ts"
import { exampleParts } from "../../config/example-parts.ts"
import type { OptionEntry, ReferenceEntry } from "../../config/reference.ts"
import type { Block } from "./blocks.ts"

/**
 * What a plug-in or a group of keys takes, as a page. `beside`: the keys that stand beside the
 * plug-in's own, whichever it is; they have a page of their own.
 */
export function referencePage(
  entry: ReferenceEntry,
  exampleConfig: string,
  beside?: ReferenceEntry,
): readonly Block[] {
  const { name, kind, summary, shortForms, fields } = entry
  const examples = kind === "keys" ? [] : exampleParts(exampleConfig, kind, name)
  return [
    { kind: "heading", level: 1, text: kind === "keys" ? name : `${name} (${kind})` },
    { kind: "paragraph", text: `${summary[0]?.toUpperCase() ?? ""}${summary.slice(1)}.` },
    ...(name === "config" && kind === "keys" ? [heading("Where what stands"), outline] : []),
    ...(examples.length === 0
      ? []
      : [
          heading("Examples"),
          ...examples.map((example) => ({ kind: "code", lines: example.split("\n") }) as const),
        ]),
    ...(shortForms.length === 0
      ? []
      : [heading("In short"), { kind: "code", lines: shortForms } as const]),
    ...(entry.options.length === 0
      ? []
      : [
          heading(kind === "keys" ? "Keys" : "Options"),
          ...entry.options.map((one) => optionTerm(one)),
        ]),
    ...(beside === undefined ? [] : besideBlocks(entry, beside)),
    ...(fields.length === 0
      ? []
      : [
          heading("In templates"),
          {
            kind: "paragraph",
            text:
              `${fields.map((field) => `\`{{ NAME.${field} }}\``).join(", ")}, where NAME is ` +
              `the secret's name.${sayPrevious(name)}`,
          } as const,
        ]),
  ]
}

/** Of the drivers that show the version before as well. */
function sayPrevious(driver: string): string {
  const when = previousOf[driver]
  if (when === undefined) return ""
  return (
    ` ${when} it also has the version before: \`{{ NAME.previous.FIELD }}\`; while there is none, ` +
    "that shows the current one."
  )
}
const previousOf: Readonly<Record<string, string>> = {
  postgres: "With `roles`",
  mariadb: "During the grace",
  redis: "During the grace",
}

function besideBlocks({ kind }: ReferenceEntry, beside: ReferenceEntry): readonly Block[] {
  const keys = beside.options.filter(({ name }) => !name.includes("."))
  return [
    heading(`Keys beside them, of every ${kind}`),
    {
      kind: "paragraph",
      text:
        `${keys.map(({ name }) => `\`${name}\``).join(", ")}. ` +
        `\`mycelium help ${beside.name}\` says what each takes.`,
    },
  ]
}

const outline: Block = {
  kind: "code",
  lines: [
    "project: …",
    "audit: …               # mycelium help audit",
    "environments:",
    "  NAME:                # mycelium help environment",
    "    secrets:",
    "      NAME: …          # mycelium help secret, and the driver: mycelium help postgres …",
    "    outputs:",
    "      - …              # mycelium help dotenv, template, json …",
    "    deployments:",
    "      NAME:            # mycelium help deployment, and the restarter: compose, systemd …",
    "        healthy: …     # mycelium help healthy, and the health check: http, tcp …",
  ],
}

/** One option, with its default or that it must be given. */
export function optionTerm({
  name,
  takes,
  isRequired,
  defaultValue,
  message,
  example,
}: OptionEntry): Block {
  const unset = defaultValue === undefined ? "optional" : `default: ${defaultValue}`
  return {
    kind: "term",
    name: `${name}: ${takes} (${isRequired ? "required" : unset})`,
    text: message === "" ? "" : `${message}.`,
    ...present({ example }),
  }
}

function heading(text: string): Block {
  return { kind: "heading", level: 2, text }
}
