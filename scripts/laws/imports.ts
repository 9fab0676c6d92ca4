/** The paths that a file imports: static, type-only, re-exported and dynamic. */
export function importsOf(text: string): readonly string[] {
  const statements = [
    ...text.matchAll(/^\s*(?:import|export)\b[^"'`;]*?from\s*"([^"]+)"/gm),
    ...text.matchAll(/^\s*import\s*"([^"]+)"/gm),
    ...text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g),
  ]
  return statements.flatMap((match) => match[1] ?? [])
}
