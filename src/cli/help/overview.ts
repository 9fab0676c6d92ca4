import { commonOptions } from "./command.ts"
import { exitMeanings } from "./exit-codes.ts"
import { findCommand, groups } from "./table.ts"

export async function helpText(name: string | undefined): Promise<string> {
  const entry = name === undefined ? undefined : findCommand(name)
  if (entry === undefined) return overview()
  const command = await entry.load()
  const options = Object.entries({ ...command.options, ...commonOptions }).map(
    ([option, { value, says }]) =>
      [`--${option}${value === undefined ? "" : ` ${value}`}`, says] as const,
  )
  const width = Math.max(...options.map(([left]) => left.length))
  return [
    `mycelium ${entry.name} ${entry.args}`.trimEnd(),
    "",
    command.usage,
    "",
    ...options.map(([left, says]) => `  ${left.padEnd(width)}  ${says}`),
  ].join("\n")
}

function overview(): string {
  const lines = [
    "mycelium keeps the credentials of deployments young: it rotates, delivers, restarts, proves and revokes.",
  ]
  for (const group of groups) {
    lines.push("", `${group.title}:`)
    for (const { name, args, summary } of group.commands)
      lines.push(`  ${`${name} ${args}`.padEnd(30)} ${summary}`)
  }
  lines.push(
    "",
    `exit codes: ${Object.entries(exitMeanings)
      .map(([code, says]) => `${code} ${says}`)
      .join(" · ")}`,
  )
  lines.push("mycelium COMMAND --help says more")
  return lines.join("\n")
}
