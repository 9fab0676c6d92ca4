import { recipientOf, retiredMark } from "../core/seal.ts"

/** The text of an identity's file, as the age command writes it. */
export async function identityLines(identity: string, now: Date): Promise<string> {
  return (
    `# made by mycelium, ${now.toISOString()}\n` +
    `# public key: ${await recipientOf(identity)}\n` +
    `${identity}\n`
  )
}

/** A new identity, and below it those that it follows: they open, nothing is sealed to them. */
export async function successorLines(
  identity: string,
  { before, now }: { readonly before: readonly string[]; readonly now: Date },
): Promise<string> {
  const retired = before.map(
    (one) =>
      `${retiredMark} by mycelium, ${now.toISOString()}: opens what is not sealed anew ` +
      `yet, nothing is sealed to it\n${one}\n`,
  )
  return `${await identityLines(identity, now)}${retired.join("")}`
}
