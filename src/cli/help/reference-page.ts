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
  const { name, is, summary, shortForms, fields } = entry
  const examples = is === "keys" ? [] : exampleParts(exampleConfig, is, name)
  return [
    { is: "heading", level: 1, text: is === "keys" ? name : `${name} (${is})` },
    { is: "paragraph", text: `${summary[0]?.toUpperCase() ?? ""}${summary.slice(1)}.` },
    ...(name === "config" && is === "keys" ? [heading("Where what stands"), outline] : []),
    ...(examples.length === 0
      ? []
      : [
          heading("Examples"),
          ...examples.map((example) => ({ is: "code", lines: example.split("\n") }) as const),
        ]),
    ...(shortForms.length === 0
      ? []
      : [heading("In short"), { is: "code", lines: shortForms } as const]),
    ...(entry.options.length === 0
      ? []
      : [
          heading(is === "keys" ? "Keys" : "Options"),
          ...entry.options.map((one) => optionTerm(one)),
        ]),
    ...(beside === undefined ? [] : besideBlocks(entry, beside)),
    ...(fields.length === 0
      ? []
      : [
          heading("In templates"),
          {
            is: "paragraph",
            text: `${fields.map((field) => `\`{{ NAME.${field} }}\``).join(", ")}, where NAME is the secret's name.`,
          } as const,
        ]),
  ]
}

function besideBlocks({ is }: ReferenceEntry, beside: ReferenceEntry): readonly Block[] {
  const keys = beside.options.filter(({ name }) => !name.includes("."))
  return [
    heading(`Keys beside them, of every ${is}`),
    {
      is: "paragraph",
      text: `${keys.map(({ name }) => `\`${name}\``).join(", ")}. \`mycelium help ${beside.name}\` says what each takes.`,
    },
  ]
}

const outline: Block = {
  is: "code",
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
  says,
  example,
}: OptionEntry): Block {
  const unset = defaultValue === undefined ? "optional" : `default: ${defaultValue}`
  return {
    is: "term",
    name: `${name}: ${takes} (${isRequired ? "required" : unset})`,
    text: says === "" ? "" : `${says}.`,
    ...(example === undefined ? {} : { example }),
  }
}

function heading(text: string): Block {
  return { is: "heading", level: 2, text }
}
