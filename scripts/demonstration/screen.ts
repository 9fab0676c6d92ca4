/** What the demo prints: a title for each part, commands as they are typed, what they say set in. */
let parts = 0

export function title(text: string): void {
  console.log(`\n── ${++parts} · ${text}`)
}

export function show(text: string): void {
  for (const line of text.trimEnd().split("\n")) console.log(`   ${line}`.trimEnd())
}

/** The text of a `.env` with the values of secrets out of sight: how long they are, no more. */
export function masked(env: string): string {
  return env.replace(
    /^(\w*PASSWORD\w*)=(.*)$/gm,
    (_, name: string, value: string) => `${name}=<${value.length} characters>`,
  )
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
